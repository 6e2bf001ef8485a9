#include "base/utf8.h"
#include <criterion/criterion.h>

Test(utf8, every_code_point_has_one_form)
{
    uint8_t p[4];
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (n == 1)
            p[0] = (uint8_t)code;
        else
            p[0] = (uint8_t)((0xF00u >> n & 0xF0u) | code >> (6 * (n - 1)));
        for (size_t i = 1; i < n; i++)
            p[i] = (uint8_t)(0x80 | (code >> (6 * (n - 1 - i)) & 0x3F));
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        size_t length;
        cr_assert_eq(utf8_sequence((struct span){.p = p, .n = n}), surrogate ? 0 : n, "U+%04X",
                     code);
        cr_assert_eq(utf8_decode((struct span){.p = p, .n = n}, &length),
                     surrogate ? 0xFFFD : code);
        cr_assert_eq(length, surrogate ? 1 : n);
        cr_assert_eq(utf8_sequence((struct span){.p = p, .n = n - 1}), 0u, "cut short");
    }
}

Test(utf8, what_is_not_valid_is_refused)
{
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xC3(",
        "\xE2\x82(",
        "\xE2(\xA1",
        "\xF0\x9F\x98(",
        "a\xC3",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(!utf8_valid(span_text(bad[i])), "row %zu", i);
    cr_expect(utf8_valid(span_text("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    cr_expect(utf8_valid((struct span){0}));
}

Test(utf8, decoding_nothing_moves_nowhere)
{
    size_t n = 9;
    cr_expect_eq(utf8_decode((struct span){0}, &n), 0xFFFDu);
    cr_expect_eq(n, 0u);
}

Test(utf8, controls_are_what_moves_or_reorders)
{
    static const uint32_t control[] = {0,      0x1B,   0x1F,   0x7F,   0x80,   0x9B,
                                       0x9F,   0x61C,  0x200E, 0x200F, 0x2028, 0x2029,
                                       0x202A, 0x202E, 0x2066, 0x2069};
    static const uint32_t plain[] = {0x20,   0x7E,   0xA0,   0x61B,  0x200D, 0x2010,
                                     0x2027, 0x202F, 0x2065, 0x206A, 0x1F600};
    for (size_t i = 0; i < sizeof control / sizeof control[0]; i++)
        cr_expect(utf8_control(control[i]), "U+%04X", control[i]);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        cr_expect(!utf8_control(plain[i]), "U+%04X", plain[i]);
}
