#include "promote/policy_text.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/rules.h"
#include "verify/section.h"

void policy_rules_release(struct policy_rules *r)
{
    heap_free(r->rule);
    *r = (struct policy_rules){.rule = NULL};
}

const struct policy_rule *policy_rules_find(const struct policy_rules *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (text_equal(r->rule[i].name, name))
            return &r->rule[i];
    }
    return NULL;
}

/* The next rule, named "part / what"; its value and sentence are then written. */
static struct policy_rule *add(struct policy_rules *r, const char *part, const char *what)
{
    struct policy_rule *rule = &r->rule[r->count < POLICY_RULES - 1 ? r->count++ : r->count];
    *rule = (struct policy_rule){.name = ""};
    text_fmt(rule->name, sizeof rule->name, "%s%s%s", part, what[0] != '\0' ? " / " : "", what);
    return rule;
}

static void say(struct policy_rule *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct policy_rule *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
}

/* "a, b and c" of a JSON list of words. */
static void list_text(const struct json *list, char *out, size_t cap)
{
    size_t n = 0, count = json_count(list);
    out[0] = '\0';
    for (size_t i = 0; i < count && n < cap; i++)
        n += text_fmt(out + n, cap - n, "%s%s",
                      i == 0           ? ""
                      : i + 1 == count ? " and "
                                       : ", ",
                      json_as_string(json_at(list, i)));
}

