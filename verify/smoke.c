#include "verify/smoke.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "runtime/budget.h"
#include "runtime/session.h"
#include "verify/gate_checks.h"
#include "verify/trail.h"
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#define IDS_MAX      4096 /* tokens of one generation */
#define CUT_MAX      3    /* bytes by which a character may be cut at the end of a generation */
#define PROMPT       "Once upon a time"
#define LONG_FACTOR  32 /* bytes of text per position: more than any token of it stands for */
#define OVERFLOW_MAX (8u << 20) /* bytes of a text that is too long */

struct smoke {
    const struct smoke_job *job;
    int out;
    bool forward; /* was marked */
    struct span file;
    struct model *model;
    struct session *session;
    struct gate_checks checks;
    struct span prompt;
    uint32_t tokens; /* of a generation that ends at a whole character */
};

/* What one generation came to. */
struct run {
    enum status status;
    enum run_stage at; /* where it failed */
    size_t n;
    uint32_t ids[IDS_MAX];
    uint64_t first_ns; /* from the call to the first token, 0: none */
    uint64_t decode_ns;
};

static struct run reference, other;

struct stopwatch {
    struct smoke *smoke;
    uint64_t start, first;
};

/* Before the first batch of the first prompt. */
static bool note_forward(void *ctx)
{
    struct stopwatch *w = ctx;
    if (!w->smoke->forward)
        trail_mark(w->smoke->out, STAGE_FORWARD);
    w->smoke->forward = true;
    return true;
}

static bool note_first(void *ctx, uint32_t id, struct span text)
{
    struct stopwatch *w = ctx;
    (void)id;
    (void)text;
    if (w->first == 0)
        w->first = clock_ticks() - w->start;
    return true;
}

static void keep(struct run *r, const struct generation *g)
{
    for (size_t i = 0; i < g->token_count && r->n < IDS_MAX; i++)
        r->ids[r->n++] = g->token_ids[i];
    r->decode_ns = g->decode_ns;
}

static void generate(struct smoke *s, uint32_t tokens, struct run *r)
{
    struct err e = ERR_NONE;
    struct generation g = {0};
    struct stopwatch w = {.smoke = s, .start = clock_ticks()};
    const struct token_sink sink = {.token = note_first, .ctx = &w, .onward = note_forward};
    *r = (struct run){0};
    r->status = session_generate(s->session, s->prompt, tokens, &sink, &g, &e);
    r->at = r->status == ST_OK ? STAGE_NONE : stage_of_generation(&e);
    r->first_ns = w.first;
    keep(r, &g);
}

static bool same(const struct run *a, const struct run *b)
{
    return a->status == b->status && a->n == b->n &&
           memcmp(a->ids, b->ids, a->n * sizeof a->ids[0]) == 0;
}

/* Does the model still do what it did? */
static bool ready(struct smoke *s)
{
    generate(s, s->tokens, &other);
    return same(&reference, &other);
}

static void milliseconds(struct gate_checks *c, const char *name, uint64_t ns, const char *what)
{
    char text[48];
    text_fmt(text, sizeof text, "%llu.%03llu", (unsigned long long)(ns / 1000000u),
             (unsigned long long)(ns / 1000u % 1000u));
    checks_measure(c, name, text, "ms", what);
}

/* ---- load --------------------------------------------------------------------------------- */

static void check_held(struct smoke *s, const char *name, uint64_t held, uint64_t formula)
{
    checks_add(&s->checks, name, held == formula,
               "%llu bytes were allocated, the formula says %llu", (unsigned long long)held,
               (unsigned long long)formula);
}

static bool load(struct smoke *s)
{
    struct err e = ERR_NONE;
    struct budget b;
    uint64_t start = clock_ticks();
    enum status st = trail_open(s->out, s->file, NULL, false, &s->model, &s->session, &e);
    uint64_t took = clock_ticks() - start;
    if (st == ST_OK)
        st = budget_of(model_facts(s->model), &b, &e);
    if (st != ST_OK) {
        checks_add(&s->checks, "load", false, "%s: %.160s" TRAIL_AT "%s", err_code(&e), e.detail,
                   stage_name(stage_of_open(&e)));
        return false;
    }
    checks_add(&s->checks, "load", true, "model and session were opened");
    milliseconds(&s->checks, "load time", took, "model and session opened in");
    const struct budget *held = session_held(s->session);
    check_held(s, "allocation scratch", held->scratch, b.scratch);
    check_held(s, "allocation kv", held->kv, b.kv);
    check_held(s, "allocation logits", held->logits, b.logits);
    return true;
}

