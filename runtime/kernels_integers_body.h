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

LANES_INLINE float row_times(enum dtype type, const struct row *r, size_t blocks, struct integers x)
{
    struct pair s = pair_empty();
    lanes d;
    size_t b = 0;
    for (; b + 2 <= blocks; b += 2)
        for (unsigned k = 0; k < 2; k++) {
            lanes_block w = block_at(type, r, b + k, &d);
            pair_madd(&s, b + k, k, &w, d, x);
        }
    if (b < blocks) {
        lanes_block w = block_at(type, r, b, &d);
        pair_madd(&s, b, 0, &w, d, x);
    }
    return pair_fold(&s);
}

/* With `type` a constant, so that one loop per type comes out. */
LANES_INLINE void rows_times(enum dtype type, const struct tensor *w, struct integers x, float *out)
{
    const size_t blocks = w->cols / INTEGERS_BLOCK;
    struct row r = {.data = w->data, .scales = w->scales};
    size_t scale_bytes = 0;
    if (type == DTYPE_SLM_Q8)
        scale_bytes = sizeof(float);
    if (type == DTYPE_SLM_Q4) {
        r.per_scale = w->block / INTEGERS_BLOCK;
        scale_bytes = w->cols / w->block * sizeof(float);
    }
    for (uint32_t i = 0; i < w->rows; i++) {
        out[i] = row_times(type, &r, blocks, x);
        r.data += w->row_bytes;
        r.scales = scale_bytes != 0 ? r.scales + scale_bytes : NULL;
    }
}

static void matvec_integers(const struct tensor *w, const float *x, float *out, float *work)
{
    struct integers cut_x = integers_over(work, w->cols);
    cut(x, w->cols, cut_x);
    if (w->type == DTYPE_Q8_0)
        rows_times(DTYPE_Q8_0, w, cut_x, out);
    else if (w->type == DTYPE_Q4_0)
        rows_times(DTYPE_Q4_0, w, cut_x, out);
    else if (w->type == DTYPE_SLM_Q8)
        rows_times(DTYPE_SLM_Q8, w, cut_x, out);
    else
        rows_times(DTYPE_SLM_Q4, w, cut_x, out);
}
