#include "base/json_write.h"
#include "base/ensure.h"
#include "base/text.h"

struct json_out json_out(struct buf *to)
{
    return (struct json_out){.to = to};
}

/* Before each value: a comma if one stands before it in an array, the key's right to it in an
 * object. */
static void before_value(struct json_out *j)
{
    if (j->depth == 0) {
        ENSURE(!j->more[0]); /* one value only */
        j->more[0] = true;
        return;
    }
    unsigned top = j->depth - 1;
    if (j->kind[top] == '{') {
        ENSURE(j->keyed);
        j->keyed = false;
        return;
    }
    if (j->more[top])
        buf_byte(j->to, ',');
    j->more[top] = true;
}

static void begin(struct json_out *j, uint8_t kind)
{
    before_value(j);
    ENSURE(j->depth < JSON_DEPTH);
    j->kind[j->depth] = kind;
    j->more[j->depth] = false;
    j->depth++;
    buf_byte(j->to, kind);
}

void json_object(struct json_out *j)
{
    begin(j, '{');
}

void json_array(struct json_out *j)
{
    begin(j, '[');
}

void json_close(struct json_out *j)
{
    ENSURE(j->depth > 0 && !j->keyed);
    j->depth--;
    buf_byte(j->to, j->kind[j->depth] == '{' ? '}' : ']');
    if (j->depth == 0)
        j->more[0] = true; /* the one value is written */
}

void json_key(struct json_out *j, const char *key)
{
    ENSURE(j->depth > 0 && j->kind[j->depth - 1] == '{' && !j->keyed);
    if (j->more[j->depth - 1])
        buf_byte(j->to, ',');
    j->more[j->depth - 1] = true;
    json_escape(j->to, span_text(key), false);
    buf_byte(j->to, ':');
    j->keyed = true;
}

/* The two-letter escape of c, 0 when it has none. */
static char short_escape(uint32_t c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\f': return 'f';
    case '\r': return 'r';
    default: return 0;
    }
}

void json_escape(struct buf *to, struct span utf8, bool minimal)
{
    buf_byte(to, '"');
    while (utf8.n > 0) {
        size_t n;
        uint32_t code = utf8_decode(utf8, &n);
        if (short_escape(code) != 0) {
            buf_byte(to, '\\');
            buf_byte(to, (uint8_t)short_escape(code));
        } else if (code < 0x20 || (!minimal && utf8_control(code))) {
            buf_fmt(to, "\\u%04x", (unsigned)code);
        } else if (utf8_sequence(utf8) == 0) {
            buf_text(to, "\xEF\xBF\xBD");
        } else {
            buf_append(to, (struct span){.p = utf8.p, .n = n});
        }
        utf8.p += n;
        utf8.n -= n;
    }
    buf_byte(to, '"');
}

void json_text(struct json_out *j, struct span utf8)
{
    before_value(j);
    json_escape(j->to, utf8, false);
}

void json_string(struct json_out *j, const char *s)
{
    if (s == NULL)
        json_null(j);
    else
        json_text(j, span_text(s));
}

void json_u64(struct json_out *j, uint64_t v)
{
    before_value(j);
    buf_fmt(j->to, "%llu", (unsigned long long)v);
}

void json_i64(struct json_out *j, int64_t v)
{
    before_value(j);
    buf_fmt(j->to, "%lld", (long long)v);
}

void json_bool(struct json_out *j, bool v)
{
    before_value(j);
    buf_text(j->to, v ? "true" : "false");
}

void json_null(struct json_out *j)
{
    before_value(j);
    buf_text(j->to, "null");
}

void json_fixed(struct json_out *j, double v, unsigned places)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    if ((bits >> 52 & 0x7FF) == 0x7FF) {
        json_null(j);
        return;
    }
    before_value(j);
    buf_fixed(j->to, v, places);
}

void json_raw(struct json_out *j, struct span value)
{
    before_value(j);
    buf_append(j->to, value);
}
