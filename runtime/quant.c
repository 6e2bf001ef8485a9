#include "runtime/quant.h"
#include <assert.h>

/* In the comments d is the block's scale, m its minimum, q a stored integer. */

/* d, 16 bytes of nibbles: low ones are values 0…15, high ones 16…31. x = (q − 8) d */
static void q4_0(const uint8_t *p, float *out)
{
    float d = get_half(p);
    for (size_t j = 0; j < 16; j++) {
        out[j] = (float)((p[2 + j] & 15) - 8) * d;
        out[j + 16] = (float)((p[2 + j] >> 4) - 8) * d;
    }
}

/* d, m, nibbles. x = q d + m */
static void q4_1(const uint8_t *p, float *out)
{
    float d = get_half(p), m = get_half(p + 2);
    for (size_t j = 0; j < 16; j++) {
        out[j] = (float)(p[4 + j] & 15) * d + m;
        out[j + 16] = (float)(p[4 + j] >> 4) * d + m;
    }
}

/* The j-th fifth bit of a block of 32, in its place. */
static int fifth(uint32_t high, size_t j)
{
    return (int)((high >> j) & 1u) << 4;
}

/* d, 32 fifth bits, nibbles. x = (q − 16) d */
static void q5_0(const uint8_t *p, float *out)
{
    float d = get_half(p);
    uint32_t high = get_le32(p + 2);
    for (size_t j = 0; j < 16; j++) {
        out[j] = (float)(((p[6 + j] & 15) | fifth(high, j)) - 16) * d;
        out[j + 16] = (float)(((p[6 + j] >> 4) | fifth(high, j + 16)) - 16) * d;
    }
}

/* d, m, 32 fifth bits, nibbles. x = q d + m */
static void q5_1(const uint8_t *p, float *out)
{
    float d = get_half(p), m = get_half(p + 2);
    uint32_t high = get_le32(p + 4);
    for (size_t j = 0; j < 16; j++) {
        out[j] = (float)((p[8 + j] & 15) | fifth(high, j)) * d + m;
        out[j + 16] = (float)((p[8 + j] >> 4) | fifth(high, j + 16)) * d + m;
    }
}

static void q8_0(const uint8_t *p, float *out)
{
    float d = get_half(p);
    for (size_t j = 0; j < 32; j++)
        out[j] = (float)(int8_t)p[2 + j] * d;
}

/* 16 × (4-bit scale, 4-bit minimum), 64 bytes of 2-bit values, d, dmin. x = d s q − dmin m */
static void q2_k(const uint8_t *p, float *out)
{
    const uint8_t *scales = p, *q = p + 16;
    float d = get_half(p + 80), dmin = get_half(p + 82);
    for (size_t i = 0; i < 16; i++) { /* runs of 16 values */
        float dl = d * (float)(scales[i] & 15), ml = dmin * (float)(scales[i] >> 4);
        const uint8_t *run = q + 32 * (i / 8) + 16 * (i % 2);
        unsigned shift = 2 * ((unsigned)(i % 8) / 2);
        for (size_t l = 0; l < 16; l++)
            out[16 * i + l] = dl * (float)((run[l] >> shift) & 3) - ml;
    }
}

/* 32 bytes of third bits, 64 of 2-bit values, 12 of 6-bit scales, d.
 * x = d (s − 32) (q − (third bit clear ? 4 : 0)) */
static void q3_k(const uint8_t *p, float *out)
{
    const uint8_t *third = p, *q = p + 32, *scales = p + 96;
    float d = get_half(p + 108);
    for (size_t i = 0; i < 16; i++) {
        int low = i < 8 ? scales[i] & 15 : scales[i - 8] >> 4;
        int high = (scales[8 + i % 4] >> (2 * (i / 4))) & 3;
        float dl = d * (float)((low | high << 4) - 32);
        const uint8_t *run = q + 32 * (i / 8) + 16 * (i % 2);
        const uint8_t *bits = third + 16 * (i % 2);
        unsigned shift = 2 * ((unsigned)(i % 8) / 2), bit = (unsigned)i / 2;
        for (size_t l = 0; l < 16; l++)
            out[16 * i + l] =
                dl * (float)(((run[l] >> shift) & 3) - ((bits[l] >> bit) & 1 ? 0 : 4));
    }
}

