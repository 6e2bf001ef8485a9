/* Quantised matrices laid out for the kernels, once, when a model is loaded: 16 rows side by side.
 *
 *     group (rows 16g … 16g+15, absent ones zero)
 *       block of 32 columns
 *         scales   f32 [runs][16]           runs: 1, or 2 in the types of 16 values a scale
 *         minima   f32 [runs][16]           in the types that have them
 *         bits 8   i8  [16 pairs][16 rows][2]     columns 2p and 2p + 1
 *         bits 4   u32 [4][16 rows]         nibble k of word i: column 8i + 2k (k < 4),
 *                                           8i + 2(k − 4) + 1 (k ≥ 4); stored with its bias
 *       next block …
 *     next group …
 *
 * So 16 lanes read one sequential stream and a lane never meets another. Little-endian, as every
 * machine this runs on. */
#ifndef RUNTIME_PACKED_H
#define RUNTIME_PACKED_H

#include "runtime/integers.h"

#define PACKED_ROWS  16u
#define PACKED_ALIGN 64u

/* Bytes of the scales and minima of one group's block of 32 columns, and of the whole block. */
static inline size_t packed_line_bytes(struct integers_form form)
{
    return (size_t)(INTEGERS_BLOCK / form.run) * (form.minima ? 2 : 1) * PACKED_ROWS *
           sizeof(float);
}
static inline size_t packed_block_bytes(struct integers_form form)
{
    return packed_line_bytes(form) + (size_t)PACKED_ROWS * INTEGERS_BLOCK * form.bits / 8;
}
/* Bytes of a matrix so laid out; 0 when it is not (integers_apply says no). false: more than 64
 * bits count. */
bool packed_bytes(enum dtype type, uint32_t rows, uint32_t cols, uint32_t block, uint64_t *bytes);
/* About as many bytes when most of a model's parameters are of the type so named ("q8_0"). */
uint64_t packed_estimate(const char *type, uint64_t parameters);
/* Fills packed_bytes at `to` (PACKED_ALIGN-aligned) from t->data and t->scales. */
void packed_fill(const struct tensor *t, uint8_t *to);

#endif