static void amount(uint64_t v, const char *unit, char out[48])
{
    static const char *const sizes[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    if (text_equal(unit, "bytes"))
        for (; i + 1 < sizeof sizes / sizeof *sizes && v >= 1024 && v % 1024 == 0; i++)
            v /= 1024;
    if (text_equal(unit, "ms") && v >= 1000 && v % 1000 == 0)
        text_fmt(out, 48, "%llu s", (unsigned long long)(v / 1000));
    else
        text_fmt(out, 48, "%llu%s%s", (unsigned long long)v, unit[0] != '\0' ? " " : "",
                 text_equal(unit, "bytes") ? sizes[i] : unit);
}

/* ---- what may be promoted at all ---- */

static void say_limits(const struct policy *p, struct policy_rules *r)
{
    const struct {
        const char *key, *what, *unit;
        uint64_t most;
    } limits[] = {{"artifact_bytes", "size", "bytes", p->limits.artifact_bytes},
                  {"files", "number of files", "", p->limits.files},
                  {"parameters", "number of parameters", "", p->limits.parameters},
                  {"context", "context", "", p->limits.context},
                  {"vocabulary", "vocabulary", "", p->limits.vocabulary}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char text[48];
        if (limits[i].most == 0)
            continue;
        struct policy_rule *rule = add(r, "limits", limits[i].key);
        amount(limits[i].most, limits[i].unit, text);
        text_fmt(rule->value, sizeof rule->value, "at most %s", text);
        say(rule, "An artifact's %s is at most %s.", limits[i].what, text);
    }
}

static void say_list(const struct policy *p, const char *key, const char *sentence,
                     struct policy_rules *r)
{
    const struct json *list = json_get(p->root, key);
    if (list == NULL)
        return;
    struct policy_rule *rule = add(r, key, "");
    list_text(list, rule->value, sizeof rule->value);
    say(rule, "%s %s.", sentence, rule->value);
}

static void say_recorded(const struct policy *p, struct policy_rules *r)
{
    const struct json *recorded = json_get(p->root, "recorded");
    const struct json *layers = json_get(recorded, "sandbox");
    const struct json *browsers = json_get(recorded, "browsers");
    if (layers != NULL) {
        struct policy_rule *rule = add(r, "recorded", "sandbox");
        list_text(layers, rule->value, sizeof rule->value);
        say(rule, "Gates count only when they ran behind %s.", rule->value);
    }
    for (size_t i = 0; i < json_count(browsers); i++) {
        const struct json *v = NULL;
        uint64_t major = 0;
        const char *name = json_member(browsers, i, &v);
        struct policy_rule *rule = add(r, "recorded / browsers", name);
        if (json_as_u64(v, &major))
            text_fmt(rule->value, sizeof rule->value, "%llu or later", (unsigned long long)major);
        say(rule, "The browser gate counts in %s %s.", name, rule->value);
    }
}

/* ---- gates ---- */

static void setting_text(const struct section_member *m, const struct json *in, char out[80])
{
    const char *text = json_as_string(json_get(in, m->key));
    uint64_t v = 0;
    if (m->type == SECTION_WORD)
        text_fmt(out, 80, "%s", text != NULL ? text : m->words[0]);
    else if (m->type == SECTION_DIGEST)
        text_fmt(out, 80, "%s", text != NULL ? text : "");
    else {
        (void)section_part_value(in, m, &v);
        section_text(m, v, out);
    }
}

static void say_setting(enum gate g, const char *part, const struct section_member *m,
                        const struct json *in, struct policy_rules *r)
{
    char of[64], value[80];
    text_fmt(of, sizeof of, "%s%s%s", gate_name(g), part != NULL ? " / " : "",
             part != NULL ? part : "");
    struct policy_rule *rule = add(r, of, m->key);
    setting_text(m, in, value);
    text_fmt(rule->value, sizeof rule->value, "%s", value);
    say(rule, "The gate %s works with %s%s%s = %s.", gate_name(g), part != NULL ? part : "",
        part != NULL ? ": " : "", m->key, value);
}

static void say_settings(const struct policy *p, enum gate g, struct policy_rules *r)
{
    const struct json *section = policy_section(p, g);
    const struct section_member *m = NULL;
    for (size_t i = 0; (m = section_member(g, i)) != NULL; i++) {
        const struct json *in = m->group != NULL ? json_get(section, m->group) : section;
        if (m->sense != SECTION_SETTING || in == NULL)
            continue;
        if (!m->parts) {
            say_setting(g, NULL, m, in, r);
            continue;
        }
        for (size_t k = 0; k < json_count(in); k++) {
            const struct json *part = NULL;
            const char *name = json_member(in, k, &part);
            say_setting(g, name, m, part, r);
        }
    }
}

static void say_gate(const struct policy *p, enum gate g, struct policy_rules *r)
{
    struct section_walk w = section_limits(g, policy_section(p, g));
    struct section_limit l;
    say_settings(p, g, r);
    while (section_next(&w, &l)) {
        char text[48];
        bool most = l.member->sense == SECTION_AT_MOST;
        struct policy_rule *rule = add(r, gate_name(g), l.check);
        if (l.member->type == SECTION_DECIMAL)
            section_text(l.member, l.limit, text);
        else
            amount(l.limit, l.member->unit, text);
        text_fmt(rule->value, sizeof rule->value, "%s %s", most ? "at most" : "at least", text);
        say(rule, "The gate %s passes only with %s %s.", gate_name(g), l.check, rule->value);
    }
}

/* ---- channels ---- */

static void gates_text(const bool gates[GATE_COUNT], char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT && n < cap; g++) {
        if (gates[g])
            n += text_fmt(out + n, cap - n, "%s%s", n > 0 ? ", " : "", gate_name(g));
    }
}

static void say_approvals(const struct policy_approvals *a, const char *part, const char *whose,
                          struct policy_rules *r)
{
    char valid[40];
    if (a->threshold == 0)
        return;
    struct policy_rule *rule = add(r, part, "approvals");
    rules_duration(a->valid_s, valid);
    text_fmt(rule->value, sizeof rule->value, "%u %s with the role %s, holding %s", a->threshold,
             a->people ? (a->threshold == 1 ? "person" : "people") : "keys", role_name(a->role),
             valid);
    say(rule, "%s needs the signed word of %s at most.", whose, rule->value);
}

static void say_times(const struct policy_channel *c, struct policy_rules *r)
{
    char text[40];
    if (c->evidence_max_age_s > 0) {
        struct policy_rule *rule = add(r, c->name, "evidence age");
        rules_duration(c->evidence_max_age_s, text);
        text_fmt(rule->value, sizeof rule->value, "at most %s", text);
        say(rule, "For %s, evidence is at most %s old.", c->name, text);
    }
    if (c->soak_s > 0) {
        struct policy_rule *rule = add(r, c->name, "soak");
        rules_duration(c->soak_s, text);
        text_fmt(rule->value, sizeof rule->value, "%s in %s", text, c->from);
        say(rule, "For %s, it must have held %s for %s.", c->name, c->from, text);
    }
}

