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

/* ggml's order: low nibbles are values 0…15, high ones 16…31; and a fifth bit each. */
static void halves_of_nibbles(const uint8_t *p, uint32_t fifth, int less, int8_t *w)
{
    for (size_t j = 0; j < INTEGERS_BLOCK / 2; j++) {
        w[j] = (int8_t)(((p[j] & 15) | (int)(fifth >> j & 1) << 4) - less);
        w[j + 16] = (int8_t)((p[j] >> 4 | (int)(fifth >> (j + 16) & 1) << 4) - less);
    }
}

/* SLM1's q4_0: low nibble first; 8…15 mean −8…−1. */
static void signed_nibbles(const uint8_t *p, int8_t *w)
{
    for (size_t j = 0; j < INTEGERS_BLOCK / 2; j++) {
        w[2 * j] = (int8_t)(((p[j] & 15) ^ 8) - 8);
        w[2 * j + 1] = (int8_t)(((p[j] >> 4) ^ 8) - 8);
    }
}

static void block_of_32(enum dtype type, const uint8_t *p, struct integers_block *out)
{
    both(out->d, get_half(p));
    if (integers_form(type)->minima)
        both(out->m, get_half(p + 2));
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

/* 32 values from a K type's block of 256, the j-th of eight. */
static void block_of_256(enum dtype type, const uint8_t *p, size_t j, struct integers_block *out)
{
    for (size_t half = 0; half < 2; half++) {
        struct quant_run run;
        quant_run(type, p, 2 * j + half, &run);
        memcpy(out->w + 16 * half, run.q, 16);
        out->d[half] = run.d;
        out->m[half] = run.m;
    }
}

void integers_block(const struct tensor *t, uint32_t row, size_t b, struct integers_block *out)
{
    ENSURE(integers_apply(t->type, t->cols, t->block) && row < t->rows &&
           b < t->cols / INTEGERS_BLOCK);
    const uint8_t *p = t->data + (size_t)(row * t->row_bytes);
    both(out->m, 0.0f);
    if (t->type == DTYPE_SLM_Q8) {
        memcpy(out->w, p + b * INTEGERS_BLOCK, INTEGERS_BLOCK);
        both(out->d, get_f32(t->scales + sizeof(float) * row));
    } else if (t->type == DTYPE_SLM_Q4) {
        signed_nibbles(p + b * (INTEGERS_BLOCK / 2), out->w);
        size_t scale = (size_t)row * (t->cols / t->block) + b * INTEGERS_BLOCK / t->block;
        both(out->d, get_f32(t->scales + sizeof(float) * scale));
    } else if (dtype_block_values(t->type) == INTEGERS_BLOCK) {
        block_of_32(t->type, p + b * dtype_block_bytes(t->type), out);
    } else {
        block_of_256(t->type, p + b / 8 * dtype_block_bytes(t->type), b % 8, out);
    }
}

float integers_dot(const struct tensor *w, uint32_t row, const struct integers *x, size_t v)
{
    const struct integers_form *form = integers_form(w->type);
    float sum = 0.0f;
    for (size_t b = 0; b < w->cols / INTEGERS_BLOCK; b++) {
        struct integers_block block;
        integers_block(w, row, b, &block);
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
