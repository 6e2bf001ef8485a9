#include "base/canon.h"
#include "base/ensure.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include <stdlib.h>

struct member {
    const char *key;
    const struct json *value;
};

/* A container being written: its members in canonical order (objects only), and the next to write.
 */
struct level {
    const struct json *v;
    struct member *sorted; /* [count] */
    size_t count, next;
};

struct writer {
    struct level level[JSON_DEPTH_MAX];
    unsigned depth;
    struct buf *out;
};

static void writer_release(struct writer *w)
{
    while (w->depth > 0)
        heap_free(w->level[--w->depth].sorted);
}

/* The first UTF-16 code unit of a code point. */
static uint32_t first_unit(uint32_t code)
{
    return code < 0x10000 ? code : 0xD800 + ((code - 0x10000) >> 10);
}

/* RFC 8785 sorts keys by UTF-16 code units: code points over U+FFFF come before U+E000…U+FFFF,
 * which is not the order of their UTF-8 bytes. */
static int by_key(const void *a, const void *b)
{
    struct span x = span_text(((const struct member *)a)->key),
                y = span_text(((const struct member *)b)->key);
    while (x.n > 0 && y.n > 0) {
        size_t n, m;
        uint32_t p = utf8_decode(x, &n), q = utf8_decode(y, &m);
        if (p != q) {
            uint32_t u = first_unit(p), v = first_unit(q);
            return u != v ? (u < v ? -1 : 1) : (p < q ? -1 : 1);
        }
        x.p += n;
        x.n -= n;
        y.p += m;
        y.n -= m;
    }
    return x.n > 0 ? 1 : y.n > 0 ? -1 : 0;
}

static enum status enter(struct writer *w, const struct json *v, struct err *e)
{
    ENSURE(w->depth < JSON_DEPTH_MAX); /* the reader admits no deeper tree */
    struct level *l = &w->level[w->depth++];
    *l = (struct level){.v = v, .count = json_count(v)};
    buf_byte(w->out, json_kind(v) == JSON_OBJECT ? '{' : '[');
    if (json_kind(v) == JSON_ARRAY || l->count == 0)
        return ST_OK;
    l->sorted = heap_zero(l->count, sizeof *l->sorted);
    if (l->sorted == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to sort %zu keys", l->count);
    for (size_t i = 0; i < l->count; i++)
        l->sorted[i].key = json_member(v, i, &l->sorted[i].value);
    qsort(l->sorted, l->count, sizeof *l->sorted, by_key);
    return ST_OK;
}

static enum status write_value(struct writer *w, const struct json *v, struct err *e)
{
    int64_t integer = 0;
    bool truth = false;
    switch (json_kind(v)) {
    case JSON_NULL: buf_text(w->out, "null"); return ST_OK;
    case JSON_BOOL:
        (void)json_as_bool(v, &truth);
        buf_text(w->out, truth ? "true" : "false");
        return ST_OK;
    case JSON_INTEGER:
        (void)json_as_i64(v, &integer);
        buf_fmt(w->out, "%lld", (long long)integer);
        return ST_OK;
    case JSON_STRING: json_escape(w->out, span_text(json_as_string(v)), true); return ST_OK;
    case JSON_ARRAY:
    case JSON_OBJECT: return enter(w, v, e);
    case JSON_DECIMAL:
        return err_set(e, ST_FORMAT, "json-not-integer",
                       "a number is not an integer; it has no canonical form here");
    }
    return ST_OK;
}

/* Writes the next member of the innermost container, or closes it. */
static enum status step(struct writer *w, struct err *e)
{
    struct level *l = &w->level[w->depth - 1];
    if (l->next == l->count) {
        buf_byte(w->out, json_kind(l->v) == JSON_OBJECT ? '}' : ']');
        heap_free(l->sorted);
        w->depth--;
        return ST_OK;
    }
    size_t i = l->next++;
    if (i > 0)
        buf_byte(w->out, ',');
    if (l->sorted == NULL)
        return write_value(w, json_at(l->v, i), e);
    json_escape(w->out, span_text(l->sorted[i].key), true);
    buf_byte(w->out, ':');
    return write_value(w, l->sorted[i].value, e);
}

enum status canon_write(const struct json *v, struct buf *out, struct err *e)
{
    SCOPED(writer_release) struct writer w = {.out = out};
    enum status st = write_value(&w, v, e);
    while (st == ST_OK && w.depth > 0)
        st = step(&w, e);
    if (st == ST_OK && buf_status(out) != ST_OK)
        st = err_set(e, buf_status(out), NULL, "no room for the canonical JSON");
    return st;
}

enum status canon_text(struct span json, struct buf *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(json, json.n, &root, e);
    return st == ST_OK ? canon_write(root, out, e) : st;
}

enum status canon_parse(struct span in, size_t limit, struct json **root, struct err *e)
{
    SCOPED(json_scope) struct json *read = NULL;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    *root = NULL;
    enum status st = json_parse(in, limit, &read, e);
    if (st == ST_OK)
        st = canon_write(read, &again, e);
    if (st != ST_OK)
        return st;
    size_t same = 0;
    while (same < in.n && same < again.n && in.p[same] == again.p[same])
        same++;
    if (same < in.n || same < again.n)
        return err_at(e, ST_FORMAT, "json", "not-canonical", same,
                      "the text departs from its canonical form (RFC 8785)");
    *root = json_take(&read);
    return ST_OK;
}
