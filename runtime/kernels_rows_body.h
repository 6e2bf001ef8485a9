/* Rows of a matrix times vectors: plain floats by runtime/kernels.h's order of a sum, packed groups
 * of 16 rows by runtime/integers.h's. A part of runtime/kernels_body.h. */
#include "runtime/lanes_cut.h"
#include "runtime/lanes_pairs.h"

#define STEP       32 /* the slots of a sum, two wide ones */
#define CACHE_LINE 64
#define AHEAD      4096 /* bytes of weights */

static void cut(const float *x, size_t n, struct integers to)
{
    for (size_t v = 0; v < to.count; v++)
        for (size_t b = 0; b < n / INTEGERS_BLOCK; b++) {
            const size_t at = b * to.count + v;
            lanes_cut_block(x + v * n + b * INTEGERS_BLOCK, to.q + at * INTEGERS_BLOCK,
                            to.scales + at, to.sums + 2 * at);
        }
}

/* ---- plain rows -------------------------------------------------------------------------------
 */

/* 16 values of a row from column i on. */
LANES_INLINE wide weights_at(enum dtype type, const uint8_t *row, size_t i)
{
    if (type == DTYPE_F16)
        return wide_from_f16(row + i * 2);
    if (type == DTYPE_BF16)
        return wide_from_bf16(row + i * 2);
    return wide_load(row + i * 4);
}

LANES_INLINE lanes wide_halves(wide a, wide b)
{
    return lanes_add(lanes_add(wide_low(a), wide_high(a)), lanes_add(wide_low(b), wide_high(b)));
}

LANES_INLINE float wide_fold(wide a, wide b)
{
    return lanes_fold(wide_halves(a, b));
}

struct tile {
    wide a[WIDE_ROWS_FLOAT][WIDE_VECTORS_FLOAT][2];
};

/* 32 columns from i on. */
LANES_INLINE void tile_step(struct tile *t, enum dtype type, const uint8_t *w, size_t row_bytes,
                            const float *x, size_t cols, size_t i, unsigned rows, unsigned vectors)
{
    LANES_UNROLL
    for (unsigned half = 0; half < 2; half++) {
        const size_t at = i + half * WIDE;
        wide in[WIDE_VECTORS_FLOAT];
        LANES_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            in[v] = wide_load(x + v * cols + at);
        LANES_UNROLL
        for (unsigned r = 0; r < rows; r++) {
            const wide by = weights_at(type, w + r * row_bytes, at);
            LANES_UNROLL
            for (unsigned v = 0; v < vectors; v++)
                t->a[r][v][half] = wide_add(t->a[r][v][half], wide_mul(by, in[v]));
        }
    }
}

/* The last n < 32 columns, others as zeros: these change no slot, since a slot is never −0 (it
 * begins as +0). */
LANES_INLINE void tile_rest(struct tile *t, enum dtype type, const uint8_t *w, size_t row_bytes,
                            const float *x, size_t cols, size_t n, unsigned rows, unsigned vectors)
{
    const size_t bytes = type == DTYPE_F32 ? 4 : 2;
    uint8_t weights[WIDE_ROWS_FLOAT][STEP * 4] = {{0}};
    float in[WIDE_VECTORS_FLOAT][STEP] = {{0}};
    for (unsigned r = 0; r < rows; r++)
        __builtin_memcpy(weights[r], w + r * row_bytes + (cols - n) * bytes, n * bytes);
    for (unsigned v = 0; v < vectors; v++)
        __builtin_memcpy(in[v], x + v * cols + (cols - n), n * sizeof **in);
    tile_step(t, type, weights[0], sizeof *weights, in[0], STEP, 0, rows, vectors);
}

/* `rows` rows times `vectors` vectors, both constants: each pair's slots stay in registers. */
LANES_INLINE void tile_times(enum dtype type, const uint8_t *w, size_t row_bytes, const float *x,
                             size_t cols, unsigned rows, unsigned vectors, float *out,
                             size_t out_stride)
{
    struct tile t;
    LANES_UNROLL
    for (unsigned r = 0; r < rows; r++)
        LANES_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        t.a[r][v][0] = t.a[r][v][1] = wide_all(0.0f);
    size_t i = 0;
    for (; i + STEP <= cols; i += STEP)
        tile_step(&t, type, w, row_bytes, x, cols, i, rows, vectors);
    if (i < cols)
        tile_rest(&t, type, w, row_bytes, x, cols, cols - i, rows, vectors);
    LANES_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        LANES_UNROLL
    for (unsigned r = 0; r < rows; r++)
        out[v * out_stride + r] = wide_fold(t.a[r][v][0], t.a[r][v][1]);
}

