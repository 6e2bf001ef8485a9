#include "verify/record.h"
#include "base/files.h"
#include "base/text.h"
#include <string.h>

void record_release(struct record *r)
{
    answers_free(r->answers, r->n);
    for (size_t i = 0; i < r->n; i++)
        suite_release(&r->suites[i]);
    hunt_release(&r->hunt);
    *r = (struct record){0};
}

static enum status take_suite(struct store *s, const struct digest *d, struct record *r,
                              struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    uint64_t bytes = 0;
    enum status st = store_content_size(s, d, &bytes, e);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        r->missing++;
        return ST_OK;
    }
    if (st == ST_OK && (bytes > SUITE_BYTES_MAX || r->n == RECORD_SUITES))
        return err_set(e, ST_FORMAT, "record-suites", "the record names more than can be read");
    if (st == ST_OK)
        st = store_content_read(s, d, sink_buf(&file), NULL, e);
    if (st == ST_OK)
        st = suite_parse(buf_span(&file), &r->suites[r->n], e);
    r->n += st == ST_OK;
    return st;
}

/* A line may be a suite's head, a hunt's finds, or an answer: told apart by its members. */
static enum status take_line(struct store *s, struct span line, struct record *r, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct digest d;
    enum status st = json_parse(line, 8 * ANSWER_TEXT_MAX, &v, e);
    if (st != ST_OK)
        return st;
    const char *hex = json_as_string(json_get(v, "sha256"));
    const struct json *hunt = json_get(v, "hunt");
    if (hex != NULL && digest_parse(hex, &d))
        return take_suite(s, &d, r, e);
    if (hunt == NULL || r->hunted)
        return ST_OK;
    r->hunted = true;
    return hunt_read(hunt, &r->hunt, e);
}

enum status record_open(struct store *s, const struct digest *cases, struct record *out,
                        struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    bool found[RECORD_SUITES] = {false};
    *out = (struct record){0};
    enum status st = store_document(s, cases, &text, e);
    for (size_t at = 0; st == ST_OK && at < text.n;) {
        const uint8_t *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end != NULL ? (size_t)(end - text.p) - at : text.n - at;
        st = take_line(s, SPAN(text.p + at, n), out, e);
        at += n + 1;
    }
    if (st == ST_OK)
        st = answers_make(out->suites, out->n, &out->answers, e);
    if (st == ST_OK)
        st = answers_find(buf_span(&text), out->answers, out->n, found, e);
    if (st != ST_OK)
        record_release(out);
    return st;
}

const struct answers *record_same(const struct record *r, const struct suite *suite)
{
    for (size_t i = 0; i < r->n; i++)
        if (digest_equal(&r->suites[i].digest, &suite->digest))
            return &r->answers[i];
    return NULL;
}