/* ---- generation --------------------------------------------------------------------------- */

/* A vocabulary of bytes may cut a character at the last token; a little shorter it is whole. */
static void find_reference(struct smoke *s)
{
    uint32_t context = model_facts(s->model)->shape.context;
    s->prompt = span_text(PROMPT);
    if (context < 2 * strlen(PROMPT))
        s->prompt = span_text("a");
    s->tokens = s->job->tokens < IDS_MAX ? s->job->tokens : IDS_MAX;
    for (uint32_t cut = 0; cut <= CUT_MAX && cut < s->tokens; cut++) {
        generate(s, s->tokens - cut, &reference);
        if (reference.status != ST_INVALID_UTF8) {
            s->tokens -= cut;
            return;
        }
    }
    generate(s, s->tokens, &reference);
}

static void check_generation(struct smoke *s)
{
    trail_mark(s->out, STAGE_TOKENIZATION);
    find_reference(s);
    checks_add(&s->checks, "generation", reference.status == ST_OK,
               "%zu tokens greedily after \"%.*s\": %s%s%s", reference.n, (int)s->prompt.n,
               (const char *)s->prompt.p, status_slug(reference.status),
               reference.at != STAGE_NONE ? TRAIL_AT : "",
               reference.at != STAGE_NONE ? stage_name(reference.at) : "");
    if (reference.n == 0) {
        checks_add(&s->checks, "first token", false, "no token was generated");
        return;
    }
    milliseconds(&s->checks, "first token", reference.first_ns, "from the call to the first token");
    if (reference.decode_ns == 0)
        return;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_fixed(&text, (double)reference.n * 1e9 / (double)reference.decode_ns, 3);
    buf_byte(&text, 0);
    if (buf_status(&text) == ST_OK)
        checks_measure(&s->checks, "tokens per second", (const char *)text.p, "tokens/s",
                       "generated");
}

static void check_repeats(struct smoke *s)
{
    uint32_t equal = 1;
    while (equal < s->job->repeats && ready(s))
        equal++;
    checks_add(&s->checks, "greedy repeats", equal == s->job->repeats,
               "%u of %u greedy generations are the same", equal, s->job->repeats);
    session_reset(s->session);
    checks_add(&s->checks, "after reset", ready(s),
               "a generation after a reset: %zu tokens, the first one %zu", other.n, reference.n);
}

/* In two parts: first `half` tokens, then the rest. */
static void generate_parts(struct smoke *s, uint32_t half, struct run *r)
{
    struct err e = ERR_NONE;
    struct generation g = {0};
    generate(s, half, r);
    if (r->status != ST_OK)
        return;
    r->status = session_continue(s->session, s->tokens - half, NULL, &g, &e);
    keep(r, &g);
}

static void check_continuation(struct smoke *s)
{
    uint32_t half = s->tokens / 2 > 0 ? s->tokens / 2 : 1;
    for (uint32_t cut = 0; cut <= CUT_MAX && cut < half; cut++) {
        generate_parts(s, half - cut, &other);
        if (other.status != ST_INVALID_UTF8)
            break;
    }
    checks_add(&s->checks, "continuation", same(&reference, &other),
               "in two parts %zu tokens (%s), in one %zu (%s)", other.n, status_slug(other.status),
               reference.n, status_slug(reference.status));
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void refused(struct smoke *s, const char *name, enum status got, enum status wanted)
{
    bool fine = ready(s);
    checks_add(&s->checks, name, got == wanted && fine,
               "came back as %s, should be %s; afterwards the model %s", status_slug(got),
               status_slug(wanted), fine ? "does what it did" : "does something else");
}

static enum status try_prompt(struct smoke *s, struct span prompt, uint32_t tokens)
{
    struct err e = ERR_NONE;
    struct generation g = {0};
    return session_generate(s->session, prompt, tokens, NULL, &g, &e);
}

static void check_overflow(struct smoke *s)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    uint64_t bytes = (uint64_t)model_facts(s->model)->shape.context * LONG_FACTOR;
    uint64_t x = 1;
    for (uint64_t i = 0; i < bytes && !text.failed && text.n < OVERFLOW_MAX; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        buf_byte(&text, (uint8_t)('!' + (x >> 33) % 94));
    }
    if (buf_status(&text) != ST_OK)
        return;
    refused(s, "context overflow", try_prompt(s, buf_span(&text), 1), ST_CONTEXT_EXCEEDED);
}

