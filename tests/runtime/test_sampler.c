#include "runtime/sampler.h"

#include <criterion/criterion.h>
#include <math.h>

static struct sampler sampler_with(struct sampling how)
{
    struct sampler s = {.how = SAMPLING_DEFAULT};
    struct err e = ERR_NONE;
    cr_assert_eq(sampler_configure(&s, &how, &e), ST_OK);
    return s;
}

Test(sampler, takes_the_greatest_logit_by_default_and_the_lower_id_of_two)
{
    struct sampler s = sampler_with(SAMPLING_DEFAULT);
    cr_assert_eq(sampler_draw(&s, (float[]){1.0f, 3.0f, 3.0f, 2.0f}, 4), 1);
    cr_assert_eq(sampler_draw(&s, (float[]){-0.0f, 0.0f}, 2), 0);
    cr_assert_eq(sampler_draw(&s, (float[]){-INFINITY, -INFINITY}, 2), 0);
}

Test(sampler, passes_over_what_is_no_number_and_says_when_nothing_is)
{
    struct sampler s = sampler_with(SAMPLING_DEFAULT);
    cr_assert_eq(sampler_draw(&s, (float[]){NAN, 1.0f, NAN, 2.0f}, 4), 3);
    cr_assert_eq(sampler_draw(&s, (float[]){NAN, NAN}, 2), SAMPLER_NONE);
}

static const struct sampling refused[] = {
    {.temperature = -0.1f, .top_k = 1, .top_p = 1.0f},
    {.temperature = NAN, .top_k = 1, .top_p = 1.0f},
    {.temperature = INFINITY, .top_k = 1, .top_p = 1.0f},
    {.temperature = 1.0f, .top_k = 0, .top_p = 1.0f},
    {.temperature = 1.0f, .top_k = 1025, .top_p = 1.0f},
    {.temperature = 1.0f, .top_k = 1, .top_p = 0.0f},
    {.temperature = 1.0f, .top_k = 1, .top_p = 1.0001f},
    {.temperature = 1.0f, .top_k = 1, .top_p = -1.0f},
    {.temperature = 1.0f, .top_k = 1, .top_p = NAN},
    {.temperature = 1.0f, .top_k = 1, .top_p = INFINITY},
};

Test(sampler, refuses_settings_out_of_range_and_keeps_the_old_ones)
{
    struct sampler s =
        sampler_with((struct sampling){.temperature = 0.5f, .top_k = 7, .top_p = 0.9f, .seed = 42});
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err e = ERR_NONE;
        cr_assert_eq(sampler_configure(&s, &refused[i], &e), ST_INVALID_LENGTH, "row %zu", i);
        cr_assert_eq(e.status, ST_INVALID_LENGTH);
        cr_assert(s.how.top_k == 7 && s.how.temperature == 0.5f && s.how.top_p == 0.9f &&
                  s.how.seed == 42);
        cr_assert_eq(s.state, 42);
    }
}

Test(sampler, random_numbers_are_xorshift64_with_13_7_17)
{
    struct sampler s =
        sampler_with((struct sampling){.temperature = 1.0f, .top_k = 2, .top_p = 1.0f, .seed = 1});
    const float even[2] = {0.0f, 0.0f};
    uint64_t x = 1;
    for (int i = 0; i < 1000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double u = (double)(x >> 40) / 16777216.0;
        cr_assert_eq(sampler_draw(&s, even, 2), u * 2.0 < 1.0 ? 0 : 1);
        cr_assert_eq(s.state, x);
    }
    s = sampler_with((struct sampling){.temperature = 1.0f, .top_k = 2, .top_p = 1.0f, .seed = 0});
    cr_assert_eq(s.state, 0x9e3779b97f4a7c15u);
}

