/* What the native runtime says to given prompts, token by token with the bits of every logit: the
 * reference that another runtime of the same C has to equal. Runs in a sandbox over hostile bytes;
 * the answer is one line a generation:
 *
 *     TOKEN:HASH TOKEN:HASH … stop=eos code=0
 *
 * HASH is FNV-1a over the bytes of all logits after the token; code is the runtime's error number
 * (runtime/diagnostics.h), with stop=error. First all prompts greedily, then all drawn (temperature
 * 0.8, top-k 40, top-p 0.9, a fixed seed). runtime/web/gate.js writes the same lines. */
#ifndef VERIFY_NATIVE_TRACE_H
#define VERIFY_NATIVE_TRACE_H

#include "base/bytes.h"
#include <stdint.h>

#define TRACE_PROMPTS 4
#define TRACE_LINES   (2 * TRACE_PROMPTS)
#define TRACE_ANSWER  (1u << 20) /* bytes */

extern const char *const trace_prompts[TRACE_PROMPTS];

struct trace_job {
    uint64_t bytes;  /* of the model, given as a memory file */
    uint32_t tokens; /* of one generation */
};

/* Appends the line of one generation of at most `tokens` tokens, with the session's settings. */
struct session;
void trace_line(struct session *s, struct span prompt, uint32_t tokens, struct buf *out);

/* A sandbox_body; ctx is a struct trace_job. */
int trace_child(void *ctx, int in, int out);

#endif
