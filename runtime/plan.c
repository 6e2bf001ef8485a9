#include "runtime/plan.h"
#include <assert.h>
#include <string.h>

size_t plan_count(const struct model_shape *s)
{
    return ROLES_GLOBAL + (size_t)ROLES_PER_LAYER * s->layers;
}

size_t plan_index(enum tensor_role r, uint32_t layer)
{
    if (r < ROLE_ATTN_NORM)
        return (size_t)r;
    return ROLES_GLOBAL + (size_t)ROLES_PER_LAYER * layer + (size_t)(r - ROLE_ATTN_NORM);
}

enum tensor_role plan_role(size_t index)
{
    if (index < ROLES_GLOBAL)
        return (enum tensor_role)index;
    return (enum tensor_role)(ROLE_ATTN_NORM + (index - ROLES_GLOBAL) % ROLES_PER_LAYER);
}

uint32_t plan_layer(size_t index)
{
    return index < ROLES_GLOBAL ? 0 : (uint32_t)((index - ROLES_GLOBAL) / ROLES_PER_LAYER);
}

size_t plan_needed(const struct model_shape *s)
{
    return (s->tied ? 2 : 3) + 9 * (size_t)s->layers;
}

bool plan_wanted(const struct model_shape *s, size_t index)
{
    enum tensor_role r = plan_role(index);
    return r < ROLE_BQ && r != ROLE_ROPE_FREQS && (r != ROLE_OUTPUT || !s->tied);
}

bool role_is_vector(enum tensor_role r)
{
    return r == ROLE_NORM || r == ROLE_ATTN_NORM || r == ROLE_FFN_NORM || r == ROLE_ROPE_FREQS ||
           r >= ROLE_BQ;
}

void role_shape(const struct model_shape *s, enum tensor_role r, uint32_t *rows, uint32_t *cols)
{
    assert(r < TENSOR_ROLE_COUNT);
    *cols = s->hidden;
    *rows = 1;
    switch (r) {
    case ROLE_EMBEDDING:
    case ROLE_OUTPUT: *rows = s->vocab; return;
    case ROLE_NORM:
    case ROLE_ATTN_NORM:
    case ROLE_FFN_NORM:
    case ROLE_BQ:
    case ROLE_BO:
    case ROLE_B2:
    case TENSOR_ROLE_COUNT: return;
    case ROLE_ROPE_FREQS: *cols = s->head_dim / 2; return;
    case ROLE_BK:
    case ROLE_BV: *cols = s->kv_heads * s->head_dim; return;
    case ROLE_B1:
    case ROLE_B3: *cols = s->ffn; return;
    case ROLE_WQ:
    case ROLE_WO: *rows = s->hidden; return;
    case ROLE_WK:
    case ROLE_WV: *rows = s->kv_heads * s->head_dim; return;
    case ROLE_W1:
    case ROLE_W3: *rows = s->ffn; return;
    case ROLE_W2:
        *rows = s->hidden;
        *cols = s->ffn;
        return;
    }
}

bool float_is_sound(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits >= 0x00800000u && bits < 0x7f800000u;
}
