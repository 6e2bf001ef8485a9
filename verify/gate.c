#include "verify/gate.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include "verify/gate_run.h"
#include "verify/section.h"

static const char *const verdicts[] = {[VERDICT_NONE] = "none",
                                       [VERDICT_PASS] = "pass",
                                       [VERDICT_FAIL] = "fail",
                                       [VERDICT_INCONCLUSIVE] = "inconclusive",
                                       [VERDICT_ERROR] = "error"};

static const char *const gates[] = {
    [GATE_NONE] = "none", [GATE_STRUCTURAL] = "structural", [GATE_SMOKE] = "smoke",
    [GATE_TASK] = "task", [GATE_SAFETY] = "safety",         [GATE_BROWSER] = "browser",
    [GATE_EXEC] = "exec", [GATE_REPORTS] = "reports"};

const char *verdict_name(enum verdict v)
{
    return verdicts[v];
}

enum verdict verdict_parse(const char *name)
{
    for (int v = VERDICT_PASS; name != NULL && v <= VERDICT_ERROR; v++)
        if (text_equal(name, verdicts[v]))
            return (enum verdict)v;
    return VERDICT_NONE;
}

const char *gate_name(enum gate g)
{
    return gates[g];
}

enum gate gate_parse(const char *name)
{
    for (int g = GATE_STRUCTURAL; name != NULL && g < GATE_COUNT; g++)
        if (text_equal(name, gates[g]))
            return (enum gate)g;
    return GATE_NONE;
}

void gate_result_release(struct gate_result *r)
{
    heap_free(r->checks);
    buf_release(&r->cases);
    *r = (struct gate_result){0};
}

#define SECTION_MAX (64u << 10)

static enum status read_section(enum gate g, struct span text, struct json **out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(text.n > 0 ? text : span_text("{}"), SECTION_MAX, &root, e);
    if (st != ST_OK)
        return err_stage(e, "policy");
    st = section_check(g, root, e);
    if (st == ST_OK)
        *out = json_take(&root);
    return st;
}

/* Holds one measurement against its limit and says so. */
static void apply(const struct section_limit *l, struct gate_check *c)
{
    const struct section_member *m = l->member;
    bool holds = section_holds(m, c->measured, l->limit);
    /* Too few cases decide nothing; whatever else a limit forbids is a no. */
    bool few = m->check != NULL && text_equal(m->check, "cases") && c->measured[0] != 0;
    if (!holds && c->verdict == VERDICT_PASS)
        c->verdict = few ? VERDICT_INCONCLUSIVE : VERDICT_FAIL;
    section_text(m, l->limit, c->limit);
    char because[sizeof c->message];
    text_fmt(because, sizeof because, "%s%s", c->told ? "; " : "", c->told ? c->message : "");
    checks_explain(c, "%s %s %s %s%s%s%s%s", c->name,
                   c->measured[0] != 0 ? c->measured : "(not measured)",
                   m->sense == SECTION_AT_LEAST ? "≥" : "≤", c->limit, m->unit[0] != 0 ? " " : "",
                   m->unit, holds ? "" : " is false", because);
}

/* Every limit that the policy states; a measurement that is missing fails. */
static void apply_limits(enum gate g, const struct json *section, struct gate_checks *checks)
{
    struct section_walk w = section_limits(g, section);
    struct section_limit l;
    while (section_next(&w, &l)) {
        if (checks_find(checks, l.check) == NULL)
            checks_add(checks, l.check, false, "%s was not measured", l.check);
        struct gate_check *c = checks_find(checks, l.check);
        if (c != NULL)
            apply(&l, c);
    }
}

static gate_function *const functions[GATE_COUNT] = {
    [GATE_STRUCTURAL] = gate_structural, [GATE_SMOKE] = gate_smoke,     [GATE_TASK] = gate_task,
    [GATE_SAFETY] = gate_safety,         [GATE_BROWSER] = gate_browser, [GATE_EXEC] = gate_exec,
    [GATE_REPORTS] = gate_reports,
};

/* Everything a gate looks at, found and read. */
static enum status prepare(enum gate g, struct gate_subject *s, struct span section,
                           struct json **settings, struct err *e)
{
    enum status st = artifact_model_file(s->store, s->artifact, &s->file, e);
    if (st == ST_OK && s->against != NULL)
        st = artifact_model_file(s->store, s->against->artifact, &s->other, e);
    if (st == ST_OK)
        st = read_section(g, section, settings, e);
    s->section = *settings;
    return st;
}

enum status gate_run(enum gate g, struct store *s, const struct artifact *a,
                     const struct gate_against *against, struct span section, struct clock clock,
                     const struct gate_means *means, struct gate_result *out, struct err *e)
{
    SCOPED(json_scope) struct json *settings = NULL;
    SCOPED(checks_release) struct gate_checks checks = {0};
    struct gate_subject subject = {.store = s, .artifact = a, .against = against};
    if (means != NULL)
        subject.means = *means;
    *out = (struct gate_result){0};
    if (g <= GATE_NONE || g >= GATE_COUNT || functions[g] == NULL)
        return err_at(e, ST_UNSUPPORTED, "gate", "gate-unknown", ERR_NO_OFFSET,
                      "gate %s is not part of this version", g < GATE_COUNT ? gate_name(g) : "?");
    enum status st = prepare(g, &subject, section, &settings, e);
    if (st != ST_OK)
        return err_stage(e, "gate");
    time_format(clock_now(&clock), out->started);
    st = functions[g](&subject, &checks, out, e);
    if (st != ST_OK)
        return err_stage(e, gate_name(g));
    apply_limits(g, settings, &checks);
    if (checks.failed || buf_status(&out->cases) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the checks of gate %s", gate_name(g));
    time_format(clock_now(&clock), out->ended);
    out->verdict = checks_worst(checks.p, checks.n);
    out->checks = checks.p;
    out->check_count = checks.n;
    checks.p = NULL;
    return ST_OK;
}
