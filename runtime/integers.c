#include "runtime/integers.h"

#include "base/ensure.h"
#include "runtime/quant.h"

static const struct integers_form forms[DTYPE_COUNT] = {
    [DTYPE_SLM_Q8] = {8, 0, 32, false}, [DTYPE_SLM_Q4] = {4, 8, 32, false},
    [DTYPE_Q8_0] = {8, 0, 32, false},   [DTYPE_Q4_0] = {4, 8, 32, false},
    [DTYPE_Q4_1] = {4, 0, 32, true},    [DTYPE_Q5_0] = {8, 0, 32, false},
    [DTYPE_Q5_1] = {8, 0, 32, true},    [DTYPE_Q2_K] = {4, 0, 16, true},
    [DTYPE_Q3_K] = {4, 8, 16, false},   [DTYPE_Q4_K] = {4, 0, 32, true},
    [DTYPE_Q5_K] = {8, 0, 32, true},    [DTYPE_Q6_K] = {8, 0, 16, false},
};

const struct integers_form *integers_form(enum dtype type)
{
    return &forms[type];
}

bool integers_apply(enum dtype type, uint32_t cols, uint32_t block)
{
    if (forms[type].bits == 0 || cols == 0 || cols % INTEGERS_BLOCK != 0)
        return false;
    return type != DTYPE_SLM_Q4 || block % INTEGERS_BLOCK == 0;
}

static uint32_t greatest_of(const float *x)
{
    uint32_t greatest = 0;
    for (size_t i = 0; i < INTEGERS_BLOCK; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffffu;
        greatest = bits > greatest ? bits : greatest;
    }
    return greatest;
}

static void cut_block(const float *x, int16_t *q, float *scale, int32_t sums[2])
{
    const struct integers_cut cut = integers_cut(greatest_of(x));
    *scale = cut.scale;
    sums[0] = sums[1] = 0;
    for (size_t i = 0; i < INTEGERS_BLOCK; i++) {
        float shifted = x[i] * cut.inverse + INTEGERS_ROUND;
        int32_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        q[i] = (int16_t)(cut.inverse != 0.0f ? bits - INTEGERS_ROUND_BITS : 0);
        sums[i / INTEGERS_RUN] += q[i];
    }
}

void integers_from(const float *x, size_t n, struct integers to)
{
    for (size_t v = 0; v < to.count; v++)
        for (size_t b = 0; b < n / INTEGERS_BLOCK; b++) {
            const size_t at = b * to.count + v;
            cut_block(x + v * n + b * INTEGERS_BLOCK, to.q + at * INTEGERS_BLOCK, to.scales + at,
                      to.sums + 2 * at);
        }
}

/* ---- blocks of each type; runtime/quant.c has the pictures ----------------------------------- */

static void both(float v[2], float x)
{
    v[0] = v[1] = x;
}

typedef uint8_t sixteen __attribute__((vector_size(16)));

/* Sixteen bits to sixteen bytes, 16 for one that is set. */
static sixteen fifths_of(uint32_t bits)
{
    const uint64_t every = UINT64_C(0x0101010101010101), lone = UINT64_C(0x8040201008040201);
    typedef uint64_t two __attribute__((vector_size(16)));
    const two apart = {(bits & 255) * every & lone, (bits >> 8 & 255) * every & lone};
    return (sixteen)((sixteen)apart != 0) & 16;
}

/* ggml's order: low nibbles are values 0…15, high ones 16…31; and a fifth bit each. */
static inline void halves_of_nibbles(const uint8_t *p, uint32_t fifth, uint8_t less, int8_t *w)
{
    sixteen both_halves;
    memcpy(&both_halves, p, sizeof both_halves);
    sixteen low = both_halves & 15, high = both_halves >> 4;
    if (fifth != 0) {
        low |= fifths_of(fifth & 0xffff);
        high |= fifths_of(fifth >> 16);
    }
    low -= less;
    high -= less;
    memcpy(w, &low, sizeof low);
    memcpy(w + sizeof low, &high, sizeof high);
}

/* SLM1's q4_0: low nibble first; 8…15 mean −8…−1. */
static void signed_nibbles(const uint8_t *p, int8_t *w)
{
    sixteen both_values;
    memcpy(&both_values, p, sizeof both_values);
    const sixteen even = ((both_values & 15) ^ 8) - 8, odd = (both_values >> 4 ^ 8) - 8;
    const sixteen low =
        __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const sixteen high = __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                 13, 29, 14, 30, 15, 31);
    memcpy(w, &low, sizeof low);
    memcpy(w + sizeof low, &high, sizeof high);
}

