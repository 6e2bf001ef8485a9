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
    [GATE_TASK] = "task", [GATE_SAFETY] = "safety",         [GATE_BROWSER] = "browser"};

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

/* Is `key`, directly in the section or in its `group`, one that the gate knows? */
static bool knows(enum gate g, const char *group, const char *key)
{
    const struct section_member *m = NULL;
    for (size_t i = 0; (m = section_member(g, i)) != NULL; i++) {
        bool here =
            group == NULL ? m->group == NULL : m->group != NULL && text_equal(m->group, group);
        if (here && text_equal(m->key, key))
            return true;
    }
    return false;
}

/* The first member that is no number the gate knows, NULL when there is none. */
static const char *stranger(enum gate g, const struct json *object, const char *group)
{
    for (size_t i = 0; i < json_count(object); i++) {
        const struct json *v = NULL;
        const char *key = json_member(object, i, &v);
        uint64_t n;
        bool is_group = group == NULL && json_kind(v) == JSON_OBJECT;
        if (!is_group && (!knows(g, group, key) || !json_as_u64(v, &n)))
            return key;
    }
    return NULL;
}

/* A member that the gate does not know would be a rule overlooked. */
static enum status check_members(enum gate g, const struct json *root, struct err *e)
{
    const char *odd = stranger(g, root, NULL);
    for (size_t i = 0; odd == NULL && i < json_count(root); i++) {
        const struct json *v = NULL;
        const char *group = json_member(root, i, &v);
        if (json_kind(v) == JSON_OBJECT)
            odd = stranger(g, v, group);
    }
    if (odd == NULL)
        return ST_OK;
    return err_at(e, ST_CONFIG, "policy", "policy-section", ERR_NO_OFFSET,
                  "gate %s does not know what \"%s\" in its section means", gate_name(g), odd);
}

static enum status read_section(enum gate g, struct span text, struct json **out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(text.n > 0 ? text : span_text("{}"), SECTION_MAX, &root, e);
    if (st != ST_OK)
        return err_stage(e, "policy");
    if (json_kind(root) != JSON_OBJECT)
        return err_at(e, ST_CONFIG, "policy", "policy-section", ERR_NO_OFFSET,
                      "the section of gate %s is no object", gate_name(g));
    st = check_members(g, root, e);
    if (st == ST_OK)
        *out = json_take(&root);
    return st;
}

/* Holds one measurement against its limit and says so. */
static void apply(const struct section_member *m, uint64_t limit, struct gate_check *c)
{
    bool holds = section_holds(m, c->measured, limit);
    if (!holds && c->verdict == VERDICT_PASS)
        c->verdict = VERDICT_FAIL;
    text_fmt(c->limit, sizeof c->limit, "%llu", (unsigned long long)limit);
    text_fmt(c->message, sizeof c->message, "%s %s %s %s %s%s", c->name,
             c->measured[0] != 0 ? c->measured : "(not measured)",
             m->sense == SECTION_AT_LEAST ? "≥" : "≤", c->limit, m->unit, holds ? "" : " is false");
}

/* Every limit that the policy states; a measurement that is missing fails. */
static void apply_limits(enum gate g, const struct json *section, struct gate_checks *checks)
{
    const struct section_member *m = NULL;
    for (size_t i = 0; (m = section_member(g, i)) != NULL; i++) {
        uint64_t limit = 0;
        if (m->check == NULL || !section_value(section, m, &limit))
            continue;
        if (checks_find(checks, m->check) == NULL)
            checks_add(checks, m->check, false, "%s was not measured", m->check);
        struct gate_check *c = checks_find(checks, m->check);
        if (c != NULL)
            apply(m, limit, c);
    }
}

enum status gate_run(enum gate g, struct store *s, const struct artifact *a, struct span section,
                     struct clock clock, struct gate_result *out, struct err *e)
{
    SCOPED(json_scope) struct json *settings = NULL;
    SCOPED(checks_release) struct gate_checks checks = {0};
    struct gate_subject subject = {.store = s, .artifact = a};
    *out = (struct gate_result){0};
    if (g != GATE_STRUCTURAL && g != GATE_SMOKE)
        return err_at(e, ST_UNSUPPORTED, "gate", "gate-unknown", ERR_NO_OFFSET,
                      "gate %s is not part of this version", g < GATE_COUNT ? gate_name(g) : "?");
    enum status st = artifact_model_file(s, a, &subject.file, e);
    if (st == ST_OK)
        st = read_section(g, section, &settings, e);
    if (st != ST_OK)
        return err_stage(e, "gate");
    subject.section = settings;
    time_format(clock_now(&clock), out->started);
    if (g == GATE_STRUCTURAL)
        st = gate_structural(&subject, &checks, out->sandbox, e);
    else
        st = gate_smoke(&subject, &checks, out->sandbox, e);
    if (st != ST_OK)
        return err_stage(e, gate_name(g));
    apply_limits(g, settings, &checks);
    if (checks.failed)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the checks of gate %s", gate_name(g));
    time_format(clock_now(&clock), out->ended);
    out->verdict = checks_worst(checks.p, checks.n);
    out->checks = checks.p;
    out->check_count = checks.n;
    checks.p = NULL;
    return ST_OK;
}
