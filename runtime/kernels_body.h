/* The kernels in terms of lanes.h. Included by one .c per instruction set, which names the table it
 * wants with KERNELS_TABLE and KERNELS_NAME. Not a header for anyone else. */
#include "runtime/kernels.h"

#include "runtime/kernels_rows_body.h"
#include "runtime/lanes_exp.h"

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

static void silu(float *gate, const float *up, size_t n)
{
    size_t i = 0;
    for (; i + WIDE <= n; i += WIDE)
        wide_store(gate + i, wide_silu(wide_load(gate + i), wide_load(up + i)));
    if (i < n)
        wide_store_part(gate + i,
                        wide_silu(wide_load_part(gate + i, n - i), wide_load_part(up + i, n - i)),
                        n - i);
}

/* The slots of `keys` (a constant) dots of a multiple of 16 values, folded to eight lanes each. The
 * last 16 may be the first half of the slots. */
LANES_INLINE void dots_wide(const float *query, const float *key, size_t stride, size_t n,
                            unsigned keys, lanes *out)
{
    wide low[WIDE_KEYS], high[WIDE_KEYS];
    size_t i = 0;
    LANES_UNROLL
    for (unsigned k = 0; k < keys; k++)
        low[k] = high[k] = wide_all(0.0f);
    for (; i + STEP <= n; i += STEP) {
        const wide a = wide_load(query + i), b = wide_load(query + i + WIDE);
        LANES_UNROLL
        for (unsigned k = 0; k < keys; k++) {
            const float *at = key + k * stride + i;
            low[k] = wide_add(low[k], wide_mul(wide_load(at), a));
            high[k] = wide_add(high[k], wide_mul(wide_load(at + WIDE), b));
        }
    }
    LANES_UNROLL
    for (unsigned k = 0; k < keys; k++) {
        if (i < n)
            low[k] =
                wide_add(low[k], wide_mul(wide_load(key + k * stride + i), wide_load(query + i)));
        out[k] = wide_halves(low[k], high[k]);
    }
}

/* The same for the usual eight positions, and one. */
LANES_INLINE void dots_eight(const float *query, const float *key, size_t stride, size_t n,
                             lanes out[LANES])
{
    if (n == LANES) { /* the whole sum is one vector; the query stays in its register */
        const lanes q = lanes_load(query), zero = lanes_all(0.0f);
        LANES_UNROLL
        for (unsigned k = 0; k < LANES; k++)
            out[k] = lanes_add(zero, lanes_mul(q, lanes_load(key + k * stride)));
        return;
    }
    LANES_UNROLL
    for (unsigned k = 0; k < LANES; k += WIDE_KEYS)
        dots_wide(query, key + k * stride, stride, n, WIDE_KEYS, out + k);
}

static void scores(const float *query, const float *keys, size_t stride, size_t dim, size_t count,
                   float by, float *out)
{
    size_t t = 0;
#if WIDE_HALVES
    if (dim % WIDE == 0) {
        const float *key = keys;
        WIDE_ROUNDS
        for (; t < count; t++, key += stride) {
            WIDE_HERE(key);
            out[t] = lanes_fold(halves_times(DTYPE_F32, (const uint8_t *)key,
                                             (const uint8_t *)(key + dim), query)) *
                     by;
        }
    }
#endif
    if (dim == LANES || (!WIDE_HALVES && dim % WIDE == 0))
        for (; t + LANES <= count; t += LANES) {
            lanes eight[LANES];
            if (dim == LANES)
                dots_eight(query, keys + t * stride, stride, LANES, eight);
            else
                dots_eight(query, keys + t * stride, stride, dim, eight);
            lanes_store(out + t, lanes_mul(lanes_fold_each(eight), lanes_all(by)));
        }
    for (; t < count; t++)
        out[t] = dot_f32((const uint8_t *)(keys + t * stride), query, dim) * by;
}

static float greatest_of(const float *v, size_t n)
{
    float greatest = v[0];
    size_t i = 0;
    if (n >= WIDE) {
        wide all = wide_load(v);
        for (i = WIDE; i + WIDE <= n; i += WIDE)
            all = wide_greater(wide_load(v + i), all);
        if (i < n) { /* some for the second time */
            all = wide_greater(wide_load(v + n - WIDE), all);
            i = n;
        }
        float part[LANES];
        lanes_store(part, lanes_greater(wide_low(all), wide_high(all)));
        for (unsigned j = 0; j < LANES; j++)
            greatest = part[j] > greatest ? part[j] : greatest;
    }
    for (; i < n; i++)
        greatest = v[i] > greatest ? v[i] : greatest;
    return greatest;
}

