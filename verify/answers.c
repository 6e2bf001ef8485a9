#include "verify/answers.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include <string.h>

#define LINE_MAX (8 * ANSWER_TEXT_MAX) /* of text that is all escapes */

enum status answers_make(const struct suite *suites, size_t n, struct answers **out, struct err *e)
{
    struct answers *a = heap_zero(n, sizeof *a);
    *out = a;
    bool fine = a != NULL;
    for (size_t i = 0; fine && i < n; i++) {
        a[i].suite = &suites[i];
        a[i].of = heap_zero(suites[i].count, sizeof *a[i].of);
        fine = a[i].of != NULL;
    }
    return fine ? ST_OK : err_set(e, ST_NO_MEMORY, NULL, "no memory for the answers of a gate");
}

static void forget(struct answers *a)
{
    for (size_t k = 0; a->of != NULL && k < a->suite->count; k++)
        buf_release(&a->of[k].text);
    heap_free(a->of);
}

void answers_free(struct answers *a, size_t n)
{
    for (size_t i = 0; a != NULL && i < n; i++)
        forget(&a[i]);
    heap_free(a);
}

/* ---- writing ------------------------------------------------------------------------------ */

void answers_write_head(struct buf *out, const struct suite *s)
{
    char hex[DIGEST_TEXT];
    digest_text(&s->digest, hex);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "cases");
    json_u64(&j, s->count);
    json_key(&j, "kind");
    json_string(&j, suite_kind_name(s->kind));
    json_key(&j, "name");
    json_string(&j, s->name);
    json_key(&j, "sha256");
    json_string(&j, hex);
    json_close(&j);
    buf_byte(out, '\n');
}

static void write_nats(struct json_out *j, const double *nats, size_t n)
{
    json_key(j, "nats");
    json_array(j);
    for (size_t i = 0; i < n; i++) {
        char room[48];
        struct buf text = buf_over(room, sizeof room);
        buf_fixed(&text, nats[i], 6);
        json_text(j, buf_span(&text));
    }
    json_close(j);
}

void answers_write(struct buf *out, const struct suite_case *c, enum suite_kind kind,
                   const struct answer *a)
{
    struct json_out j = json_out(out);
    json_object(&j);
    if (a->failed) {
        json_key(&j, "failed");
        json_string(&j, a->why);
    }
    json_key(&j, "id");
    json_string(&j, c->id);
    if (!a->failed && (kind == SUITE_CHOICE || kind == SUITE_TEXT))
        write_nats(&j, a->nats, kind == SUITE_CHOICE ? c->choice_count : 1);
    if (!a->failed && kind == SUITE_TEXT) {
        json_key(&j, "tokens");
        json_u64(&j, a->tokens);
    } else if (!a->failed && kind != SUITE_CHOICE) {
        size_t n = a->text.n < ANSWER_TEXT_MAX ? a->text.n : ANSWER_TEXT_MAX;
        json_key(&j, "text");
        json_text(&j, SPAN(a->text.p, n));
        json_key(&j, "utf8");
        json_bool(&j, a->utf8);
    }
    json_close(&j);
    buf_byte(out, '\n');
}

void answers_put(struct buf *out, const struct answers *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct suite *s = a[i].suite;
        answers_write_head(out, s);
        for (size_t k = 0; k < s->count; k++)
            answers_write(out, &s->cases[k], s->kind, &a[i].of[k]);
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
    struct span in;
    size_t at, line;
    struct err *err;
};

static enum status bad(const struct reader *r, const char *what)
{
    return err_at(r->err, ST_FORMAT, "answers", "answers-line", r->at, "line %zu of the answers %s",
                  r->line, what);
}

/* The next line's object; ST_NOT_FOUND at the end. */
static enum status next(struct reader *r, struct json **out)
{
    if (r->at >= r->in.n)
        return ST_NOT_FOUND;
    const uint8_t *p = r->in.p + r->at, *end = memchr(p, '\n', r->in.n - r->at);
    struct err inner = ERR_NONE;
    r->line++;
    if (end == NULL)
        return bad(r, "has no end");
    enum status st = json_parse(SPAN(p, (size_t)(end - p)), LINE_MAX, out, &inner);
    if (st == ST_NO_MEMORY)
        return err_set(r->err, st, NULL, "no memory for answers");
    if (st != ST_OK || json_kind(*out) != JSON_OBJECT)
        return bad(r, "is no JSON object");
    r->at += (size_t)(end - p) + 1;
    return ST_OK;
}

