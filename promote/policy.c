#include "promote/policy.h"
#include "base/canon.h"
#include "base/text.h"
#include "promote/policy_builtin.h"
#include "promote/policy_schema.h"
#include <string.h>

#define DEFAULT_RETAIN  3
#define DEFAULT_VALID_S (UINT64_C(30) * 86400)

void policy_release(struct policy *p)
{
    for (enum gate g = GATE_NONE; g < GATE_COUNT; g++)
        buf_release(&p->sections[g]);
    buf_release(&p->canonical);
    json_free(p->root);
    *p = (struct policy){0};
}

const struct policy_channel *policy_channel(const struct policy *p, const char *name)
{
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        if (p->channels[i].present && text_equal(p->channels[i].name, name))
            return &p->channels[i];
    }
    return NULL;
}

/* ---- canonical JSON to policy; schema_check has been there before ---- */

/* Of a number, or what stands for it when it is left out. */
static uint64_t number_of(const struct json *v, const char *key, uint64_t otherwise)
{
    uint64_t n = 0;
    return json_as_u64(json_get(v, key), &n) ? n : otherwise;
}

static bool listed(const struct json *list, const char *word)
{
    for (size_t i = 0; i < json_count(list); i++) {
        if (text_equal(json_as_string(json_at(list, i)), word))
            return true;
    }
    return false;
}

static void fill_gates(const struct json *list, bool out[GATE_COUNT])
{
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++)
        out[g] = listed(list, gate_name(g));
}

static void fill_approvals(const struct json *v, struct policy_approvals *out)
{
    const char *distinct = json_as_string(json_get(v, "distinct"));
    out->role = role_parse(json_as_string(json_get(v, "role")));
    out->threshold = (unsigned)number_of(v, "threshold", 0);
    out->people = distinct == NULL || text_equal(distinct, "people");
    out->valid_s = number_of(v, "valid", DEFAULT_VALID_S);
}

static void fill_channel(const struct json *v, const char *name, struct policy_channel *out)
{
    out->present = true;
    text_fmt(out->name, sizeof out->name, "%s", name);
    text_fmt(out->from, sizeof out->from, "%s", json_as_string(json_get(v, "from")));
    fill_gates(json_get(v, "gates"), out->gates);
    out->evidence_max_age_s = number_of(v, "evidence_max_age", 0);
    if (!json_as_bool(json_get(v, "allow_self_signed"), &out->allow_self_signed))
        out->allow_self_signed = false; /* what is not said is not allowed */
    if (json_get(v, "approvals") != NULL)
        fill_approvals(json_get(v, "approvals"), &out->approvals);
    out->soak_s = number_of(v, "soak", 0);
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++)
        out->attestations[a] = listed(json_get(v, "attestations"), attestation_name(a));
}

static void fill_exceptions(const struct json *root, struct policy *out)
{
    const struct json *emergency = json_get(root, "emergency");
    const struct json *waivers = json_get(root, "waivers");
    const struct json *nightly = json_get(root, "nightly");
    if (emergency != NULL) {
        const struct json *skips = json_get(emergency, "skips");
        out->emergency.present = true;
        out->emergency.skips_soak = listed(skips, "soak");
        out->emergency.skips_evidence_age = listed(skips, "evidence_age");
        fill_approvals(json_get(emergency, "approvals"), &out->emergency.approvals);
    }
    if (waivers != NULL) {
        out->waivers.present = true;
        out->waivers.longest_s = number_of(waivers, "longest", 0);
        fill_approvals(json_get(waivers, "approvals"), &out->waivers.approvals);
        fill_gates(json_get(waivers, "never"), out->waivers.never);
    }
    if (nightly != NULL) {
        const char *failing = json_as_string(json_get(nightly, "failing_stable"));
        out->nightly.present = true;
        fill_gates(json_get(nightly, "gates"), out->nightly.gates);
        out->nightly.evidence_max_age_s = number_of(nightly, "evidence_max_age", 0);
        out->nightly.demote = failing != NULL && text_equal(failing, "demote");
    }
}

static enum status fill_sections(const struct json *gates, struct policy *out, struct err *e)
{
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        const struct json *section = json_get(gates, gate_name(g));
        if (section == NULL) {
            buf_text(&out->sections[g], "{}");
        } else {
            enum status st = canon_write(section, &out->sections[g], e);
            if (st != ST_OK)
                return st;
        }
        if (buf_status(&out->sections[g]) != ST_OK)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy");
    }
    return ST_OK;
}

static enum status fill(struct policy *out, struct err *e)
{
    static const char *const channels[POLICY_CHANNELS] = {"preview", "stable"};
    const struct json *list = json_get(out->root, "channels");
    const struct json *limits = json_get(out->root, "limits");
    text_fmt(out->name, sizeof out->name, "%s", json_as_string(json_get(out->root, "name")));
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        const struct json *v = json_get(list, channels[i]);
        if (v != NULL)
            fill_channel(v, channels[i], &out->channels[i]);
    }
    out->limits = (struct policy_limits){.artifact_bytes = number_of(limits, "artifact_bytes", 0),
                                         .files = number_of(limits, "files", 0),
                                         .parameters = number_of(limits, "parameters", 0),
                                         .context = number_of(limits, "context", 0),
                                         .vocabulary = number_of(limits, "vocabulary", 0)};
    out->retain = number_of(json_get(out->root, "retention"), "former_holders", DEFAULT_RETAIN);
    fill_exceptions(out->root, out);
    return fill_sections(json_get(out->root, "gates"), out, e);
}