/* `rows` (a constant) rows times all vectors. */
LANES_INLINE void strip_times(enum dtype type, const uint8_t *w, size_t row_bytes,
                              const struct vectors *x, unsigned rows, float *out, size_t out_stride)
{
    size_t v = 0;
    if (WIDE_VECTORS_FLOAT > 1)
        for (; v + WIDE_VECTORS_FLOAT <= x->count; v += WIDE_VECTORS_FLOAT)
            tile_times(type, w, row_bytes, x->x + v * x->n, x->n, rows, WIDE_VECTORS_FLOAT,
                       out + v * out_stride, out_stride);
    for (; v < x->count; v++)
        tile_times(type, w, row_bytes, x->x + v * x->n, x->n, rows, 1, out + v * out_stride,
                   out_stride);
}

/* A row of a multiple of 16 values, up to `end`, times a vector, where registers are few: the two
 * halves of a sum's slots change places after each half of a step, so one is in use at a time. */
LANES_INLINE lanes halves_times(enum dtype type, const uint8_t *w, const uint8_t *end,
                                const float *x)
{
    const size_t each = type == DTYPE_F32 ? 4 : 2;
    wide now = wide_all(0.0f), other = now;
    WIDE_ROUNDS
    for (; w < end; w += WIDE * each, x += WIDE) {
        WIDE_HERE(w);
        WIDE_HERE(x);
        const wide sum = wide_add(now, wide_mul(weights_at(type, w, 0), wide_load(x)));
        now = other;
        other = sum;
    }
    return wide_halves(now, other); /* whichever is which: a + b is b + a */
}

/* The products of the last columns, less than 16, from i on. */
LANES_INLINE wide rest_times(const uint8_t *row, const float *x, size_t i, size_t cols)
{
    const float *w = (const float *)(const void *)(row + i * sizeof *w);
    return wide_mul(wide_load_part(w, cols - i), wide_load_part(x + i, cols - i));
}

/* A row times a lone vector: its slots, folded to eight lanes. What a machine fetches by itself
 * ends with a page, so it is told of the next one. */
LANES_INLINE lanes row_times(enum dtype type, const uint8_t *w, const float *x, size_t cols)
{
    const size_t each = type == DTYPE_F32 ? 4 : 2;
    struct tile t;
    t.a[0][0][0] = t.a[0][0][1] = wide_all(0.0f);
    size_t i = 0;
    for (; i + STEP <= cols; i += STEP) {
        for (size_t k = 0; k < STEP * each; k += CACHE_LINE)
            __builtin_prefetch(w + i * each + AHEAD + k);
        tile_step(&t, type, w, 0, x, cols, i, 1, 1);
    }
    if (i < cols && type != DTYPE_F32) {
        tile_rest(&t, type, w, 0, x, cols, cols - i, 1, 1);
        return wide_halves(t.a[0][0][0], t.a[0][0][1]);
    }
    /* What is left of floats, the others as zeros: these change no slot. */
    if (i + WIDE <= cols) {
        t.a[0][0][0] = wide_add(t.a[0][0][0], wide_mul(weights_at(type, w, i), wide_load(x + i)));
        i += WIDE;
        if (i < cols)
            t.a[0][0][1] = wide_add(t.a[0][0][1], rest_times(w, x, i, cols));
    } else if (i < cols) {
        t.a[0][0][0] = wide_add(t.a[0][0][0], rest_times(w, x, i, cols));
    }
    return wide_halves(t.a[0][0][0], t.a[0][0][1]);
}

/* One row after another, as several streams at once confuse the prefetcher; eight are folded side
 * by side. */
LANES_INLINE void lone_rows(enum dtype type, const struct tensor *w, uint32_t from, uint32_t to,
                            const struct vectors *x, float *out)
{
    const size_t bytes = (size_t)w->row_bytes;
    const uint8_t *row = w->data + from * bytes;
    uint32_t r = from;
    for (; r + LANES <= to; r += LANES) {
        lanes eight[LANES];
        LANES_UNROLL
        for (unsigned k = 0; k < LANES; k++, row += bytes)
            eight[k] = row_times(type, row, x->x, x->n);
        lanes_store(out + r, lanes_fold_each(eight));
    }
    for (; r < to; r++, row += bytes)
        out[r] = lanes_fold(row_times(type, row, x->x, x->n));
}

