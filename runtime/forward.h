/* One token through the model.
 *
 *     x = embedding row
 *     per layer   n = rmsnorm(x, attn_norm);  q, k, v = wq n, wk n, wv n;  rotate q and k
 *                 store k and v at this position;  a = attention of q over positions 0…pos
 *                 x += wo a
 *                 n = rmsnorm(x, ffn_norm);  x += w2 (silu(w1 n) ⊙ w3 n)
 *     logits = output rmsnorm(x, norm)
 *
 * A matrix may have a bias, which is added to its products. Rotation turns adjacent pairs
 * (2i, 2i+1) of a head by pos × θ^(−2i/D), divided by what the model says (rope_factor,
 * rope_freqs). Head h reads the keys and values of kv head h / (heads / kv_heads). All memory is
 * the caller's; nothing is allocated. */
#ifndef RUNTIME_FORWARD_H
#define RUNTIME_FORWARD_H

#include "runtime/kernels.h"
#include "runtime/kv.h"

/* The scratch of a pass. Its lengths add up to 8H + 2KD + 3F + C floats, which is what the budget
 * says. */
struct forward {
    const struct model_shape *shape;
    const struct weights *weights;
    const struct kernels *kernels;
    const double *frequency; /* [D/2] θ^(−2i/D) */
    float *residual;         /* [H] x */
    float *normed;           /* [H] what a layer's matrices read */
    float *query;            /* [H] */
    float *attended;         /* [H] */
    float *projected;        /* [H] what a layer adds to x */
    float *rotation;         /* [H] cosine and sine of each pair, D of them in use */
    float *final;            /* [H] the last norm's output, from which the logits come */
    float *unpacked;         /* [H + F] one row of a type without a kernel, or a norm's weights */
    float *key, *value;      /* [KD] */
    float *gate, *up;        /* [F] */
    float *scores;           /* [C] */
};

/* Lays the scratch out over `scratch` and fills `frequency`, both borrowed for as long as *f lives.
 */
void forward_prepare(struct forward *f, const struct model_shape *shape,
                     const struct weights *weights, const struct kernels *kernels, float *scratch,
                     double *frequency);

/* Runs token (< V) at position kv->length (< C) and commits it. logits is [V], or NULL when nobody
 * will read them. */
void forward_token(struct forward *f, struct kv *kv, uint32_t token, float *logits);

/* Runs `count` ≤ FORWARD_BATCH tokens at the positions from kv->length on (all < C), each matrix
 * read once for all of them, and commits them; every bit in kv and in the logits is what
 * forward_token gives one by one. `memory` is the budget's batch line. Returns the logits of the
 * last `wanted` ≤ count of them, [wanted][V], in `memory`; NULL for none. */
#define FORWARD_BATCH 8u
const float *forward_batch(struct forward *f, struct kv *kv, const uint32_t *tokens, size_t count,
                           size_t wanted, float *memory);

#endif
