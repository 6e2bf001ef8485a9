#include "runtime/integers.h"

#include "base/heap.h"
#include "runtime/packed.h"
#include "runtime/quant.h"
#include "tests/support/multiply.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define MOST 1280 /* columns: a multiple of every block */

static void random_vector(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(int32_t)random_bits() * ldexpf(1.0f, (int)(random_bits() % 40) - 50);
}

static const struct {
    enum dtype type;
    uint32_t block;
} kinds[] = {{DTYPE_Q8_0, 0},    {DTYPE_Q4_0, 0},    {DTYPE_Q4_1, 0},   {DTYPE_Q5_0, 0},
             {DTYPE_Q5_1, 0},    {DTYPE_Q2_K, 0},    {DTYPE_Q3_K, 0},   {DTYPE_Q4_K, 0},
             {DTYPE_Q5_K, 0},    {DTYPE_Q6_K, 0},    {DTYPE_SLM_Q8, 0}, {DTYPE_SLM_Q4, 32},
             {DTYPE_SLM_Q4, 64}, {DTYPE_SLM_Q4, 160}};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool fits(size_t kind, uint32_t cols)
{
    const uint32_t block = kinds[kind].block;
    return cols % (block != 0 ? block : dtype_block_values(kinds[kind].type)) == 0;
}

static struct matrix matrix_of(size_t kind, uint32_t rows, uint32_t cols)
{
    return matrix_make(kinds[kind].type, rows, cols, kinds[kind].block, 1);
}

Test(integers, a_vector_is_cut_to_the_nearest_of_32767_parts_of_its_greatest)
{
    float x[64], work[64];
    random_vector(x, 64);
    x[40] = 0.0f;
    x[7] = -3.0f; /* the greatest of the first block, in magnitude */
    for (size_t i = 0; i < 32; i++)
        x[i] = i == 7 ? x[i] : (float)i * 0.01f;
    struct integers to = integers_over(work, 64, 1);
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
    struct integers to = integers_over(work, 32, 1);
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
    struct integers to = integers_over(work, 96, 1);
    integers_from(x, 96, to);
    cr_assert_eq(to.q[3], 32767);
    cr_assert_eq(to.scales[0], 0x1p-100f / 32767.0f);
    cr_assert_eq(to.q[40], 0);
    cr_assert_eq(to.scales[1], 0.0f);
    cr_assert_eq(to.q[70], 0);
    cr_assert(isnan(to.scales[2]));
}

Test(integers, sums_of_a_cut_are_those_of_its_halves)
{
    float x[64], work[64];
    random_vector(x, 64);
    struct integers to = integers_over(work, 32, 2); /* two vectors of one block */
    integers_from(x, 32, to);
    for (size_t v = 0; v < 2; v++)
        for (size_t half = 0; half < 2; half++) {
            int32_t sum = 0;
            for (size_t i = 0; i < 16; i++)
                sum += to.q[v * 32 + half * 16 + i];
            cr_assert_eq(to.sums[2 * v + half], sum);
        }
}

Test(integers, a_block_is_what_the_type_unpacks_to)
{
    static float row[MOST];
    for (size_t k = 0; k < KINDS; k++) {
        struct matrix m = matrix_of(k, 3, MOST);
        cr_assert(fits(k, MOST));
        const bool minima = integers_form(kinds[k].type)->minima;
        for (uint32_t r = 0; r < 3; r++) {
            tensor_row(&m.t, r, row);
            for (size_t b = 0; b < MOST / INTEGERS_BLOCK; b++) {
                struct integers_block block;
                integers_blocks(&m.t, r, b, 1, &block);
                for (size_t i = 0; i < INTEGERS_BLOCK; i++) {
                    float x = (float)block.w[i] * block.d[i / 16];
                    x = minima ? x + block.m[i / 16] : x;
                    cr_assert_eq(x, row[b * INTEGERS_BLOCK + i], "%s", dtype_name(kinds[k].type));
                }
            }
        }
        matrix_release(&m);
    }
}

Test(integers, are_used_where_32_values_share_a_scale_and_nowhere_else)
{
    cr_assert(integers_apply(DTYPE_SLM_Q8, 64, 0));
    cr_assert_not(integers_apply(DTYPE_SLM_Q8, 65, 0));
    cr_assert_not(integers_apply(DTYPE_SLM_Q4, 96, 16));
    cr_assert(integers_apply(DTYPE_SLM_Q4, 96, 96));
    cr_assert(integers_apply(DTYPE_Q3_K, 256, 0));
    cr_assert_not(integers_apply(DTYPE_F32, 64, 0));
    cr_assert_not(integers_apply(DTYPE_BF16, 64, 0));
}

/* x in, y out by every table, against the definition. */
static void check_tables(const struct matrix *m, const float *x, const char *what)
{
    static float want[40], got[40];
    multiply(&kernels_reference, &m->t, x, 1, 0, want);
    for (unsigned k = 1; kernels_at(k) != NULL; k++) {
        multiply(kernels_at(k), &m->t, x, 1, 0, got);
        cr_assert_arr_eq(got, want, m->t.rows * sizeof *want, "%s, %s of %u columns, %s",
                         kernels_at(k)->name, dtype_name(m->t.type), m->t.cols, what);
    }
}

Test(integers, every_table_has_the_bits_of_the_definition)
{
    static float x[MOST];
    for (int round = 0; round < 5; round++)
        for (size_t k = 0; k < KINDS; k++)
            for (uint32_t cols = 32; cols <= MOST; cols += 96) {
                if (!fits(k, cols))
                    continue;
                struct matrix m = matrix_of(k, 1 + (uint32_t)round * 7, cols);
                random_vector(x, cols);
                check_tables(&m, x, "random");
                matrix_release(&m);
            }
}

