/* Tokens through the model.
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
 * the caller's; nothing is allocated. Every bit is the same whether positions come one by one or
 * together, and on any number of threads. */
#ifndef RUNTIME_FORWARD_H
#define RUNTIME_FORWARD_H

#include "runtime/kernels.h"
#include "runtime/kv.h"
#include "runtime/team.h"

/* Positions that go through the layers together, and of which logits are computed together. */
#define FORWARD_BATCH  48u
#define FORWARD_LOGITS 8u

/* The activations of up to `room` positions. */
struct activations {
    size_t room;
    float *residual;    /* [room][H] x */
    float *normed;      /* [room][H] what a layer's matrices read */
    float *query;       /* [room][H] */
    float *attended;    /* [room][H] */
    float *projected;   /* [room][H] what a layer adds to x */
    float *rotation;    /* [room][H] cosine and sine of each pair, D of them in use */
    float *key, *value; /* [room][KD] */
    float *gate, *up;   /* [room][F] */
    float *work;        /* [room × (H + F)] vectors cut to integers, or a norm's weights */
};

/* The scratch of a pass: 8H + 2KD + 3F + C floats, which is what the budget says. */
struct forward {
    const struct model_shape *shape;
    const struct weights *weights;
    const struct kernels *kernels;
    struct team *team;       /* NULL: no threads but the caller */
    const double *frequency; /* [D/2] θ^(−2i/D) */
    struct activations one;
    float *final;       /* [H] the last norm's output, from which the logits come */
    float *scores;      /* [C] */
    float *more_scores; /* [team − 1][C]: what the other threads need; NULL without a team */
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
 * read once for all of them, and commits them. `memory` is the budget's batch line. */
void forward_batch(struct forward *f, struct kv *kv, const uint32_t *tokens, size_t count,
                   float *memory);
/* The logits of the batch's positions first … first + count − 1, count ≤ FORWARD_LOGITS,
 * [count][V], in `memory`. Any of them, in any order, until the memory is used again; `count` of
 * the batch must be told once more. */
const float *forward_logits(struct forward *f, size_t batch, size_t first, size_t count,
                            float *memory);

#endif