LANES_INLINE void plain_rows(enum dtype type, const struct tensor *w, uint32_t from, uint32_t to,
                             const struct vectors *x, float *out)
{
    const size_t bytes = (size_t)w->row_bytes;
    uint32_t r = from;
    if (WIDE_HALVES && x->n % STEP == 0) {
        for (size_t v = 0; v < x->count; v++)
            for (r = from; r < to; r++)
                out[v * w->rows + r] = lanes_fold(halves_times(
                    type, w->data + r * bytes, w->data + (r + 1) * bytes, x->x + v * x->n));
        return;
    }
    if (!WIDE_HALVES && x->count == 1) {
        lone_rows(type, w, from, to, x, out);
        return;
    }
    if (WIDE_ROWS_FLOAT > 1)
        for (; r + WIDE_ROWS_FLOAT <= to; r += WIDE_ROWS_FLOAT)
            strip_times(type, w->data + r * bytes, bytes, x, WIDE_ROWS_FLOAT, out + r, w->rows);
    for (; r < to; r++)
        strip_times(type, w->data + r * bytes, bytes, x, 1, out + r, w->rows);
}

/* Whatever has no kernel: SLM1's types where 32 values do not share a scale. */
static void odd_rows(const struct tensor *w, uint32_t from, uint32_t to, const struct vectors *x,
                     float *out)
{
    for (uint32_t r = from; r < to; r++)
        for (size_t v = 0; v < x->count; v++) {
            const float *in = x->x + v * x->n;
            struct tile t;
            t.a[0][0][0] = t.a[0][0][1] = wide_all(0.0f);
            for (uint32_t i = 0; i < w->cols; i += STEP) {
                float row[STEP] = {0}, part[STEP] = {0};
                const uint32_t n = w->cols - i < STEP ? w->cols - i : STEP;
                tensor_values(w, r, i, n, row);
                __builtin_memcpy(part, in + i, n * sizeof *part);
                tile_step(&t, DTYPE_F32, (const uint8_t *)row, 0, part, 0, 0, 1, 1);
            }
            out[v * w->rows + r] = wide_fold(t.a[0][0][0], t.a[0][0][1]);
        }
}

/* ---- packed groups ----------------------------------------------------------------------------
 */

/* What is multiplied: constants, where it is used. */
struct shape {
    struct integers_form form;
    unsigned groups, vectors;
};

/* The sums of one group or two and up to WIDE_VECTORS_INTEGER vectors; a lone vector, of one group,
 * has WIDE_PARTIAL of them, so that no product waits for the one before. */
#define SUMS_MAX 8
struct sums {
    wints a[SUMS_MAX], b[SUMS_MAX];
};

/* Written out, so that what is indexed stays in registers whatever a compiler thinks of loops. */
#define EIGHT_TIMES(what) what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7)

/* Adds the products of pair p of a round; `apart` is from a group to the next. */
LANES_INLINE void pair_dot(struct shape z, const uint8_t *data, size_t apart, const int16_t *q,
                           unsigned p, wints word[2], struct sums *s)
{
    if (p >= WIDE_PAIRS(z.form.bits))
        return;
    const wints a = pair_weights(z.form.bits, data, p, word);
    const wints b = z.groups == 2 ? pair_weights(z.form.bits, data + apart, p, word + 1) : a;
    if (z.vectors == 1) {
        s->a[p % WIDE_PARTIAL] = wints_dot(s->a[p % WIDE_PARTIAL], a, q + 2 * p);
        return;
    }
#define DOT(v)                                                               \
    if (v < z.vectors) {                                                     \
        s->a[v] = wints_dot(s->a[v], a, q + v * INTEGERS_BLOCK + 2 * p);     \
        if (z.groups == 2)                                                   \
            s->b[v] = wints_dot(s->b[v], b, q + v * INTEGERS_BLOCK + 2 * p); \
    }
    EIGHT_TIMES(DOT)
#undef DOT
}

