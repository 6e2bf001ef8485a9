/* The kernels in terms of lanes.h. Included by one .c per instruction set, which names the table it
 * wants with KERNELS_TABLE and KERNELS_NAME. Not a header for anyone else. */
#include "runtime/kernels.h"

#include "runtime/kernels_rows_body.h"

/* The 32 slots of a sum. */
struct slots {
    lanes a[4];
};

LANES_INLINE struct slots slots_empty(void)
{
    lanes zero = lanes_all(0.0f);
    return (struct slots){{zero, zero, zero, zero}};
}

LANES_INLINE float slots_fold(const struct slots *s)
{
    return lanes_fold(lanes_add(lanes_add(s->a[0], s->a[1]), lanes_add(s->a[2], s->a[3])));
}

/* a[k] += w × x */
LANES_INLINE void slots_madd(struct slots *s, unsigned k, lanes w, lanes x)
{
    s->a[k] = lanes_add(s->a[k], lanes_mul(w, x));
}

/* n < 8 values, the other lanes zero. Zeros change no slot: a slot is never −0, since it begins as
 * +0. */
LANES_INLINE lanes lanes_load_part(const void *p, size_t n)
{
    float part[LANES] = {0};
    __builtin_memcpy(part, p, n * sizeof *part);
    return lanes_load(part);
}

LANES_INLINE void lanes_store_part(float *p, lanes v, size_t n)
{
    float part[LANES];
    lanes_store(part, v);
    __builtin_memcpy(p, part, n * sizeof *part);
}

/* e^x, the steps of math_exp. */
LANES_INLINE lanes lanes_exp(lanes v)
{
    lanes x = lanes_lesser(lanes_all(EXP_HIGHEST), v);
    lanes shifted = lanes_add(lanes_mul(x, lanes_all(EXP_LOG2E)), lanes_all(EXP_ROUND));
    lanes whole = lanes_sub(shifted, lanes_all(EXP_ROUND));
    lanes r = lanes_sub(x, lanes_mul(whole, lanes_all(EXP_LN2_HIGH)));
    r = lanes_sub(r, lanes_mul(whole, lanes_all(EXP_LN2_LOW)));
    lanes p = lanes_all(EXP_P5);
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P4));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P3));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P2));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P1));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P0));
    p = lanes_add(lanes_add(lanes_mul(p, lanes_mul(r, r)), r), lanes_all(1.0f));
    return lanes_zero_below(lanes_mul(p, lanes_power(shifted)), v, lanes_all(EXP_LOWEST));
}

/* ---- rows of each type ------------------------------------------------------------------------
 */

/* What is left of a sum after its whole steps: n < 32 values, eight to an accumulator. */
LANES_INLINE float dot_tail(struct slots *s, const uint8_t *w, const float *x, size_t n)
{
    unsigned k = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES, k++)
        slots_madd(s, k, lanes_load(w + i * sizeof(float)), lanes_load(x + i));
    if (i < n)
        slots_madd(s, k, lanes_load_part(w + i * sizeof(float), n - i),
                   lanes_load_part(x + i, n - i));
    return slots_fold(s);
}

LANES_INLINE float dot_f32(const uint8_t *w, const float *x, size_t n)
{
    struct slots s = slots_empty();
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        for (unsigned k = 0; k < 4; k++)
            slots_madd(&s, k, lanes_load(w + (i + k * LANES) * sizeof(float)),
                       lanes_load(x + i + k * LANES));
    return dot_tail(&s, w + i * sizeof(float), x + i, n - i);
}

/* ---- the table --------------------------------------------------------------------------------
 */

static float dot(const float *a, const float *b, size_t n)
{
    return dot_f32((const uint8_t *)a, b, n);
}

static void scale(float *out, const float *x, float by, const float *weight, size_t n)
{
    lanes all = lanes_all(by);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        lanes_store(out + i, lanes_mul(lanes_mul(lanes_load(x + i), all), lanes_load(weight + i)));
    for (; i < n; i++)
        out[i] = x[i] * by * weight[i];
}

