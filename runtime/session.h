/* A session: one model's activations, KV cache, logits, sampler and position. Many sessions may
 * share a model, each used by one thread at a time.
 *
 * Two explicit transactions:
 *   load      session_open allocates scratch, KV cache and logits; all of it, or nothing;
 *   generate  clear → encode → drop one final EOS, keep BOS → refuse when nothing is left or the
 *             context is full → prefill → sample and forward until EOS, limit or capacity → decode
 * → one result or one stable error. An error clears generation state and keeps the rest. */
#ifndef RUNTIME_SESSION_H
#define RUNTIME_SESSION_H

#include "runtime/budget.h"

#define SESSION_OUTPUT_MAX (64u << 10) /* bytes of one result */
#define SAMPLING_TOP_K_MAX 1024

struct sampling {
    float temperature; /* finite, ≥ 0; 0 = argmax */
    uint32_t top_k;    /* 1…1024 */
    float top_p;       /* finite, in (0, 1] */
    uint64_t seed;     /* 0 becomes 0x9e3779b97f4a7c15 */
};
#define SAMPLING_DEFAULT \
    ((struct sampling){.temperature = 0.0f, .top_k = 1, .top_p = 1.0f, .seed = 1})

enum stop { STOP_NONE, STOP_EOS, STOP_LIMIT, STOP_CAPACITY, STOP_CANCELLED };

/* Called after each token: id, and the text it completes (may be empty: a character may span
 * tokens). onward, when there, is asked before each batch of the prompt. Either returns false to
 * cancel (ST_CANCELLED). */
struct token_sink {
    bool (*token)(void *ctx, uint32_t id, struct span text);
    void *ctx;
    bool (*onward)(void *ctx);
};

/* What a generation made. After ST_INVALID_UTF8 from decoding the ids are still told, the text is
 * not; after any other error it is empty. */
struct generation {
    const uint32_t *prompt_ids; /* [prompt_count], the session's, until its next call */
    size_t prompt_count;
    const uint32_t *token_ids; /* [token_count], generated ones only, without EOS */
    size_t token_count;
    struct span text; /* decoded, valid UTF-8 */
    enum stop stop;
    uint64_t prefill_ns, decode_ns;
};

/* Text of SLM1's own vocabularies must be UTF-8 to the last byte (ST_INVALID_UTF8 otherwise). Other
 * vocabularies may spell any byte: what is no UTF-8 becomes U+FFFD, and a character cut in two by
 * max_new_tokens waits for the continuation. */
struct session;
enum status session_open(const struct model *m, struct session **out, struct err *e) MUST_CHECK;
void session_close(struct session *s);
SCOPE_OF(session, struct session, session_close)

/* Refused settings (ST_INVALID_LENGTH) leave the old ones in place. */
enum status session_configure(struct session *s, const struct sampling *how,
                              struct err *e) MUST_CHECK;
enum status session_generate(struct session *s, struct span prompt, uint32_t max_new_tokens,
                             const struct token_sink *on_token, struct generation *out,
                             struct err *e) MUST_CHECK;
/* Goes on where the last generation stopped (same KV, same random state), max_new_tokens more. */
enum status session_continue(struct session *s, uint32_t max_new_tokens,
                             const struct token_sink *on_token, struct generation *out,
                             struct err *e) MUST_CHECK;
/* The two halves of a generation for a host that wants control between tokens: begin clears,
 * encodes and prefills without sampling; step goes on by one token. A character may span steps:
 * text then is empty until it is whole. After EOS, or at capacity, a step makes no token and says
 * why it stopped. */
enum status session_begin(struct session *s, struct span prompt, struct generation *out,
                          struct err *e) MUST_CHECK;
enum status session_step(struct session *s, struct generation *out, struct err *e) MUST_CHECK;
/* Makes ids[n] the context, of which the first `keep` < n stand in it already, and session_logits
 * what follows the last; for searches over a tree of texts. There is nothing to continue then. A
 * refusal (ST_INVALID_LENGTH, ST_CONTEXT_EXCEEDED) leaves the context alone. */
enum status session_place(struct session *s, const uint32_t *ids, size_t n, size_t keep,
                          struct err *e) MUST_CHECK;
/* session_begin in pieces, for a host that wants control within a long prompt: start encodes, each
 * prefill takes some positions; *left says how many are to come, and at 0 steps may follow. */
enum status session_start(struct session *s, struct span prompt, size_t *left,
                          struct err *e) MUST_CHECK;
enum status session_prefill(struct session *s, size_t *left, struct err *e) MUST_CHECK;
/* Length to 0; the memory and its addresses stay. */
void session_reset(struct session *s);

/* Scoring: BOS first (unscored), then the text's tokens without EOS, in an empty context. Sum of
 * the natural logarithms of their probabilities, and how many. The context is left reset. */
enum status session_score(struct session *s, struct span text, double *log_likelihood,
                          uint64_t *tokens, struct err *e) MUST_CHECK;

/* How likely a text is after another one (a question and one of its answers; a sentence after
 * nothing). Both are encoded together, as they would stand in running text; scored is every token
 * from the first one on that differs from those of `before` alone. Without BOS and `before` the
 * first token has nothing to be likely after and goes unscored. */
struct score_case {
    struct span before, text;
    /* How it went: ST_OK, or why this case cannot be scored (ST_INVALID_LENGTH: no token to score;
     * ST_CONTEXT_EXCEEDED, ST_INVALID_UTF8, ST_GENERATION_FAILED) and the rest means nothing. */
    enum status status;
    double log_likelihood; /* natural logarithm */
    uint64_t tokens;       /* scored ones */
    bool greedy;           /* a generation with the default settings after `before` says the same */
};
/* Scores all cases, in order; what does not fit only fails its own case. Tokens that a case begins
 * with like the case before it are not run again, so answers to one question belong next to each
 * other; what comes out for a case does not depend on its neighbours, bit for bit. onward may be
 * NULL; it is asked before each batch of tokens, and ST_CANCELLED when it says no. Otherwise fails
 * with ST_NULL_POINTER and ST_NO_MEMORY only. The context is left reset. */
enum status session_score_cases(struct session *s, struct score_case *cases, size_t count,
                                const struct token_sink *onward, struct err *e) MUST_CHECK;

/* How many threads share the work from now on, 1…TEAM_MAX; one at first. What a session makes does
 * not depend on it. On failure (ST_INVALID_LENGTH, ST_NO_MEMORY) it stays as it was. */
enum status session_threads(struct session *s, unsigned threads, struct err *e) MUST_CHECK;
/* Logits after the last forward pass, [V]; NULL before the first. */
const float *session_logits(const struct session *s);
/* What session_open allocated, by the lines of the budget that are its own: scratch, kv, logits,
 * rotation, batch, tokens, output, threads. */
const struct budget *session_held(const struct session *s);
/* What diagnostics tell about where the model came from: sha256 in hex (NULL: not known), load
 * time. */
void session_identify(struct session *s, const char *sha256, uint64_t load_ns);
/* Diagnostics as one JSON object (runtime.md's list of members). */
enum status session_diagnostics(const struct session *s, struct buf *out) MUST_CHECK;

#endif
