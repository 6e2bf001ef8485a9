#include "verify/web_rule.h"
#include <criterion/criterion.h>

Test(web_rule, only_our_own_names_with_our_port_may_ask)
{
    static const char *const good[] = {"localhost:8117", "127.0.0.1:8117", "[::1]:8117"};
    static const char *const bad[] = {"",
                                      "localhost",
                                      "localhost:8118",
                                      "LOCALHOST:8117",
                                      "localhost.:8117",
                                      "127.0.0.1:8117 ",
                                      "127.0.0.1:08117",
                                      "127.1:8117",
                                      "0.0.0.0:8117",
                                      "::1:8117",
                                      "[::1]",
                                      "[0:0:0:0:0:0:0:1]:8117",
                                      "evil.example:8117",
                                      "localhost:8117.evil.example",
                                      "user@localhost:8117",
                                      "localhost:8117,evil"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert(web_host_allowed(good[i], 8117), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(web_host_allowed(bad[i], 8117), "%s", bad[i]);
    cr_assert_not(web_host_allowed(NULL, 8117));
}

struct part {
    const char *header;
    enum web_range is;
    uint64_t from, n;
};

static const struct part parts[] = {
    {NULL, WEB_WHOLE, 0, 100},
    {"bytes=0-0", WEB_PART, 0, 1},
    {"bytes=0-", WEB_PART, 0, 100},
    {"bytes=99-", WEB_PART, 99, 1},
    {"bytes=10-19", WEB_PART, 10, 10},
    {"bytes=10-1000", WEB_PART, 10, 90},
    {"bytes=-1", WEB_PART, 99, 1},
    {"bytes=-1000", WEB_PART, 0, 100},
    {"bytes=0-18446744073709551615", WEB_PART, 0, 100},
    {"bytes=100-", WEB_UNSATISFIABLE, 0, 0},
    {"bytes=-0", WEB_UNSATISFIABLE, 0, 0},
    {"bytes=5-4", WEB_WHOLE, 0, 100},
    {"bytes=-", WEB_WHOLE, 0, 100},
    {"bytes=", WEB_WHOLE, 0, 100},
    {"bytes=0-1,3-4", WEB_WHOLE, 0, 100},
    {"bytes=0-1 ", WEB_WHOLE, 0, 100},
    {"bytes= 0-1", WEB_WHOLE, 0, 100},
    {"bytes=+1-2", WEB_WHOLE, 0, 100},
    {"bytes=1-2-3", WEB_WHOLE, 0, 100},
    {"bytes=18446744073709551616-", WEB_WHOLE, 0, 100},
    {"lines=0-1", WEB_WHOLE, 0, 100},
};

Test(web_rule, a_range_is_one_run_of_bytes_or_the_whole)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint64_t from = 7, n = 7;
        enum web_range is = web_range_of(parts[i].header, 100, &from, &n);
        cr_assert_eq(is, parts[i].is, "%s", parts[i].header);
        if (is == WEB_UNSATISFIABLE)
            continue;
        cr_assert_eq(from, parts[i].from, "%s", parts[i].header);
        cr_assert_eq(n, parts[i].n, "%s", parts[i].header);
    }
}

Test(web_rule, an_empty_file_has_no_part)
{
    uint64_t from, n;
    cr_assert_eq(web_range_of("bytes=0-", 0, &from, &n), WEB_UNSATISFIABLE);
    cr_assert_eq(web_range_of("bytes=-5", 0, &from, &n), WEB_UNSATISFIABLE);
}

Test(web_rule, a_tag_is_named_alone_or_in_a_list)
{
    const char *tag = "\"abc\"";
    cr_assert(web_tag_named("\"abc\"", tag));
    cr_assert(web_tag_named("W/\"abc\"", tag));
    cr_assert(web_tag_named("\"x\", \"abc\"", tag));
    cr_assert(web_tag_named("\"abc\",\"x\"", tag));
    cr_assert(web_tag_named("*", tag));
    cr_assert_not(web_tag_named(NULL, tag));
    cr_assert_not(web_tag_named("", tag));
    cr_assert_not(web_tag_named("\"abcd\"", tag));
    cr_assert_not(web_tag_named("\"abc\"d", tag));
    cr_assert_not(web_tag_named("*x", tag));
    cr_assert_not(web_tag_named("abc", tag));
    cr_assert_not(web_tag_named(",,, ,", tag));
}
