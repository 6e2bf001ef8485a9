#include "verify/gate_checks.h"
#include "base/heap.h"
#include "base/text.h"
#include <stdarg.h>
#include <string.h>

static struct gate_check *add(struct gate_checks *c, const char *name)
{
    if (c->p == NULL)
        c->p = heap_zero(GATE_CHECKS_MAX, sizeof *c->p);
    c->failed = c->failed || c->p == NULL || c->n == GATE_CHECKS_MAX;
    if (c->failed)
        return NULL;
    struct gate_check *check = &c->p[c->n++];
    *check = (struct gate_check){.verdict = VERDICT_NONE};
    text_fmt(check->name, sizeof check->name, "%s", name);
    return check;
}

/* A message cut off in the middle of a character would not be UTF-8 any more. */
static void trim(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && !utf8_valid(SPAN(text, n)))
        text[--n] = 0;
}

static void say(struct gate_check *c, const char *fmt, va_list ap)
{
    text_vfmt(c->message, sizeof c->message, fmt, ap);
    trim(c->message);
}

void checks_add(struct gate_checks *c, const char *name, bool pass, const char *fmt, ...)
{
    struct gate_check *check = add(c, name);
    if (check == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    say(check, fmt, ap);
    va_end(ap);
    check->verdict = pass ? VERDICT_PASS : VERDICT_FAIL;
}

void checks_error(struct gate_checks *c, const char *name, const char *fmt, ...)
{
    struct gate_check *check = add(c, name);
    if (check == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    say(check, fmt, ap);
    va_end(ap);
    check->verdict = VERDICT_ERROR;
}

void checks_measure(struct gate_checks *c, const char *name, const char *measured, const char *unit,
                    const char *what)
{
    uint64_t v;
    struct gate_check *check = add(c, name);
    if (check == NULL)
        return;
    bool number = decimal_read(measured, &v);
    check->verdict = number ? VERDICT_PASS : VERDICT_FAIL;
    text_fmt(check->unit, sizeof check->unit, "%s", unit);
    if (number)
        text_fmt(check->measured, sizeof check->measured, "%s", measured);
    text_fmt(check->message, sizeof check->message,
             number ? "%s: %s %s" : "%s: no number was measured", what, measured, unit);
}

void checks_measure_u64(struct gate_checks *c, const char *name, uint64_t measured,
                        const char *unit, const char *what)
{
    char text[24];
    text_fmt(text, sizeof text, "%llu", (unsigned long long)measured);
    checks_measure(c, name, text, unit, what);
}

void checks_explain(struct gate_check *c, const char *fmt, ...)
{
    if (c == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    say(c, fmt, ap);
    va_end(ap);
    c->told = true;
}

struct gate_check *checks_find(const struct gate_checks *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (text_equal(c->p[i].name, name))
            return &c->p[i];
    return NULL;
}

static int badness(enum verdict v)
{
    switch (v) {
    case VERDICT_PASS: return 0;
    case VERDICT_INCONCLUSIVE: return 1;
    case VERDICT_FAIL: return 2;
    case VERDICT_ERROR:
    case VERDICT_NONE: break;
    }
    return 3;
}

enum verdict checks_worst(const struct gate_check *checks, size_t n)
{
    /* Nothing checked proves nothing. */
    enum verdict worst = n == 0 ? VERDICT_ERROR : VERDICT_PASS;
    for (size_t i = 0; i < n; i++)
        if (badness(checks[i].verdict) > badness(worst))
            worst = checks[i].verdict == VERDICT_NONE ? VERDICT_ERROR : checks[i].verdict;
    return worst;
}

void checks_release(struct gate_checks *c)
{
    heap_free(c->p);
    *c = (struct gate_checks){0};
}

bool decimal_read(const char *text, uint64_t *millionths)
{
    uint64_t v = 0;
    size_t whole = 0, after = 0, i = 0;
    for (; text[i] >= '0' && text[i] <= '9' && whole < 13; i++, whole++)
        v = v * 10 + (uint64_t)(text[i] - '0');
    if (whole == 0 || whole > 12)
        return false;
    if (text[i] == '.')
        for (i++; text[i] >= '0' && text[i] <= '9' && after < 7; i++, after++)
            v = v * 10 + (uint64_t)(text[i] - '0');
    if (text[i] != 0 || after > 6 || (after == 0 && text[i - 1] == '.'))
        return false;
    for (; after < 6; after++)
        v *= 10;
    *millionths = v;
    return true;
}

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

void check_write(const struct gate_check *c, struct json_out *j)
{
    json_object(j);
    member(j, "limit", c->limit);
    member(j, "measured", c->measured);
    member(j, "message", c->message);
    member(j, "name", c->name);
    member(j, "unit", c->unit);
    member(j, "verdict", verdict_name(c->verdict));
    json_close(j);
}

static bool read_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

/* A number is a decimal number or absent. */
static bool read_number(const struct json *v, const char *key, char *out, size_t cap)
{
    uint64_t n;
    return read_text(v, key, out, cap) && (out[0] == 0 || decimal_read(out, &n));
}

enum status check_read(const struct json *v, struct gate_check *out, struct err *e)
{
    *out = (struct gate_check){.verdict = verdict_parse(json_as_string(json_get(v, "verdict")))};
    if (json_count(v) != 6 || !read_text(v, "name", out->name, sizeof out->name) ||
        out->name[0] == 0 || out->verdict == VERDICT_NONE ||
        !read_text(v, "unit", out->unit, sizeof out->unit) ||
        !read_text(v, "message", out->message, sizeof out->message))
        return err_set(e, ST_FORMAT, "check", "a check of a gate is not well-formed");
    if (!read_number(v, "measured", out->measured, sizeof out->measured) ||
        !read_number(v, "limit", out->limit, sizeof out->limit)) {
        err_set(e, ST_FORMAT, "check-number", "a check's numbers are not decimal numbers");
        return err_subject(e, "%s", out->name);
    }
    return ST_OK;
}
