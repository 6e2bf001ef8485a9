#include "runtime/kernels.h"

#include "runtime/integers.h"
#include "runtime/math.h"

#define SLOTS 32

static float fold(const float slot[SLOTS])
{
    float lane[8];
    for (unsigned j = 0; j < 8; j++)
        lane[j] = (slot[j] + slot[8 + j]) + (slot[16 + j] + slot[24 + j]);
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static float dot(const float *a, const float *b, size_t n)
{
    float slot[SLOTS] = {0};
    for (size_t i = 0; i < n; i++)
        slot[i % SLOTS] += a[i] * b[i];
    return fold(slot);
}

/* A row that is no integers: in pieces, one value to a slot. */
static float row_dot(const struct tensor *w, uint32_t row, const float *x)
{
    float slot[SLOTS] = {0};
    for (uint32_t i = 0; i < w->cols; i += SLOTS) {
        float part[SLOTS];
        const uint32_t n = w->cols - i < SLOTS ? w->cols - i : SLOTS;
        tensor_values(w, row, i, n, part);
        for (uint32_t k = 0; k < n; k++)
            slot[k] += part[k] * x[i + k];
    }
    return fold(slot);
}

static void rows(const struct tensor *w, uint32_t from, uint32_t to, const struct vectors *x,
                 float *out)
{
    const bool integers = integers_apply(w->type, w->cols, w->block);
    for (uint32_t r = from; r < to; r++)
        for (size_t v = 0; v < x->count; v++)
            out[v * w->rows + r] =
                integers ? integers_dot(w, r, &x->cut, v) : row_dot(w, r, x->x + v * x->n);
}

static void scale(float *out, const float *x, float by, const float *weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * by * weight[i];
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void silu(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gate[i] = gate[i] / (1.0f + math_exp(-gate[i])) * up[i];
}

static void scores(const float *query, const float *keys, size_t stride, size_t dim, size_t count,
                   float by, float *out)
{
    for (size_t t = 0; t < count; t++)
        out[t] = dot(query, keys + t * stride, dim) * by;
}

static float softmax(float *v, size_t count)
{
    float greatest = v[0], slot[SLOTS] = {0};
    for (size_t i = 1; i < count; i++)
        greatest = v[i] > greatest ? v[i] : greatest;
    for (size_t i = 0; i < count; i++) {
        v[i] = math_exp(v[i] - greatest);
        slot[i % SLOTS] += v[i];
    }
    return 1.0f / fold(slot);
}

static void mix(const float *p, const float *values, size_t stride, size_t dim, size_t count,
                float by, float *out)
{
    for (size_t d = 0; d < dim; d++) {
        float slot[4] = {0};
        for (size_t t = 0; t < count; t++)
            slot[t % 4] += p[t] * values[t * stride + d];
        out[d] = ((slot[0] + slot[1]) + (slot[2] + slot[3])) * by;
    }
}

const struct kernels kernels_reference = {
    .name = "reference",
    .dot = dot,
    .cut = integers_from,
    .rows = rows,
    .scale = scale,
    .add = add,
    .silu = silu,
    .scores = scores,
    .softmax = softmax,
    .mix = mix,
};