/* The products of a run of `pairs` pairs. */
LANES_INLINE void run_dot(struct shape z, const uint8_t *data, size_t apart, const int16_t *q,
                          unsigned pairs, struct sums *s)
{
    const unsigned bits = z.form.bits;
    const uint8_t *const end = data + (size_t)pairs * 4 * bits;
    wints word[2] = {wints_zero(), wints_zero()};
    WIDE_ROUNDS
    for (; data < end; data += WIDE_PAIRS(bits) * 4 * bits, q += WIDE_PAIRS(bits) * 2) {
        WIDE_HERE(data);
        WIDE_HERE(q);
#define PAIR(p) pair_dot(z, data, apart, q, p, word, s);
        EIGHT_TIMES(PAIR)
#undef PAIR
    }
}

LANES_INLINE void sums_clear(struct sums *s)
{
#define CLEAR(i) s->a[i] = s->b[i] = wints_zero();
    EIGHT_TIMES(CLEAR)
#undef CLEAR
}

LANES_INLINE wints sums_lone(const struct sums *s)
{
    if (WIDE_PARTIAL == 1)
        return s->a[0];
    return wints_add(wints_add(s->a[0], s->a[1 % WIDE_PARTIAL]),
                     wints_add(s->a[2 % WIDE_PARTIAL], s->a[3 % WIDE_PARTIAL]));
}

/* What is the same for all vectors of one block: its place in the group and in the cut. */
struct block_place {
    const uint8_t *lines; /* scales and minima, then the integers */
    const int16_t *q;     /* of the first vector, as the two below */
    const float *scales;
    const int32_t *sums;
};

LANES_INLINE struct block_place block_first(const uint8_t *group, const struct integers *x,
                                            size_t at)
{
    return (struct block_place){.lines = group,
                                .q = x->q + at * INTEGERS_BLOCK,
                                .scales = x->scales + at,
                                .sums = x->sums + 2 * at};
}

LANES_INLINE void block_next(struct integers_form form, struct block_place *here, size_t stride)
{
    here->lines += packed_block_bytes(form);
    here->q += stride * INTEGERS_BLOCK;
    here->scales += stride;
    here->sums += stride * 2;
}

/* Σ q of a run of the v-th vector. */
LANES_INLINE int32_t run_plain(struct integers_form form, struct block_place here, unsigned run,
                               unsigned v)
{
    const int32_t *part = here.sums + 2 * v;
    return form.run == INTEGERS_BLOCK ? part[0] + part[1] : part[run];
}

/* sum + (d × s) × float(Σ w q) + (m × s) × float(Σ q) */
LANES_INLINE wide run_add(struct integers_form form, struct block_place here, unsigned run,
                          unsigned v, wide sum, wints products)
{
    const unsigned runs = (unsigned)INTEGERS_BLOCK / form.run;
    const wide s = wide_all(here.scales[v]);
    const wide d = wide_load(here.lines + run * WIDE * sizeof(float));
    const int32_t plain = run_plain(form, here, run, v);
    products = pair_sums(form.bits, products, plain);
    if (form.bias != 0)
        products = wints_sub(products, wints_all((int32_t)form.bias * plain));
    sum = wide_add(sum, wide_mul(wide_mul(d, s), wide_of(products)));
    if (!form.minima)
        return sum;
    const wide m = wide_load(here.lines + (runs + run) * WIDE * sizeof(float));
    return wide_add(sum, wide_mul(wide_mul(m, s), wide_all((float)plain)));
}

struct wides {
    wide a[SUMS_MAX];
};

LANES_INLINE void run_products(struct shape z, struct block_place here, size_t apart, unsigned run,
                               struct sums *s)
{
    const uint8_t *data = here.lines + packed_line_bytes(z.form);
    sums_clear(s);
    if (z.vectors == 1)
        s->a[0] = pair_start(z.form.bits, run_plain(z.form, here, run, 0));
    run_dot(z, data + run * 32u * z.form.bits, apart, here.q + run * INTEGERS_RUN, z.form.run / 2u,
            s);
}

LANES_INLINE void run_times(struct shape z, struct block_place here, unsigned run,
                            struct wides *acc)
{
    struct sums s;
    run_products(z, here, 0, run, &s);
    if (z.vectors == 1) {
        acc->a[0] = run_add(z.form, here, run, 0, acc->a[0], sums_lone(&s));
        return;
    }
#define ADD(v)         \
    if (v < z.vectors) \
        acc->a[v] = run_add(z.form, here, run, v, acc->a[v], s.a[v]);
    EIGHT_TIMES(ADD)
#undef ADD
}