static void add(float *x, const float *y, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        lanes_store(x + i, lanes_add(lanes_load(x + i), lanes_load(y + i)));
    for (; i < n; i++)
        x[i] += y[i];
}

LANES_INLINE lanes silu_lanes(lanes g, lanes up)
{
    lanes below = lanes_exp(lanes_mul(g, lanes_all(-1.0f)));
    return lanes_mul(lanes_div(g, lanes_add(lanes_all(1.0f), below)), up);
}

static void silu(float *gate, const float *up, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        lanes_store(gate + i, silu_lanes(lanes_load(gate + i), lanes_load(up + i)));
    if (i < n)
        lanes_store_part(
            gate + i, silu_lanes(lanes_load_part(gate + i, n - i), lanes_load_part(up + i, n - i)),
            n - i);
}

/* dot of a multiple of 16 values: the last 16 may be the first half of the slots. */
LANES_INLINE float dot_wide(const float *a, const float *b, size_t n)
{
    wide low = wide_all(0.0f), high = low;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        low = wide_add(low, wide_mul(wide_load(a + i), wide_load(b + i)));
        high = wide_add(high, wide_mul(wide_load(a + i + WIDE), wide_load(b + i + WIDE)));
    }
    if (i < n)
        low = wide_add(low, wide_mul(wide_load(a + i), wide_load(b + i)));
    return wide_fold(low, high);
}

static void scores(const float *query, const float *keys, size_t stride, size_t dim, size_t count,
                   float by, float *out)
{
    if (dim == LANES) { /* the whole sum is one vector; the query stays in its register */
        lanes q = lanes_load(query), zero = lanes_all(0.0f);
        for (size_t t = 0; t < count; t++)
            out[t] = lanes_fold(lanes_add(zero, lanes_mul(q, lanes_load(keys + t * stride)))) * by;
        return;
    }
    if (dim % WIDE == 0) {
        for (size_t t = 0; t < count; t++)
            out[t] = dot_wide(keys + t * stride, query, dim) * by;
        return;
    }
    for (size_t t = 0; t < count; t++)
        out[t] = dot_f32((const uint8_t *)(keys + t * stride), query, dim) * by;
}

static float greatest_of(const float *v, size_t n)
{
    float greatest = v[0];
    size_t i = 0;
    if (n >= LANES) {
        float part[LANES];
        lanes all = lanes_load(v);
        for (i = LANES; i + LANES <= n; i += LANES)
            all = lanes_greater(lanes_load(v + i), all);
        lanes_store(part, all);
        for (unsigned j = 0; j < LANES; j++)
            greatest = part[j] > greatest ? part[j] : greatest;
    }
    for (; i < n; i++)
        greatest = v[i] > greatest ? v[i] : greatest;
    return greatest;
}

static float softmax(float *v, size_t count)
{
    struct slots s = slots_empty();
    lanes greatest = lanes_all(greatest_of(v, count));
    size_t i = 0;
    for (; i + STEP <= count; i += STEP)
        for (unsigned k = 0; k < 4; k++) {
            lanes e = lanes_exp(lanes_sub(lanes_load(v + i + k * LANES), greatest));
            lanes_store(v + i + k * LANES, e);
            s.a[k] = lanes_add(s.a[k], e);
        }
    for (unsigned k = 0; i < count; i += LANES, k++) {
        size_t n = count - i < LANES ? count - i : LANES;
        lanes e = lanes_exp(lanes_sub(lanes_load_part(v + i, n), greatest));
        lanes_store_part(v + i, e, n);
        s.a[k] = lanes_add(s.a[k], lanes_load_part(v + i, n));
    }
    return 1.0f / slots_fold(&s);
}

