/* Rows of quantised weights times a vector cut to integers, as runtime/integers.h states them.
 * A part of runtime/kernels_body.h. */
#include "runtime/lanes_integers.h"

LANES_INLINE void cut(const float *x, size_t n, struct integers to)
{
    for (size_t i = 0; i < n; i += INTEGERS_BLOCK) {
        const struct integers_cut by = integers_cut(lanes_block_greatest(x + i));
        to.scales[i / INTEGERS_BLOCK] = by.scale;
        if (by.inverse != 0.0f) {
            lanes_cut16(x + i, by.inverse, to.q + i);
            lanes_cut16(x + i + 16, by.inverse, to.q + i + 16);
        } else {
            __builtin_memset(to.q + i, 0, INTEGERS_BLOCK * sizeof *to.q);
        }
    }
}

/* The two accumulators of a row. */
struct pair {
    lanes a[2];
};

LANES_INLINE struct pair pair_empty(void)
{
    lanes zero = lanes_all(0.0f);
    return (struct pair){{zero, zero}};
}

LANES_INLINE float pair_fold(const struct pair *s)
{
    return lanes_fold(lanes_add(s->a[0], s->a[1]));
}

/* Block b: weights w with scale d. */
LANES_INLINE void pair_madd(struct pair *s, size_t b, unsigned k, const lanes_block *w, lanes d,
                            struct integers x)
{
    lanes by = lanes_mul(d, lanes_all(x.scales[b]));
    s->a[k] = lanes_add(s->a[k], lanes_mul(lanes_block_dot(w, x.q + b * INTEGERS_BLOCK), by));
}

/* How one type's block b of a row is had: its weights and its scale. */
struct row {
    const uint8_t *data, *scales;
    size_t per_scale; /* blocks of 32 under one scale (SLM1) */
};

LANES_INLINE lanes scale_at(const uint8_t *p)
{
    float one;
    __builtin_memcpy(&one, p, sizeof one);
    return lanes_all(one);
}

LANES_INLINE lanes_block block_at(enum dtype type, const struct row *r, size_t b, lanes *d)
{
    if (type == DTYPE_Q8_0) {
        const uint8_t *p = r->data + b * 34;
        *d = lanes_all_f16(p);
        return lanes_block_bytes(p + 2);
    }
    if (type == DTYPE_Q4_0) {
        const uint8_t *p = r->data + b * 18;
        *d = lanes_all_f16(p);
        return lanes_block_halves(p + 2);
    }
    if (type == DTYPE_SLM_Q8) {
        *d = scale_at(r->scales);
        return lanes_block_bytes(r->data + b * 32);
    }
    *d = scale_at(r->scales + (r->per_scale == 1 ? b : b / r->per_scale) * sizeof(float));
    return lanes_block_nibbles(r->data + b * 16);
}

/* One row times n ≤ AT_ONCE vectors, whose integers are one `stride` of floats apart in work; n is
 * a constant, so that every vector has registers of its own. */
#define AT_ONCE 4
LANES_INLINE void row_times(enum dtype type, const struct row *r, size_t cols, float *work,
                            unsigned n, float *out, size_t out_stride)
{
    struct pair s[AT_ONCE];
    struct integers x[AT_ONCE];
    for (unsigned v = 0; v < n; v++) {
        s[v] = pair_empty();
        x[v] = integers_over(work + v * cols, cols);
    }
    const size_t blocks = cols / INTEGERS_BLOCK;
    lanes d;
    size_t b = 0;
    for (; b + 2 <= blocks; b += 2)
        for (unsigned k = 0; k < 2; k++) {
            lanes_block w = block_at(type, r, b + k, &d);
            for (unsigned v = 0; v < n; v++)
                pair_madd(&s[v], b + k, k, &w, d, x[v]);
        }
    if (b < blocks) {
        lanes_block w = block_at(type, r, b, &d);
        for (unsigned v = 0; v < n; v++)
            pair_madd(&s[v], b, 0, &w, d, x[v]);
    }
    for (unsigned v = 0; v < n; v++)
        out[v * out_stride] = pair_fold(&s[v]);
}

/* With `type` a constant, so that one loop per type comes out. */
LANES_INLINE void rows_times(enum dtype type, const struct tensor *w, float *work, size_t count,
                             float *out)
{
    struct row r = {.data = w->data, .scales = w->scales};
    size_t scale_bytes = 0;
    if (type == DTYPE_SLM_Q8)
        scale_bytes = sizeof(float);
    if (type == DTYPE_SLM_Q4) {
        r.per_scale = w->block / INTEGERS_BLOCK;
        scale_bytes = w->cols / w->block * sizeof(float);
    }
    for (uint32_t i = 0; i < w->rows; i++) {
        size_t v = 0;
        for (; v + AT_ONCE <= count; v += AT_ONCE)
            row_times(type, &r, w->cols, work + v * w->cols, AT_ONCE, out + v * w->rows + i,
                      w->rows);
        for (; v < count; v++)
            row_times(type, &r, w->cols, work + v * w->cols, 1, out + v * w->rows + i, w->rows);
        r.data += w->row_bytes;
        r.scales = scale_bytes != 0 ? r.scales + scale_bytes : NULL;
    }
}

static void matmul_integers(const struct tensor *w, const float *x, size_t count, float *out,
                            float *work)
{
    for (size_t v = 0; v < count; v++)
        cut(x + v * w->cols, w->cols, integers_over(work + v * w->cols, w->cols));
    if (w->type == DTYPE_Q8_0)
        rows_times(DTYPE_Q8_0, w, work, count, out);
    else if (w->type == DTYPE_Q4_0)
        rows_times(DTYPE_Q4_0, w, work, count, out);
    else if (w->type == DTYPE_SLM_Q8)
        rows_times(DTYPE_SLM_Q8, w, work, count, out);
    else
        rows_times(DTYPE_SLM_Q4, w, work, count, out);
}
