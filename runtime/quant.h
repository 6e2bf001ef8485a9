/* Number formats: how many values and bytes a block of each type has, where its half floats lie,
 * and how a row of blocks becomes floats, bit for bit as the type's definition says (each product
 * and sum rounded to f32 in the order it is written there; no contraction). */
#ifndef RUNTIME_QUANT_H
#define RUNTIME_QUANT_H

#include "runtime/tensor.h"
#include <string.h>

struct dtype_layout {
    const char *name;
    uint16_t values, bytes; /* a block */
    uint16_t half_exponent; /* the exponent bits of its 16-bit floats: 0x7c00 or 0x7f80 */
    uint8_t half_count;     /* how many of those it has; f32 has none here */
    uint8_t half_at[2];     /* where */
};
const struct dtype_layout *dtype_layout(enum dtype t);

/* `blocks` whole blocks of one of ggml's block types (DTYPE_Q8_0 and after) at p; out is
 * [blocks × values]. */
void quant_unpack(enum dtype t, const uint8_t *p, size_t blocks, float *out);

/* 16 values of a K type's block of 256: x = d q + m, or d q in the types without minima
 * (Q3_K, Q6_K), where m is 0. */
struct quant_run {
    int8_t q[16];
    float d, m;
};
/* `count` of the block's 16 runs, from `first` on. */
void quant_runs(enum dtype t, const uint8_t *p, size_t first, size_t count, struct quant_run *out);

static inline float float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline float get_f32(const uint8_t *p)
{
    return float_of_bits(get_le32(p));
}

static inline float half_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (h >> 10) & 0x1f, fraction = h & 0x3ff;
    if (exponent == 0) {
        float f = (float)fraction * 0x1p-24f; /* exact */
        return sign ? -f : f;
    }
    if (exponent == 31)
        return float_of_bits(sign | 0x7f800000u | fraction << 13);
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static inline float get_half(const uint8_t *p)
{
    return half_float(get_le16(p));
}

#endif
