#include "runtime/decode.h"

#include "base/text.h"
#include <criterion/criterion.h>
#include <string.h>

static uint8_t memory[256];

static struct decode decoder(bool strict)
{
    return (struct decode){.text = buf_over(memory, sizeof memory), .strict = strict};
}

static enum status push_all(struct decode *d, const char *bytes, size_t n)
{
    struct err e = ERR_NONE;
    for (size_t i = 0; i < n; i++) {
        decode_push(d, SPAN(bytes + i, 1));
        cr_assert(utf8_valid(buf_span(&d->text)), "what is out is always UTF-8");
    }
    return decode_finish(d, true, &e);
}

static bool text_is(const struct decode *d, const char *want)
{
    return span_equal(buf_span(&d->text), span_text(want));
}

Test(decode, a_character_comes_out_when_it_is_whole)
{
    struct decode d = decoder(true);
    cr_assert_eq(decode_push(&d, SPAN("\xe2", 1)).n, 0);
    cr_assert_eq(decode_push(&d, SPAN("\x82", 1)).n, 0);
    struct span out = decode_push(&d, SPAN("\xac!", 2));
    cr_assert(span_equal(out, span_text("€!")));
}

Test(decode, every_valid_sequence_passes_byte_by_byte)
{
    const char *text = "a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0"
                       "\x90\x80\x80\xf4\x8f\xbf\xbf";
    struct decode d = decoder(true);
    cr_assert_eq(push_all(&d, text, strlen(text)), ST_OK);
    cr_assert(text_is(&d, text));
}

static const char *const invalid[] = {
    "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\x80",
    "\xed\xa0\x80", "\xf0\x8f\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80",
    "\xff",         "\xc3\x28",         "\xe2\x82z",        "\xc3"};

Test(decode, strict_breaks_at_every_kind_of_wrong_byte)
{
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        struct decode d = decoder(true);
        decode_push(&d, span_text("ok"));
        cr_assert_eq(push_all(&d, invalid[i], strlen(invalid[i])), ST_INVALID_UTF8, "row %zu", i);
        cr_assert(text_is(&d, "ok"));
        cr_assert_eq(decode_push(&d, span_text("more")).n, 0, "broken for good");
    }
}

Test(decode, lossy_replaces_what_cannot_be_a_character)
{
    struct decode d = decoder(false);
    cr_assert_eq(push_all(&d,
                          "a\xff"
                          "b\xe2\x82z\xc3",
                          7),
                 ST_OK);
    cr_assert(text_is(&d, "a\xef\xbf\xbd"
                          "b\xef\xbf\xbdz\xef\xbf\xbd"));
    decode_clear(&d);
    cr_assert_eq(push_all(&d, "\xe2\xe2\x82\xac\xf0\xff", 6), ST_OK);
    cr_assert(text_is(&d, "\xef\xbf\xbd€\xef\xbf\xbd\xef\xbf\xbd"));
}

Test(decode, a_cut_character_waits_unless_it_is_the_end)
{
    struct err e = ERR_NONE;
    struct decode d = decoder(true);
    decode_push(&d, SPAN("\xc3", 1));
    cr_assert_eq(decode_finish(&d, false, &e), ST_OK);
    cr_assert(span_equal(decode_push(&d, SPAN("\xa9", 1)), span_text("é")));
    decode_push(&d, SPAN("\xc3", 1));
    cr_assert_eq(decode_finish(&d, true, &e), ST_INVALID_UTF8);
}

Test(decode, too_much_text_is_an_error)
{
    struct err e = ERR_NONE;
    struct decode d = decoder(true);
    for (int i = 0; i < 257; i++)
        decode_push(&d, SPAN("x", 1));
    cr_assert_eq(decode_finish(&d, true, &e), ST_OUTPUT_EXCEEDED);
}
