#include "runtime/integers.h"

#include "runtime/kernels.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define BLOCKS 5
#define MOST   (BLOCKS * INTEGERS_BLOCK)

static uint32_t random_bits(void)
{
    static uint64_t x = 0x9e3779b97f4a7c15u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 32);
}

static void random_vector(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(int32_t)random_bits() * ldexpf(1.0f, (int)(random_bits() % 40) - 50);
}

/* A matrix of `rows` random rows over memory that is shifted off any alignment. */
static struct tensor matrix(enum dtype type, uint32_t rows, uint32_t cols, uint32_t block)
{
    static uint8_t data[8 * MOST * 2];
    static float scales[8 * MOST];
    struct tensor t = {.type = type, .rows = rows, .cols = cols, .block = block};
    t.row_bytes = (uint64_t)cols / dtype_block_values(type) * dtype_block_bytes(type);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)random_bits();
    for (size_t i = 0; i < 8 * MOST; i++)
        scales[i] = (float)(random_bits() % 1000 + 1) * 0x1p-15f;
    t.data = data + 1;
    if (type == DTYPE_SLM_Q8 || type == DTYPE_SLM_Q4)
        t.scales = (const uint8_t *)scales;
    else
        for (size_t i = 0; i < rows * t.row_bytes; i += dtype_block_bytes(type))
            data[1 + i + 1] = 0x14; /* a scale of about 2^-10 */
    return t;
}

static const struct {
    enum dtype type;
    uint32_t block;
} kinds[] = {{DTYPE_Q8_0, 0},    {DTYPE_Q4_0, 0},    {DTYPE_SLM_Q8, 0},
             {DTYPE_SLM_Q4, 32}, {DTYPE_SLM_Q4, 64}, {DTYPE_SLM_Q4, 160}};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool fits(size_t kind, uint32_t cols)
{
    return kinds[kind].block == 0 || cols % kinds[kind].block == 0;
}

Test(integers, a_vector_is_cut_to_the_nearest_of_32767_parts_of_its_greatest)
{
    float x[64], work[64];
    random_vector(x, 64);
    x[40] = 0.0f;
    x[7] = -3.0f; /* the greatest of the first block, in magnitude */
    for (size_t i = 0; i < 32; i++)
        x[i] = i == 7 ? x[i] : (float)i * 0.01f;
    struct integers to = integers_over(work, 64);
    integers_from(x, 64, to);
    cr_assert_eq(to.scales[0], 3.0f / 32767.0f);
    cr_assert_eq(to.q[7], -32767);
    cr_assert_eq(to.q[40], 0);
    for (size_t i = 0; i < 64; i++)
        cr_assert_float_eq((double)to.q[i] * (double)to.scales[i / 32], (double)x[i],
                           0.501 * (double)to.scales[i / 32], "value %zu", i);
}

Test(integers, halves_go_to_even)
{
    float x[32] = {32767.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 3.5f}, work[32];
    struct integers to = integers_over(work, 32);
    integers_from(x, 32, to);
    const int16_t want[8] = {32767, 0, 2, 2, 0, -2, -2, 4};
    cr_assert_eq(to.scales[0], 1.0f);
    cr_assert_arr_eq(to.q, want, sizeof want);
}

Test(integers, next_to_nothing_is_nothing_and_no_number_stays_none)
{
    float x[96] = {0}, work[96];
    x[3] = 0x1p-100f;
    x[40] = -0x1.fffffep-101f;
    x[70] = -INFINITY;
    struct integers to = integers_over(work, 96);
    integers_from(x, 96, to);
    cr_assert_eq(to.q[3], 32767);
    cr_assert_eq(to.scales[0], 0x1p-100f / 32767.0f);
    cr_assert_eq(to.q[40], 0);
    cr_assert_eq(to.scales[1], 0.0f);
    cr_assert_eq(to.q[70], 0);
    cr_assert(isnan(to.scales[2]));
}

Test(integers, a_block_is_what_the_type_unpacks_to)
{
    static float row[MOST];
    for (size_t k = 0; k < KINDS; k++) {
        struct tensor t = matrix(kinds[k].type, 3, MOST, kinds[k].block);
        cr_assert(fits(k, MOST) == (kinds[k].block != 64));
        if (!fits(k, MOST))
            continue;
        for (uint32_t r = 0; r < 3; r++) {
            tensor_row(&t, r, row);
            for (size_t b = 0; b < BLOCKS; b++) {
                int8_t w[INTEGERS_BLOCK];
                float d = integers_block(&t, r, b, w);
                for (size_t i = 0; i < INTEGERS_BLOCK; i++)
                    cr_assert_eq((float)w[i] * d, row[b * INTEGERS_BLOCK + i]);
            }
        }
    }
}

