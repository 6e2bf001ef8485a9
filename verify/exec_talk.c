#include "verify/exec_talk.h"
#include "base/canon.h"
#include "base/text.h"
#include "base/utf8.h"
#include <string.h>

#define CHECK_NAME    22u /* bytes of a check's name */
#define CHECK_UNIT    16u
#define CHECK_MESSAGE 200u

/* ---- telling ------------------------------------------------------------------------------ */

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void count(struct json_out *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_u64(j, n);
}

static void digest_member(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    member(j, key, hex);
}

static void put_head(const struct gate_subject *s, const struct suite *suite, struct buf *out)
{
    const struct manifest *m = &s->artifact->manifest;
    struct json_out j = json_out(out);
    json_object(&j);
    member(&j, "schema", "assay.exec/1");
    digest_member(&j, "artifact", &s->artifact->digest);
    member(&j, "name", m->name);
    member(&j, "version", m->version);
    member(&j, "license", m->license);
    member(&j, "format", m->model.format);
    json_key(&j, "model");
    json_object(&j);
    count(&j, "bytes", s->file->bytes);
    count(&j, "fd", EXEC_MODEL_FD);
    digest_member(&j, "sha256", &s->file->sha256);
    json_close(&j);
    json_key(&j, "suite");
    if (suite == NULL) {
        json_null(&j);
    } else {
        json_object(&j);
        count(&j, "cases", suite->count);
        count(&j, "fd", EXEC_SUITE_FD);
        member(&j, "kind", suite_kind_name(suite->kind));
        member(&j, "name", suite->name);
        digest_member(&j, "sha256", &suite->digest);
        json_close(&j);
    }
    json_close(&j);
    buf_byte(out, '\n');
}

enum status exec_tell(const struct gate_subject *s, const struct exam *x, struct buf *out,
                      struct err *e)
{
    const struct suite *suite = x != NULL && x->n > 0 ? &x->suites[0] : NULL;
    enum status st = ST_OK;
    put_head(s, suite, out);
    for (size_t i = 0; st == ST_OK && suite != NULL && i < suite->count; i++) {
        buf_text(out, "{\"answer\":");
        answers_write(out, &suite->cases[i], suite->kind, &x->mine[0].of[i]);
        if (out->n > 0 && !out->failed && out->p[out->n - 1] == '\n')
            out->n--;
        buf_text(out, ",\"case\":");
        st = canon_write(suite->cases[i].root, out, e);
        buf_text(out, "}\n");
    }
    if (st == ST_OK && buf_status(out) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for what a program is told");
    return st;
}

/* ---- hearing ------------------------------------------------------------------------------ */

/* What is wrong with the answer: a code, and a word more. */
struct wrong {
    const char *code;
    char what[160];
};

static bool wrong(struct wrong *w, const char *code, const char *what)
{
    w->code = code;
    text_fmt(w->what, sizeof w->what, "%s", what);
    return false;
}

static bool controls(const char *text)
{
    struct span rest = span_text(text);
    for (size_t n = 0; rest.n > 0; rest = SPAN(rest.p + n, rest.n - n))
        if (utf8_control(utf8_decode(rest, &n)))
            return true;
    return false;
}

/* An optional text; false when it is no text, too long, or moves a cursor. */
static bool read_text(const struct json *v, const char *key, size_t most, char *out,
                      struct wrong *w)
{
    const struct json *member = json_get(v, key);
    const char *text = json_as_string(member);
    out[0] = '\0';
    if (member == NULL)
        return true;
    if (text == NULL || strlen(text) >= most)
        return wrong(w, "exec-check", key);
    if (controls(text))
        return wrong(w, "exec-control", key);
    text_fmt(out, most, "%s", text);
    return true;
}

static bool name_valid(const char *name)
{
    const size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789 _.-");
    return n > 0 && n < CHECK_NAME && name[n] == '\0' && name[0] != ' ' && name[n - 1] != ' ';
}

static const char *const members[] = {"measured", "message", "name", "result", "unit"};

static bool known(const struct json *v)
{
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *key = json_member(v, i, &value);
        bool found = false;
        for (size_t k = 0; k < sizeof members / sizeof *members; k++)
            found = found || text_equal(key, members[k]);
        if (!found)
            return false;
    }
    return json_kind(v) == JSON_OBJECT;
}