static void say_channel(const struct policy_channel *c, struct policy_rules *r)
{
    char whose[32];
    if (!c->present)
        return;
    struct policy_rule *rule = add(r, c->name, "from");
    text_fmt(rule->value, sizeof rule->value, "%s", c->from);
    say(rule, "%s is entered from %s.", c->name, c->from);
    rule = add(r, c->name, "gates");
    gates_text(c->gates, rule->value, sizeof rule->value);
    say(rule, "%s needs fresh evidence that passed, of each gate: %s.", c->name, rule->value);
    say_times(c, r);
    rule = add(r, c->name, "self-signed");
    text_fmt(rule->value, sizeof rule->value, "%s", c->allow_self_signed ? "allowed" : "refused");
    say(rule,
        c->allow_self_signed ? "For %s, one person may hold all roles; the decision then says so."
                             : "For %s, one person holding all roles is not enough.",
        c->name);
    text_fmt(whose, sizeof whose, "A promotion to %s", c->name);
    say_approvals(&c->approvals, c->name, whose, r);
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        if (!c->attestations[a])
            continue;
        rule = add(r, c->name, attestation_name(a));
        text_fmt(rule->value, sizeof rule->value, "attested");
        say(rule, "%s needs an attested record of its %s.", c->name, attestation_name(a));
    }
}

/* ---- exceptions, upkeep ---- */

static void say_exceptions(const struct policy *p, struct policy_rules *r)
{
    struct policy_rule *rule = NULL;
    char text[40];
    if (p->emergency.present) {
        rule = add(r, "emergency", "skips");
        list_text(json_get(json_get(p->root, "emergency"), "skips"), rule->value,
                  sizeof rule->value);
        say(rule, "An emergency, with its reason, may leave out %s.", rule->value);
        say_approvals(&p->emergency.approvals, "emergency", "An emergency", r);
    }
    if (p->waivers.present) {
        rule = add(r, "waivers", "longest");
        rules_duration(p->waivers.longest_s, text);
        text_fmt(rule->value, sizeof rule->value, "%s", text);
        say(rule, "One check of one artifact may be waived for at most %s.", text);
        say_approvals(&p->waivers.approvals, "waivers", "A waiver", r);
        if (json_get(json_get(p->root, "waivers"), "never") != NULL) {
            rule = add(r, "waivers", "never");
            gates_text(p->waivers.never, rule->value, sizeof rule->value);
            say(rule, "Checks of %s are never waived.", rule->value);
        }
    }
}

static void say_upkeep(const struct policy *p, struct policy_rules *r)
{
    struct policy_rule *rule = add(r, "retention", "former holders");
    text_fmt(rule->value, sizeof rule->value, "%llu", (unsigned long long)p->retain);
    say(rule, "The last %llu former holders of each channel stay in the store.",
        (unsigned long long)p->retain);
    if (!p->nightly.present)
        return;
    rule = add(r, "nightly", "gates");
    gates_text(p->nightly.gates, rule->value, sizeof rule->value);
    say(rule, "Every night the gates %s run over the channels.", rule->value);
    rule = add(r, "nightly", "failing stable");
    text_fmt(rule->value, sizeof rule->value, "%s", p->nightly.demote ? "demote" : "report");
    say(rule, p->nightly.demote ? "A stable that fails at night is demoted."
                                : "A stable that fails at night is reported, and stays.");
}

enum status policy_rules(const struct policy *p, struct policy_rules *out, struct err *e)
{
    *out = (struct policy_rules){.rule = heap_zero(POLICY_RULES, sizeof *out->rule)};
    if (out->rule == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy's rules");
    say_limits(p, out);
    say_list(p, "formats", "The format is one of", out);
    say_list(p, "licences", "The licence is one of", out);
    say_recorded(p, out);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++)
        say_gate(p, g, out);
    for (size_t i = 0; i < POLICY_CHANNELS; i++)
        say_channel(&p->channels[i], out);
    say_exceptions(p, out);
    say_upkeep(p, out);
    return ST_OK;
}
