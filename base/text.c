#include "base/text.h"
#include "base/ensure.h"

static const char lower_digits[] = "0123456789abcdef";

void text_escape(struct buf *out, struct span in, bool keep_lines)
{
    while (in.n > 0) {
        size_t n;
        uint32_t code = utf8_decode(in, &n);
        bool valid = utf8_sequence(in) > 0;
        bool kept = keep_lines && (code == '\n' || code == '\t');
        if (valid && (kept || !utf8_control(code)))
            buf_append(out, (struct span){.p = in.p, .n = n});
        else
            for (size_t i = 0; i < n; i++)
                buf_fmt(out, "\\x%02x", (unsigned)in.p[i]);
        in.p += n;
        in.n -= n;
    }
}

void hex_encode(char *out, struct span in)
{
    for (size_t i = 0; i < in.n; i++) {
        *out++ = lower_digits[in.p[i] >> 4];
        *out++ = lower_digits[in.p[i] & 15];
    }
    *out = 0;
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(uint8_t *out, size_t n, struct span in)
{
    if (in.n / 2 != n || in.n % 2 != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = nibble(in.p[2 * i]), low = nibble(in.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool text_u64(struct span in, uint64_t *out)
{
    uint64_t v = 0;
    if (in.n == 0)
        return false;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        if (c < '0' || c > '9')
            return false;
        unsigned digit = c - (unsigned)'0';
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool text_equal(const char *a, const char *b)
{
    return __builtin_strcmp(a, b) == 0;
}

bool text_begins(const char *text, const char *with)
{
    while (*with != '\0' && *text == *with) {
        text++;
        with++;
    }
    return *with == '\0';
}
