/* The rules about one gate's evidence. */
#include "base/text.h"
#include "promote/rules.h"
#include "verify/section.h"
#include <string.h>

static const struct gate_check *find_check(const struct evidence *v, const char *name)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (text_equal(v->checks[i].name, name))
            return &v->checks[i];
    }
    return NULL;
}

static const struct waiver *waived(const struct inputs *in, enum gate g, const char *check)
{
    for (size_t i = 0; i < in->waiver_count; i++) {
        if (in->waivers[i].gate == g && text_equal(in->waivers[i].check, check))
            return &in->waivers[i];
    }
    return NULL;
}

/* ---- the verdict ---- */

/* The verdict is what the checks say, not what the statement says about them. *left: how many that
 * did not pass are waived. */
static const struct gate_check *first_unpassed(const struct inputs *in, const struct evidence *v,
                                               unsigned *left)
{
    const struct gate_check *first = NULL;
    *left = 0;
    for (size_t i = 0; i < v->check_count; i++) {
        if (v->checks[i].verdict == VERDICT_PASS)
            continue;
        if (waived(in, v->gate, v->checks[i].name) != NULL)
            (*left)++;
        else if (first == NULL)
            first = &v->checks[i];
    }
    return first;
}

static void rule_verdict(const struct inputs *in, const struct evidence *v, struct decision *d)
{
    struct bound want;
    inputs_bound(in, v->gate, &want);
    const char *gate = gate_name(v->gate), *difference = identity_difference(&v->bound, &want);
    const struct manifest *m = in->manifest;
    unsigned left = 0;
    const struct gate_check *bad = first_unpassed(in, v, &left);
    if (difference != NULL)
        rules_add(d, false, "gate", gate,
                  "the evidence is about another %s; assay gate %s@%s --only %s", difference,
                  m->name, m->version, gate);
    else if (bad != NULL)
        rules_add(d, false, "gate", gate, "%s: %s: %.140s", verdict_name(bad->verdict), bad->name,
                  bad->message);
    else if ((v->verdict != VERDICT_PASS && left == 0) || v->check_count == 0)
        rules_add(d, false, "gate", gate, "the newest evidence says %s", verdict_name(v->verdict));
    else if (left > 0)
        rules_add(d, true, "gate", gate, "passed, %u checks, %u of them waived",
                  (unsigned)v->check_count, left);
    else
        rules_add(d, true, "gate", gate, "passed, %u checks", (unsigned)v->check_count);
}

static void rule_age(const struct inputs *in, const struct policy_channel *law,
                     const struct evidence *v, struct decision *d)
{
    const char *gate = gate_name(v->gate);
    uint64_t most = law->evidence_max_age_s;
    char ended[TIME_TEXT_MAX], age[40];
    time_format(v->ended, ended);
    rules_duration(most, age);
    bool old = most > 0 && v->ended <= in->now && (uint64_t)(in->now - v->ended) > most;
    if (v->ended > in->now)
        rules_add(d, false, "evidence age", gate, "it is from the future (%s)", ended);
    else if (old && in->kind == ASK_EMERGENCY && in->policy->emergency.skips_evidence_age)
        rules_add(d, true, "evidence age", gate, "left out: an emergency (it ended at %s)", ended);
    else if (old)
        rules_add(d, false, "evidence age", gate,
                  "it ended at %s, more than %s ago; assay gate %s@%s --only %s --again", ended,
                  age, in->manifest->name, in->manifest->version, gate);
    else
        rules_add(d, true, "evidence age", gate, "it ended at %s", ended);
}

/* ---- limits ---- */

/* The policy's limits, applied again to what was measured. */
static void rule_limits(const struct inputs *in, const struct evidence *v, struct decision *d)
{
    const char *gate = gate_name(v->gate);
    struct section_walk w = section_limits(v->gate, policy_section(in->policy, v->gate));
    struct section_limit l;
    unsigned held = 0, left = 0;
    while (section_next(&w, &l)) {
        const struct gate_check *c = find_check(v, l.check);
        char limit[32];
        if (c != NULL && section_holds(l.member, c->measured, l.limit)) {
            held++;
            continue;
        }
        if (waived(in, v->gate, l.check) != NULL) {
            left++;
            continue;
        }
        section_text(l.member, l.limit, limit);
        rules_add(d, false, "limits", gate, "%s: %s%s%s, the policy's limit is %s %s", l.check,
                  c == NULL ? "not measured" : c->measured, c == NULL ? "" : " ",
                  c == NULL ? "" : c->unit, limit, l.member->unit);
        return;
    }
    rules_add(d, true, "limits", gate, "%u limits hold%s", held,
              left > 0 ? ", others are waived" : "");
}

