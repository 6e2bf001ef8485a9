#include "tests/independent/chk_json.h"
#include <stdlib.h>
#include <string.h>

static size_t blank(struct chk_view in, size_t at)
{
    while (at < in.n && memchr(" \t\r\n", in.p[at], 4) != NULL)
        at++;
    return at;
}

/* Behind the string that begins at `at`; in.n + 1 when it does not end. */
static size_t string_end(struct chk_view in, size_t at)
{
    for (at++; at < in.n && in.p[at] != '"'; at++)
        at += in.p[at] == '\\';
    return at + 1;
}

struct chk_view chk_json_value(struct chk_view in, size_t *at)
{
    size_t from = blank(in, *at), to = from, depth = 0;
    do {
        if (to >= in.n)
            return (struct chk_view){0};
        uint8_t c = in.p[to];
        if (c == '"') {
            to = string_end(in, to);
        } else {
            depth += c == '{' || c == '[';
            depth -= (c == '}' || c == ']') && depth > 0;
            to++;
            while (depth == 0 && to < in.n && memchr(",}] \t\r\n", in.p[to], 7) == NULL &&
                   c != '}' && c != ']')
                to++;
        }
    } while (depth > 0);
    if (to > in.n)
        return (struct chk_view){0};
    *at = to;
    return (struct chk_view){in.p + from, to - from};
}

static bool opens(struct chk_view v, size_t *at, char open)
{
    if (v.n < 2)
        return false;
    if (*at == 0) {
        if (v.p[0] != (uint8_t)open)
            return false;
        *at = 1;
    }
    *at = blank(v, *at);
    if (*at < v.n && v.p[*at] == ',')
        *at = blank(v, *at + 1);
    return *at < v.n - 1;
}

bool chk_json_next(struct chk_view object, size_t *at, struct chk_view *key, struct chk_view *value)
{
    if (!opens(object, at, '{') || object.p[*at] != '"')
        return false;
    *key = chk_json_value(object, at);
    *at = blank(object, *at);
    if (key->n == 0 || *at >= object.n || object.p[*at] != ':')
        return false;
    (*at)++;
    *value = chk_json_value(object, at);
    return value->n > 0;
}

bool chk_json_element(struct chk_view array, size_t *at, struct chk_view *value)
{
    if (!opens(array, at, '['))
        return false;
    *value = chk_json_value(array, at);
    return value->n > 0;
}

struct chk_view chk_json_member(struct chk_view object, const char *name)
{
    struct chk_view key, value;
    size_t at = 0;
    while (chk_json_next(object, &at, &key, &value)) {
        if (chk_json_is(key, name))
            return value;
    }
    return (struct chk_view){0};
}

static int hex4(const uint8_t *p)
{
    int v = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* The store escapes control characters only, so one unit of two bytes is all there can be. */
static size_t put_unit(uint8_t *out, int v)
{
    if (v < 0x80) {
        out[0] = (uint8_t)v;
        return 1;
    }
    out[0] = (uint8_t)(0xC0 | (v >> 6 & 31));
    out[1] = (uint8_t)(0x80 | (v & 63));
    return 2;
}

uint8_t *chk_json_string(struct chk_view v, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (v.n < 2 || v.p[0] != '"')
        return NULL;
    uint8_t *out = chk_alloc(v.n);
    *n = 0;
    for (size_t i = 1; i + 1 < v.n; i++) {
        if (v.p[i] != '\\') {
            out[(*n)++] = v.p[i];
            continue;
        }
        i++;
        const char *hit = memchr(from, v.p[i], sizeof from - 1);
        if (hit != NULL) {
            out[(*n)++] = (uint8_t)to[hit - from];
        } else if (v.p[i] == 'u' && i + 5 < v.n) {
            *n += put_unit(out + *n, hex4(v.p + i + 1));
            i += 4;
        }
    }
    out[*n] = '\0';
    return out;
}

bool chk_json_is(struct chk_view v, const char *text)
{
    size_t n = strlen(text);
    return v.n == n + 2 && v.p[0] == '"' && memcmp(v.p + 1, text, n) == 0;
}

uint64_t chk_json_number(struct chk_view v)
{
    uint64_t x = 0;
    if (v.n == 0 || v.n > 19)
        return UINT64_MAX;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return UINT64_MAX;
        x = x * 10 + (uint64_t)(v.p[i] - '0');
    }
    return x;
}

bool chk_json_digest(struct chk_view v, uint8_t out[32])
{
    return v.n == 66 && v.p[0] == '"' && chk_hex(v.p + 1, 64, out);
}
