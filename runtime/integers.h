/* Products with quantised weights, in integers.
 *
 * A vector that meets a quantised matrix is first cut to 16-bit integers, 32 values at a time:
 *
 *     m = the greatest |x| of the 32
 *     m is NaN or infinite        q = 0,                              s = NaN
 *     m < 2^-100                  q = 0,                              s = 0
 *     otherwise                   q = x × (32767 / m), nearest even,  s = m / 32767
 *
 * Every operation rounds to f32; so |q| ≤ 32767. A row of weights is runs of 32 or 16 values that
 * share a scale d and, in some types, an added minimum m; w are their integers (|w| ≤ 128), all of
 * them as tensor_row has them: x = d w + m. A row times the vector is, run after run in ascending
 * order, beginning at +0,
 *
 *     sum = sum + (d × s) × float(Σ w q)
 *     sum = sum + (m × s) × float(Σ q)          in the types that have minima
 *
 * The inner sums are whole numbers below 2^28 and exact in any order; float() rounds to nearest
 * even. So nothing depends on how many lanes a machine has: a lane is a row.
 *
 * Eight bits for the vector would be faster and are not enough: greedy tokens then differ from
 * those of an exact pass. */
#ifndef RUNTIME_INTEGERS_H
#define RUNTIME_INTEGERS_H

#include "runtime/tensor.h"

#define INTEGERS_BLOCK      32
#define INTEGERS_RUN        16 /* the shortest run that shares a scale */
#define INTEGERS_MOST       32767.0f
#define INTEGERS_NOTHING    0x0d800000u /* the bits of 2^-100 */
#define INTEGERS_ROUND      12582912.0f /* 1.5 × 2^23: pushes the fraction out of a float */
#define INTEGERS_ROUND_BITS 0x4b400000

/* `count` vectors of n values each cut to integers, block by block, in somebody's memory. */
struct integers {
    size_t count;
    int16_t *q;    /* [n / 32][count][32] */
    float *scales; /* [n / 32][count] */
    int32_t *sums; /* [n / 32][count][2] Σ q of each half of a block */
};

/* Is w multiplied so? Every quantised type is whose columns are a multiple of 32, and SLM1's q4_0
 * when 32 values always share a scale. Everything else is multiplied in f32. */
bool integers_apply(enum dtype type, uint32_t cols, uint32_t block);

/* Over [count × n] floats of working memory; n is a multiple of 32. */
static inline struct integers integers_over(float *work, size_t n, size_t count)
{
    float *scales = work + n / 2 * count;
    return (struct integers){.count = count,
                             .q = (int16_t *)(void *)work,
                             .scales = scales,
                             .sums = (int32_t *)(void *)(scales + n / INTEGERS_BLOCK * count)};
}

/* The cut of 32 values with this m, given as its bits. */
struct integers_cut {
    float inverse, scale;
};
static inline struct integers_cut integers_cut(uint32_t greatest)
{
    float m;
    __builtin_memcpy(&m, &greatest, sizeof m);
    if (greatest >= 0x7f800000u)
        return (struct integers_cut){0.0f, __builtin_nanf("")};
    if (greatest < INTEGERS_NOTHING)
        return (struct integers_cut){0.0f, 0.0f};
    return (struct integers_cut){INTEGERS_MOST / m, m / INTEGERS_MOST};
}

/* How a type's integers lie: what runtime/packed.h makes of it. */
struct integers_form {
    uint8_t bits; /* 8: signed bytes; 4: nibbles, w + bias */
    uint8_t bias; /* 0 or 8 */
    uint8_t run;  /* 32 or 16 values share a scale */
    bool minima;
};
const struct integers_form *integers_form(enum dtype type);

/* 32 values of a row: its integers, and scale and minimum of each half (the same when run is 32).
 */
struct integers_block {
    int8_t w[INTEGERS_BLOCK];
    float d[2], m[2];
};

/* The definition, written out plainly. x is [count][n]. */
void integers_from(const float *x, size_t n, struct integers to);
/* `count` blocks of a row, from the b-th on. */
void integers_blocks(const struct tensor *t, uint32_t row, size_t b, size_t count,
                     struct integers_block *out);
/* Row `row` of w times the v-th vector. */
float integers_dot(const struct tensor *w, uint32_t row, const struct integers *x, size_t v);

#endif
