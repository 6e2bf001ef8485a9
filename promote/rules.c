#include "promote/rules.h"
#include "base/text.h"
#include "promote/statement.h"
#include "verify/section.h"
#include <assert.h>
#include <string.h>

static void rule(struct decision *d, bool met, const char *name, const char *about, const char *fmt,
                 ...) __attribute__((format(printf, 5, 6)));

/* Adds one outcome; `about` (a gate) follows the rule's name, NULL for none. */
static void rule(struct decision *d, bool met, const char *name, const char *about, const char *fmt,
                 ...)
{
    assert(d->rule_count < DECISION_RULES_MAX);
    struct rule_outcome *r = &d->rules[d->rule_count++];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(r->message, sizeof r->message, fmt, ap);
    va_end(ap);
    text_fmt(r->rule, sizeof r->rule, "%s%s%s", name, about != NULL ? " " : "",
             about != NULL ? about : "");
    r->met = met;
}

/* Could it not be looked into (true), or does it say no (false)? */
static bool is_trouble(enum status st)
{
    int code = status_exit(st);
    return code == 3 || code == 8 || code == 130 || code == 2;
}

/* ---- about the artifact ---- */

static void rule_model(const struct question *q, struct decision *d)
{
    const struct manifest *m = &q->artifact->manifest;
    if (m->model.present)
        rule(d, true, "model", NULL, "%s %s, %s", m->model.format, m->model.family,
             m->model.quantization);
    else
        rule(d, false, "model", NULL, "it is opaque: no gate can prove anything about it");
}

/* The publisher's signature is checked again, now, from the bytes in the store. */
static enum status rule_publisher(const struct question *q, struct decision *d, struct err *e)
{
    SCOPED(artifact_release) struct artifact again = {0};
    struct err why = ERR_NONE;
    enum status st =
        artifact_open(q->by->store, q->by->trust, &q->artifact->digest, q->now, &again, &why);
    if (is_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK) {
        rule(d, false, "publisher", NULL, "%.200s", why.detail);
        return ST_OK;
    }
    const char *difference = manifest_difference(&again.manifest, &q->artifact->manifest);
    if (difference != NULL) {
        rule(d, false, "publisher", NULL, "the manifest in the store differs in %s", difference);
        return ST_OK;
    }
    rule(d, true, "publisher", NULL, "the manifest is signed by the role publisher");
    return ST_OK;
}

static void rule_self_signed(const struct question *q, struct decision *d)
{
    bool self = trust_facts(q->by->trust).self_signed || q->artifact->self_signed;
    bool allowed = q->channel->allow_self_signed;
    if (!self)
        rule(d, true, "self-signed", NULL, "more than one person holds the roles");
    else
        rule(d, allowed, "self-signed", NULL,
             allowed ? "one person holds all roles; the policy %s allows it"
                     : "one person holds all roles; the policy %s wants more than one",
             q->policy->name);
}

/* ---- about the channels ---- */

static enum status rule_from(const struct question *q, struct decision *d, struct err *e)
{
    const struct manifest *m = &q->artifact->manifest;
    const char *from = q->channel->from;
    if (text_equal(from, "candidate")) {
        rule(d, true, "from", NULL, "it was admitted at %s", q->artifact->added);
        return ST_OK;
    }
    struct holder h;
    struct err why = ERR_NONE;
    enum status st = channel_holder(q->by->store, m->name, from, &h, &why);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    bool there = st == ST_OK && digest_equal(&h.artifact, &q->artifact->digest);
    rule(d, there, "from", NULL,
         there ? "it holds %s@%s" : "it does not hold %s@%s, from which it has to come", m->name,
         from);
    return ST_OK;
}

/* A clock that runs behind what the store has seen could make the dead evidence of last year young,
 * and a trust that has expired good again. */
static void rule_clock(const struct question *q, struct decision *d)
{
    char now[TIME_TEXT_MAX], seen[TIME_TEXT_MAX];
    time_format(q->now, now);
    time_format(q->seen, seen);
    if (q->now >= q->seen)
        rule(d, true, "clock", NULL, "%s is not before what the store has seen", now);
    else
        rule(d, false, "clock", NULL, "the clock says %s, the store has seen %s; set the clock",
             now, seen);
}

/* ---- about one gate's evidence ---- */

static const struct gate_check *find_check(const struct evidence *v, const char *name)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (text_equal(v->checks[i].name, name))
            return &v->checks[i];
    }
    return NULL;
}

/* The verdict is what the checks say, not what the statement says about them. */
static const struct gate_check *first_unpassed(const struct evidence *v)
{
    for (size_t i = 0; i < v->check_count; i++) {
        if (v->checks[i].verdict != VERDICT_PASS)
            return &v->checks[i];
    }
    return NULL;
}