/* ---- what each part may say and the whole may not ---- */

/* A gate that measures nothing, and so cannot be failed. */
static bool measures_nothing(const struct policy *p, enum gate g)
{
    const struct json *section = policy_section(p, g);
    if (g == GATE_TASK)
        return json_count(json_get(section, "suites")) == 0;
    if (g == GATE_REPORTS)
        return json_count(json_get(section, "results")) == 0;
    if (g == GATE_EXEC)
        return json_count(json_get(section, "programs")) == 0;
    return g == GATE_SAFETY && json_count(json_get(section, "batteries")) == 0 &&
           json_count(json_get(section, "static")) == 0;
}

static enum status sense(const struct policy *p, struct err *e)
{
    for (size_t i = 0; i < POLICY_CHANNELS; i++) {
        const struct policy_channel *c = &p->channels[i];
        for (enum gate g = GATE_STRUCTURAL; c->present && g < GATE_COUNT; g++) {
            if (c->gates[g] && measures_nothing(p, g))
                return err_at(e, ST_CONFIG, "policy", "policy-empty", ERR_NO_OFFSET,
                              "%s asks for the gate %s, but gates.%s names no %s to measure it by",
                              c->name, gate_name(g), gate_name(g),
                              g == GATE_TASK ? "suite" : "battery");
        }
        if (c->present && !text_equal(c->from, "candidate") && policy_channel(p, c->from) == NULL)
            return err_at(e, ST_CONFIG, "policy", "policy-from", ERR_NO_OFFSET,
                          "%s is entered from %s, which the policy does not open", c->name,
                          c->from);
    }
    return ST_OK;
}

enum status policy_decode(struct span canonical, struct policy *out, struct err *e)
{
    SCOPED(policy_release) struct policy p = {0};
    enum status st = canon_parse(canonical, POLICY_MAX, &p.root, e);
    if (st != ST_OK || (st = schema_check(p.root, e)) != ST_OK || (st = fill(&p, e)) != ST_OK ||
        (st = sense(&p, e)) != ST_OK) {
        err_stage(e, "policy");
        return st;
    }
    buf_append(&p.canonical, canonical);
    if (buf_status(&p.canonical) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy");
    p.digest = digest_of(canonical);
    *out = p;
    p = (struct policy){0};
    return ST_OK;
}

/* ---- asking it ---- */

const struct json *policy_section(const struct policy *p, enum gate g)
{
    return json_get(json_get(p->root, "gates"), gate_name(g));
}

bool policy_allows_format(const struct policy *p, const char *format)
{
    const struct json *list = json_get(p->root, "formats");
    return list == NULL || listed(list, format);
}

bool policy_allows_licence(const struct policy *p, const char *spdx)
{
    const struct json *list = json_get(p->root, "licences");
    return list == NULL || listed(list, spdx);
}

/* Is `layer` one of "seccomp+landlock+…"? */
static bool has_layer(const char *level, const char *layer)
{
    size_t n = strlen(layer);
    for (const char *at = level; at != NULL; at = strchr(at, '+')) {
        at += *at == '+';
        if (strncmp(at, layer, n) == 0 && (at[n] == '+' || at[n] == '\0'))
            return true;
    }
    return false;
}

static bool sandbox_allowed(const struct json *layers, const struct evidence *v, char why[160])
{
    for (size_t i = 0; i < json_count(layers); i++) {
        const char *layer = json_as_string(json_at(layers, i));
        if (has_layer(v->sandbox, layer))
            continue;
        text_fmt(why, 160, "it ran in the sandbox %s, the policy asks for %s as well",
                 v->sandbox[0] != '\0' ? v->sandbox : "none", layer);
        return false;
    }
    return true;
}

/* "chromium 120.0.6099.224": the name, and the digits before the first point. */
static bool browser_allowed(const struct json *browsers, const struct evidence *v, char why[160])
{
    char name[32];
    size_t n = strcspn(v->browser, " ");
    uint64_t major = 0, least = 0;
    text_fmt(name, sizeof name, "%.*s", (int)n, v->browser);
    const char *version = v->browser + n + (v->browser[n] == ' ');
    if (browsers == NULL)
        return true;
    if (!json_as_u64(json_get(browsers, name), &least))
        text_fmt(why, 160, "it ran in %s, which the policy does not name",
                 v->browser[0] != '\0' ? v->browser : "no browser that is recorded");
    else if (!text_u64(SPAN(version, strspn(version, "0123456789")), &major) || major < least)
        text_fmt(why, 160, "it ran in %s, the policy asks for %s %llu or later", v->browser, name,
                 (unsigned long long)least);
    else
        return true;
    return false;
}

bool policy_allows_run(const struct policy *p, const struct evidence *v, char why[160])
{
    const struct json *recorded = json_get(p->root, "recorded");
    return v->gate == GATE_BROWSER ? browser_allowed(json_get(recorded, "browsers"), v, why)
                                   : sandbox_allowed(json_get(recorded, "sandbox"), v, why);
}

/* ---- built in ---- */

const char *policy_builtin(const char *name)
{
    for (const struct policy_file *f = policy_files; f->name != NULL; f++) {
        if (text_equal(f->name, name))
            return f->text;
    }
    return NULL;
}
