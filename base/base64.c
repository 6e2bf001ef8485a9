#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct span in)
{
    while (in.n > 0) {
        size_t n = in.n < 3 ? in.n : 3;
        uint32_t v = (uint32_t)in.p[0] << 16;
        v |= n > 1 ? (uint32_t)in.p[1] << 8 : 0;
        v |= n > 2 ? in.p[2] : 0;
        char four[4];
        for (size_t i = 0; i < 4; i++)
            four[i] = i <= n ? alphabet[v >> (18 - 6 * i) & 63] : '=';
        buf_append(out, SPAN(four, 4));
        in.p += n;
        in.n -= n;
    }
}

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* One alphabet a text: what mixes them was made by nobody's encoder. */
static bool one_alphabet(struct span in)
{
    bool standard = false, url = false;
    for (size_t i = 0; i < in.n; i++) {
        standard = standard || in.p[i] == '+' || in.p[i] == '/';
        url = url || in.p[i] == '-' || in.p[i] == '_';
    }
    return !(standard && url);
}

bool base64_decode(struct buf *out, struct span in)
{
    if (in.n > 0 && in.n % 4 == 0)
        for (int i = 0; i < 2 && in.p[in.n - 1] == '='; i++)
            in.n--;
    if (in.n % 4 == 1 || !one_alphabet(in))
        return false;
    while (in.n > 0) {
        size_t n = in.n < 4 ? in.n : 4;
        uint32_t v = 0;
        for (size_t i = 0; i < 4; i++) {
            int digit = i < n ? value_of(in.p[i]) : 0;
            if (digit < 0)
                return false;
            v = v << 6 | (uint32_t)digit;
        }
        if ((n == 2 && (v & 0xFFFF) != 0) || (n == 3 && (v & 0xFF) != 0)) /* stray bits */
            return false;
        uint8_t three[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        buf_append(out, SPAN(three, n - 1));
        in.p += n;
        in.n -= n;
    }
    return true;
}
