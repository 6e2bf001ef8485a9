/* Which tensors a llama-shaped model is made of, and their shapes; the same for every container.
 *
 *     index   0 embedding [V,H] · 1 norm [H] · 2 output [V,H] unless tied · 3 rope_freqs [D/2]
 *             4 + 16 × layer + …  attn_norm ffn_norm wq wk wv wo w1 w2 w3, bq bk bv bo b1 b2 b3
 *
 * Biases (as long as their matrix has rows) and rope_freqs may be there or not; a container that
 * does not know them never has them. */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include "runtime/tensor.h"

/* Named limits of what any container may ask for; all are checked before anything is allocated. */
#define MODEL_VOCAB_MAX   262144u
#define MODEL_LAYERS_MAX  256u
#define MODEL_HIDDEN_MAX  65536u
#define MODEL_FFN_MAX     (1u << 20)
#define MODEL_CONTEXT_MAX (1u << 24)

enum tensor_role {
    ROLE_EMBEDDING,
    ROLE_NORM,
    ROLE_OUTPUT,
    ROLE_ROPE_FREQS,
    ROLE_ATTN_NORM,
    ROLE_FFN_NORM,
    ROLE_WQ,
    ROLE_WK,
    ROLE_WV,
    ROLE_WO,
    ROLE_W1,
    ROLE_W2,
    ROLE_W3,
    ROLE_BQ,
    ROLE_BK,
    ROLE_BV,
    ROLE_BO,
    ROLE_B1,
    ROLE_B2,
    ROLE_B3,
    TENSOR_ROLE_COUNT
};
#define ROLES_GLOBAL    4u
#define ROLES_PER_LAYER 16u

/* Places in the plan, taken or not. */
size_t plan_count(const struct model_shape *s);
/* How many of them every model of this shape has: 3 + 9 L, one less with a tied output. */
size_t plan_needed(const struct model_shape *s);
size_t plan_index(enum tensor_role r, uint32_t layer);
enum tensor_role plan_role(size_t index);
uint32_t plan_layer(size_t index);                           /* 0 for the global ones */
bool plan_wanted(const struct model_shape *s, size_t index); /* one of those */

bool role_is_vector(enum tensor_role r);
/* Rows and columns; a vector has one row. */
void role_shape(const struct model_shape *s, enum tensor_role r, uint32_t *rows, uint32_t *cols);

/* Finite, positive and not denormal: what an epsilon or a rope base must be. */
bool float_is_sound(float f);

#endif
