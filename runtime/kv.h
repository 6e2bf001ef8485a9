/* The KV cache: what each layer keeps of every position, f32, indexed
 * [layer][position][kv_head][head_dim].
 *
 *     memory   keys of layer 0, positions 0…C−1 | keys of layer 1 | … | values of layer 0 | …
 *
 * A pass writes one position in every layer and then commits it once, so a pass that did not finish
 * leaves no trace: positions from `length` on are undefined. Reset sets the length to 0; memory and
 * addresses stay. */
#ifndef RUNTIME_KV_H
#define RUNTIME_KV_H

#include "runtime/model.h"

struct kv {
    float *keys;   /* [layers][context][width] */
    float *values; /* the same */
    uint32_t layers;
    uint32_t context; /* C */
    uint32_t width;   /* kv_heads × head_dim */
    uint32_t length;  /* committed positions */
};

/* Over `memory`, which holds the floats that runtime/budget.h states; borrowed. */
struct kv kv_over(const struct model_shape *shape, float *memory);

/* The start of layer's row for `position` < context. */
float *kv_key(const struct kv *kv, uint32_t layer, uint32_t position);
float *kv_value(const struct kv *kv, uint32_t layer, uint32_t position);

/* Every layer has written position `length`: it counts from now on. */
void kv_commit(struct kv *kv);
void kv_reset(struct kv *kv);

#endif
