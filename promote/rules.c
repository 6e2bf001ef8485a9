#include "promote/rules.h"
#include "base/checked.h"
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

/* What the policy allows at all, by what the manifest states. */
static void rule_bounds(const struct question *q, struct decision *d)
{
    const struct policy_limits *l = &q->policy->limits;
    const struct manifest *m = &q->artifact->manifest;
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->file_count; i++) {
        if (!checked_add(bytes, m->files[i].bytes, &bytes))
            bytes = UINT64_MAX;
    }
    const struct {
        const char *what;
        uint64_t is, most;
    } bounds[] = {{"bytes", bytes, l->artifact_bytes},
                  {"files", m->file_count, l->files},
                  {"parameters", m->model.parameters, l->parameters},
                  {"context", m->model.context, l->context},
                  {"vocabulary", m->model.vocab, l->vocabulary}};
    unsigned held = 0;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        if (bounds[i].most > 0 && bounds[i].is > bounds[i].most) {
            rule(d, false, "bounds", NULL, "%s: %llu, the policy allows %llu", bounds[i].what,
                 (unsigned long long)bounds[i].is, (unsigned long long)bounds[i].most);
            return;
        }
        held += bounds[i].most > 0;
    }
    if (held > 0)
        rule(d, true, "bounds", NULL, "%u bounds hold", held);
}

static void rule_kind(const struct question *q, struct decision *d)
{
    const struct manifest *m = &q->artifact->manifest;
    const char *format = m->model.present ? m->model.format : "opaque";
    if (json_get(q->policy->root, "formats") != NULL) {
        bool allowed = policy_allows_format(q->policy, format);
        rule(d, allowed, "format", NULL, "%s is %s by the policy %s", format,
             allowed ? "allowed" : "not allowed", q->policy->name);
    }
    if (json_get(q->policy->root, "licences") != NULL) {
        bool allowed = policy_allows_licence(q->policy, m->license);
        rule(d, allowed, "licence", NULL, "%.64s is %s by the policy %s",
             m->license[0] != '\0' ? m->license : "a licence that is not stated",
             allowed ? "allowed" : "not allowed", q->policy->name);
    }
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
    if (artifact_published(&again, &why) != ST_OK)
        rule(d, false, "publisher", NULL, "%.200s", why.detail);
    else
        rule(d, true, "publisher", NULL, "the manifest is signed by the role publisher, %u of %u",
             again.publishers, again.publishers_needed);
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
    struct section_walk w = section_limits(v->gate, section);
    struct section_limit l;
    unsigned held = 0;
    while (section_next(&w, &l)) {
        const struct gate_check *c = find_check(v, l.check);
        char limit[32];
        section_text(l.member, l.limit, limit);
        if (c == NULL || !section_holds(l.member, c->measured, l.limit)) {
            rule(d, false, "limits", gate, "%s: %s%s%s, the policy's limit is %s %s", l.check,
                 c == NULL ? "not measured" : c->measured, c == NULL ? "" : " ",
                 c == NULL ? "" : c->unit, limit, l.member->unit);
            return;
        }
        held++;
    }
    rule(d, true, "limits", gate, "%u limits hold", held);
}

/* What the evidence records and does not bind. */
static void rule_recorded(const struct question *q, const struct evidence *v, struct decision *d)
{
    char why[160];
    if (json_get(q->policy->root, "recorded") == NULL)
        return;
    bool allowed = policy_allows_run(q->policy, v, why);
    rule(d, allowed, "recorded", gate_name(v->gate), "%s", allowed ? "how it ran is allowed" : why);
}

/* A comparison with somebody who has left the channel meanwhile says nothing. */
static enum status rule_baseline(const struct question *q, const struct evidence *v,
                                 const struct json *section, struct decision *d, struct err *e)
{
    const char *channel = section_word(section, v->gate, "baseline");
    const struct manifest *m = &q->artifact->manifest;
    struct holder h = {0};
    struct err why = ERR_NONE;
    if (channel == NULL)
        return ST_OK;
    enum status st = channel_holder(q->by->store, m->name, channel, &h, &why);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    bool itself = st == ST_OK && digest_equal(&h.artifact, &q->artifact->digest);
    bool same = itself || digest_equal(&h.artifact, &v->baseline);
    rule(d, same, "baseline", gate_name(v->gate),
         same ? "it was compared with what %s@%s holds"
              : "it was compared with another than what %s@%s holds now; run the gate again",
         m->name, channel);
    return ST_OK;
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
    rule_recorded(q, &v, d);
    if (st == ST_OK)
        st = rule_baseline(q, &v, section, d, e);
    d->evidence[g] = v.digest;
    return st;
}

/* ---- all of them ---- */

static enum status rules_of_channel(const struct question *q, struct decision *d, struct err *e)
{
    if (q->channel->approvals.threshold > 0)
        rule(d, false, "approvals", NULL, "nobody can give them yet");
    if (q->channel->soak_s > 0)
        rule(d, false, "soak", NULL, "it cannot be proven yet");
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        if (q->channel->attestations[a])
            rule(d, false, "attestation", attestation_name(a), "it cannot be proven yet");
    }
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
    rule_bounds(q, out);
    rule_kind(q, out);
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