/* Of the last group only some rows may be there. */
LANES_INLINE void group_out(wide sums, float *out, size_t rows)
{
    float line[PACKED_ROWS];
    if (rows == PACKED_ROWS) {
        wide_store(out, sums);
        return;
    }
    wide_store(line, sums);
    __builtin_memcpy(out, line, rows * sizeof *line);
}

/* One group times `vectors` vectors from `at` on; form and vectors are constants. */
LANES_INLINE void group_times(struct integers_form form, const uint8_t *group,
                              const struct vectors *x, size_t at, unsigned vectors, float *out,
                              size_t out_stride, size_t rows)
{
    const struct shape z = {form, 1, vectors};
    const uint8_t *const end = group + x->n / INTEGERS_BLOCK * packed_block_bytes(form);
    struct block_place here = block_first(group, &x->cut, at);
    struct wides acc;
#define CLEAR(v) acc.a[v] = wide_all(0.0f);
    EIGHT_TIMES(CLEAR)
#undef CLEAR
    while (here.lines < end) {
        run_times(z, here, 0, &acc);
        if (form.run != INTEGERS_BLOCK)
            run_times(z, here, 1, &acc);
        block_next(form, &here, x->cut.count);
    }
#define OUT(v)       \
    if (v < vectors) \
        group_out(acc.a[v], out + (at + v) * out_stride, rows);
    EIGHT_TIMES(OUT)
#undef OUT
}

/* The same for two whole groups, `apart`, so that a value of a vector, once there, meets two rows a
 * lane. Registers are for the products: the sums are in their places in `out` all the while. */
LANES_INLINE void both_add(struct shape z, struct block_place here, size_t apart, unsigned run,
                           float *out, size_t out_stride)
{
    struct block_place there = here;
    struct sums s;
    run_products(z, here, apart, run, &s);
    there.lines += apart;
#define ADD(v)                                                                               \
    if (v < z.vectors) {                                                                     \
        float *to = out + v * out_stride;                                                    \
        wide_store(to, run_add(z.form, here, run, v, wide_load(to), s.a[v]));                \
        wide_store(to + WIDE, run_add(z.form, there, run, v, wide_load(to + WIDE), s.b[v])); \
    }
    EIGHT_TIMES(ADD)
#undef ADD
}

LANES_INLINE void both_times(struct integers_form form, const uint8_t *group,
                             const struct vectors *x, size_t at, float *out, size_t out_stride)
{
    const struct shape z = {form, 2, WIDE_VECTORS_INTEGER};
    const size_t apart = x->n / INTEGERS_BLOCK * packed_block_bytes(form);
    struct block_place here = block_first(group, &x->cut, at);
    out += at * out_stride;
    for (size_t v = 0; v < z.vectors; v++) {
        wide_store(out + v * out_stride, wide_all(0.0f));
        wide_store(out + v * out_stride + WIDE, wide_all(0.0f));
    }
    while (here.lines < group + apart) {
        both_add(z, here, apart, 0, out, out_stride);
        if (form.run != INTEGERS_BLOCK)
            both_add(z, here, apart, 1, out, out_stride);
        block_next(form, &here, x->cut.count);
    }
}

/* One group times the vectors from v on. */
LANES_INLINE void group_rows(struct integers_form form, const uint8_t *group,
                             const struct vectors *x, size_t v, float *out, size_t out_stride,
                             size_t rows)
{
    if (WIDE_VECTORS_INTEGER > 1) /* else the loop below is all there is */
        for (; v + WIDE_VECTORS_INTEGER <= x->count; v += WIDE_VECTORS_INTEGER)
            group_times(form, group, x, v, WIDE_VECTORS_INTEGER, out, out_stride, rows);
    if (WIDE_VECTORS_INTEGER > 4)
        for (; v + 4 <= x->count; v += 4)
            group_times(form, group, x, v, 4, out, out_stride, rows);
    for (; v < x->count; v++)
        group_times(form, group, x, v, 1, out, out_stride, rows);
}