Test(integers, are_used_where_32_values_share_a_scale_and_nowhere_else)
{
    struct tensor t = {.type = DTYPE_SLM_Q8, .rows = 1, .cols = 64};
    cr_assert(integers_apply(&t));
    t.cols = 65;
    cr_assert_not(integers_apply(&t));
    t = (struct tensor){.type = DTYPE_SLM_Q4, .rows = 1, .cols = 96, .block = 16};
    cr_assert_not(integers_apply(&t));
    t.block = 96;
    cr_assert(integers_apply(&t));
    t = (struct tensor){.type = DTYPE_F32, .rows = 1, .cols = 64};
    cr_assert_not(integers_apply(&t));
}

/* x in, y out by every table, against the definition. */
static void check_tables(const struct tensor *t, const float *x, const char *what)
{
    static float want[8], got[8], work[MOST];
    kernels_reference.matvec(t, x, want, work);
    for (unsigned k = 1; kernels_at(k) != NULL; k++) {
        memset(work, 0x5a, sizeof work);
        kernels_at(k)->matvec(t, x, got, work);
        cr_assert_arr_eq(got, want, t->rows * sizeof *want, "%s, %s of %u columns, %s",
                         kernels_at(k)->name, dtype_name(t->type), t->cols, what);
    }
}

Test(integers, every_table_has_the_bits_of_the_definition)
{
    static float x[MOST];
    for (int round = 0; round < 20; round++)
        for (size_t k = 0; k < KINDS; k++)
            for (uint32_t cols = 32; cols <= MOST; cols += 32) {
                if (!fits(k, cols))
                    continue;
                struct tensor t =
                    matrix(kinds[k].type, 1 + (uint32_t)round % 7, cols, kinds[k].block);
                random_vector(x, cols);
                check_tables(&t, x, "random");
            }
}

Test(integers, the_extremes_neither_wrap_nor_differ)
{
    static const uint8_t bytes[] = {0x80, 0x7f, 0xff, 0x88, 0x08, 0x00};
    static float x[MOST];
    static uint8_t data[MOST * 2];
    for (size_t k = 0; k < KINDS; k++)
        for (size_t v = 0; v < sizeof bytes; v++)
            for (int sign = 0; sign < 3; sign++) {
                struct tensor t = matrix(kinds[k].type, 1, MOST, kinds[k].block);
                if (!fits(k, MOST))
                    continue;
                memset(data, bytes[v], sizeof data);
                if (t.scales == NULL)
                    for (size_t i = 0; i < t.row_bytes; i += dtype_block_bytes(t.type))
                        put_le16(data + i, i % 4 == 0 ? 0x7bff : 0x0001);
                t.data = data;
                for (size_t i = 0; i < MOST; i++)
                    x[i] = sign == 0 || (sign == 2 && i % 2 == 0) ? 1e30f : -1e30f;
                check_tables(&t, x, "extreme");
            }
}

Test(integers, the_worst_lane_is_exact)
{
    struct tensor t = matrix(DTYPE_SLM_Q8, 1, 32, 0);
    uint8_t data[32];
    float x[32], work[32], got, one = 1.0f;
    memset(data, 0x80, sizeof data);
    t.data = data;
    t.scales = (const uint8_t *)&one;
    for (size_t i = 0; i < 32; i++)
        x[i] = -32767.0f;
    for (unsigned k = 0; kernels_at(k) != NULL; k++) {
        kernels_at(k)->matvec(&t, x, &got, work);
        cr_assert_eq(got, 128.0f * 32767.0f * 32.0f);
    }
}

Test(integers, zeros_tiny_values_and_no_numbers_are_the_same_everywhere)
{
    static float x[MOST];
    for (size_t k = 0; k < KINDS; k++) {
        struct tensor t = matrix(kinds[k].type, 3, MOST, kinds[k].block);
        if (!fits(k, MOST))
            continue;
        random_vector(x, MOST);
        memset(x, 0, 32 * sizeof *x);
        for (size_t i = 32; i < 64; i++)
            x[i] = (float)i * 0x1p-149f;
        check_tables(&t, x, "tiny");
        x[100] = NAN;
        static float got[3], work[MOST];
        for (unsigned which = 0; kernels_at(which) != NULL; which++) {
            kernels_at(which)->matvec(&t, x, got, work);
            cr_assert(isnan(got[0]) && isnan(got[1]) && isnan(got[2]));
        }
    }
}

Test(integers, are_near_the_exact_product)
{
    static float x[MOST], row[MOST], got[4], work[MOST];
    for (size_t k = 0; k < KINDS; k++) {
        struct tensor t = matrix(kinds[k].type, 4, MOST, kinds[k].block);
        if (!fits(k, MOST))
            continue;
        for (size_t i = 0; i < MOST; i++)
            x[i] = (float)(int32_t)random_bits() * 0x1p-31f;
        kernels_best()->matvec(&t, x, got, work);
        for (uint32_t r = 0; r < 4; r++) {
            double exact = 0.0, size = 0.0;
            tensor_row(&t, r, row);
            for (size_t i = 0; i < MOST; i++) {
                exact += (double)row[i] * (double)x[i];
                size += fabs((double)row[i] * (double)x[i]);
            }
            cr_assert_float_eq((double)got[r], exact, size * 3e-5);
        }
    }
}