static bool read_one(const char *part, const struct json *v, struct gate_check *c, struct wrong *w)
{
    char name[CHECK_NAME];
    uint64_t number;
    *c = (struct gate_check){.verdict = verdict_parse(json_as_string(json_get(v, "result")))};
    if (!known(v))
        return wrong(w, "exec-check", "a member that nobody knows");
    if (!read_text(v, "name", sizeof name, name, w) ||
        !read_text(v, "unit", CHECK_UNIT, c->unit, w) ||
        !read_text(v, "message", CHECK_MESSAGE, c->message, w) ||
        !read_text(v, "measured", sizeof c->measured, c->measured, w))
        return false;
    if (!name_valid(name))
        return wrong(w, "exec-check", "name");
    if (c->verdict == VERDICT_NONE)
        return wrong(w, "exec-check", "result");
    if (c->measured[0] != '\0' && !decimal_read(c->measured, &number))
        return wrong(w, "exec-check", "measured");
    text_fmt(c->name, sizeof c->name, "%s %s", part, name);
    return true;
}

static bool twice(const struct gate_check *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(c[i].name, c[n].name))
            return true;
    return false;
}

static bool read_answer(const char *part, const struct json *v, uint64_t cases,
                        struct gate_check c[EXEC_CHECKS], size_t *n, struct wrong *w)
{
    const struct json *list = json_get(v, "checks");
    const char *schema = json_as_string(json_get(v, "schema"));
    uint64_t said = 0;
    if (json_kind(v) != JSON_OBJECT || json_count(v) != 3 || schema == NULL ||
        !text_equal(schema, "assay.exec-result/1") || json_kind(list) != JSON_ARRAY)
        return wrong(w, "exec-schema", "it is not {schema, cases, checks} of assay.exec-result/1");
    if (!json_as_u64(json_get(v, "cases"), &said) || said != cases) {
        w->code = "exec-cases";
        text_fmt(w->what, sizeof w->what, "it looked at %llu cases and was given %llu",
                 (unsigned long long)said, (unsigned long long)cases);
        return false;
    }
    if (json_count(list) == 0 || json_count(list) > EXEC_CHECKS)
        return wrong(w, "exec-check", "there are 1 to 32 checks");
    for (*n = 0; *n < json_count(list); ++*n) {
        if (!read_one(part, json_at(list, *n), &c[*n], w))
            return false;
        if (twice(c, *n))
            return wrong(w, "exec-duplicate", c[*n].name);
    }
    return true;
}

/* Puts a check of the program's own among ours: a measurement stays one, for limits to be held
 * against. */
static void keep(const struct gate_check *c, struct gate_checks *checks)
{
    checks_add(checks, c->name, true, "%s", c->message);
    struct gate_check *mine = checks_find(checks, c->name);
    if (mine == NULL)
        return;
    const bool told = c->message[0] != '\0';
    *mine = *c;
    if (!told)
        text_fmt(mine->message, sizeof mine->message, "the program says %s",
                 verdict_name(c->verdict));
    mine->told = told;
}

void exec_hear(const char *part, struct span answer, uint64_t cases, struct gate_checks *checks)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct gate_check c[EXEC_CHECKS];
    char name[64];
    size_t n = 0;
    struct wrong w = {.code = NULL};
    struct err why = ERR_NONE;
    bool fine = answer.n > 0 || wrong(&w, "exec-silent", "it said nothing");
    if (fine && json_parse(answer, EXEC_ANSWER, &v, &why) != ST_OK)
        fine = wrong(&w, "exec-json", why.detail);
    fine = fine && read_answer(part, v, cases, c, &n, &w);
    text_fmt(name, sizeof name, "%s answer", part);
    checks_add(checks, name, fine, "%s%s%s", fine ? "the program's answer is one" : w.code,
               fine ? "" : ": ", fine ? "" : w.what);
    for (size_t i = 0; fine && i < n; i++)
        keep(&c[i], checks);
}