LANES_INLINE void packed_groups(struct integers_form form, const struct tensor *w, uint32_t from,
                                uint32_t to, const struct vectors *x, float *out)
{
    const size_t bytes = x->n / INTEGERS_BLOCK * packed_block_bytes(form);
    const uint8_t *group = w->packed + from / PACKED_ROWS * bytes;
    uint32_t r = from;
    if (WIDE_GROUPS_INTEGER == 2 && x->count >= WIDE_VECTORS_INTEGER)
        for (; to - r >= 2 * PACKED_ROWS; r += 2 * PACKED_ROWS, group += 2 * bytes) {
            size_t v = 0;
            for (; v + WIDE_VECTORS_INTEGER <= x->count; v += WIDE_VECTORS_INTEGER)
                both_times(form, group, x, v, out + r, w->rows);
            group_rows(form, group, x, v, out + r, w->rows, PACKED_ROWS);
            group_rows(form, group + bytes, x, v, out + r + PACKED_ROWS, w->rows, PACKED_ROWS);
        }
    for (; r < to; r += PACKED_ROWS, group += bytes)
        group_rows(form, group, x, 0, out + r, w->rows,
                   to - r < PACKED_ROWS ? to - r : PACKED_ROWS);
}

LANES_INLINE void packed_rows(struct integers_form form, const struct tensor *w, uint32_t from,
                              uint32_t to, const struct vectors *x, float *out)
{
    if (WIDE_VECTORS_INTEGER == 1 && x->count == 1) { /* from block to block by constants */
        const struct vectors lone = {
            .n = x->n,
            .count = 1,
            .cut = {.count = 1, .q = x->cut.q, .scales = x->cut.scales, .sums = x->cut.sums}};
        packed_groups(form, w, from, to, &lone, out);
        return;
    }
    packed_groups(form, w, from, to, x, out);
}

/* ---- one loop a form --------------------------------------------------------------------------
 */

#define PLAIN_ROWS(name, type)                                                                    \
    static void name(const struct tensor *w, uint32_t from, uint32_t to, const struct vectors *x, \
                     float *out)                                                                  \
    {                                                                                             \
        plain_rows(type, w, from, to, x, out);                                                    \
    }

PLAIN_ROWS(rows_f32, DTYPE_F32)
PLAIN_ROWS(rows_f16, DTYPE_F16)
PLAIN_ROWS(rows_bf16, DTYPE_BF16)

#define FORM_ROWS(name, b, less, length, least)                                                   \
    static void name(const struct tensor *w, uint32_t from, uint32_t to, const struct vectors *x, \
                     float *out)                                                                  \
    {                                                                                             \
        const struct integers_form form = {                                                       \
            .bits = (b), .bias = (less), .run = (length), .minima = (least)};                     \
        packed_rows(form, w, from, to, x, out);                                                   \
    }

FORM_ROWS(rows_bytes, 8, 0, 32, false)
FORM_ROWS(rows_bytes_minima, 8, 0, 32, true)
FORM_ROWS(rows_bytes_short, 8, 0, 16, false)
FORM_ROWS(rows_nibbles, 4, 8, 32, false)
FORM_ROWS(rows_nibbles_minima, 4, 0, 32, true)
FORM_ROWS(rows_nibbles_short, 4, 8, 16, false)
FORM_ROWS(rows_nibbles_short_minima, 4, 0, 16, true)

static void rows(const struct tensor *w, uint32_t from, uint32_t to, const struct vectors *x,
                 float *out)
{
    if (w->type == DTYPE_F32 || w->type == DTYPE_F16 || w->type == DTYPE_BF16) {
        (w->type == DTYPE_F32   ? rows_f32
         : w->type == DTYPE_F16 ? rows_f16
                                : rows_bf16)(w, from, to, x, out);
        return;
    }
    if (!integers_apply(w->type, w->cols, w->block)) {
        odd_rows(w, from, to, x, out);
        return;
    }
    const struct integers_form f = *integers_form(w->type);
    if (f.bits == 8)
        (f.run == 16 ? rows_bytes_short
         : f.minima  ? rows_bytes_minima
                     : rows_bytes)(w, from, to, x, out);
    else if (f.run == 16)
        (f.minima ? rows_nibbles_short_minima : rows_nibbles_short)(w, from, to, x, out);
    else
        (f.minima ? rows_nibbles_minima : rows_nibbles)(w, from, to, x, out);
}
