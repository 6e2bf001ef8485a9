#include "base/base64.h"
#include <criterion/criterion.h>

static const struct {
    const char *plain, *text;
} row[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
           {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xFB\xFF\xBF", "+/+/"}};

Test(base64, encodes_with_padding)
{
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        SCOPED(buf_release) struct buf b = BUF_EMPTY;
        base64_encode(&b, span_text(row[i].plain));
        cr_expect(span_equal(buf_span(&b), span_text(row[i].text)), "row %zu", i);
    }
}

static bool decodes(const char *text, const char *want)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    return base64_decode(&b, span_text(text)) && span_equal(buf_span(&b), span_text(want));
}

Test(base64, decodes_both_alphabets_padded_or_not)
{
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_expect(decodes(row[i].text, row[i].plain), "row %zu", i);
    cr_expect(decodes("Zg", "f"));
    cr_expect(decodes("Zm8", "fo"));
    cr_expect(decodes("-_-_", "\xFB\xFF\xBF"));
}

Test(base64, every_length_comes_back)
{
    uint8_t raw[100];
    for (size_t n = 0; n < sizeof raw; n++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        SCOPED(buf_release) struct buf back = BUF_EMPTY;
        raw[n] = (uint8_t)(n * 37);
        base64_encode(&text, (struct span){.p = raw, .n = n});
        cr_assert(base64_decode(&back, buf_span(&text)));
        cr_assert(span_equal(buf_span(&back), (struct span){.p = raw, .n = n}));
    }
}

Test(base64, what_no_encoder_writes_is_refused)
{
    static const char *const bad[] = {"A",    "AAAAA",    "Zh==", "Zm9=",      "Zg=",    "Zg===",
                                      "=",    "==",       "====", "Zm 8=",     "Zm8=\n", "Zm8*",
                                      "+-aa", "Zg==Zg==", "A===", "\xC3\xA9=="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        SCOPED(buf_release) struct buf b = BUF_EMPTY;
        cr_expect(!base64_decode(&b, span_text(bad[i])), "%s", bad[i]);
    }
}
