#include "runtime/tensor.h"
#include "runtime/quant.h"
#include <assert.h>
#include <string.h>

static const struct dtype_layout layouts[DTYPE_COUNT] = {
    /*                name     values bytes exponent halves at */
    [DTYPE_F32] = {"f32", 1, 4, 0, 0, {0, 0}},
    [DTYPE_SLM_Q8] = {"q8_0", 1, 1, 0, 0, {0, 0}},
    [DTYPE_SLM_Q4] = {"q4_0", 2, 1, 0, 0, {0, 0}},
    [DTYPE_F16] = {"f16", 1, 2, 0x7c00, 1, {0, 0}},
    [DTYPE_BF16] = {"bf16", 1, 2, 0x7f80, 1, {0, 0}},
    [DTYPE_Q8_0] = {"q8_0", 32, 34, 0x7c00, 1, {0, 0}},
    [DTYPE_Q4_0] = {"q4_0", 32, 18, 0x7c00, 1, {0, 0}},
    [DTYPE_Q4_1] = {"q4_1", 32, 20, 0x7c00, 2, {0, 2}},
    [DTYPE_Q5_0] = {"q5_0", 32, 22, 0x7c00, 1, {0, 0}},
    [DTYPE_Q5_1] = {"q5_1", 32, 24, 0x7c00, 2, {0, 2}},
    [DTYPE_Q2_K] = {"q2_K", 256, 84, 0x7c00, 2, {80, 82}},
    [DTYPE_Q3_K] = {"q3_K", 256, 110, 0x7c00, 1, {108, 0}},
    [DTYPE_Q4_K] = {"q4_K", 256, 144, 0x7c00, 2, {0, 2}},
    [DTYPE_Q5_K] = {"q5_K", 256, 176, 0x7c00, 2, {0, 2}},
    [DTYPE_Q6_K] = {"q6_K", 256, 210, 0x7c00, 1, {208, 0}},
};

const struct dtype_layout *dtype_layout(enum dtype t)
{
    assert((unsigned)t < DTYPE_COUNT);
    return &layouts[t];
}

const char *dtype_name(enum dtype t)
{
    return dtype_layout(t)->name;
}

uint32_t dtype_block_values(enum dtype t)
{
    return dtype_layout(t)->values;
}

uint32_t dtype_block_bytes(enum dtype t)
{
    return dtype_layout(t)->bytes;
}

/* A nibble as a signed number: 8…15 mean −8…−1. */
static float signed_nibble(unsigned n)
{
    return (float)((int)(n ^ 8u) - 8);
}

static void slm_q4_row(const struct tensor *t, uint32_t row, const uint8_t *p, float *out)
{
    size_t blocks = t->cols / t->block;
    const uint8_t *scales = t->scales + 4 * (size_t)row * blocks;
    for (size_t b = 0; b < blocks; b++) {
        float scale = get_f32(scales + 4 * b);
        for (size_t i = b * t->block; i < (b + 1) * t->block; i += 2) {
            out[i] = signed_nibble(p[i / 2] & 15u) * scale;
            out[i + 1] = signed_nibble(p[i / 2] >> 4) * scale;
        }
    }
}

static void slm_q8_row(const struct tensor *t, uint32_t row, const uint8_t *p, float *out)
{
    float scale = get_f32(t->scales + 4 * (size_t)row);
    for (size_t i = 0; i < t->cols; i++)
        out[i] = (float)(int8_t)p[i] * scale;
}

void tensor_values(const struct tensor *t, uint32_t row, uint32_t from, uint32_t count, float *out)
{
    const uint8_t *p = t->data + (size_t)(row * t->row_bytes);
    assert(dtype_block_values(t->type) <= 2 && row < t->rows && from + count <= t->cols);
    for (size_t i = from; i < from + count; i++, out++) {
        if (t->type == DTYPE_F32)
            *out = get_f32(p + 4 * i);
        else if (t->type == DTYPE_F16)
            *out = get_half(p + 2 * i);
        else if (t->type == DTYPE_BF16)
            *out = float_of_bits((uint32_t)get_le16(p + 2 * i) << 16);
        else if (t->type == DTYPE_SLM_Q8)
            *out = (float)(int8_t)p[i] * get_f32(t->scales + 4 * (size_t)row);
        else
            *out = signed_nibble((uint32_t)p[i / 2] >> 4 * (i % 2) & 15u) *
                   get_f32(t->scales + 4 * ((size_t)row * (t->cols / t->block) + i / t->block));
    }
}

void tensor_row(const struct tensor *t, uint32_t row, float *out)
{
    assert(t->data != NULL && row < t->rows);
    const uint8_t *p = t->data + (size_t)(row * t->row_bytes);
    switch (t->type) {
    case DTYPE_F32: memcpy(out, p, t->cols * sizeof *out); return; /* little-endian, as packed.h */
    case DTYPE_F16:
        for (size_t i = 0; i < t->cols; i++)
            out[i] = get_half(p + 2 * i);
        return;
    case DTYPE_BF16:
        for (size_t i = 0; i < t->cols; i++)
            out[i] = float_of_bits((uint32_t)get_le16(p + 2 * i) << 16);
        return;
    case DTYPE_SLM_Q8: slm_q8_row(t, row, p, out); return;
    case DTYPE_SLM_Q4: slm_q4_row(t, row, p, out); return;
    case DTYPE_Q8_0:
    case DTYPE_Q4_0:
    case DTYPE_Q4_1:
    case DTYPE_Q5_0:
    case DTYPE_Q5_1:
    case DTYPE_Q2_K:
    case DTYPE_Q3_K:
    case DTYPE_Q4_K:
    case DTYPE_Q5_K:
    case DTYPE_Q6_K: quant_unpack(t->type, p, t->cols / dtype_block_values(t->type), out); return;
    case DTYPE_COUNT: break;
    }
    assert(false && "a type that a tensor can have");
}
