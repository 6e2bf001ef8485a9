/* The runtime as its hosts see it: one model, one session, a state, error numbers 0…15.
 *
 *     Uninitialized ──init──▶ Initialized ──load──▶ Ready ◀──reset── any state with a model
 *                                                     │ begin, generate
 *                                                     ▼
 *                    RecoverableError ◀──error── ContinuationReady ──next──▶ itself
 *                          │ generate, begin: as from Ready
 *     any state with a model ──free──▶ Freed ──load──▶ Ready
 *
 *     call                  allowed in                            refused elsewhere with
 *     init                  always; does nothing once initialized
 *     load_model            all but Uninitialized                 12
 *     set_sampling_config   all but Uninitialized                 12
 *     generate, begin,      Ready, ContinuationReady,             12
 *       start, reset, free    RecoverableError
 *     prefill               after start, until nothing is left    12 without a model, else 13
 *     generate_next_token   ContinuationReady                     12 without a model, else 13
 *     cancel                with a model                          12
 *
 * A refused call, a failed load and refused settings change nothing: a model already accepted goes
 * on as before. A failed generation clears generation state and keeps model and buffers. Calls
 * return an error number (runtime/diagnostics.h). The WASM module exports these calls without the
 * prefix and over one process-wide runtime. Not for threads to share. */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "runtime/session.h"

#define RUNTIME_ALLOC_MAX  (128u << 20) /* bytes of one transfer */
#define RUNTIME_BLOCKS_MAX 16           /* transfers alive at once */

enum runtime_state {
    RUNTIME_UNINITIALIZED,
    RUNTIME_INITIALIZED,
    RUNTIME_READY,
    RUNTIME_CONTINUATION_READY,
    RUNTIME_RECOVERABLE_ERROR,
    RUNTIME_FREED
};

struct runtime;
struct runtime *runtime_create(void); /* NULL without memory */
void runtime_destroy(struct runtime *r);
SCOPE_OF(runtime, struct runtime, runtime_destroy)

/* Memory that a host fills: a model or a text. NULL for 0 bytes and for more than
 * RUNTIME_ALLOC_MAX. After load_model the model lives in its block: dealloc then only notes that
 * the host is done, and the block goes with the model. Unknown addresses are ignored. */
void *runtime_alloc(struct runtime *r, size_t n);
void runtime_dealloc(struct runtime *r, void *p, size_t n);

unsigned runtime_init(struct runtime *r);
/* Bytes that did not come from runtime_alloc are borrowed until the model is freed or replaced. */
unsigned runtime_load_model(struct runtime *r, const void *p, size_t n);
unsigned runtime_set_sampling_config(struct runtime *r, float temperature, uint32_t top_k,
                                     float top_p, uint64_t seed);
unsigned runtime_generate(struct runtime *r, const void *p, size_t n, uint32_t max_new_tokens);
/* Prefill only; generate_next_token then makes one token a call. */
unsigned runtime_begin(struct runtime *r, const void *p, size_t n);
unsigned runtime_generate_next_token(struct runtime *r);
/* begin in pieces: start, then prefill until *left is 0; only then there is something to go on
 * from. prefill without a prompt that was started is 13. */
unsigned runtime_start(struct runtime *r, const void *p, size_t n, size_t *left);
unsigned runtime_prefill(struct runtime *r, size_t *left);
/* Ends a generation between tokens; returns 15. */
unsigned runtime_cancel(struct runtime *r);
unsigned runtime_reset_context(struct runtime *r);
unsigned runtime_free_model(struct runtime *r);

/* What the last generate or generate_next_token made: tokens, text completed by them, why it
 * stopped; empty after an error. The runtime's until the next call. */
const struct generation *runtime_last_result(const struct runtime *r);
/* The diagnostics JSON; the runtime's until the next call of this function. */
struct span runtime_get_diagnostics(struct runtime *r);
/* The error number of the last call, and, natively, all that is known of it. */
unsigned runtime_last_error(const struct runtime *r, const struct err **detail);
enum runtime_state runtime_state(const struct runtime *r);
const struct session *runtime_session(const struct runtime *r); /* NULL without a model */

#endif
