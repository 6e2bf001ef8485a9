#include "base/text.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both formatters write the same, and both give the same length, also when it is cut. */
#define SAME(...)                                                \
    do {                                                         \
        char ours[128], libc[128];                               \
        size_t n = text_fmt(ours, sizeof ours, __VA_ARGS__);     \
        int m = snprintf(libc, sizeof libc, __VA_ARGS__);        \
        cr_expect_str_eq(ours, libc);                            \
        cr_expect_eq(n, (size_t)m);                              \
        char cut[5];                                             \
        cr_expect_eq(text_fmt(cut, sizeof cut, __VA_ARGS__), n); \
        cr_expect_eq(strncmp(cut, libc, 4), 0);                  \
        cr_expect_leq(strlen(cut), 4u);                          \
    } while (0)

Test(text, the_formatter_agrees_with_printf)
{
    SAME("plain");
    SAME("%d|%i|%u", -5, 7, 4000000000u);
    SAME("%x %X %08x", 0xbeefu, 0xBEEFu, 0x1fu);
    SAME("%5d|%-5d|%05d|%05d", 42, 42, 42, -42);
    SAME("%3d|%1d", 123456, 123456);
    SAME("%ld %lu %lld %llu", -1L, 1UL, (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
    SAME("%zu %jd %ju %td", (size_t)9, (intmax_t)-9, (uintmax_t)9, (ptrdiff_t)-3);
    SAME("%hd %hu %hhd %hhu", (short)-2, (unsigned short)65535, (signed char)-3,
         (unsigned char)255);
    SAME("%s|%10s|%-10s|%.2s|%.*s|%*d", "abc", "abc", "abc", "abc", 1, "abc", 4, 7);
    SAME("%c%c%%", 'a', 'b');
    SAME("%d", 0);
    SAME("%.0s|", "abc");
    SAME("%p", (void *)0x1234);
}

Test(text, an_unended_string_is_read_only_as_far_as_its_precision)
{
    char raw[3] = {'a', 'b', 'c'}, out[8];
    cr_expect_eq(text_fmt(out, sizeof out, "%.3s", raw), 3u);
    cr_expect_str_eq(out, "abc");
}

Test(text, formatted_text_appends_to_a_buf)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    buf_fmt(&b, "%d", 1);
    buf_fmt(&b, "-%s", "two");
    cr_expect(span_equal(buf_span(&b), span_text("1-two")));
}

static void expect_fixed(double v, unsigned places, const char *want)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    buf_fixed(&b, v, places);
    cr_expect(span_equal(buf_span(&b), span_text(want)), "%.17g with %u places gives %.*s, not %s",
              v, places, (int)b.n, (char *)b.p, want);
}

Test(text, decimals_round_half_away_from_zero)
{
    expect_fixed(0.5, 0, "1");
    expect_fixed(-0.5, 0, "-1");
    expect_fixed(2.5, 0, "3");
    expect_fixed(0.125, 2, "0.13");
    expect_fixed(-0.125, 2, "-0.13");
    expect_fixed(1.005, 2, "1.00"); /* the double lies below 1.005 */
    expect_fixed(0.49999999999999994, 0, "0");
    expect_fixed(9.9999999999, 3, "10.000");
    expect_fixed(1.2664, 4, "1.2664");
}

Test(text, decimals_know_the_ends)
{
    expect_fixed(0, 3, "0.000");
    expect_fixed(-0.0, 1, "0.0");
    expect_fixed(-0.001, 2, "0.00");
    expect_fixed(5e-324, 9, "0.000000000");
    expect_fixed(1e22, 1, "10000000000000000000000.0");
    expect_fixed((double)INFINITY, 2, "inf");
    expect_fixed((double)-INFINITY, 2, "-inf");
    expect_fixed((double)NAN, 2, "nan");
}

/* Does v lie exactly half way between two texts of so many places? There printf rounds to even. */
static bool is_tie(double v, unsigned places)
{
    char text[500];
    int n = snprintf(text, sizeof text, "%.*f", (int)places + 70, v);
    const char *rest = text + n - 70;
    return rest[0] == '5' && strspn(rest + 1, "0") == 69;
}

