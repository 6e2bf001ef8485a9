#include "verify/stats.h"
#include <criterion/criterion.h>
#include <math.h>

static bool near(double a, double b, double by)
{
    return fabs(a - b) <= by;
}

Test(stats, the_normal_quantile_is_the_published_one)
{
    cr_expect(near(stats_z(0.95), 1.959963984540054, 1e-12));
    cr_expect(near(stats_z(0.99), 2.575829303548901, 1e-12));
    cr_expect(near(stats_z(0.5), 0.6744897501960817, 1e-12));
}

/* Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3. */
Test(stats, wilson_gives_newcombes_values)
{
    static const struct {
        uint64_t hits, n;
        double low, high;
    } rows[] = {{81, 263, 0.2553, 0.3662},
                {15, 148, 0.0624, 0.1605},
                {0, 20, 0.0000, 0.1611},
                {1, 29, 0.0061, 0.1718}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval w = stats_wilson(rows[i].hits, rows[i].n, 0.95);
        cr_expect(near(w.low, rows[i].low, 5e-5) && near(w.high, rows[i].high, 5e-5), "%zu: %f %f",
                  i, w.low, w.high);
    }
    struct interval all = stats_wilson(20, 20, 0.95), none = stats_wilson(0, 0, 0.95);
    cr_expect(near(all.low, 1 - 0.1611, 5e-5) && near(all.high, 1, 0));
    cr_expect(near(none.low, 0, 0) && near(none.high, 1, 0));
}

Test(stats, mcnemars_exact_test_is_the_binomial_one)
{
    cr_expect(near(stats_mcnemar(1, 9), 22.0 / 1024, 1e-12));
    cr_expect(near(stats_mcnemar(9, 1), 22.0 / 1024, 1e-12));
    cr_expect(near(stats_mcnemar(0, 5), 2.0 / 32, 1e-12));
    cr_expect(near(stats_mcnemar(4, 4), 1, 0));
    cr_expect(near(stats_mcnemar(0, 0), 1, 0));
    /* Agresti, Categorical Data Analysis, approval ratings: 86 and 150 changed, z² = 17.36. */
    cr_expect(stats_mcnemar(86, 150) < 4e-5 && stats_mcnemar(86, 150) > 1e-5);
    cr_expect(stats_mcnemar(0, 1000) > 0);
}

Test(stats, the_one_sided_tail_counts_only_falls)
{
    cr_expect(near(stats_sign_tail(1, 9), 11.0 / 1024, 1e-12));
    cr_expect(near(stats_sign_tail(9, 1), 1023.0 / 1024, 1e-12));
    cr_expect(near(stats_sign_tail(3, 0), 1, 0));
}

/* Efron & Tibshirani 1993, table 2.1: the mouse data; plug-in standard error of the treatment mean
 * 23.36. */
Test(stats, the_bootstrap_interval_has_the_width_of_the_standard_error)
{
    static const double mice[] = {94, 197, 16, 38, 99, 141, 23};
    struct err e = ERR_NONE;
    struct interval a, b;
    cr_assert_eq(stats_bootstrap(mice, 7, 0.95, 4000, 1, &a, &e), ST_OK);
    cr_expect(near(stats_mean(mice, 7), 86.857, 1e-3));
    cr_expect(near((a.high - a.low) / (2 * 1.96), 23.36, 1.5), "%f", (a.high - a.low) / 3.92);
    cr_assert_eq(stats_bootstrap(mice, 7, 0.95, 4000, 1, &b, &e), ST_OK);
    cr_expect(near(a.low, b.low, 0) && near(a.high, b.high, 0), "the same seed, the same interval");
    cr_assert_eq(stats_bootstrap(mice, 7, 0.95, 4000, 2, &b, &e), ST_OK);
    cr_expect(!near(a.low, b.low, 0) || !near(a.high, b.high, 0));
}

Test(stats, a_ratio_is_drawn_case_by_case)
{
    static const double num[] = {2, 4, 6, 8}, den[] = {1, 2, 3, 4};
    struct err e = ERR_NONE;
    struct interval w;
    cr_assert_eq(stats_bootstrap_ratio(num, den, 4, 0.95, 500, 7, &w, &e), ST_OK);
    cr_expect(near(w.low, 2, 1e-12) && near(w.high, 2, 1e-12));
}

Test(stats, what_is_no_number_gives_none)
{
    const double odd[] = {1, NAN, 2};
    struct err e = ERR_NONE;
    struct interval w;
    cr_assert_eq(stats_bootstrap(odd, 3, 0.95, 100, 1, &w, &e), ST_OK);
    cr_expect(isnan(w.low) && isnan(w.high));
    cr_assert_eq(stats_bootstrap(odd, 0, 0.95, 100, 1, &w, &e), ST_OK);
    cr_expect(isnan(w.low) && isnan(stats_mean(odd, 0)));
}

/* By hand: z(0.05) = 1.6449, z(0.8) = 0.8416; n 480, a tenth of the cases differ. */
Test(stats, the_detectable_fall_shrinks_with_the_cases)
{
    double f = stats_detectable(480, 0.1, 0.05, 0.8);
    cr_expect(near(f, (1.6449 * sqrt(0.1) + 0.8416 * sqrt(0.1 - f * f)) / sqrt(480), 1e-4));
    cr_expect(stats_detectable(4800, 0.1, 0.05, 0.8) < f);
    cr_expect(isinf(stats_detectable(0, 0.1, 0.05, 0.8)));
}
