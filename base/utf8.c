#include "base/utf8.h"

static bool is_tail(uint8_t b)
{
    return (b & 0xC0) == 0x80;
}

size_t utf8_sequence(struct span s)
{
    if (s.n == 0)
        return 0;
    uint8_t a = s.p[0];
    if (a < 0x80)
        return 1;
    if (a < 0xC2 || a > 0xF4) /* a tail, an overlong pair, or over U+10FFFF */
        return 0;
    size_t need = a < 0xE0 ? 2 : a < 0xF0 ? 3 : 4;
    if (s.n < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if (!is_tail(s.p[i]))
            return 0;
    /* The first tail decides the remaining overlong forms, surrogates and values over U+10FFFF. */
    uint8_t b = s.p[1];
    if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) ||
        (a == 0xF4 && b > 0x8F))
        return 0;
    return need;
}

bool utf8_valid(struct span s)
{
    while (s.n > 0) {
        size_t n = utf8_sequence(s);
        if (n == 0)
            return false;
        s.p += n;
        s.n -= n;
    }
    return true;
}

uint32_t utf8_decode(struct span s, size_t *n)
{
    size_t length = utf8_sequence(s);
    if (length == 0) {
        *n = s.n > 0 ? 1 : 0;
        return 0xFFFD;
    }
    *n = length;
    uint32_t code = length == 1 ? s.p[0] : s.p[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (s.p[i] & 0x3Fu);
    return code;
}

bool utf8_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E ||
           code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}
