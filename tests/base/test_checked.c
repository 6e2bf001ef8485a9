#include "base/checked.h"
#include <criterion/criterion.h>

Test(checked, sums_and_products_that_fit_come_back)
{
    uint64_t v = 7;
    cr_expect(checked_add(UINT64_MAX - 1, 1, &v) && v == UINT64_MAX);
    cr_expect(checked_mul(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &v) &&
              v == 0xFFFFFFFF00000000u);
    cr_expect(checked_mul(0, UINT64_MAX, &v) && v == 0);
    cr_expect(checked_mul(UINT64_MAX, 1, &v) && v == UINT64_MAX);
}

Test(checked, what_does_not_fit_leaves_the_result_alone)
{
    uint64_t v = 7;
    size_t s = 7;
    cr_expect(!checked_add(UINT64_MAX, 1, &v));
    cr_expect(!checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &v));
    cr_expect(!checked_mul(UINT64_MAX / 3 + 1, 3, &v));
    cr_expect(!checked_align(UINT64_MAX - 2, 64, &v));
    cr_expect_eq(v, 7u);
    cr_expect(checked_size(SIZE_MAX, &s) && s == SIZE_MAX);
}

Test(checked, align_rounds_up_to_a_power_of_two)
{
    uint64_t v;
    cr_expect(checked_align(0, 64, &v) && v == 0);
    cr_expect(checked_align(1, 64, &v) && v == 64);
    cr_expect(checked_align(64, 64, &v) && v == 64);
    cr_expect(checked_align(65, 64, &v) && v == 128);
    cr_expect(checked_align(5, 1, &v) && v == 5);
    cr_expect(checked_align(UINT64_MAX - 63, 64, &v) && v == UINT64_MAX - 63);
}

Test(checked, a_range_never_wraps)
{
    cr_expect(checked_range(0, 0, 0));
    cr_expect(checked_range(10, 0, 10));
    cr_expect(checked_range(3, 7, 10));
    cr_expect(!checked_range(3, 8, 10));
    cr_expect(!checked_range(11, 0, 10));
    cr_expect(!checked_range(UINT64_MAX, 2, 10));
    cr_expect(!checked_range(2, UINT64_MAX, 10));
}