Test(sampler, draws_in_proportion_to_the_exponentials)
{
    struct sampler s =
        sampler_with((struct sampling){.temperature = 0.5f, .top_k = 3, .top_p = 1.0f, .seed = 9});
    const float logits[4] = {0.0f, 0.5f, -3.0f, 0.25f};
    unsigned count[4] = {0};
    for (int i = 0; i < 200000; i++)
        count[sampler_draw(&s, logits, 4)]++;
    double a = 1.0, b = exp(1.0), d = exp(0.5), all = a + b + d;
    cr_assert_eq(count[2], 0, "the fourth best is outside top_k = 3");
    cr_assert_float_eq(count[0] / 200000.0, a / all, 0.005);
    cr_assert_float_eq(count[1] / 200000.0, b / all, 0.005);
    cr_assert_float_eq(count[3] / 200000.0, d / all, 0.005);
}

Test(sampler, top_p_keeps_the_fewest_that_reach_it_and_draws_from_their_mass)
{
    const float logits[4] = {logf(0.5f), logf(0.25f), logf(0.15f), logf(0.1f)};
    struct sampler s =
        sampler_with((struct sampling){.temperature = 1.0f, .top_k = 4, .top_p = 0.7f, .seed = 5});
    unsigned count[4] = {0};
    for (int i = 0; i < 100000; i++)
        count[sampler_draw(&s, logits, 4)]++;
    cr_assert(count[2] == 0 && count[3] == 0);
    cr_assert_float_eq(count[0] / 100000.0, 2.0 / 3.0, 0.01);
    s = sampler_with((struct sampling){.temperature = 1.0f, .top_k = 4, .top_p = 0.01f, .seed = 5});
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(sampler_draw(&s, logits, 4), 0, "one is always kept");
}

Test(sampler, falls_back_to_the_greatest_when_the_mass_is_not_finite)
{
    struct sampler s =
        sampler_with((struct sampling){.temperature = 1.0f, .top_k = 3, .top_p = 1.0f, .seed = 3});
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(sampler_draw(&s, (float[]){0.0f, INFINITY, INFINITY}, 3), 1);
        cr_assert_eq(sampler_draw(&s, (float[]){-INFINITY, -INFINITY, -INFINITY}, 3), 0);
    }
}

Test(sampler, the_greatest_come_in_order_with_ties_by_id)
{
    static float logits[5000];
    static uint32_t id[SAMPLING_TOP_K_MAX];
    static float value[SAMPLING_TOP_K_MAX];
    for (uint32_t i = 0; i < 5000; i++)
        logits[i] = (float)(i * 2654435761u >> 20) / 8.0f;
    cr_assert_eq(sampler_greatest(logits, 5000, 1024, id, value), 1024);
    for (uint32_t i = 1; i < 1024; i++)
        cr_assert(value[i] < value[i - 1] || (value[i] == value[i - 1] && id[i] > id[i - 1]));
    cr_assert_eq(sampler_greatest(logits, 3, 5, id, value), 3);
    unsigned above = 0;
    cr_assert_eq(sampler_greatest(logits, 5000, 100, id, value), 100);
    for (uint32_t i = 0; i < 5000; i++)
        above += logits[i] > value[99];
    cr_assert_lt(above, 100);
}

Test(sampler, the_first_of_the_greatest_is_found_wherever_it_lies_and_nan_never)
{
    enum { MOST = 200 };
    float logits[MOST];
    for (uint32_t n = 1; n <= MOST; n++)
        for (uint32_t at = 0; at < n; at++) {
            for (uint32_t i = 0; i < n; i++)
                logits[i] = i % 7 == 3 ? NAN : -1.0f - (float)(i * 37 % 11);
            logits[at] = 2.0f;
            logits[n - 1] = logits[n - 1] > 1.0f ? 2.0f : at % 2 == 0 ? 2.0f : NAN;
            uint32_t id = MOST;
            float value = 0.0f;
            cr_assert_eq(sampler_greatest(logits, n, 1, &id, &value), 1);
            cr_assert_eq(id, at, "%u of %u", at, n);
            cr_assert_float_eq(value, 2.0f, 0.0f);
        }
}