Test(integers, the_extremes_neither_wrap_nor_differ)
{
    static const uint8_t bytes[] = {0x80, 0x7f, 0xff, 0x88, 0x08, 0x00};
    static float x[MOST];
    for (size_t k = 0; k < KINDS; k++)
        for (size_t v = 0; v < sizeof bytes; v++)
            for (int sign = 0; sign < 3; sign++) {
                struct matrix m = matrix_of(k, 1, MOST);
                const struct dtype_layout *l = dtype_layout(kinds[k].type);
                memset(m.memory + 1, bytes[v], (size_t)m.t.row_bytes);
                for (size_t i = 0; i + l->bytes <= m.t.row_bytes; i += l->bytes)
                    for (size_t h = 0; h < l->half_count; h++)
                        put_le16(m.memory + 1 + i + l->half_at[h], i % 4 == 0 ? 0x7bff : 0x0001);
                matrix_pack(&m);
                for (size_t i = 0; i < MOST; i++)
                    x[i] = sign == 0 || (sign == 2 && i % 2 == 0) ? 1e30f : -1e30f;
                check_tables(&m, x, "extreme");
                matrix_release(&m);
            }
}

Test(integers, the_worst_sum_is_exact)
{
    struct matrix m = matrix_make(DTYPE_SLM_Q8, 1, 32, 0, 0);
    const float one = 1.0f;
    float x[32], got;
    memset(m.memory, 0x80, 32);
    memcpy(m.scales, &one, 4);
    matrix_pack(&m);
    for (size_t i = 0; i < 32; i++)
        x[i] = -32767.0f;
    for (unsigned k = 0; kernels_at(k) != NULL; k++) {
        multiply(kernels_at(k), &m.t, x, 1, 0, &got);
        cr_assert_eq(got, 128.0f * 32767.0f * 32.0f);
    }
    matrix_release(&m);
}

Test(integers, zeros_tiny_values_and_no_numbers_are_the_same_everywhere)
{
    static float x[MOST];
    for (size_t k = 0; k < KINDS; k++) {
        struct matrix m = matrix_of(k, 3, MOST);
        random_vector(x, MOST);
        memset(x, 0, 32 * sizeof *x);
        for (size_t i = 32; i < 64; i++)
            x[i] = (float)i * 0x1p-149f;
        check_tables(&m, x, "tiny");
        x[100] = NAN;
        float got[3];
        for (unsigned which = 0; kernels_at(which) != NULL; which++) {
            multiply(kernels_at(which), &m.t, x, 1, 0, got);
            cr_assert(isnan(got[0]) && isnan(got[1]) && isnan(got[2]));
        }
        matrix_release(&m);
    }
}

Test(integers, are_near_the_exact_product)
{
    static float x[MOST], row[MOST], got[4];
    for (size_t k = 0; k < KINDS; k++) {
        struct matrix m = matrix_of(k, 4, MOST);
        for (size_t i = 0; i < MOST; i++)
            x[i] = (float)(int32_t)random_bits() * 0x1p-31f;
        multiply(kernels_best(), &m.t, x, 1, 0, got);
        for (uint32_t r = 0; r < 4; r++) {
            double exact = 0.0, size = 0.0;
            tensor_row(&m.t, r, row);
            for (size_t i = 0; i < MOST; i++) {
                exact += (double)row[i] * (double)x[i];
                size += fabs((double)row[i] * (double)x[i]);
            }
            cr_assert_float_eq((double)got[r], exact, size * 3e-5, "%s: %g, exactly %g",
                               dtype_name(kinds[k].type), (double)got[r], exact);
        }
        matrix_release(&m);
    }
}

Test(packed, absent_rows_of_the_last_group_are_nothing)
{
    struct matrix m = matrix_make(DTYPE_Q8_0, 17, 64, 0, 0);
    uint64_t bytes;
    cr_assert(packed_bytes(DTYPE_Q8_0, 17, 64, 0, &bytes));
    cr_assert_eq(bytes, 2u * 2 * 576);
    for (size_t block = 0; block < 2; block++) {
        const uint8_t *second = m.packed + 2 * 576 + block * 576;
        for (size_t r = 1; r < 16; r++)
            cr_assert_eq(get_le32(second + 4 * r), 0);
        for (size_t pair = 0; pair < 16; pair++)
            for (size_t r = 1; r < 16; r++)
                cr_assert_eq(get_le16(second + 64 + (pair * 16 + r) * 2), 0);
    }
    matrix_release(&m);
}

Test(packed, bytes_are_counted_by_the_form_of_the_type)
{
    uint64_t bytes;
    cr_assert(packed_bytes(DTYPE_Q4_0, 16, 32, 0, &bytes));
    cr_assert_eq(bytes, 64 + 256);
    cr_assert(packed_bytes(DTYPE_Q4_K, 16, 256, 0, &bytes));
    cr_assert_eq(bytes, 8 * (128 + 256));
    cr_assert(packed_bytes(DTYPE_Q6_K, 16, 256, 0, &bytes));
    cr_assert_eq(bytes, 8 * (128 + 512));
    cr_assert(packed_bytes(DTYPE_Q2_K, 16, 256, 0, &bytes));
    cr_assert_eq(bytes, 8 * (256 + 256));
    cr_assert(packed_bytes(DTYPE_F32, 16, 256, 0, &bytes));
    cr_assert_eq(bytes, 0);
    cr_assert(packed_bytes(DTYPE_SLM_Q4, 16, 48, 16, &bytes));
    cr_assert_eq(bytes, 0);
}