static inline void block_of_32(enum dtype type, const uint8_t *p, struct integers_block *out)
{
    both(out->d, get_half(p));
    both(out->m, type == DTYPE_Q4_1 || type == DTYPE_Q5_1 ? get_half(p + 2) : 0.0f);
    if (type == DTYPE_Q8_0)
        memcpy(out->w, p + 2, INTEGERS_BLOCK);
    else if (type == DTYPE_Q4_0)
        halves_of_nibbles(p + 2, 0, 8, out->w);
    else if (type == DTYPE_Q4_1)
        halves_of_nibbles(p + 4, 0, 0, out->w);
    else if (type == DTYPE_Q5_0)
        halves_of_nibbles(p + 6, get_le32(p + 2), 16, out->w);
    else
        halves_of_nibbles(p + 8, get_le32(p + 4), 0, out->w);
}

/* One loop a type: this is what a load waits for. */
#define BLOCKS_OF_32(type)                         \
    for (size_t i = 0; i < count; i++, p += bytes) \
        block_of_32(type, p, out + i);

static void blocks_of_32(enum dtype type, const uint8_t *p, size_t count,
                         struct integers_block *out)
{
    const size_t bytes = dtype_block_bytes(type);
    if (type == DTYPE_Q8_0)
        BLOCKS_OF_32(DTYPE_Q8_0)
    else if (type == DTYPE_Q4_0)
        BLOCKS_OF_32(DTYPE_Q4_0)
    else if (type == DTYPE_Q4_1)
        BLOCKS_OF_32(DTYPE_Q4_1)
    else if (type == DTYPE_Q5_0)
        BLOCKS_OF_32(DTYPE_Q5_0)
    else
        BLOCKS_OF_32(DTYPE_Q5_1)
}

/* As many as lie in one block of a K type, from its j-th 32 of eight on; how many that is. */
static size_t blocks_of_256(enum dtype type, const uint8_t *p, size_t j, size_t count,
                            struct integers_block *out)
{
    struct quant_run runs[16];
    const size_t n = count < 8 - j ? count : 8 - j;
    quant_runs(type, p, 2 * j, 2 * n, runs);
    for (size_t i = 0; i < 2 * n; i++) {
        memcpy(out[i / 2].w + 16 * (i % 2), runs[i].q, 16);
        out[i / 2].d[i % 2] = runs[i].d;
        out[i / 2].m[i % 2] = runs[i].m;
    }
    return n;
}

static void blocks_of_slm(const struct tensor *t, uint32_t row, size_t b, size_t count,
                          struct integers_block *out)
{
    const uint8_t *p = t->data + (size_t)(row * t->row_bytes);
    for (size_t i = 0; i < count; i++, b++, out++) {
        size_t scale = row;
        if (t->type == DTYPE_SLM_Q8) {
            memcpy(out->w, p + b * INTEGERS_BLOCK, INTEGERS_BLOCK);
        } else {
            signed_nibbles(p + b * (INTEGERS_BLOCK / 2), out->w);
            scale = (size_t)row * (t->cols / t->block) + b * INTEGERS_BLOCK / t->block;
        }
        both(out->d, get_f32(t->scales + sizeof(float) * scale));
        both(out->m, 0.0f);
    }
}

void integers_blocks(const struct tensor *t, uint32_t row, size_t b, size_t count,
                     struct integers_block *out)
{
    ENSURE(integers_apply(t->type, t->cols, t->block) && row < t->rows &&
           b + count <= t->cols / INTEGERS_BLOCK);
    const uint8_t *p = t->data + (size_t)(row * t->row_bytes);
    if (t->type == DTYPE_SLM_Q8 || t->type == DTYPE_SLM_Q4)
        blocks_of_slm(t, row, b, count, out);
    else if (dtype_block_values(t->type) == INTEGERS_BLOCK)
        blocks_of_32(t->type, p + b * dtype_block_bytes(t->type), count, out);
    else
        for (size_t i = b; i < b + count;)
            i += blocks_of_256(t->type, p + i / 8 * dtype_block_bytes(t->type), i % 8,
                               b + count - i, out + (i - b));
}

float integers_dot(const struct tensor *w, uint32_t row, const struct integers *x, size_t v)
{
    const struct integers_form *form = integers_form(w->type);
    float sum = 0.0f;
    for (size_t b = 0; b < w->cols / INTEGERS_BLOCK; b++) {
        struct integers_block block;
        integers_blocks(w, row, b, 1, &block);
        const size_t at = b * x->count + v;
        const int16_t *q = x->q + at * INTEGERS_BLOCK;
        for (size_t i = 0; i < INTEGERS_BLOCK; i += form->run) {
            int32_t products = 0, plain = 0;
            for (size_t k = i; k < i + form->run; k++) {
                products += block.w[k] * q[k];
                plain += q[k];
            }
            sum = sum + block.d[i / 16] * x->scales[at] * (float)products;
            if (form->minima)
                sum = sum + block.m[i / 16] * x->scales[at] * (float)plain;
        }
    }
    return sum;
}
