#include "runtime/kv.h"

#include "base/ensure.h"

struct kv kv_over(const struct model_shape *shape, float *memory)
{
    struct kv kv = {
        .keys = memory,
        .layers = shape->layers,
        .context = shape->context,
        .width = shape->kv_heads * shape->head_dim,
    };
    kv.values = memory + (size_t)kv.layers * kv.context * kv.width;
    return kv;
}

static size_t offset(const struct kv *kv, uint32_t layer, uint32_t position)
{
    ENSURE(layer < kv->layers && position < kv->context);
    return ((size_t)layer * kv->context + position) * kv->width;
}

float *kv_key(const struct kv *kv, uint32_t layer, uint32_t position)
{
    return kv->keys + offset(kv, layer, position);
}

float *kv_value(const struct kv *kv, uint32_t layer, uint32_t position)
{
    return kv->values + offset(kv, layer, position);
}

void kv_commit(struct kv *kv)
{
    ENSURE(kv->length < kv->context);
    kv->length++;
}

void kv_reset(struct kv *kv)
{
    kv->length = 0;
}