static void rule_verdict(const struct question *q, const struct evidence *v,
                         const struct bound *want, struct decision *d)
{
    const char *gate = gate_name(v->gate), *difference = identity_difference(&v->bound, want);
    const struct manifest *m = &q->artifact->manifest;
    const struct gate_check *bad = first_unpassed(v);
    if (difference != NULL)
        rule(d, false, "gate", gate, "the evidence is about another %s; assay gate %s@%s --only %s",
             difference, m->name, m->version, gate);
    else if (bad != NULL)
        rule(d, false, "gate", gate, "%s: %s: %.140s", verdict_name(bad->verdict), bad->name,
             bad->message);
    else if (v->verdict != VERDICT_PASS || v->check_count == 0)
        rule(d, false, "gate", gate, "the newest evidence says %s", verdict_name(v->verdict));
    else
        rule(d, true, "gate", gate, "passed, %u checks", (unsigned)v->check_count);
}

static void rule_age(const struct question *q, const struct evidence *v, struct decision *d)
{
    const char *gate = gate_name(v->gate);
    uint64_t most = q->channel->evidence_max_age_s;
    char ended[TIME_TEXT_MAX];
    time_format(v->ended, ended);
    if (v->ended > q->now)
        rule(d, false, "evidence age", gate, "it is from the future (%s)", ended);
    else if (most > 0 && (uint64_t)(q->now - v->ended) > most)
        rule(d, false, "evidence age", gate,
             "it ended at %s, more than %llu hours ago; run the gate again", ended,
             (unsigned long long)(most / 3600));
    else
        rule(d, true, "evidence age", gate, "it ended at %s", ended);
}

/* The installed policy's limits, applied again to what was measured. */
static void rule_limits(const struct evidence *v, const struct json *section, struct decision *d)
{
    const char *gate = gate_name(v->gate);
    const struct section_member *m;
    unsigned held = 0;
    for (size_t i = 0; (m = section_member(v->gate, i)) != NULL; i++) {
        uint64_t limit = 0;
        if (m->sense == SECTION_SETTING || !section_value(section, m, &limit))
            continue;
        const struct gate_check *c = find_check(v, m->check);
        if (c == NULL || !section_holds(m, c->measured, limit)) {
            rule(d, false, "limits", gate, "%s: %s%s%s, the policy's limit is %llu %s", m->check,
                 c == NULL ? "not measured" : c->measured, c == NULL ? "" : " ",
                 c == NULL ? "" : c->unit, (unsigned long long)limit, m->unit);
            return;
        }
        held++;
    }
    rule(d, true, "limits", gate, "%u limits hold", held);
}

static enum status rules_gate(const struct question *q, enum gate g, struct decision *d,
                              struct err *e)
{
    SCOPED(evidence_release) struct evidence v = {0};
    SCOPED(json_scope) struct json *section = NULL;
    const struct manifest *m = &q->artifact->manifest;
    struct span text = buf_span(&q->policy->sections[g]);
    struct bound want;
    struct err why = ERR_NONE;
    enum status st = identity_bind(g, q->artifact, text, &want, e);
    if (st != ST_OK || (st = json_parse(text, text.n, &section, e)) != ST_OK)
        return st;
    st = evidence_newest(q->by->store, q->by->trust, &q->artifact->digest, g, q->now, &v, &why);
    if (is_trouble(st)) {
        *e = why;
        return st;
    }
    if (st == ST_NOT_FOUND) {
        rule(d, false, "gate", gate_name(g), "there is no evidence; assay gate %s@%s --only %s",
             m->name, m->version, gate_name(g));
        return ST_OK;
    }
    if (st != ST_OK) {
        rule(d, false, "gate", gate_name(g), "the evidence does not count: %.180s", why.detail);
        return ST_OK;
    }
    rule_verdict(q, &v, &want, d);
    rule_age(q, &v, d);
    rule_limits(&v, section, d);
    d->evidence[g] = v.digest;
    return ST_OK;
}

/* ---- all of them ---- */

static enum status rules_of_channel(const struct question *q, struct decision *d, struct err *e)
{
    rule_self_signed(q, d);
    rule_clock(q, d);
    enum status st = rule_from(q, d, e);
    for (enum gate g = GATE_STRUCTURAL; st == ST_OK && g < GATE_COUNT; g++) {
        if (q->channel->gates[g])
            st = rules_gate(q, g, d, e);
    }
    return st;
}

enum status rules_apply(const struct question *q, struct decision *out, struct err *e)
{
    rule_model(q, out);
    enum status st = rule_publisher(q, out, e);
    if (st != ST_OK)
        return st;
    if (q->channel == NULL)
        rule(out, false, "channel", NULL, "the policy %s opens no channel %s", q->policy->name,
             q->channel_name);
    else
        st = rules_of_channel(q, out, e);
    out->allowed = out->rule_count > 0;
    for (size_t i = 0; i < out->rule_count; i++)
        out->allowed = out->allowed && out->rules[i].met;
    return st;
}