Test(text, decimals_agree_with_printf_where_no_tie_is)
{
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double v;
        memcpy(&v, &bits, sizeof v);
        unsigned places = (unsigned)(bits >> 3) % 10;
        if (!isfinite(v) || is_tie(v, places))
            continue;
        char libc[400];
        snprintf(libc, sizeof libc, "%.*f", (int)places, v);
        expect_fixed(v, places, libc[0] == '-' && strtod(libc, NULL) == 0 ? libc + 1 : libc);
    }
}

static void expect_escaped(struct span in, bool lines, const char *want)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    text_escape(&b, in, lines);
    cr_expect(span_equal(buf_span(&b), span_text(want)), "%.*s instead of %s", (int)b.n,
              (char *)b.p, want);
}

Test(text, nothing_foreign_reaches_the_terminal_raw)
{
    expect_escaped(span_text("plain \xC3\xA9 \xF0\x9F\x98\x80"), false,
                   "plain \xC3\xA9 \xF0\x9F\x98\x80");
    expect_escaped(span_text("\x1B[31mred\x07"), false, "\\x1b[31mred\\x07");
    expect_escaped(span_text("a\nb\tc\r"), false, "a\\x0ab\\x09c\\x0d");
    expect_escaped(span_text("a\nb\tc\r"), true, "a\nb\tc\\x0d");
    expect_escaped(span_text("\xC2\x9B"
                             "31m"),
                   true, "\\xc2\\x9b31m");
    expect_escaped(span_text("\xE2\x80\xAE"
                             "evil"),
                   true, "\\xe2\\x80\\xaeevil");
    expect_escaped(span_text("\xFF\xC3"), true, "\\xff\\xc3");
    expect_escaped(SPAN("a\0b\x7F", 4), true, "a\\x00b\\x7f");
}

Test(text, hex_goes_there_and_back)
{
    uint8_t raw[256], back[256];
    char text[513];
    for (int i = 0; i < 256; i++)
        raw[i] = (uint8_t)i;
    hex_encode(text, (struct span){.p = raw, .n = 256});
    cr_expect_eq(strlen(text), 512u);
    cr_expect(hex_decode(back, 256, span_text(text)));
    cr_expect_eq(memcmp(raw, back, 256), 0);
}

Test(text, hex_takes_lower_case_digits_of_the_right_number_only)
{
    uint8_t out[2];
    cr_expect(!hex_decode(out, 2, span_text("ABcd")));
    cr_expect(!hex_decode(out, 2, span_text("abc")));
    cr_expect(!hex_decode(out, 2, span_text("abcde")));
    cr_expect(!hex_decode(out, 2, span_text("abcdef")));
    cr_expect(!hex_decode(out, 2, span_text("ab g")));
    cr_expect(hex_decode(out, 2, span_text("ab0f")) && out[0] == 0xab && out[1] == 0x0f);
}

Test(text, numbers_are_digits_that_fit)
{
    uint64_t v = 1;
    cr_expect(text_u64(span_text("0"), &v) && v == 0);
    cr_expect(text_u64(span_text("18446744073709551615"), &v) && v == UINT64_MAX);
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(!text_u64(span_text(bad[i]), &v), "%s", bad[i]);
}

Test(text, texts_are_equal_by_their_bytes)
{
    cr_expect(text_equal("a", "a"));
    cr_expect(!text_equal("a", "ab"));
    cr_expect(!text_equal("a", "A"));
}

Test(text, a_text_begins_with_nothing_with_itself_and_with_no_longer_one)
{
    cr_assert(text_begins("index-page", "index-"));
    cr_assert(text_begins("index-", "index-"));
    cr_assert(text_begins("", ""));
    cr_assert_not(text_begins("index", "index-"));
    cr_assert_not(text_begins("Index-", "index-"));
    cr_assert_not(text_begins("", "i"));
}
