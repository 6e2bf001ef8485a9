/* The inside of a session, for the rooms that work on it: session, session_run, score, diagnostics.
 */
#ifndef RUNTIME_SESSION_STATE_H
#define RUNTIME_SESSION_STATE_H

#include "runtime/decode.h"
#include "runtime/forward.h"
#include "runtime/sampler.h"
#include "runtime/tokenizer.h"

struct session {
    const struct model *model;
    const struct model_facts *facts;
    const struct tokenizer *tokenizer;
    struct forward forward;
    struct kv kv;
    struct sampler sampler;

    /* Allocated by session_open, each recorded in `held`; the addresses never change. */
    float *scratch;
    float *cache;
    float *logits;       /* [V] */
    double *frequency;   /* [D/2] */
    uint32_t *generated; /* [C] */
    uint8_t *output;     /* [SESSION_OUTPUT_MAX] */
    float *batch;        /* a batch's activations and logits */
    struct team *team;   /* NULL: one thread */
    float *more_scores;  /* [team − 1][C] */
    struct budget held;

    /* Generation state: cleared at the start of a generation and by every error. */
    struct buf prompt; /* ids; allocated by the encoder */
    uint32_t generated_count;
    struct decode decode;
    enum stop stop; /* STOP_EOS and STOP_CAPACITY are final */
    bool continues; /* a prompt was prefilled and no error came since */
    bool has_logits;
    uint32_t selected; /* the last token sampled; SAMPLER_NONE: none */
    uint64_t prefill_ns, decode_ns;

    /* For diagnostics only. */
    enum status last;
    uint64_t load_ns;
    char sha256[65]; /* "" when not known */
};

/* Generation state to nothing, context length to 0, random state to the seed. */
void session_clear(struct session *s);
/* Records how a call ended; an error clears generation state. Returns st. */
enum status session_conclude(struct session *s, enum status st);

/* The next n ≤ FORWARD_BATCH ids together; the last one's logits are kept when they are wanted. */
void session_feed(struct session *s, const uint32_t *ids, size_t n, bool wanted);

/* The ids of `text` in s->prompt: with the specials that the vocabulary's kind puts around it, or
 * for scoring BOS (when there is one) and the plain text. ST_INVALID_UTF8, ST_INVALID_LENGTH,
 * ST_NULL_POINTER, ST_NO_MEMORY. */
enum status session_encode(struct session *s, struct span text, bool scoring,
                           struct err *e) MUST_CHECK;
static inline const uint32_t *session_prompt(const struct session *s)
{
    return (const uint32_t *)(const void *)s->prompt.p;
}

static inline size_t session_prompt_count(const struct session *s)
{
    return s->prompt.n / sizeof(uint32_t);
}

#endif