/* The j-th of eight 6-bit scales and minima packed into 12 bytes. */
static void scale_min(const uint8_t *s, size_t j, float *scale, float *min)
{
    if (j < 4) {
        *scale = (float)(s[j] & 63);
        *min = (float)(s[j + 4] & 63);
    } else {
        *scale = (float)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        *min = (float)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
    }
}

/* d, dmin, 12 bytes of scales, 128 of nibbles: of each 32 bytes the low ones, then the high ones.
 * x = d s q − dmin m */
static void q4_k(const uint8_t *p, float *out)
{
    float d = get_half(p), dmin = get_half(p + 2);
    for (size_t j = 0; j < 8; j++) {
        float s, m;
        scale_min(p + 4, j, &s, &m);
        float dl = d * s, ml = dmin * m;
        const uint8_t *run = p + 16 + 32 * (j / 2);
        for (size_t l = 0; l < 32; l++)
            out[32 * j + l] = dl * (float)(j % 2 == 0 ? run[l] & 15 : run[l] >> 4) - ml;
    }
}

/* As Q4_K with a fifth bit: bit j of byte l for value l of the j-th 32. */
static void q5_k(const uint8_t *p, float *out)
{
    float d = get_half(p), dmin = get_half(p + 2);
    const uint8_t *high = p + 16;
    for (size_t j = 0; j < 8; j++) {
        float s, m;
        scale_min(p + 4, j, &s, &m);
        float dl = d * s, ml = dmin * m;
        const uint8_t *run = p + 48 + 32 * (j / 2);
        for (size_t l = 0; l < 32; l++) {
            int low = j % 2 == 0 ? run[l] & 15 : run[l] >> 4;
            out[32 * j + l] = dl * (float)(low + ((high[l] >> j) & 1 ? 16 : 0)) - ml;
        }
    }
}

/* 128 bytes of low nibbles, 64 of high pairs, 16 i8 scales, d. x = d s (q − 32) */
static void q6_k(const uint8_t *p, float *out)
{
    float d = get_half(p + 208);
    for (size_t i = 0; i < 8; i++) { /* runs of 32 values, four to each half */
        const uint8_t *low = p + 64 * (i / 4) + 32 * (i % 2);
        const uint8_t *high = p + 128 + 32 * (i / 4);
        unsigned nibble = i % 4 < 2 ? 0 : 4, pair = 2 * ((unsigned)i % 4);
        for (size_t l = 0; l < 32; l++) {
            float dl = d * (float)(int8_t)p[192 + 2 * i + l / 16];
            int q = ((low[l] >> nibble) & 15) | ((high[l] >> pair) & 3) << 4;
            out[32 * i + l] = dl * (float)(q - 32);
        }
    }
}

void quant_unpack(enum dtype t, const uint8_t *p, size_t blocks, float *out)
{
    static void (*const unpack[DTYPE_COUNT])(const uint8_t *p, float *out) = {
        [DTYPE_Q8_0] = q8_0, [DTYPE_Q4_0] = q4_0, [DTYPE_Q4_1] = q4_1, [DTYPE_Q5_0] = q5_0,
        [DTYPE_Q5_1] = q5_1, [DTYPE_Q2_K] = q2_k, [DTYPE_Q3_K] = q3_k, [DTYPE_Q4_K] = q4_k,
        [DTYPE_Q5_K] = q5_k, [DTYPE_Q6_K] = q6_k,
    };
    const struct dtype_layout *layout = dtype_layout(t);
    assert(unpack[t] != NULL);
    for (size_t i = 0; i < blocks; i++)
        unpack[t](p + i * layout->bytes, out + i * layout->values);
}