/* What is left of a softmax, n < 32 values: the others are added as zeros, which change no slot. */
LANES_INLINE void softmax_rest(float *v, size_t n, wide greatest, wide *low, wide *high)
{
    if (n >= WIDE) {
        const wide e = wide_exp(wide_sub(wide_load(v), greatest));
        wide_store(v, e);
        *low = wide_add(*low, e);
        low = high;
        v += WIDE;
        n -= WIDE;
    }
    if (n > 0) {
        wide_store_part(v, wide_exp(wide_sub(wide_load_part(v, n), greatest)), n);
        *low = wide_add(*low, wide_load_part(v, n));
    }
}

static float softmax(float *v, size_t count)
{
    const wide greatest = wide_all(greatest_of(v, count));
    wide low = wide_all(0.0f), high = low;
    size_t i = 0;
    for (; i + STEP <= count; i += STEP) {
        const wide a = wide_exp(wide_sub(wide_load(v + i), greatest));
        const wide b = wide_exp(wide_sub(wide_load(v + i + WIDE), greatest));
        wide_store(v + i, a);
        wide_store(v + i + WIDE, b);
        low = wide_add(low, a);
        high = wide_add(high, b);
    }
    softmax_rest(v + i, count - i, greatest, &low, &high);
    return 1.0f / wide_fold(low, high);
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

/* The same for sixteen times `columns`, a constant. */
LANES_INLINE void mix_wide(const float *p, const float *values, size_t stride, size_t count,
                           float by, unsigned columns, float *out)
{
    wide s[4][WIDE_MIX];
    LANES_UNROLL
    for (unsigned k = 0; k < 4; k++)
        LANES_UNROLL
    for (unsigned c = 0; c < columns; c++)
        s[k][c] = wide_all(0.0f);
    size_t t = 0;
    for (; t + 4 <= count; t += 4)
        LANES_UNROLL
    for (unsigned k = 0; k < 4; k++) {
        const wide all = wide_all(p[t + k]);
        LANES_UNROLL
        for (unsigned c = 0; c < columns; c++)
            s[k][c] =
                wide_add(s[k][c], wide_mul(all, wide_load(values + (t + k) * stride + c * WIDE)));
    }
    LANES_UNROLL
    for (unsigned k = 0; k < 3; k++)
        if (t + k < count) {
            const wide all = wide_all(p[t + k]);
            LANES_UNROLL
            for (unsigned c = 0; c < columns; c++)
                s[k][c] = wide_add(s[k][c],
                                   wide_mul(all, wide_load(values + (t + k) * stride + c * WIDE)));
        }
    LANES_UNROLL
    for (unsigned c = 0; c < columns; c++)
        wide_store(out + c * WIDE,
                   wide_mul(wide_add(wide_add(s[0][c], s[1][c]), wide_add(s[2][c], s[3][c])),
                            wide_all(by)));
}

#if WIDE_HALVES

/* The next position's share of eight neighbouring values. */
LANES_INLINE lanes mix_next(lanes sum, float p, const float *values)
{
    return lanes_add(sum, lanes_mul(lanes_all(p), lanes_load(values)));
}

/* mix_lanes where registers are few: two of the four slots are in use at a time, and change places
 * with the others after each two positions. */
LANES_INLINE lanes mix_halves(const float *p, const float *values, size_t stride, size_t count,
                              float by)
{
    lanes even = lanes_all(0.0f), odd = even, next_even = even, next_odd = even;
    const float *const end = p + count / 2 * 2;
    WIDE_ROUNDS
    for (; p < end; p += 2, values += 2 * stride) {
        WIDE_HERE(p);
        WIDE_HERE(values);
        const lanes a = mix_next(even, p[0], values), b = mix_next(odd, p[1], values + stride);
        even = next_even;
        odd = next_odd;
        next_even = a;
        next_odd = b;
    }
    if (count % 2 != 0)
        even = mix_next(even, p[0], values);
    /* Whichever is which: a + b is b + a. */
    return lanes_mul(lanes_add(lanes_add(even, odd), lanes_add(next_even, next_odd)),
                     lanes_all(by));
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
    for (; d + LANES <= dim; d += LANES)
        lanes_store(out + d, mix_halves(p, values + d, stride, count, by));
#endif
    if (WIDE_MIX > 1)
        for (; d + WIDE_MIX * WIDE <= dim; d += WIDE_MIX * WIDE)
            mix_wide(p, values + d, stride, count, by, WIDE_MIX, out + d);
    for (; d + WIDE <= dim; d += WIDE)
        mix_wide(p, values + d, stride, count, by, 1, out + d);
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
