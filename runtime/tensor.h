/* Tensors as they lie in the file, and the set of them that a llama-shaped model is made of.
 *
 * Matrices are row-major [rows = out, cols = in]; a vector is one row. Floats are computed from
 * where they lie; quantised matrices get a second form, of the same precision, for products. */
#ifndef RUNTIME_TENSOR_H
#define RUNTIME_TENSOR_H

#include "runtime/model.h"

/* SLM1's own q8_0 and q4_0 are not ggml's types of the same name. */
enum dtype {
    DTYPE_F32,
    DTYPE_SLM_Q8, /* i8 an element, one f32 scale a row (in scales) */
    DTYPE_SLM_Q4, /* two signed nibbles a byte, low first, one f32 scale per `block` values (in
                     scales) */
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_Q8_0, /* ggml: f16 scale and 32 i8 a block */
    DTYPE_Q4_0,
    DTYPE_Q4_1,
    DTYPE_Q5_0,
    DTYPE_Q5_1,
    DTYPE_Q2_K,
    DTYPE_Q3_K,
    DTYPE_Q4_K,
    DTYPE_Q5_K,
    DTYPE_Q6_K,
    DTYPE_COUNT
};

struct tensor {
    enum dtype type;
    uint32_t rows, cols;
    uint32_t block;     /* values per scale (DTYPE_SLM_Q4), else 0 */
    uint64_t row_bytes; /* from one row to the next in data */
    const uint8_t
        *data; /* [rows × row_bytes], not necessarily aligned for its type; NULL: absent */
    const uint8_t *scales; /* f32 [rows] or [rows × cols / block]; NULL for other types */
    const uint8_t *packed; /* the same weights as runtime/packed.h lays them out; NULL: not needed
                              for products, or not there */
};

struct layer_weights {
    struct tensor attn_norm, ffn_norm; /* [H] */
    struct tensor wq, wk, wv, wo;      /* [H,H] [KD,H] [KD,H] [H,H] */
    struct tensor w1, w2, w3;          /* [F,H] [H,F] [F,H] */
    /* What is added to a matrix's products; absent in most models. */
    struct tensor bq, bk, bv, bo; /* [H] [KD] [KD] [H] */
    struct tensor b1, b2, b3;     /* [F] [H] [F] */
};

struct weights {
    struct tensor embedding;      /* [V,H] */
    struct tensor norm;           /* [H] */
    struct tensor output;         /* [V,H]; the embedding again when tied */
    struct tensor rope_freqs;     /* [D/2] each pair's frequency is divided by it; may be absent */
    float rope_factor;            /* all frequencies are divided by it; 1: as they are */
    struct layer_weights *layers; /* [L] */
};
const struct weights *model_weights(const struct model *m);

const char *dtype_name(enum dtype t); /* "f32", "q8_0", "q4_K" … */
/* Values per block and bytes per block as stored in `data`. */
uint32_t dtype_block_values(enum dtype t);
uint32_t dtype_block_bytes(enum dtype t);
/* One row as floats, bit for bit what the type's definition says; out is [cols]. */
void tensor_row(const struct tensor *t, uint32_t row, float *out);
/* Columns from … from + count − 1 of a row, in a type that has no blocks (floats, and SLM1's own).
 */
void tensor_values(const struct tensor *t, uint32_t row, uint32_t from, uint32_t count, float *out);

#endif
