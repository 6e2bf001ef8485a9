/* Products with quantised weights, in integers.
 *
 * A vector that meets a quantised matrix is first cut to 16-bit integers, 32 values at a time:
 *
 *     m = the greatest |x| of the 32
 *     m is NaN or infinite        q = 0,                              scale = NaN
 *     m < 2^-100                  q = 0,                              scale = 0
 *     otherwise                   q = x × (32767 / m), nearest even,  scale = m / 32767
 *
 * Every operation rounds to f32; so |q| ≤ 32767. Then with the weights' own integers w (|w| ≤ 128)
 * and their scale d, a row is summed block after block. A block's products fall into eight lanes,
 *
 *     lane[j] = w[2j] q[2j] + w[2j+1] q[2j+1] + w[2j+16] q[2j+16] + w[2j+17] q[2j+17]   j = 0…7
 *
 * which are below 2^24 and so exact as integers and as floats. Block b adds
 * lane[j] × (d × scale), rounded after each product, to a[b mod 2][j], and the row's result is
 *
 *     s[j] = a[0][j] + a[1][j]
 *     ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
 *
 * Eight bits for the vector would be faster and are not enough: greedy tokens then differ from
 * those of an exact pass. */
#ifndef RUNTIME_INTEGERS_H
#define RUNTIME_INTEGERS_H

#include "runtime/tensor.h"

#define INTEGERS_BLOCK   32
#define INTEGERS_MOST    32767.0f
#define INTEGERS_NOTHING 0x0d800000u /* the bits of 2^-100 */
/* A float's low bits hold the nearest integer after this is added (|v| < 2^22). */
#define INTEGERS_ROUND      12582912.0f
#define INTEGERS_ROUND_BITS 0x4b400000

/* A vector cut to integers, in somebody's memory. */
struct integers {
    int16_t *q;    /* [n] */
    float *scales; /* [n / 32] */
};

/* Is w multiplied so? Q8_0 and Q4_0 of both containers are, when 32 values always share a scale:
 * the columns, and SLM1's q4_0 block, are multiples of 32. Everything else is multiplied in f32. */
bool integers_apply(const struct tensor *w);

/* Over [n] floats of working memory; n is a multiple of 32. */
static inline struct integers integers_over(float *work, size_t n)
{
    return (struct integers){.q = (int16_t *)(void *)work, .scales = work + n / 2};
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

/* The definition, written out plainly. x is [n]. */
void integers_from(const float *x, size_t n, struct integers to);
/* Block b of a row: its integers in w, its scale returned. */
float integers_block(const struct tensor *t, uint32_t row, size_t b, int8_t w[INTEGERS_BLOCK]);
/* Row `row` of w times the n = cols values that x came from. */
float integers_dot(const struct tensor *w, uint32_t row, struct integers x);

#endif
