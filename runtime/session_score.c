/* How likely a text is: BOS first and unscored, then each token given all before it. */
#include "runtime/math.h"
#include "runtime/session_state.h"

/* Natural logarithm of token's probability under softmax(logits), NaN when that is not a number. */
static double log_probability(const float *logits, uint32_t n, uint32_t token)
{
    float greatest = logits[0];
    for (uint32_t i = 1; i < n; i++)
        greatest = logits[i] > greatest ? logits[i] : greatest;
    double mass = 0.0;
    for (uint32_t i = 0; i < n; i++)
        mass += (double)math_exp(logits[i] - greatest);
    if (!(mass >= 1.0)) /* the greatest alone gives 1 */
        return (double)__builtin_nanf("");
    return (double)(logits[token] - greatest) - math_log(mass);
}

static enum status score(struct session *s, double *sum, struct err *e)
{
    const uint32_t *ids = session_prompt(s);
    const size_t count = session_prompt_count(s);
    const uint32_t vocab = s->facts->shape.vocab;
    for (size_t i = 0, n; i + 1 < count; i += n) {
        n = count - 1 - i < FORWARD_BATCH ? count - 1 - i : FORWARD_BATCH;
        const float *logits = forward_batch(&s->forward, &s->kv, ids + i, n, n, s->batch);
        for (size_t k = 0; k < n; k++)
            *sum += log_probability(logits + k * vocab, vocab, ids[i + k + 1]);
    }
    if (*sum <= 0.0)
        return ST_OK;
    return err_at(e, ST_GENERATION_FAILED, "forward", "logits-not-numbers", ERR_NO_OFFSET,
                  "the model's logits are not numbers");
}

enum status session_score(struct session *s, struct span text, double *log_likelihood,
                          uint64_t *tokens, struct err *e)
{
    if (s == NULL || log_likelihood == NULL || tokens == NULL)
        return err_set(e, ST_NULL_POINTER, NULL,
                       "scoring needs a session and a place for its result");
    session_clear(s);
    double sum = 0.0;
    enum status st = session_encode(s, text, true, e);
    const size_t count = session_prompt_count(s);
    if (st == ST_OK && count < 2)
        st = err_set(e, ST_INVALID_LENGTH, "nothing-to-score", "the text gives no token to score");
    else if (st == ST_OK && count - 1 > s->kv.context)
        st = err_set(e, ST_CONTEXT_EXCEEDED, "context-exceeded",
                     "the text has %zu tokens; the context holds %u", count - 1, s->kv.context);
    if (st == ST_OK)
        st = score(s, &sum, e);
    if (st == ST_OK) {
        *log_likelihood = sum;
        *tokens = count - 1;
    }
    session_clear(s);
    s->last = st;
    return st;
}
