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

static void matvec(const struct tensor *w, const float *x, float *out, float *unpacked)
{
    if (integers_apply(w)) {
        struct integers cut = integers_over(unpacked, w->cols);
        integers_from(x, w->cols, cut);
        for (uint32_t r = 0; r < w->rows; r++)
            out[r] = integers_dot(w, r, cut);
        return;
    }
    for (uint32_t r = 0; r < w->rows; r++) {
        tensor_row(w, r, unpacked);
        out[r] = dot(unpacked, x, w->cols);
    }
}

static void matmul(const struct tensor *w, const float *x, size_t count, float *out, float *work)
{
    for (size_t i = 0; i < count; i++)
        matvec(w, x + i * w->cols, out + i * w->rows, work);
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
    .matvec = matvec,
    .matmul = matmul,
    .scale = scale,
    .add = add,
    .silu = silu,
    .scores = scores,
    .softmax = softmax,
    .mix = mix,
};
