#include "runtime/math.h"

#include <criterion/criterion.h>
#include <math.h>

/* Distance in units of the last place of the exact float. */
static double ulps(float got, double exact)
{
    int e;
    frexpf((float)exact, &e);
    return fabs((double)got - exact) / ldexp(1.0, e - 24);
}

Test(math, exp_is_within_one_ulp)
{
    double worst = 0.0;
    for (int i = 0; i <= 1750000; i++) {
        float x = -87.0f + (float)i * 1e-4f;
        double off = ulps(math_exp(x), exp((double)x));
        worst = off > worst ? off : worst;
    }
    cr_assert_leq(worst, 1.0, "worst %f ulp", worst);
}

Test(math, exp_has_firm_ends)
{
    cr_assert_eq(math_exp(0.0f), 1.0f);
    cr_assert_eq(math_exp(-87.1f), 0.0f);
    cr_assert_eq(math_exp(-INFINITY), 0.0f);
    cr_assert_eq(math_exp(1000.0f), math_exp(88.0f));
    cr_assert(isfinite(math_exp(INFINITY)));
    cr_assert(isnan(math_exp(NAN)));
}

Test(math, exp_and_log_in_double_are_within_a_few_ulps)
{
    for (double x = -700.0; x <= 700.0; x += 0.0137)
        cr_assert_float_eq(math_exp_wide(x) / exp(x), 1.0, 4e-16 * (1.0 + fabs(x) / 100.0));
    for (double x = 1e-300; x < 1e300; x *= 1.0173)
        cr_assert_leq(fabs(math_log(x) - log(x)), 4e-16 * (fabs(log(x)) + 1e-3), "log %g", x);
    cr_assert_eq(math_log(1.0), 0.0);
}

Test(math, rotation_is_within_half_an_ulp)
{
    double worst = 0.0;
    for (int i = 0; i < 1000000; i++) {
        double angle = (double)i * 0.01283;
        float c, s;
        math_rotation(angle, &c, &s);
        double off = fmax(ulps(c, cos(angle)), ulps(s, sin(angle)));
        worst = off > worst ? off : worst;
    }
    cr_assert_leq(worst, 0.51, "worst %f ulp", worst);
}

/* Only models whose values nobody checked have such angles. */
Test(math, rotation_by_what_is_no_angle_is_none)
{
    static const double angles[] = {0x1p40, 1e300, INFINITY, NAN, -0x1p40, -6.6e33, -INFINITY};
    for (size_t i = 0; i < sizeof angles / sizeof *angles; i++) {
        float c = 0, s = 1;
        math_rotation(angles[i], &c, &s);
        cr_expect(c == 1 && s == 0, "%g", angles[i]);
    }
}

Test(math, finite_knows_infinity_and_nan)
{
    cr_assert(math_finite(0.0f) && math_finite(-3.4e38f) && math_finite(1e-45f));
    cr_assert_not(math_finite(INFINITY) || math_finite(-INFINITY) || math_finite(NAN));
}

Test(math, square_root_is_the_machines)
{
    for (float x = 1e-30f; x < 1e30f; x *= 1.37f)
        cr_assert_eq(math_sqrt(x), sqrtf(x));
}
