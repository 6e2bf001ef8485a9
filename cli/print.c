#include "cli/print.h"
#include "base/text.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define LABEL_WIDTH 12

struct json_out answer_open(struct cli *c, const char *schema)
{
    struct json_out j = json_out(&c->out);
    json_object(&j);
    member_text(&j, "schema", schema);
    return j;
}

void answer_close(struct cli *c, struct json_out *j)
{
    json_close(j);
    assert(j->depth == 0);
    buf_byte(&c->out, '\n');
}

void member_text(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

void member_u64(struct json_out *j, const char *key, uint64_t value)
{
    json_key(j, key);
    json_u64(j, value);
}

void member_bool(struct json_out *j, const char *key, bool value)
{
    json_key(j, key);
    json_bool(j, value);
}

static bool is_zero(const struct digest *d)
{
    const struct digest zero = {{0}};
    return digest_equal(d, &zero);
}

void member_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char text[DIGEST_TEXT];
    digest_text(d, text);
    member_text(j, key, is_zero(d) ? NULL : text);
}

void member_offset(struct json_out *j, const char *key, uint64_t offset)
{
    json_key(j, key);
    if (offset == ERR_NO_OFFSET)
        json_null(j);
    else
        json_u64(j, offset);
}

/* One value that holds no others. */
static void scalar(struct json_out *j, const struct json *v)
{
    int64_t number = 0;
    bool truth = false;
    if (json_as_i64(v, &number))
        json_i64(j, number);
    else if (json_as_bool(v, &truth))
        json_bool(j, truth);
    else
        json_string(j, json_as_string(v)); /* NULL: null */
}

static bool holds(const struct json *v)
{
    return json_kind(v) == JSON_ARRAY || json_kind(v) == JSON_OBJECT;
}

static void begin(struct json_out *j, const struct json *v)
{
    if (json_kind(v) == JSON_OBJECT)
        json_object(j);
    else
        json_array(j);
}

/* Walks the tree with its own stack: the reader bounds depth, we never recurse over input. */
void value_json(struct json_out *j, const struct json *v)
{
    struct {
        const struct json *v;
        size_t next;
    } stack[JSON_DEPTH];
    size_t depth = 0;
    if (!holds(v)) {
        scalar(j, v);
        return;
    }
    begin(j, v);
    stack[depth].v = v;
    stack[depth++].next = 0;
    while (depth > 0) {
        const struct json *in = stack[depth - 1].v, *child = NULL;
        size_t i = stack[depth - 1].next++;
        if (i >= json_count(in)) {
            json_close(j);
            depth--;
            continue;
        }
        if (json_kind(in) == JSON_OBJECT)
            json_key(j, json_member(in, i, &child));
        else
            child = json_at(in, i);
        if (!holds(child)) {
            scalar(j, child);
            continue;
        }
        if (depth == JSON_DEPTH || j->depth == JSON_DEPTH) {
            json_string(j, "…");
            continue;
        }
        begin(j, child);
        stack[depth].v = child;
        stack[depth++].next = 0;
    }
}

void member_json(struct json_out *j, const char *key, const struct json *v)
{
    json_key(j, key);
    value_json(j, v);
}

void put_foreign(struct buf *out, const char *s)
{
    text_escape(out, span_text(s), false);
}

void put_size(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double v = (double)bytes;
    while (v >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        v /= 1024;
        unit++;
    }
    buf_fixed(out, v, unit == 0 ? 0 : 1);
    buf_fmt(out, " %s", units[unit]);
}

void put_short(struct buf *out, const struct digest *d)
{
    char text[DIGEST_TEXT];
    digest_text(d, text);
    buf_fmt(out, "%.12s", text);
}

void put_full(struct buf *out, const struct digest *d)
{
    char text[DIGEST_TEXT];
    digest_text(d, text);
    buf_text(out, text);
}

void put_field(struct buf *out, const char *label, const char *fmt, ...)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(text, sizeof text, fmt, ap);
    va_end(ap);
    text_escape(&value, span_text(text), false);
    buf_fmt(out, "%s", label);
    for (size_t n = strlen(label); n < LABEL_WIDTH; n++)
        buf_byte(out, ' ');
    buf_byte(out, ' ');
    buf_append(out, buf_span(&value));
    buf_byte(out, '\n');
}

void put_hex(struct buf *out, struct span bytes, uint64_t from, uint64_t mark)
{
    for (size_t line = 0; line < bytes.n; line += 16) {
        size_t n = bytes.n - line < 16 ? bytes.n - line : 16;
        buf_fmt(out, "  %08" PRIx64 " ", from + line);
        for (size_t i = 0; i < 16; i++) {
            bool marked = from + line + i == mark;
            if (i < n)
                buf_fmt(out, "%c%02x", marked ? '>' : ' ', bytes.p[line + i]);
            else
                buf_text(out, "   ");
        }
        buf_text(out, "  ");
        for (size_t i = 0; i < n; i++) {
            uint8_t b = bytes.p[line + i];
            buf_byte(out, b >= 0x20 && b < 0x7f ? b : '.');
        }
        buf_byte(out, '\n');
    }
}

struct table table_of(size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS);
    return (struct table){.columns = columns};
}

/* Columns on a terminal: characters, not bytes (what is escaped holds no wide ones that matter). */
static size_t columns_of(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

void table_cell(struct table *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t at = t->text.n;
    text_escape(&t->text, span_text(text), false);
    buf_byte(&t->text, 0);
    if (t->text.failed)
        return;
    size_t width = columns_of((const char *)t->text.p + at), column = t->cell++ % t->columns;
    if (width > t->width[column])
        t->width[column] = width;
}

void table_put(const struct table *t, struct buf *out)
{
    if (t->text.failed) {
        out->failed = true; /* the answer lacks something: cli_flush reports it */
        return;
    }
    const char *cell = (const char *)t->text.p;
    for (size_t i = 0; i < t->cell; i++) {
        size_t column = i % t->columns;
        buf_text(out, cell);
        if (column + 1 == t->columns)
            buf_byte(out, '\n');
        else
            for (size_t n = columns_of(cell); n < t->width[column] + 2; n++)
                buf_byte(out, ' ');
        cell += strlen(cell) + 1;
    }
}

void table_release(struct table *t)
{
    buf_release(&t->text);
}
