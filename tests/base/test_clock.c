#include "base/clock.h"
#include <criterion/criterion.h>
#include <time.h>

Test(clock, an_injected_clock_stands_still)
{
    struct clock c = {.fixed = 42, .injected = true};
    cr_expect_eq(clock_now(&c), 42);
    struct clock real = CLOCK_REAL;
    cr_expect_leq(llabs(clock_now(&real) - (int64_t)time(NULL)), 1);
    cr_expect_leq(llabs(clock_now(NULL) - (int64_t)time(NULL)), 1);
}

Test(clock, ticks_never_go_back)
{
    uint64_t last = clock_ticks();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_ticks();
        cr_assert_geq(now, last);
        last = now;
    }
}

Test(clock, times_are_written_and_read_as_the_system_does)
{
    for (int64_t t = 0; t < INT64_C(253402300800); t += 86399 * 37 + 13) {
        char ours[TIME_TEXT_MAX], theirs[32];
        struct tm tm;
        time_t sys = (time_t)t;
        int64_t back;
        (void)gmtime_r(&sys, &tm);
        (void)strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%SZ", &tm);
        time_format(t, ours);
        cr_assert_str_eq(ours, theirs);
        cr_assert(time_parse(ours, &back) && back == t, "%s", ours);
    }
}

Test(clock, the_ends_are_known)
{
    char text[TIME_TEXT_MAX];
    int64_t t;
    time_format(0, text);
    cr_expect_str_eq(text, "1970-01-01T00:00:00Z");
    time_format(-5, text);
    cr_expect_str_eq(text, "1970-01-01T00:00:00Z");
    time_format(INT64_MAX, text);
    cr_expect_str_eq(text, "9999-12-31T23:59:59Z");
    cr_expect(time_parse("2000-02-29T00:00:00Z", &t) && t == 951782400);
}

Test(clock, what_is_no_time_is_refused)
{
    static const char *const bad[] = {
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05z",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T03:04:05.0Z",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-02-30T03:04:05Z",
        "2025-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2100-02-29T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:60Z",
        "1969-12-31T23:59:59Z",
        "+026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z ",
    };
    int64_t t;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(!time_parse(bad[i], &t), "%s", bad[i]);
}