/* With a BOS there is always something; then an empty text has to be generated from. */
static void check_nothing(struct smoke *s)
{
    bool bos = model_facts(s->model)->bos >= 0;
    enum status st = try_prompt(s, span_text(""), 1);
    if (bos && st == ST_INVALID_UTF8)
        st = ST_OK; /* one token may be part of a character */
    refused(s, "nothing to prefill", st, bos ? ST_OK : ST_INVALID_LENGTH);
}

static void check_sampling(struct smoke *s)
{
    static const struct sampling bad[] = {
        {.temperature = -1.0f, .top_k = 1, .top_p = 1.0f},
        {.temperature = NAN, .top_k = 1, .top_p = 1.0f},
        {.temperature = INFINITY, .top_k = 1, .top_p = 1.0f},
        {.temperature = 1.0f, .top_k = 0, .top_p = 1.0f},
        {.temperature = 1.0f, .top_k = SAMPLING_TOP_K_MAX + 1, .top_p = 1.0f},
        {.temperature = 1.0f, .top_k = 1, .top_p = 0.0f},
        {.temperature = 1.0f, .top_k = 1, .top_p = 1.5f},
        {.temperature = 1.0f, .top_k = 1, .top_p = NAN}};
    enum status st = ST_INVALID_LENGTH;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0] && st == ST_INVALID_LENGTH; i++) {
        struct err e = ERR_NONE;
        st = session_configure(s->session, &bad[i], &e);
    }
    refused(s, "bad sampling", st, ST_INVALID_LENGTH);
}

/* A model that cannot be loaded leaves the present one alone. */
static void check_replacement(struct smoke *s)
{
    struct err e = ERR_NONE;
    SCOPED(model_scope) struct model *half = NULL;
    enum status st =
        model_open(SPAN(s->file.p, s->file.n / 2), &model_limits_default, false, &half, &e);
    bool fine = ready(s);
    checks_add(&s->checks, "failed replacement", st != ST_OK && fine,
               "half a model in its place: %s; afterwards the model %s", status_slug(st),
               fine ? "does what it did" : "does something else");
}

/* ------------------------------------------------------------------------------------------- */

static void check_all(struct smoke *s)
{
    if (!load(s))
        return;
    check_generation(s);
    check_repeats(s);
    check_continuation(s);
    check_overflow(s);
    check_nothing(s);
    refused(s, "no tokens asked for", try_prompt(s, s->prompt, 0), ST_INVALID_LENGTH);
    refused(s, "bad UTF-8", try_prompt(s, span_text("\xff\xfe"), 1), ST_INVALID_UTF8);
    check_sampling(s);
    check_replacement(s);
}

static int answer(const struct smoke *s, int out)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_array(&j);
    for (size_t i = 0; i < s->checks.n; i++)
        check_write(&s->checks.p[i], &j);
    json_close(&j);
    if (s->checks.failed || buf_status(&text) != ST_OK)
        return 1;
    return io_write(out, buf_span(&text), &e) == ST_OK ? 0 : 1;
}

int smoke_child(void *ctx, int in, int out)
{
    struct smoke s = {.job = ctx, .out = out};
    size_t bytes = (size_t)s.job->bytes;
    void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return 2;
    s.file = SPAN(map, bytes);
    check_all(&s);
    /* The process ends here; what it holds goes with it. */
    return answer(&s, out);
}
