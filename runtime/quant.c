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

/* ---- K types: 256 values in 16 runs of 16, each with its scale and minimum ----------------------
 */

typedef uint8_t sixteen __attribute__((vector_size(16)));
typedef uint16_t eight __attribute__((vector_size(16)));

/* Of each of 16 bytes the bits from `shift` on that are in mask; shift and mask stay within a byte.
 */
static inline sixteen bits_of(const uint8_t *p, unsigned shift, uint8_t mask)
{
    eight pairs;
    memcpy(&pairs, p, sizeof pairs);
    return (sixteen)(pairs >> shift) & mask;
}

static inline void put_values(sixteen values, struct quant_run *out)
{
    memcpy(out->q, &values, sizeof out->q);
}

/* 16 × (4-bit scale, 4-bit minimum), 64 bytes of 2-bit values, d, dmin. x = d s q − dmin m */
static inline void q2_k(const uint8_t *p, size_t i, struct quant_run *out)
{
    out->d = get_half(p + 80) * (float)(p[i] & 15);
    out->m = -(get_half(p + 82) * (float)(p[i] >> 4));
    const uint8_t *run = p + 16 + 32 * (i / 8) + 16 * (i % 2);
    unsigned shift = 2 * ((unsigned)(i % 8) / 2);
    put_values(bits_of(run, shift, 3), out);
}

/* 32 bytes of third bits, 64 of 2-bit values, 12 of 6-bit scales, d.
 * x = d (s − 32) (q − (third bit clear ? 4 : 0)) */
static inline void q3_k(const uint8_t *p, size_t i, struct quant_run *out)
{
    const uint8_t *scales = p + 96;
    int low = i < 8 ? scales[i] & 15 : scales[i - 8] >> 4;
    int high = (scales[8 + i % 4] >> (2 * (i / 4))) & 3;
    out->d = get_half(p + 108) * (float)((low | high << 4) - 32);
    const uint8_t *run = p + 32 + 32 * (i / 8) + 16 * (i % 2);
    const uint8_t *bits = p + 16 * (i % 2);
    unsigned shift = 2 * ((unsigned)(i % 8) / 2), bit = (unsigned)i / 2;
    put_values(bits_of(run, shift, 3) + 4 * bits_of(bits, bit, 1) - 4, out);
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

static void scaled(const uint8_t *p, size_t j, struct quant_run *out)
{
    float s, m;
    scale_min(p + 4, j, &s, &m);
    out->d = get_half(p) * s;
    out->m = -(get_half(p + 2) * m);
}

/* d, dmin, 12 bytes of scales, 128 of nibbles: of each 32 bytes the low ones, then the high ones.
 * x = d s q − dmin m */
static inline void q4_k(const uint8_t *p, size_t i, struct quant_run *out)
{
    const size_t j = i / 2;
    scaled(p, j, out);
    const uint8_t *run = p + 16 + 32 * (j / 2) + 16 * (i % 2);
    put_values(bits_of(run, 4 * (unsigned)(j % 2), 15), out);
}

/* As Q4_K with a fifth bit: bit j of byte l for value l of the j-th 32. */
static inline void q5_k(const uint8_t *p, size_t i, struct quant_run *out)
{
    const size_t j = i / 2;
    scaled(p, j, out);
    const uint8_t *high = p + 16 + 16 * (i % 2), *run = p + 48 + 32 * (j / 2) + 16 * (i % 2);
    put_values(bits_of(run, 4 * (unsigned)(j % 2), 15) + 16 * bits_of(high, (unsigned)j, 1), out);
}

/* 128 bytes of low nibbles, 64 of high pairs, 16 i8 scales, d. x = d s (q − 32) */
static inline void q6_k(const uint8_t *p, size_t i, struct quant_run *out)
{
    const size_t j = i / 2; /* runs of 32 values, four to each half */
    out->d = get_half(p + 208) * (float)(int8_t)p[192 + i];
    const uint8_t *low = p + 64 * (j / 4) + 32 * (j % 2) + 16 * (i % 2);
    const uint8_t *high = p + 128 + 32 * (j / 4) + 16 * (i % 2);
    unsigned nibble = j % 4 < 2 ? 0 : 4, pair = 2 * ((unsigned)j % 4);
    put_values((bits_of(low, nibble, 15) | 16 * bits_of(high, pair, 3)) - 32, out);
}

/* One loop a type: this is what a load waits for. */
#define RUNS(of)                         \
    for (size_t i = 0; i < count; i++) { \
        out[i].m = 0.0f;                 \
        of(p, first + i, out + i);       \
    }

void quant_runs(enum dtype t, const uint8_t *p, size_t first, size_t count, struct quant_run *out)
{
    assert(first + count <= 16);
    if (t == DTYPE_Q2_K)
        RUNS(q2_k)
    else if (t == DTYPE_Q3_K)
        RUNS(q3_k)
    else if (t == DTYPE_Q4_K)
        RUNS(q4_k)
    else if (t == DTYPE_Q5_K)
        RUNS(q5_k)
    else
        RUNS(q6_k)
}

static bool has_minima(enum dtype t)
{
    return t == DTYPE_Q2_K || t == DTYPE_Q4_K || t == DTYPE_Q5_K;
}

static void unpack_runs(enum dtype t, const uint8_t *p, float *out)
{
    struct quant_run runs[16];
    quant_runs(t, p, 0, 16, runs);
    for (size_t i = 0; i < 16; i++)
        for (size_t l = 0; l < 16; l++) {
            float x = runs[i].d * (float)runs[i].q[l];
            out[16 * i + l] = has_minima(t) ? x + runs[i].m : x;
        }
}

void quant_unpack(enum dtype t, const uint8_t *p, size_t blocks, float *out)
{
    static void (*const unpack[DTYPE_COUNT])(const uint8_t *p, float *out) = {
        [DTYPE_Q8_0] = q8_0, [DTYPE_Q4_0] = q4_0, [DTYPE_Q4_1] = q4_1,
        [DTYPE_Q5_0] = q5_0, [DTYPE_Q5_1] = q5_1,
    };
    const struct dtype_layout *layout = dtype_layout(t);
    assert(t >= DTYPE_Q8_0);
    for (size_t i = 0; i < blocks; i++, p += layout->bytes, out += layout->values)
        if (unpack[t] != NULL)
            unpack[t](p, out);
        else
            unpack_runs(t, p, out);
}
