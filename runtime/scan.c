/* The streaming check: the front is gathered until its parser has seen all of it, then everything
 * goes past the check of values. Memory: the front (bounded by limits), the places of its tensors,
 * the tokenizer. */
#include "base/heap.h"
#include "runtime/tokenizer_kinds.h"
#include "runtime/values.h"
#include <assert.h>

struct scan {
    struct model_limits limits;
    uint64_t file_bytes, fed;
    enum model_format format;
    struct buf front;
    uint64_t want; /* bytes of front at which parsing is tried (again) */
    bool parsed;
    struct layout layout;
    struct values values;
    struct err failure; /* the first one */
};

/* Parsing is tried at sizes that at least double, so that it costs no more than two passes however
 * small the pieces are. */
#define FRONT_FIRST 4096u

static enum status stick(struct scan *s, enum status st, struct err *e)
{
    if (st != ST_OK)
        s->failure = *e;
    return st;
}

enum status scan_open(enum model_format format, uint64_t file_bytes,
                      const struct model_limits *limits, struct scan **out, struct err *e)
{
    assert(format == MODEL_FORMAT_SLM1 || format == MODEL_FORMAT_GGUF);
    struct scan *s = heap_zero(1, sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to scan a model");
    s->limits = limits != NULL ? *limits : model_limits_default;
    s->format = format;
    s->file_bytes = file_bytes;
    s->want = file_bytes < FRONT_FIRST ? file_bytes : FRONT_FIRST;
    s->layout.facts = (struct model_facts){
        .format = format, .file_bytes = file_bytes, .bos = -1, .eos = -1, .pad = -1, .unk = -1};
    *out = s;
    return ST_OK;
}

/* Parses the front that is there; with FRONT_WAITS sets how much to gather first. */
static enum status parse_front(struct scan *s, struct err *e)
{
    uint64_t need = 0;
    layout_release(&s->layout);
    enum status st = layout_parse(s->format, buf_span(&s->front), s->file_bytes, &s->limits,
                                  &s->layout, &need, e);
    if (st == FRONT_WAITS) {
        uint64_t twice = 2 * (uint64_t)s->front.n;
        s->want = twice < s->file_bytes ? twice : s->file_bytes;
        s->want = s->want < s->limits.head_bytes ? s->want : s->limits.head_bytes;
        s->want = s->want > need ? s->want : need;
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    s->parsed = true;
    s->values = values_start(&s->layout);
    return values_feed(&s->values, buf_span(&s->front), e);
}

static enum status feed(struct scan *s, struct span bytes, struct err *e)
{
    if (bytes.n > s->file_bytes - s->fed)
        return err_at(e, ST_MISMATCH, "length", "scan-too-long", s->file_bytes,
                      "more than the announced %llu bytes came", (unsigned long long)s->file_bytes);
    s->fed += bytes.n;
    while (bytes.n > 0 && !s->parsed) {
        uint64_t room = s->want - s->front.n;
        size_t n = bytes.n < room ? bytes.n : (size_t)room;
        buf_append(&s->front, SPAN(bytes.p, n));
        bytes = SPAN(bytes.p + n, bytes.n - n);
        if (buf_status(&s->front) != ST_OK)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for the model's first %llu bytes",
                           (unsigned long long)s->want);
        enum status st = s->front.n == s->want ? parse_front(s, e) : ST_OK;
        if (st != ST_OK)
            return st;
    }
    return s->parsed ? values_feed(&s->values, bytes, e) : ST_OK;
}

enum status scan_feed(struct scan *s, struct span bytes, struct err *e)
{
    if (s->failure.status != ST_OK) {
        *e = s->failure;
        return e->status;
    }
    return stick(s, feed(s, bytes, e), e);
}

static enum status end(struct scan *s, struct err *e)
{
    if (s->fed != s->file_bytes)
        return err_at(e, ST_MISMATCH, "length", "scan-too-short", s->fed,
                      "only %llu of the announced %llu bytes came", (unsigned long long)s->fed,
                      (unsigned long long)s->file_bytes);
    if (!s->parsed) { /* an empty file */
        enum status st = parse_front(s, e);
        if (st != ST_OK)
            return st;
    }
    assert(s->parsed);
    return values_end(&s->values, e);
}

enum status scan_end(struct scan *s, struct err *e)
{
    if (s->failure.status != ST_OK) {
        *e = s->failure;
        return e->status;
    }
    return stick(s, end(s, e), e);
}

const struct model_facts *scan_facts(const struct scan *s)
{
    return &s->layout.facts;
}

enum status scan_tokenizer(const struct scan *s, struct sink to, struct err *e)
{
    if (s->layout.tokenizer == NULL)
        return err_set(e, ST_MODEL_NOT_LOADED, NULL, "the scan came to no tokenizer");
    return tokenizer_canonical(s->layout.tokenizer, to, e);
}

void scan_close(struct scan *s)
{
    layout_release(&s->layout);
    buf_release(&s->front);
    heap_free(s);
}
