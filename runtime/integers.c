#include "runtime/integers.h"

#include "base/ensure.h"
#include "runtime/quant.h"

bool integers_apply(const struct tensor *w)
{
    if (w->cols == 0 || w->cols % INTEGERS_BLOCK != 0)
        return false;
    if (w->type == DTYPE_SLM_Q4)
        return w->block % INTEGERS_BLOCK == 0;
    return w->type == DTYPE_SLM_Q8 || w->type == DTYPE_Q8_0 || w->type == DTYPE_Q4_0;
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

void integers_from(const float *x, size_t n, struct integers to)
{
    for (size_t b = 0; b < n / INTEGERS_BLOCK; b++, x += INTEGERS_BLOCK) {
        int16_t *q = to.q + b * INTEGERS_BLOCK;
        const struct integers_cut cut = integers_cut(greatest_of(x));
        to.scales[b] = cut.scale;
        for (size_t i = 0; i < INTEGERS_BLOCK; i++) {
            float shifted = x[i] * cut.inverse + INTEGERS_ROUND;
            int32_t bits;
            memcpy(&bits, &shifted, sizeof bits);
            q[i] = (int16_t)(cut.inverse != 0.0f ? bits - INTEGERS_ROUND_BITS : 0);
        }
    }
}

static void signed_bytes(const uint8_t *p, int8_t *w)
{
    memcpy(w, p, INTEGERS_BLOCK);
}

/* ggml's Q4_0: low nibbles are values 0…15, high ones 16…31, less 8. */
static void halves_of_nibbles(const uint8_t *p, int8_t *w)
{
    for (size_t j = 0; j < INTEGERS_BLOCK / 2; j++) {
        w[j] = (int8_t)((p[j] & 15) - 8);
        w[j + INTEGERS_BLOCK / 2] = (int8_t)((p[j] >> 4) - 8);
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

float integers_block(const struct tensor *t, uint32_t row, size_t b, int8_t w[INTEGERS_BLOCK])
{
    ENSURE(integers_apply(t) && row < t->rows && b < t->cols / INTEGERS_BLOCK);
    const uint8_t *p = t->data + (size_t)(row * t->row_bytes);
    if (t->type == DTYPE_SLM_Q8) {
        signed_bytes(p + b * INTEGERS_BLOCK, w);
        return get_f32(t->scales + sizeof(float) * row);
    }
    if (t->type == DTYPE_SLM_Q4) {
        signed_nibbles(p + b * (INTEGERS_BLOCK / 2), w);
        size_t scale = (size_t)row * (t->cols / t->block) + b * INTEGERS_BLOCK / t->block;
        return get_f32(t->scales + sizeof(float) * scale);
    }
    p += b * dtype_block_bytes(t->type);
    if (t->type == DTYPE_Q8_0)
        signed_bytes(p + 2, w);
    else
        halves_of_nibbles(p + 2, w);
    return get_half(p);
}

float integers_dot(const struct tensor *w, uint32_t row, struct integers x)
{
    float a[2][8] = {{0}}, s[8];
    for (size_t b = 0; b < w->cols / INTEGERS_BLOCK; b++) {
        int8_t v[INTEGERS_BLOCK];
        const int16_t *q = x.q + b * INTEGERS_BLOCK;
        float by = integers_block(w, row, b, v) * x.scales[b];
        for (size_t j = 0; j < 8; j++) {
            int32_t lane = v[2 * j] * q[2 * j] + v[2 * j + 1] * q[2 * j + 1] +
                           v[2 * j + 16] * q[2 * j + 16] + v[2 * j + 17] * q[2 * j + 17];
            a[b % 2][j] += (float)lane * by;
        }
    }
    for (size_t j = 0; j < 8; j++)
        s[j] = a[0][j] + a[1][j];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}