static bool read_nats(const struct json *list, size_t n, double *out)
{
    bool fine = json_kind(list) == JSON_ARRAY && json_count(list) == n;
    for (size_t i = 0; fine && i < n; i++) {
        uint64_t millionths = 0;
        const char *text = json_as_string(json_at(list, i));
        fine = text != NULL && decimal_read(text, &millionths);
        out[i] = (double)millionths / 1e6;
    }
    return fine;
}

static bool read_text(const struct json *v, struct answer *out)
{
    const char *text = json_as_string(json_get(v, "text"));
    if (text == NULL || strlen(text) > 3 * ANSWER_TEXT_MAX ||
        !json_as_bool(json_get(v, "utf8"), &out->utf8))
        return false;
    buf_release(&out->text);
    buf_text(&out->text, text);
    return buf_status(&out->text) == ST_OK;
}

static bool read_answer(const struct json *v, const struct suite_case *c, enum suite_kind kind,
                        struct answer *out)
{
    const char *why = json_as_string(json_get(v, "failed"));
    if (why != NULL) {
        out->failed = true;
        return json_count(v) == 2 && why[0] != '\0' &&
               text_fmt(out->why, sizeof out->why, "%s", why) < sizeof out->why;
    }
    if (kind == SUITE_CHOICE)
        return json_count(v) == 2 && read_nats(json_get(v, "nats"), c->choice_count, out->nats);
    if (kind == SUITE_TEXT)
        return json_count(v) == 3 && read_nats(json_get(v, "nats"), 1, out->nats) &&
               json_as_u64(json_get(v, "tokens"), &out->tokens) && out->tokens > 0;
    return json_count(v) == 3 && read_text(v, out);
}

static bool is_head(const struct json *v, const struct suite *s)
{
    uint64_t cases = 0;
    struct digest d;
    const char *kind = json_as_string(json_get(v, "kind")),
               *hex = json_as_string(json_get(v, "sha256"));
    return json_count(v) == 4 && json_as_u64(json_get(v, "cases"), &cases) && cases == s->count &&
           kind != NULL && text_equal(kind, suite_kind_name(s->kind)) && hex != NULL &&
           digest_parse(hex, &d) && digest_equal(&d, &s->digest);
}

static enum status read_cases(struct reader *r, struct answers *into, uint32_t part, uint32_t parts)
{
    const struct suite *s = into->suite;
    for (size_t k = part; k < s->count; k += parts) {
        SCOPED(json_scope) struct json *v = NULL;
        enum status st = next(r, &v);
        if (st == ST_NOT_FOUND)
            return bad(r, "is the last one, but cases are missing");
        if (st != ST_OK)
            return st;
        const char *id = json_as_string(json_get(v, "id"));
        if (id == NULL || !text_equal(id, s->cases[k].id))
            return bad(r, "is not about the case that stands at its place");
        if (!read_answer(v, &s->cases[k], s->kind, &into->of[k]))
            return bad(r, "is no answer to its case");
    }
    return ST_OK;
}

enum status answers_read(struct span document, struct answers *into, size_t n, uint32_t part,
                         uint32_t parts, struct err *e)
{
    struct reader r = {.in = document, .err = e};
    for (size_t i = 0; i < n; i++) {
        SCOPED(json_scope) struct json *head = NULL;
        enum status st = next(&r, &head);
        if (st == ST_NOT_FOUND || (st == ST_OK && !is_head(head, into[i].suite)))
            return bad(&r, "is not the head of the suite that was asked");
        if (st == ST_OK)
            st = read_cases(&r, &into[i], part, parts);
        if (st != ST_OK)
            return st;
    }
    return r.at == document.n ? ST_OK : bad(&r, "is followed by more than was asked");
}

enum status answers_find(struct span document, struct answers *into, size_t n, bool *found,
                         struct err *e)
{
    struct reader r = {.in = document, .err = e};
    for (;;) {
        SCOPED(json_scope) struct json *head = NULL;
        enum status st = next(&r, &head);
        if (st == ST_NOT_FOUND)
            return ST_OK;
        if (st != ST_OK)
            return st;
        /* Lines of a suite that nobody asks about, and a hunt's finds, have other members than a
         * head. */
        for (size_t i = 0; i < n; i++) {
            if (found[i] || !is_head(head, into[i].suite))
                continue;
            st = read_cases(&r, &into[i], 0, 1);
            if (st != ST_OK)
                return st;
            found[i] = true;
            break;
        }
    }
}
