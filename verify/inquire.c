#include "verify/inquire.h"
#include "base/io.h"
#include "base/text.h"
#include "runtime/session.h"
#include <string.h>
#include <sys/mman.h>

#define FLUSH       (32u << 10) /* bytes of answers that wait to be written */
#define TOKENS_SLOW 400         /* tokens a second on a machine that is slow and busy */
#define TOKENS_TEXT 4           /* bytes a token has at least, where a text is scored */
#define SECONDS_MIN 60u

/* What goes on in the child. */
struct asking {
    const struct inquiry *job;
    struct session *session;
    struct buf out;
    int fd;
};

static void could_not(struct answer *a, enum status st, const struct err *e)
{
    a->failed = true;
    text_fmt(a->why, sizeof a->why, "%s", st == e->status ? err_code(e) : status_slug(st));
}

static enum status score(struct session *s, const char *context, const char *rest, double *nats,
                         uint64_t *tokens, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_text(&text, context);
    buf_text(&text, rest);
    double sum = 0;
    enum status st = buf_status(&text);
    if (st != ST_OK)
        return err_set(e, st, NULL, "no memory for a case");
    st = session_score(s, buf_span(&text), &sum, tokens, e);
    *nats = -sum;
    return st;
}

static enum status ask_choice(struct asking *k, const struct suite_case *c, struct answer *a,
                              struct err *e)
{
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK && i < c->choice_count; i++)
        st = score(k->session, c->text, c->choices[i], &a->nats[i], &a->tokens, e);
    return st;
}

/* JSON knows no NUL on the way back, and a text that was cut within a character is no text. */
static void keep_text(struct answer *a, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == 0)
            a->utf8 = false;
        buf_byte(&a->text, text.p[i] == 0 ? '?' : text.p[i]);
    }
}

/* What an SLM1 vocabulary spells has to be UTF-8: the ids are told nevertheless, and the text is
 * made of what the steps had said until then. */
struct listener {
    struct buf *text;
};

static bool listen(void *ctx, uint32_t id, struct span text)
{
    struct listener *l = ctx;
    (void)id;
    buf_append(l->text, text);
    return l->text->n < ANSWER_TEXT_MAX;
}

static enum status ask_greedy(struct asking *k, const struct suite_case *c, struct answer *a,
                              struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct listener l = {.text = &text};
    const struct token_sink sink = {.token = listen, .ctx = &l};
    struct generation g = {0};
    session_reset(k->session);
    enum status st = session_generate(k->session, span_text(c->text), c->tokens, &sink, &g, e);
    a->utf8 = st != ST_INVALID_UTF8;
    if (st == ST_OK || st == ST_INVALID_UTF8 || (st == ST_CANCELLED && text.n >= ANSWER_TEXT_MAX)) {
        keep_text(a, st == ST_OK ? g.text : buf_span(&text));
        st = buf_status(&a->text);
    }
    return st;
}

static void ask_case(struct asking *k, enum suite_kind kind, const struct suite_case *c,
                     struct answer *a)
{
    struct err e = ERR_NONE;
    enum status st = ST_OK;
    if (kind == SUITE_CHOICE)
        st = ask_choice(k, c, a, &e);
    else if (kind == SUITE_TEXT)
        st = score(k->session, c->text, "", &a->nats[0], &a->tokens, &e);
    else
        st = ask_greedy(k, c, a, &e);
    if (st != ST_OK)
        could_not(a, st, &e);
}

static bool flush(struct asking *k)
{
    struct err e = ERR_NONE;
    bool fine = buf_status(&k->out) == ST_OK && io_write(k->fd, buf_span(&k->out), &e) == ST_OK;
    k->out.n = 0;
    return fine;
}

static bool ask_suite(struct asking *k, const struct suite *s)
{
    bool fine = true;
    answers_write_head(&k->out, s);
    for (size_t i = k->job->part; fine && i < s->count; i += k->job->parts) {
        struct answer a = {0};
        ask_case(k, s->kind, &s->cases[i], &a);
        answers_write(&k->out, &s->cases[i], s->kind, &a);
        buf_release(&a.text);
        if (k->out.n >= FLUSH)
            fine = flush(k);
    }
    return fine && flush(k);
}

int inquire_child(void *ctx, int in, int out)
{
    struct asking k = {.job = ctx, .fd = out};
    struct err e = ERR_NONE;
    struct model *m = NULL;
    size_t bytes = (size_t)k.job->bytes;
    void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return 2;
    if (model_open(SPAN(map, bytes), NULL, false, &m, &e) != ST_OK ||
        session_open(m, &k.session, &e) != ST_OK)
        return 3;
    bool fine = true;
    for (size_t i = 0; fine && i < k.job->suite_count; i++)
        fine = ask_suite(&k, &k.job->suites[i]);
    /* The process ends here; what it holds goes with it. */
    return fine ? 0 : 4;
}

unsigned inquire_seconds(const struct inquiry *job)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < job->suite_count; i++) {
        const struct suite *s = &job->suites[i];
        for (size_t k = 0; k < s->count; k++) {
            const struct suite_case *c = &s->cases[k];
            uint64_t texts = s->kind == SUITE_CHOICE ? c->choice_count : 1;
            tokens += texts * (strlen(c->text) / TOKENS_TEXT + 16) + c->tokens;
        }
    }
    return SECONDS_MIN + (unsigned)(tokens / TOKENS_SLOW);
}
