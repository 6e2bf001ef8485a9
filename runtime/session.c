#include "runtime/session.h"

#include "base/checked.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/diagnostics.h"
#include "runtime/session_state.h"

#define CACHE_LINE 64

/* The one door of a session's memory: `bytes`, exactly, recorded in *line. */
static enum status claim(void **p, uint64_t bytes, uint64_t *line, const char *what, struct err *e)
{
    size_t n;
    if (checked_size(bytes, &n))
        *p = heap_aligned(CACHE_LINE, n > 0 ? n : 1);
    if (*p == NULL)
        return err_set(e, ST_NO_MEMORY, "session-memory", "no memory for the %s of %llu bytes",
                       what, (unsigned long long)bytes);
    *line = bytes;
    return ST_OK;
}

struct claim {
    void **p;
    uint64_t bytes;
    uint64_t *line;
    const char *what;
};

static enum status claim_all(struct session *s, const struct budget *b, struct err *e)
{
    void *got[7] = {NULL};
    const struct claim claims[7] = {
        {&got[0], b->scratch, &s->held.scratch, "forward scratch"},
        {&got[1], b->kv, &s->held.kv, "KV cache"},
        {&got[2], b->logits, &s->held.logits, "logits"},
        {&got[3], b->rotation, &s->held.rotation, "rotation table"},
        {&got[4], b->tokens, &s->held.tokens, "generated ids"},
        {&got[5], b->output, &s->held.output, "output text"},
        {&got[6], b->batch, &s->held.batch, "batch of positions"},
    };
    enum status st = ST_OK;
    for (size_t i = 0; i < 7 && st == ST_OK; i++)
        st = claim(claims[i].p, claims[i].bytes, claims[i].line, claims[i].what, e);
    s->scratch = got[0];
    s->cache = got[1];
    s->logits = got[2];
    s->frequency = got[3];
    s->generated = got[4];
    s->output = got[5];
    s->batch = got[6];
    return st;
}

enum status session_open(const struct model *m, struct session **out, struct err *e)
{
    if (m == NULL || out == NULL)
        return err_set(e, ST_NULL_POINTER, NULL, "a session needs a model");
    struct budget b;
    enum status st = budget_of(model_facts(m), &b, e);
    if (st != ST_OK)
        return st;
    SCOPED(session_scope) struct session *s = heap_zero(1, sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a session");
    s->model = m;
    s->facts = model_facts(m);
    s->tokenizer = model_tokenizer(m);
    if ((st = claim_all(s, &b, e)) != ST_OK)
        return st;
    forward_prepare(&s->forward, &s->facts->shape, model_weights(m), kernels_best(), s->scratch,
                    s->frequency);
    s->kv = kv_over(&s->facts->shape, s->cache);
    s->decode = (struct decode){.text = buf_over(s->output, SESSION_OUTPUT_MAX),
                                .strict = s->facts->format == MODEL_FORMAT_SLM1};
    s->sampler.how = SAMPLING_DEFAULT;
    session_clear(s);
    *out = session_take(&s);
    return ST_OK;
}

void session_close(struct session *s)
{
    if (s == NULL)
        return;
    heap_free(s->scratch);
    heap_free(s->cache);
    heap_free(s->logits);
    heap_free(s->frequency);
    heap_free(s->generated);
    heap_free(s->output);
    heap_free(s->batch);
    heap_free(s->more_scores);
    team_close(s->team);
    buf_release(&s->prompt);
    heap_free(s);
}

enum status session_configure(struct session *s, const struct sampling *how, struct err *e)
{
    if (s == NULL || how == NULL)
        return err_set(e, ST_NULL_POINTER, NULL, "sampling settings need a session");
    s->last = sampler_configure(&s->sampler, how, e);
    return s->last;
}

void session_clear(struct session *s)
{
    kv_reset(&s->kv);
    sampler_rewind(&s->sampler);
    decode_clear(&s->decode);
    s->prompt.n = 0;
    s->generated_count = 0;
    s->stop = STOP_NONE;
    s->continues = false;
    s->has_logits = false;
    s->selected = SAMPLER_NONE;
    s->prefill_ns = s->decode_ns = 0;
}

void session_reset(struct session *s)
{
    session_clear(s);
    s->last = ST_OK;
}

enum status session_conclude(struct session *s, enum status st)
{
    if (st != ST_OK)
        session_clear(s);
    s->last = st;
    return st;
}

enum status session_encode(struct session *s, struct span text, bool scoring, struct err *e)
{
    if (text.p == NULL && text.n > 0)
        return err_set(e, ST_NULL_POINTER, NULL, "the text is a null pointer with a length");
    s->prompt.n = 0;
    if (scoring && s->facts->bos >= 0) {
        uint32_t bos = (uint32_t)s->facts->bos;
        buf_append(&s->prompt, SPAN(&bos, sizeof bos));
    }
    return tokenizer_encode(s->tokenizer, text, !scoring, &s->prompt, e);
}

const float *session_logits(const struct session *s)
{
    return s->has_logits ? s->logits : NULL;
}

const struct budget *session_held(const struct session *s)
{
    return &s->held;
}

void session_identify(struct session *s, const char *sha256, uint64_t load_ns)
{
    s->load_ns = load_ns;
    (void)text_fmt(s->sha256, sizeof s->sha256, "%s", sha256 != NULL ? sha256 : "");
}

enum status session_diagnostics(const struct session *s, struct buf *out)
{
    const struct diagnostics d = {
        .state = s->continues ? "continuation-ready" : "ready",
        .last_error = abi_error(s->last),
        .session = s,
    };
    return diagnostics_write(&d, out);
}