static void rules_waived(const struct inputs *in, enum gate g, struct decision *d)
{
    for (size_t i = 0; i < in->waiver_count; i++) {
        const struct waiver *w = &in->waivers[i];
        if (w->gate == g && d->rule_count + 16 < DECISION_RULES_MAX)
            rules_add(d, true, "waiver", gate_name(g), "%s, until %s: %.160s", w->check, w->until,
                      w->reason);
    }
}

/* ---- what is recorded beside ---- */

static void rule_recorded(const struct inputs *in, const struct evidence *v, struct decision *d)
{
    char why[160];
    if (json_get(in->policy->root, "recorded") == NULL)
        return;
    bool allowed = policy_allows_run(in->policy, v, why);
    rules_add(d, allowed, "recorded", gate_name(v->gate), "%s",
              allowed ? "how it ran is allowed" : why);
}

/* A comparison with somebody who has left the channel meanwhile says nothing. */
static void rule_baseline(const struct inputs *in, const struct gate_input *of, struct decision *d)
{
    const struct evidence *v = &of->evidence;
    const char *channel = section_word(policy_section(in->policy, v->gate), v->gate, "baseline");
    if (channel == NULL)
        return;
    bool itself = digest_equal(&of->baseline, &in->artifact);
    bool same = itself || digest_equal(&of->baseline, &v->baseline);
    rules_add(d, same, "baseline", gate_name(v->gate),
              same ? "it was compared with what %s@%s holds"
                   : "it was compared with another than what %s@%s holds now; run the gate again",
              in->manifest->name, channel);
}

/* ---- a decision made before, under another law ---- */

static bool same_setting(const struct section_member *m, const struct json *a, const struct json *b)
{
    uint64_t x = 0, y = 0;
    const char *s = json_as_string(json_get(a, m->key)), *t = json_as_string(json_get(b, m->key));
    if (m->type == SECTION_DIGEST || m->type == SECTION_WORD) {
        if (m->type == SECTION_WORD && s == NULL)
            s = m->words[0];
        if (m->type == SECTION_WORD && t == NULL)
            t = m->words[0];
        return s != NULL && t != NULL && text_equal(s, t);
    }
    (void)section_part_value(a, m, &x);
    (void)section_part_value(b, m, &y);
    return x == y;
}

/* A part that the new law names and the old did not measure, or measured otherwise. */
static const char *other_part(const struct section_member *m, const struct json *now,
                              const struct json *then)
{
    for (size_t i = 0; i < json_count(now); i++) {
        const struct json *part = NULL;
        const char *name = json_member(now, i, &part);
        const struct json *before = json_get(then, name);
        if (before == NULL || !same_setting(m, part, before))
            return name;
    }
    return NULL;
}

/* What was measured one way is not measured another way, whatever the limits say. */
static void rule_settings(const struct inputs *in, enum gate g, struct decision *d)
{
    const struct json *now = policy_section(in->policy, g), *then = policy_section(in->old, g);
    const struct section_member *m = NULL;
    for (size_t i = 0; (m = section_member(g, i)) != NULL; i++) {
        if (m->sense != SECTION_SETTING)
            continue;
        const struct json *a = m->group != NULL ? json_get(now, m->group) : now;
        const struct json *b = m->group != NULL ? json_get(then, m->group) : then;
        const char *part = m->parts ? other_part(m, a, b) : NULL;
        if (m->parts ? part == NULL : same_setting(m, a, b))
            continue;
        rules_add(d, false, "settings", gate_name(g),
                  "%s%s%s was another when it was measured; the gate would have to run again",
                  part != NULL ? part : "", part != NULL ? " " : "", m->key);
        return;
    }
}

void rules_gate(const struct inputs *in, const struct policy_channel *law, enum gate g,
                struct decision *d)
{
    const struct gate_input *of = &in->gates[g];
    const struct manifest *m = in->manifest;
    if (!of->good && of->why[0] == '\0') {
        rules_add(d, false, "gate", gate_name(g),
                  "there is no evidence; assay gate %s@%s --only %s", m->name, m->version,
                  gate_name(g));
        return;
    }
    if (!of->good) {
        rules_add(d, false, "gate", gate_name(g), "the evidence does not count: %.180s", of->why);
        return;
    }
    rule_verdict(in, &of->evidence, d);
    rule_age(in, law, &of->evidence, d);
    rule_limits(in, &of->evidence, d);
    rules_waived(in, g, d);
    rule_recorded(in, &of->evidence, d);
    rule_baseline(in, of, d);
    if (in->again)
        rule_settings(in, g, d);
}
