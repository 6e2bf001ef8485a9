#include "runtime/quant.h"
#include <criterion/criterion.h>
#include <string.h>

/* A block of `t` with one in every half and nothing in the values. */
static void ones(enum dtype t, uint8_t block[256])
{
    const struct dtype_layout *l = dtype_layout(t);
    memset(block, 0, 256);
    for (size_t i = 0; i < l->half_count; i++)
        put_le16(block + l->half_at[i], 0x3c00);
}

static float value(enum dtype t, const uint8_t *block, size_t i)
{
    float out[256];
    quant_unpack(t, block, 1, out);
    return out[i];
}

Test(quant, halves_become_floats_exactly)
{
    cr_expect_eq(half_float(0x3c00), 1.0f);
    cr_expect_eq(half_float(0xc000), -2.0f);
    cr_expect_eq(half_float(0x0001), 0x1p-24f);
    cr_expect_eq(half_float(0x83ff), -1023 * 0x1p-24f);
    cr_expect_eq(half_float(0x0400), 0x1p-14f);
    cr_expect_eq(half_float(0x7bff), 65504.0f);
    cr_expect(half_float(0x7c00) > 3e38f);
}

Test(quant, blocks_of_32_hold_low_nibbles_then_high_ones)
{
    uint8_t b[256];
    ones(DTYPE_Q4_0, b);
    b[2] = 0x0f; /* value 0: 15, value 16: 0 */
    cr_expect_eq(value(DTYPE_Q4_0, b, 0), 7.0f);
    cr_expect_eq(value(DTYPE_Q4_0, b, 16), -8.0f);
    ones(DTYPE_Q4_1, b);
    b[4 + 15] = 0x30;
    cr_expect_eq(value(DTYPE_Q4_1, b, 31), 4.0f);
    cr_expect_eq(value(DTYPE_Q4_1, b, 15), 1.0f);
    ones(DTYPE_Q8_0, b);
    b[2 + 31] = 0x80;
    cr_expect_eq(value(DTYPE_Q8_0, b, 31), -128.0f);
}

Test(quant, fifth_bits_of_values_come_in_order)
{
    uint8_t b[256];
    ones(DTYPE_Q5_0, b);
    put_le32(b + 2, 1u << 17 | 1u << 3);
    b[6 + 3] = 0x02;
    cr_expect_eq(value(DTYPE_Q5_0, b, 3), 2.0f);
    cr_expect_eq(value(DTYPE_Q5_0, b, 17), 0.0f);
    cr_expect_eq(value(DTYPE_Q5_0, b, 4), -16.0f);
    ones(DTYPE_Q5_1, b);
    put_le32(b + 4, 1u << 31);
    b[8 + 15] = 0xf0;
    cr_expect_eq(value(DTYPE_Q5_1, b, 31), 32.0f);
}

Test(quant, q2_k_has_a_scale_and_a_minimum_for_16_values)
{
    uint8_t b[256];
    ones(DTYPE_Q2_K, b);
    b[9] = 0x25; /* the tenth run: scale 5, minimum 2 */
    b[16 + 32 + 16] = 0x03;
    cr_expect_eq(value(DTYPE_Q2_K, b, 128 + 16), 5.0f * 3 - 2);
    cr_expect_eq(value(DTYPE_Q2_K, b, 128 + 17), -2.0f);
}

Test(quant, q3_k_takes_four_off_where_the_third_bit_is_clear)
{
    uint8_t b[256];
    ones(DTYPE_Q3_K, b);
    b[96 + 5] = 0x03;     /* run 5: low bits 3 */
    b[96 + 8 + 1] = 0x08; /* its high bits 2: 35 − 32 = 3 */
    b[16] = 0x04;         /* third bit of run 5's first value */
    b[32 + 16] = 0x10;    /* its two bits: 1 */
    cr_expect_eq(value(DTYPE_Q3_K, b, 80), 3.0f * 1);
    cr_expect_eq(value(DTYPE_Q3_K, b, 81), 3.0f * -4);
}

Test(quant, q4_k_and_q5_k_unpack_six_bit_scales)
{
    uint8_t b[256];
    ones(DTYPE_Q4_K, b);
    b[4 + 0] = 0xc0; /* high bits of scale 4 */
    b[4 + 8] = 0x21; /* scale 4 low: 1, minimum 4 low: 2 */
    b[16 + 64] = 0x07;
    cr_expect_eq(value(DTYPE_Q4_K, b, 128), 49.0f * 7 - 2);
    ones(DTYPE_Q5_K, b);
    b[4 + 0] = 0xc0;
    b[4 + 8] = 0x21;
    b[48 + 64] = 0x07;
    b[16] = 0x10; /* the fifth bit of the fifth 32's first value */
    cr_expect_eq(value(DTYPE_Q5_K, b, 128), 49.0f * 23 - 2);
}

Test(quant, q6_k_joins_nibbles_and_pairs)
{
    uint8_t b[256];
    ones(DTYPE_Q6_K, b);
    b[192 + 3] = (uint8_t)-2; /* values 48…63 */
    b[32 + 16] = 0x05;
    b[128 + 16] = 0x0c; /* pair 3 of the second 32 */
    cr_expect_eq(value(DTYPE_Q6_K, b, 48), -2.0f * (53 - 32));
    cr_expect_eq(value(DTYPE_Q6_K, b, 0), 0.0f);
}

Test(quant, slm1_q4_has_signed_nibbles_low_first)
{
    uint8_t data[2] = {0x8f, 0x70};
    uint8_t scales[8];
    put_le32(scales, 0x3f800000u);
    put_le32(scales + 4, 0x40000000u);
    struct tensor t = {.type = DTYPE_SLM_Q4,
                       .rows = 1,
                       .cols = 4,
                       .block = 2,
                       .row_bytes = 2,
                       .data = data,
                       .scales = scales};
    float out[4];
    tensor_row(&t, 0, out);
    cr_expect_eq(out[0], -1.0f);
    cr_expect_eq(out[1], -8.0f);
    cr_expect_eq(out[2], 0.0f);
    cr_expect_eq(out[3], 14.0f);
}
