/* How likely a text is: BOS first and unscored, then each token given all before it. */
#include "runtime/math.h"
#include "runtime/session_state.h"

/* Natural logarithm of token's probability under softmax(logits), NaN when that is not a number.
 * *likeliest: argmax would have taken it. */
static double log_probability(const float *logits, uint32_t n, uint32_t token, bool *likeliest)
{
    uint32_t top = 0;
    for (uint32_t i = 1; i < n; i++)
        top = logits[i] > logits[top] ? i : top;
    const float greatest = logits[top];
    double mass = 0.0;
    for (uint32_t i = 0; i < n; i++)
        mass += (double)math_exp(logits[i] - greatest);
    *likeliest = top == token;
    if (!(mass >= 1.0)) /* the greatest alone gives 1 */
        return (double)__builtin_nanf("");
    return (double)(logits[token] - greatest) - math_log(mass);
}

/* One case on its way: its ids, and which of them are scored. */
struct scoring {
    struct session *s;
    const struct token_sink *onward;
    const uint32_t *ids;
    size_t count, first; /* ids from `first` ≥ 1 on are scored */
};

/* Runs the ids from the KV cache's length on; those before are there already. */
static enum status run(const struct scoring *r, struct score_case *c, struct err *e)
{
    struct session *s = r->s;
    const uint32_t vocab = s->facts->shape.vocab;
    const size_t last = r->count - 1; /* what comes after the last token nobody asks */
    for (size_t i = s->kv.length, n; i < last; i += n) {
        n = last - i < FORWARD_BATCH ? last - i : FORWARD_BATCH;
        if (r->onward != NULL && r->onward->onward != NULL && !r->onward->onward(r->onward->ctx))
            return err_set(e, ST_CANCELLED, NULL, "the scoring was cancelled");
        forward_batch(&s->forward, &s->kv, r->ids + i, n, s->batch);
        size_t k = i + 1 < r->first ? r->first - 1 - i : 0; /* logits before are not wanted */
        for (size_t some; k < n; k += some) {
            some = n - k < FORWARD_LOGITS ? n - k : FORWARD_LOGITS;
            const float *logits = forward_logits(&s->forward, n, k, some, s->batch);
            for (size_t j = 0; j < some; j++) {
                bool likeliest;
                c->log_likelihood +=
                    log_probability(logits + j * vocab, vocab, r->ids[i + k + j + 1], &likeliest);
                c->greedy = c->greedy && likeliest;
            }
        }
    }
    if (c->log_likelihood <= 0.0)
        return ST_OK;
    return err_at(e, ST_GENERATION_FAILED, "forward", "logits-not-numbers", ERR_NO_OFFSET,
                  "the model's logits are not numbers");
}

static size_t common(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
    size_t n = 0;
    while (n < a_count && n < b_count && a[n] == b[n])
        n++;
    return n;
}

/* `both` is before and text, one after the other, `n` bytes of it before. */
static enum status encode(struct session *s, struct span both, size_t n, struct buf *before,
                          size_t *first, struct err *e)
{
    before->n = 0;
    enum status st = n > 0 ? session_encode(s, SPAN(both.p, n), true, e) : ST_OK;
    if (st == ST_OK && n > 0)
        buf_append(before, buf_span(&s->prompt));
    if (st == ST_OK && buf_status(before) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the tokens of a case");
    if (st == ST_OK)
        st = session_encode(s, both, true, e);
    if (st != ST_OK)
        return st;
    const size_t bos = s->facts->bos >= 0 ? 1 : 0;
    *first = common(session_prompt(s), session_prompt_count(s),
                    (const uint32_t *)(const void *)before->p, before->n / sizeof(uint32_t));
    *first = *first > bos ? *first : bos;
    *first = *first > 1 ? *first : 1;
    return ST_OK;
}

struct bench {
    struct buf both;   /* a case's bytes */
    struct buf before; /* ids of what stands before */
    struct buf past;   /* ids whose keys and values lie in the cache */
};

static void bench_release(struct bench *b)
{
    buf_release(&b->both);
    buf_release(&b->before);
    buf_release(&b->past);
}

/* The cache keeps what this case shares with what was run last, up to where scoring begins. */
static void rewind_to(struct session *s, struct bench *b, size_t first)
{
    size_t same = common(session_prompt(s), session_prompt_count(s),
                         (const uint32_t *)(const void *)b->past.p, b->past.n / sizeof(uint32_t));
    same = same < s->kv.length ? same : s->kv.length;
    s->kv.length = (uint32_t)(same < first - 1 ? same : first - 1);
    b->past.n = 0;
    buf_append(&b->past, buf_span(&s->prompt));
}

static enum status score(struct session *s, struct bench *b, const struct token_sink *onward,
                         struct score_case *c, struct err *e)
{
    c->log_likelihood = 0.0;
    c->tokens = 0;
    c->greedy = true;
    b->both.n = 0;
    buf_append(&b->both, c->before);
    buf_append(&b->both, c->text);
    if (buf_status(&b->both) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the text of a case");
    struct scoring r = {.s = s, .onward = onward};
    enum status st = encode(s, buf_span(&b->both), c->before.n, &b->before, &r.first, e);
    if (st != ST_OK)
        return st;
    r.count = session_prompt_count(s);
    r.ids = session_prompt(s);
    if (r.count <= r.first)
        return err_set(e, ST_INVALID_LENGTH, "nothing-to-score",
                       "the text gives no token to score");
    if (r.count - 1 > s->kv.context)
        return err_set(e, ST_CONTEXT_EXCEEDED, "context-exceeded",
                       "the text has %zu tokens; the context holds %u", r.count - 1, s->kv.context);
    rewind_to(s, b, r.first);
    if (buf_status(&b->past) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the tokens of a case");
    c->tokens = r.count - r.first;
    return run(&r, c, e);
}

static enum status no_session(struct err *e)
{
    return err_set(e, ST_NULL_POINTER, NULL, "scoring needs a session and a place for its result");
}

enum status session_score(struct session *s, struct span text, double *log_likelihood,
                          uint64_t *tokens, struct err *e)
{
    if (s == NULL || log_likelihood == NULL || tokens == NULL || (text.p == NULL && text.n > 0))
        return no_session(e);
    SCOPED(bench_release) struct bench b = {0};
    struct score_case c = {.text = text};
    session_clear(s);
    enum status st = score(s, &b, NULL, &c, e);
    if (st == ST_OK) {
        *log_likelihood = c.log_likelihood;
        *tokens = c.tokens;
    }
    session_clear(s);
    s->last = st;
    return st;
}

enum status session_score_cases(struct session *s, struct score_case *cases, size_t count,
                                const struct token_sink *onward, struct err *e)
{
    if (s == NULL || (cases == NULL && count > 0))
        return no_session(e);
    SCOPED(bench_release) struct bench b = {0};
    enum status st = ST_OK;
    session_clear(s);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct err own = ERR_NONE;
        struct score_case *c = &cases[i];
        bool null =
            (c->before.p == NULL && c->before.n > 0) || (c->text.p == NULL && c->text.n > 0);
        c->status = null ? no_session(&own) : score(s, &b, onward, c, &own);
        if (c->status == ST_NO_MEMORY || c->status == ST_CANCELLED ||
            c->status == ST_NULL_POINTER) {
            *e = own;
            st = c->status;
        }
    }
    session_clear(s);
    s->last = st;
    return st;
}
