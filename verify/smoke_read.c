#include "base/text.h"
#include "verify/smoke.h"

/* What an honest child tells once a model is loaded; "tokens per second" only when it made tokens.
 */
static const char *const required[] = {
    "load time",    "allocation scratch", "allocation kv",      "allocation logits",
    "generation",   "first token",        "greedy repeats",     "after reset",
    "continuation", "context overflow",   "nothing to prefill", "no tokens asked for",
    "bad UTF-8",    "bad sampling",       "failed replacement"};
#define REQUIRED (sizeof required / sizeof required[0])

static bool expected(const char *name)
{
    if (text_equal(name, "load") || text_equal(name, "tokens per second"))
        return true;
    for (size_t i = 0; i < REQUIRED; i++)
        if (text_equal(name, required[i]))
            return true;
    return false;
}

static bool take(struct gate_checks *checks, const struct gate_check *c)
{
    if (!expected(c->name) || checks_find(checks, c->name) != NULL)
        return false;
    checks_add(checks, c->name, c->verdict == VERDICT_PASS, "%s", c->message);
    struct gate_check *kept = checks_find(checks, c->name);
    if (kept == NULL)
        return true; /* no memory: sticky */
    text_fmt(kept->measured, sizeof kept->measured, "%s", c->measured);
    text_fmt(kept->unit, sizeof kept->unit, "%s", c->unit);
    return true;
}

/* The answer is the child's word, and the child looked at hostile bytes: strict, bounded, nothing
 * twice, nothing unknown, nothing left out. */
void smoke_read(struct span answer, struct gate_checks *checks)
{
    struct err e = ERR_NONE;
    SCOPED(json_scope) struct json *v = NULL;
    enum status st = json_parse(answer, SMOKE_ANSWER, &v, &e);
    checks->failed = checks->failed || st == ST_NO_MEMORY; /* ours, no word about the child */
    if (st != ST_OK || json_kind(v) != JSON_ARRAY) {
        checks_add(checks, "answer", false, "the sandboxed child's answer is not usable: %.150s",
                   e.detail);
        return;
    }
    for (size_t i = 0; i < json_count(v); i++) {
        struct gate_check c;
        if (check_read(json_at(v, i), &c, &e) != ST_OK || !take(checks, &c)) {
            checks_add(checks, "answer", false,
                       "the sandboxed child told of a check that makes no sense");
            return;
        }
    }
    const struct gate_check *load = checks_find(checks, "load");
    if (load != NULL && load->verdict != VERDICT_PASS)
        return;
    for (size_t i = 0; i < REQUIRED; i++)
        if (load == NULL || checks_find(checks, required[i]) == NULL) {
            checks_add(checks, "answer", false, "the sandboxed child left out \"%s\"",
                       load == NULL ? "load" : required[i]);
            return;
        }
}
