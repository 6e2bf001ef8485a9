#include "runtime/kernels.h"

#include "tests/support/multiply.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define MOST 1100

/* Mostly ordinary, now and then huge, tiny or zero, so that a changed order of a sum shows. */
static float random_float(void)
{
    float v = (float)(int32_t)random_bits() * 0x1p-31f;
    switch (random_bits() % 16) {
    case 0: return v * 1e12f;
    case 1: return v * 1e-20f;
    case 2: return 0.0f;
    case 3: return -0.0f;
    case 4: return v * 1e-38f;
    default: return v;
    }
}

static void fill(float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = random_float();
}

static bool same_bits(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* Calls body for every table beside the reference. */
#define EACH_OTHER(k)                                               \
    for (unsigned at_##k = 1; kernels_at(at_##k) != NULL; at_##k++) \
        for (const struct kernels *k = kernels_at(at_##k); k != NULL; k = NULL)

Test(kernels, dot_has_the_same_bits_in_every_way)
{
    static float a[MOST], b[MOST];
    for (size_t n = 0; n <= 300; n++) {
        fill(a, n);
        fill(b, n);
        float want = kernels_reference.dot(a, b, n);
        EACH_OTHER(k)
        {
            float got = k->dot(a, b, n);
            cr_assert(same_bits(&got, &want, 1), "%s, n = %zu: %a, not %a", k->name, n, (double)got,
                      (double)want);
        }
    }
}

Test(kernels, dot_is_near_the_exact_sum)
{
    static float a[MOST], b[MOST];
    double exact = 0.0, size = 0.0;
    for (size_t i = 0; i < MOST; i++) {
        a[i] = (float)(int32_t)random_bits() * 0x1p-31f;
        b[i] = (float)(int32_t)random_bits() * 0x1p-31f;
        exact += (double)a[i] * (double)b[i];
        size += fabs((double)a[i] * (double)b[i]);
    }
    cr_assert_float_eq(kernels_reference.dot(a, b, MOST), exact, size * 1e-6);
}

Test(kernels, dot_adds_in_the_order_that_the_contract_states)
{
    float a[64] = {0}, b[64];
    for (size_t i = 0; i < 64; i++)
        b[i] = 1.0f;
    a[0] = 1e8f; /* slot 0 twice: 1e8 + 1 is lost, then −1e8 */
    a[32] = 1.0f;
    a[1] = -1e8f;
    EACH_OTHER(k)
    cr_assert_eq(k->dot(a, b, 64), 0.0f, "%s", k->name);
    a[32] = 0.0f;
    a[2] = 1.0f; /* its own lane, folded with lane 0 first: lost again */
    EACH_OTHER(k)
    cr_assert_eq(k->dot(a, b, 64), 0.0f, "%s", k->name);
    a[2] = 0.0f;
    a[1] = 0.0f;
    a[4] = -1e8f; /* lane 0 + lane 4 cancel before lane 3 joins */
    a[3] = 1.0f;
    EACH_OTHER(k)
    cr_assert_eq(k->dot(a, b, 64), 1.0f, "%s", k->name);
}

/* One matrix times `count` vectors: every table, in one go and in pieces, against the reference,
 * and the reference against itself one vector at a time. */
static void check_rows(enum dtype type, uint32_t rows, uint32_t cols, uint32_t block, size_t count)
{
    static float x[40 * MOST], want[40 * 70], got[40 * 70], one[70];
    struct matrix m = matrix_make(type, rows, cols, block, cols % 3);
    fill(x, count * cols);
    multiply(&kernels_reference, &m.t, x, count, 0, want);
    for (size_t v = 0; v < count; v += 3) {
        multiply(&kernels_reference, &m.t, x + v * cols, 1, 0, one);
        cr_assert(same_bits(one, want + v * rows, rows));
    }
    EACH_OTHER(k)
    for (uint32_t piece = 0; piece <= 32; piece += 16) {
        memset(got, 0xff, sizeof got);
        multiply(k, &m.t, x, count, piece, got);
        cr_assert(same_bits(got, want, count * rows), "%s, %s, %u × %u, %zu vectors, pieces of %u",
                  k->name, dtype_name(type), rows, cols, count, piece);
    }
    matrix_release(&m);
}

Test(kernels, rows_have_the_same_bits_in_floats_of_any_width)
{
    for (uint32_t cols = 1; cols <= 140; cols++) {
        check_rows(DTYPE_F32, 1 + cols % 9, cols, 0, 1 + cols % 8);
        check_rows(DTYPE_F16, 1 + cols % 7, cols, 0, 1 + cols % 5);
        check_rows(DTYPE_BF16, 1 + cols % 5, cols, 0, 1 + cols % 7);
    }
}

static const enum dtype of_32[] = {DTYPE_Q8_0, DTYPE_Q4_0, DTYPE_Q4_1, DTYPE_Q5_0, DTYPE_Q5_1},
                        of_256[] = {DTYPE_Q2_K, DTYPE_Q3_K, DTYPE_Q4_K, DTYPE_Q5_K, DTYPE_Q6_K};

Test(kernels, rows_have_the_same_bits_in_every_block_type)
{
    for (size_t i = 0; i < sizeof of_32 / sizeof *of_32; i++)
        for (uint32_t cols = 32; cols <= 320; cols += 32)
            check_rows(of_32[i], 1 + cols / 8 + (uint32_t)i, cols, 0, 1 + (cols / 32 + i) % 12);
    for (size_t i = 0; i < sizeof of_256 / sizeof *of_256; i++)
        for (uint32_t cols = 256; cols <= 1024; cols += 256)
            check_rows(of_256[i], 15 + cols / 64, cols, 0, 1 + cols / 128);
}

Test(kernels, rows_have_the_same_bits_for_any_number_of_rows_and_vectors)
{
    for (uint32_t rows = 1; rows <= 50; rows += 7)
        for (size_t count = 1; count <= 33; count += rows % 2 == 0 ? 4 : 1) {
            check_rows(DTYPE_F32, rows, 96, 0, count);
            check_rows(DTYPE_Q8_0, rows, 96, 0, count);
            check_rows(DTYPE_Q4_0, rows, 64, 0, count);
            check_rows(DTYPE_Q2_K, rows, 256, 0, count);
        }
}

Test(kernels, rows_have_the_same_bits_in_slm_types_with_any_block)
{
    for (uint32_t cols = 2; cols <= 200; cols += 2) {
        check_rows(DTYPE_SLM_Q8, 3, cols - 1, 0, 2);
        check_rows(DTYPE_SLM_Q8, 18, 32 * (cols / 16 + 1), 0, 2);
        for (uint32_t block = 2; block <= cols; block += 2)
            if (cols % block == 0)
                check_rows(DTYPE_SLM_Q4, 2 + cols % 19, cols, block, 1 + block % 3);
    }
}

Test(kernels, every_finite_half_widens_alike)
{
    static uint8_t halves[2 * 65536];
    static float want[65536], unit[1] = {1.0f}, got;
    for (uint32_t i = 0; i < 65536; i++) {
        halves[2 * i] = (uint8_t)i;
        halves[2 * i + 1] = (uint8_t)(i >> 8);
    }
    struct tensor all = {
        .type = DTYPE_F16, .rows = 1, .cols = 65536, .row_bytes = 131072, .data = halves};
    tensor_row(&all, 0, want);
    for (uint32_t i = 0; i < 65536; i++) {
        if (!isfinite(want[i]))
            continue; /* in no model */
        struct tensor one = {
            .type = DTYPE_F16, .rows = 1, .cols = 1, .row_bytes = 2, .data = halves + 2 * i};
        EACH_OTHER(k)
        {
            multiply(k, &one, unit, 1, 0, &got);
            cr_assert(got == want[i], "%s: half %04x", k->name, i);
        }
    }
}

Test(kernels, vector_work_has_the_same_bits_at_every_length)
{
    static float x[MOST], y[MOST], w[MOST], want[MOST], got[MOST];
    for (size_t n = 0; n <= 100; n++) {
        fill(x, n);
        fill(y, n);
        fill(w, n);
        EACH_OTHER(k)
        {
            kernels_reference.scale(want, x, 0.37f, w, n);
            k->scale(got, x, 0.37f, w, n);
            cr_assert(same_bits(got, want, n), "scale, %s, %zu", k->name, n);
            memcpy(want, x, sizeof x);
            memcpy(got, x, sizeof x);
            kernels_reference.add(want, y, n);
            k->add(got, y, n);
            cr_assert(same_bits(got, want, n), "add, %s, %zu", k->name, n);
            kernels_reference.silu(want, w, n);
            k->silu(got, w, n);
            cr_assert(same_bits(got, want, n), "silu, %s, %zu", k->name, n);
        }
    }
}

Test(kernels, softmax_has_the_same_bits_and_sums_to_one)
{
    static float v[MOST], want[MOST], got[MOST];
    for (size_t n = 1; n <= 200; n++) {
        for (size_t i = 0; i < n; i++)
            v[i] = (float)(int32_t)random_bits() * 0x1p-31f * (n % 2 == 0 ? 8.0f : 300.0f);
        EACH_OTHER(k)
        {
            memcpy(want, v, sizeof v);
            memcpy(got, v, sizeof v);
            float a = kernels_reference.softmax(want, n), b = k->softmax(got, n);
            cr_assert(same_bits(&a, &b, 1) && same_bits(got, want, n), "%s, %zu", k->name, n);
            double sum = 0.0;
            for (size_t i = 0; i < n; i++)
                sum += (double)(got[i] * b);
            cr_assert_float_eq(sum, 1.0, 1e-5);
        }
    }
}

Test(kernels, attention_has_the_same_bits_for_every_width_and_count)
{
    static float q[96], kv[40 * 128], want[96], got[96], p[40], p2[40];
    for (size_t dim = 1; dim <= 96; dim++)
        for (size_t count = 1; count <= 40; count += 3) {
            fill(q, dim);
            fill(kv, 40 * 128);
            EACH_OTHER(k)
            {
                kernels_reference.scores(q, kv, 128, dim, count, 0.35f, p);
                k->scores(q, kv, 128, dim, count, 0.35f, p2);
                cr_assert(same_bits(p, p2, count), "scores, %s, %zu × %zu", k->name, dim, count);
                kernels_reference.mix(p, kv, 128, dim, count, 0.7f, want);
                k->mix(p, kv, 128, dim, count, 0.7f, got);
                cr_assert(same_bits(got, want, dim), "mix, %s, %zu × %zu", k->name, dim, count);
            }
        }
}

Test(kernels, nan_stays_visible)
{
    float v[40];
    for (unsigned which = 0; kernels_at(which) != NULL; which++) {
        for (size_t i = 0; i < 40; i++)
            v[i] = i == 17 ? NAN : 1.0f;
        cr_assert(isnan(kernels_at(which)->dot(v, v, 40)));
        cr_assert(isnan(kernels_at(which)->softmax(v, 40)));
    }
}
