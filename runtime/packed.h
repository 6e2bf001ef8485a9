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
 * machine this runs on.
 *
 * Where PACKED_BRAIDED, rows share their 16 bits, of the same size in all:
 *
 *         bits 8   u16 [16 pairs][8 rows r][2]    column 2p or 2p + 1; row r + 8 is the high byte
 *         bits 4   u16 [16 pairs][4 rows r][2]    rows r, r + 4, r + 8, r + 12 from the low nibble
 * up
 *
 * The greatest part is signed (nibbles: less 8), so the 16 bits as a whole are; others are unsigned
 * (bytes: plus 128). Whoever multiplies takes the 16 bits as they are for the lowest row, shifted
 * down for the next, and at the end of a run takes from each sum what the rows above brought in:
 * modulo 2^32 that is exact. It saves widening each byte, which a machine of 128 bits has to do as
 * often as it multiplies; wider ones have instructions that make up for it. */
#ifndef RUNTIME_PACKED_H
#define RUNTIME_PACKED_H

#include "runtime/integers.h"

#define PACKED_ROWS  16u
#define PACKED_ALIGN 64u

#if defined(__wasm_simd128__)
#define PACKED_BRAIDED 1
#else
#define PACKED_BRAIDED 0
#endif

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
