#include "verify/inquire.h"
#include "base/heap.h"
#include "base/io.h"
#include "base/text.h"
#include "verify/trail.h"
#include <string.h>
#include <sys/mman.h>

#define FLUSH       (2u << 10) /* bytes of answers that wait to be written */
#define BATCH       32u        /* cases that are scored in one go */
#define TOKENS_SLOW 400        /* tokens a second on a machine that is slow and busy */
#define TOKENS_TEXT 4          /* bytes a token has at least, where a text is scored */
#define SECONDS_MIN 60u

/* What goes on in the child. */
struct asking {
    const struct inquiry *job;
    struct session *session;
    struct buf out;
    int fd;
    bool forward; /* was marked; marks come before all lines */
};

static void could_not(struct answer *a, enum status st, const struct err *e)
{
    a->failed = true;
    text_fmt(a->why, sizeof a->why, "%s", st == e->status ? err_code(e) : status_slug(st));
}

static void mark_forward(struct asking *k)
{
    if (!k->forward)
        trail_mark(k->fd, STAGE_FORWARD);
    k->forward = true;
}

static bool flush(struct asking *k)
{
    struct err e = ERR_NONE;
    mark_forward(k); /* behind a line there are no marks */
    bool fine = buf_status(&k->out) == ST_OK && io_write(k->fd, buf_span(&k->out), &e) == ST_OK;
    k->out.n = 0;
    return fine;
}

/* ---- scoring ------------------------------------------------------------------------------ */

/* Cases on their way, scored in one go: what choices of one case begin with alike is run once. */
struct batch {
    struct score_case part[BATCH * SUITE_CHOICES];
    size_t of[BATCH]; /* indices into the suite */
    size_t count;
};

static size_t batch_fill(struct batch *b, const struct inquiry *job, const struct suite *s,
                         size_t from)
{
    size_t parts = 0, i = from;
    for (b->count = 0; i < s->count && b->count < BATCH; i += job->parts) {
        const struct suite_case *c = &s->cases[i];
        b->of[b->count++] = i;
        for (uint32_t k = 0; k < c->choice_count; k++)
            b->part[parts++] =
                (struct score_case){.before = span_text(c->text), .text = span_text(c->choices[k])};
        if (s->kind == SUITE_TEXT)
            b->part[parts++] = (struct score_case){.text = span_text(c->text)};
    }
    return parts;
}

/* One case's answer from its scores; how many there were. */
static size_t batch_read(const struct suite *s, size_t i, const struct score_case *part,
                         struct answer *a)
{
    const struct err none = ERR_NONE;
    const size_t n = s->kind == SUITE_TEXT ? 1 : s->cases[i].choice_count;
    for (size_t k = 0; k < n && !a->failed; k++) {
        if (part[k].status != ST_OK)
            could_not(a, part[k].status, &none);
        a->nats[k] = -part[k].log_likelihood;
        a->tokens = part[k].tokens;
    }
    return n;
}

static bool score_suite(struct asking *k, const struct suite *s)
{
    struct batch *b = heap_zero(1, sizeof *b);
    struct err e = ERR_NONE;
    bool fine = b != NULL;
    mark_forward(k);
    for (size_t i = k->job->part; fine && i < s->count; i += BATCH * (size_t)k->job->parts) {
        const size_t parts = batch_fill(b, k->job, s, i);
        fine = session_score_cases(k->session, b->part, parts, NULL, &e) == ST_OK;
        for (size_t at = 0, n = 0; fine && n < b->count; n++) {
            struct answer a = {0};
            at += batch_read(s, b->of[n], b->part + at, &a);
            answers_write(&k->out, &s->cases[b->of[n]], s->kind, &a);
        }
        fine = fine && (k->out.n < FLUSH || flush(k));
    }
    heap_free(b);
    return fine && flush(k);
}

/* ---- generating --------------------------------------------------------------------------- */

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
    struct asking *asking;
    struct buf *text;
};

/* Before the first batch of a prompt. */
static bool onward(void *ctx)
{
    struct listener *l = ctx;
    mark_forward(l->asking);
    return true;
}

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
    struct listener l = {.asking = k, .text = &text};
    const struct token_sink sink = {.token = listen, .ctx = &l, .onward = onward};
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

static bool ask_suite(struct asking *k, const struct suite *s)
{
    bool fine = true;
    answers_write_head(&k->out, s);
    if (s->kind == SUITE_CHOICE || s->kind == SUITE_TEXT)
        return score_suite(k, s);
    for (size_t i = k->job->part; fine && i < s->count; i += k->job->parts) {
        struct answer a = {0};
        struct err e = ERR_NONE;
        enum status st = ask_greedy(k, &s->cases[i], &a, &e);
        if (st != ST_OK)
            could_not(&a, st, &e);
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
    if (trail_open(out, SPAN(map, bytes), NULL, false, &m, &k.session, &e) != ST_OK)
        return 3;
    trail_mark(out, STAGE_TOKENIZATION);
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