/* Eight neighbouring values of all positions: a vertical sum, so lanes never meet. */
LANES_INLINE lanes mix_lanes(const float *p, const float *values, size_t stride, size_t count,
                             float by)
{
    struct slots s = slots_empty();
    size_t t = 0;
    for (; t + 4 <= count; t += 4)
        for (unsigned k = 0; k < 4; k++)
            slots_madd(&s, k, lanes_all(p[t + k]), lanes_load(values + (t + k) * stride));
    for (unsigned k = 0; t < count; t++, k++)
        slots_madd(&s, k, lanes_all(p[t]), lanes_load(values + t * stride));
    return lanes_mul(lanes_add(lanes_add(s.a[0], s.a[1]), lanes_add(s.a[2], s.a[3])),
                     lanes_all(by));
}

/* The same for sixteen. */
LANES_INLINE wide mix_wide(const float *p, const float *values, size_t stride, size_t count,
                           float by)
{
    wide a = wide_all(0.0f), b = a, c = a, d = a;
    size_t t = 0;
    for (; t + 4 <= count; t += 4) {
        const float *at = values + t * stride;
        a = wide_add(a, wide_mul(wide_all(p[t]), wide_load(at)));
        b = wide_add(b, wide_mul(wide_all(p[t + 1]), wide_load(at + stride)));
        c = wide_add(c, wide_mul(wide_all(p[t + 2]), wide_load(at + 2 * stride)));
        d = wide_add(d, wide_mul(wide_all(p[t + 3]), wide_load(at + 3 * stride)));
    }
    if (t < count)
        a = wide_add(a, wide_mul(wide_all(p[t]), wide_load(values + t * stride)));
    if (t + 1 < count)
        b = wide_add(b, wide_mul(wide_all(p[t + 1]), wide_load(values + (t + 1) * stride)));
    if (t + 2 < count)
        c = wide_add(c, wide_mul(wide_all(p[t + 2]), wide_load(values + (t + 2) * stride)));
    return wide_mul(wide_add(wide_add(a, b), wide_add(c, d)), wide_all(by));
}

#if WIDE_HALVES

/* Four neighbouring values: their slots and what is added in one round fit the registers. */
LANES_INLINE lanes_four mix_four(const float *p, const float *values, size_t stride, size_t count,
                                 float by)
{
    lanes_four slot[4] = {{0}}, v;
    const float *const end = p + count / 4 * 4;
    WIDE_ROUNDS
    for (; p < end; p += 4, values += 4 * stride) {
        WIDE_HERE(p);
        WIDE_HERE(values);
        LANES_UNROLL
        for (unsigned k = 0; k < 4; k++) {
            __builtin_memcpy(&v, values + k * stride, sizeof v);
            slot[k] += v * p[k];
        }
    }
    LANES_UNROLL
    for (unsigned k = 0; k < 3; k++)
        if (k < count % 4) {
            __builtin_memcpy(&v, values + k * stride, sizeof v);
            slot[k] += v * p[k];
        }
    return ((slot[0] + slot[1]) + (slot[2] + slot[3])) * by;
}

#endif

static float mix_one(const float *p, const float *values, size_t stride, size_t count, float by)
{
    float slot[4] = {0};
    for (size_t t = 0; t < count; t++)
        slot[t % 4] += p[t] * values[t * stride];
    return ((slot[0] + slot[1]) + (slot[2] + slot[3])) * by;
}

static void mix(const float *p, const float *values, size_t stride, size_t dim, size_t count,
                float by, float *out)
{
    size_t d = 0;
#if WIDE_HALVES
    for (; d + 4 <= dim; d += 4) {
        lanes_four four = mix_four(p, values + d, stride, count, by);
        __builtin_memcpy(out + d, &four, sizeof four);
    }
#endif
    for (; d + WIDE <= dim; d += WIDE)
        wide_store(out + d, mix_wide(p, values + d, stride, count, by));
    for (; d + LANES <= dim; d += LANES)
        lanes_store(out + d, mix_lanes(p, values + d, stride, count, by));
    for (; d < dim; d++)
        out[d] = mix_one(p, values + d, stride, count, by);
}

const struct kernels KERNELS_TABLE = {
    .name = KERNELS_NAME,
    .dot = dot,
    .cut = cut,
    .rows = rows,
    .scale = scale,
    .add = add,
    .silu = silu,
    .scores = scores,
    .softmax = softmax,
    .mix = mix,
};
