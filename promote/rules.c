#include "promote/rules.h"
#include "base/checked.h"
#include "base/text.h"
#include <assert.h>
#include <string.h>

void rules_add(struct decision *d, bool met, const char *name, const char *about, const char *fmt,
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

void rules_duration(uint64_t seconds, char out[40])
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && seconds < units[i].seconds)
        i++;
    size_t n = text_fmt(out, 40, "%llu %s", (unsigned long long)(seconds / units[i].seconds),
                        units[i].unit);
    uint64_t rest = seconds % units[i].seconds;
    if (i + 1 < sizeof units / sizeof *units && rest >= units[i + 1].seconds)
        text_fmt(out + n, 40 - n, " %llu %s", (unsigned long long)(rest / units[i + 1].seconds),
                 units[i + 1].unit);
}

/* ---- about the artifact ---- */

static void rule_model(const struct inputs *in, struct decision *d)
{
    const struct manifest *m = in->manifest;
    if (m->model.present)
        rules_add(d, true, "model", NULL, "%s %s, %s", m->model.format, m->model.family,
                  m->model.quantization);
    else
        rules_add(d, false, "model", NULL, "it is opaque: no gate can prove anything about it");
    if (in->retired)
        rules_add(d, false, "retired", NULL, "it was retired, and nothing brings it back");
}

/* What the policy allows at all, by what the manifest states. */
static void rule_bounds(const struct inputs *in, struct decision *d)
{
    const struct policy_limits *l = &in->policy->limits;
    const struct manifest *m = in->manifest;
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
            rules_add(d, false, "bounds", NULL, "%s: %llu, the policy allows %llu", bounds[i].what,
                      (unsigned long long)bounds[i].is, (unsigned long long)bounds[i].most);
            return;
        }
        held += bounds[i].most > 0;
    }
    if (held > 0)
        rules_add(d, true, "bounds", NULL, "%u bounds hold", held);
}

static void rule_kind(const struct inputs *in, struct decision *d)
{
    const struct manifest *m = in->manifest;
    const char *format = m->model.present ? m->model.format : "opaque";
    if (json_get(in->policy->root, "formats") != NULL) {
        bool allowed = policy_allows_format(in->policy, format);
        rules_add(d, allowed, "format", NULL, "%s is %s by the policy %s", format,
                  allowed ? "allowed" : "not allowed", in->policy->name);
    }
    if (json_get(in->policy->root, "licences") != NULL) {
        bool allowed = policy_allows_licence(in->policy, m->license);
        rules_add(d, allowed, "licence", NULL, "%.64s is %s by the policy %s",
                  m->license[0] != '\0' ? m->license : "a licence that is not stated",
                  allowed ? "allowed" : "not allowed", in->policy->name);
    }
}

static void rule_publisher(const struct inputs *in, struct decision *d)
{
    if (in->publisher[0] != '\0')
        rules_add(d, false, "publisher", NULL, "%s", in->publisher);
    else
        rules_add(d, true, "publisher", NULL,
                  "the manifest is signed by the role publisher, %u of %u", in->publishers,
                  in->publishers_needed);
}

static void rule_self_signed(const struct inputs *in, const struct policy_channel *law,
                             struct decision *d)
{
    bool allowed = law->allow_self_signed;
    if (!in->self_signed)
        rules_add(d, true, "self-signed", NULL, "more than one person holds the roles");
    else
        rules_add(d, allowed, "self-signed", NULL,
                  allowed ? "one person holds all roles; the policy %s allows it"
                          : "one person holds all roles; the policy %s wants more than one",
                  in->policy->name);
}

/* A clock that runs behind what the store has seen could make the dead evidence of last year young,
 * and a trust that has expired good again. */
static void rule_clock(const struct inputs *in, struct decision *d)
{
    char now[TIME_TEXT_MAX], seen[TIME_TEXT_MAX];
    time_format(in->now, now);
    time_format(in->seen, seen);
    if (in->now >= in->seen)
        rules_add(d, true, "clock", NULL, "%s is not before what the store has seen", now);
    else
        rules_add(
            d, false, "clock", NULL,
            "the clock says %s, the store has seen %s; set the clock, or see docs/promotion.md "
            "if it is right",
            now, seen);
}

/* ---- about the channels ---- */

static void rule_from(const struct inputs *in, const struct policy_channel *law, struct decision *d)
{
    const struct manifest *m = in->manifest;
    if (text_equal(law->from, "candidate")) {
        rules_add(d, true, "from", NULL, "it was admitted at %s", in->added);
        return;
    }
    if (!in->soak.holds) /* also when what put it there proves nothing any more */
        rules_add(d, false, "from", NULL,
                  "it does not hold %s@%s, from which it has to come; assay promote %s@%s --to %s",
                  m->name, law->from, m->name, m->version, law->from);
    else
        rules_add(d, true, "from", NULL, "it holds %s@%s", m->name, law->from);
}

static void rule_soak(const struct inputs *in, const struct policy_channel *law, struct decision *d)
{
    char has[40], needs[40], until[TIME_TEXT_MAX];
    if (law->soak_s == 0)
        return;
    rules_duration(in->soak.seconds, has);
    rules_duration(law->soak_s, needs);
    if (in->soak.seconds >= law->soak_s) {
        rules_add(d, true, "soak", NULL, "it has held %s for %s at least", law->from, needs);
    } else if (in->kind == ASK_EMERGENCY && in->policy->emergency.skips_soak) {
        rules_add(d, true, "soak", NULL, "left out: an emergency (%s of %s)", has, needs);
    } else if (!in->soak.holds) {
        rules_add(d, false, "soak", NULL, "it has held %s for %s of %s, and does not now",
                  law->from, has, needs);
    } else {
        d->soaked_until = in->now + (int64_t)(law->soak_s - in->soak.seconds);
        time_format(d->soaked_until, until);
        rules_add(d, false, "soak", NULL, "it has held %s for %s of %s; it will have at %s",
                  law->from, has, needs, until);
    }
}

static void rule_freeze(const struct inputs *in, struct decision *d)
{
    if (in->basis.frozen[0] != '\0')
        rules_add(d, false, "freeze", NULL, "%s", in->basis.frozen);
}

static void rules_attested(const struct inputs *in, const struct policy_channel *law,
                           struct decision *d)
{
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        const struct attested *v = &in->attested[a];
        const char *type = attestation_name(a);
        if (!law->attestations[a])
            continue;
        if (v->good || v->why[0] != '\0')
            rules_add(d, v->good, "attestation", type, "%s", v->why);
        else
            rules_add(d, false, "attestation", type, "there is none; assay attest %s@%s --type %s",
                      in->manifest->name, in->manifest->version, type);
    }
}

/* ---- about people ---- */

static const char *listed(const struct buf *b)
{
    return b->p != NULL && !b->failed ? (const char *)b->p : "";
}

/* The first approval that does not hold any more: worth a word when one is missing. */
static const struct vote *first_void(const struct inputs *in)
{
    for (size_t i = 0; i < in->vote_count; i++) {
        if (!in->votes[i].valid)
            return &in->votes[i];
    }
    return NULL;
}

static void how_to_ask(const struct inputs *in, char out[160])
{
    const struct manifest *m = in->manifest;
    if (in->far)
        text_fmt(out, 160, "by this request");
    else if (in->kind == ASK_WAIVE)
        text_fmt(out, 160, "the same with -o FILE writes the request");
    else
        text_fmt(out, 160, "assay request %.48s@%.48s --to %s%s -o FILE", m->name, m->version,
                 in->channel, in->kind == ASK_EMERGENCY ? " --emergency …" : "");
}

static void rule_votes(const struct inputs *in, const struct policy_approvals *law,
                       const struct ballot *b, struct decision *d)
{
    const char *what = law->people ? "people" : "keys", *role = role_name(law->role);
    const struct vote *void_one = first_void(in);
    char command[160];
    how_to_ask(in, command);
    char void_text[120] = "";
    if (void_one != NULL)
        text_fmt(void_text, sizeof void_text, "; one of %.24s is void: %.80s",
                 void_one->voter.owner[0] != '\0' ? void_one->voter.owner : "somebody",
                 void_one->why);
    if (b->no != NULL)
        rules_add(d, false, "approvals", NULL, "%.40s rejects it: %.200s", b->no->voter.owner,
                  b->no->reason);
    else if (in->votes_unread)
        rules_add(d, false, "approvals", NULL,
                  "an answer in the store cannot be read, and may reject it; add its file again: "
                  "assay approvals add FILE");
    else if (in->votes_unseen)
        rules_add(d, false, "approvals", NULL,
                  "more than %d answers hold, which are more than can be counted; only another "
                  "decision, policy or trust voids them",
                  APPROVALS_MAX);
    else if (b->yes >= law->threshold)
        rules_add(d, true, "approvals", NULL, "%u of %u %s with the role %s agree: %.120s", b->yes,
                  law->threshold, what, role, listed(&b->agreed));
    else
        rules_add(d, false, "approvals", NULL,
                  "%u of %u %s with the role %s agree%s%.60s; could be asked: %.60s (%s)%s", b->yes,
                  law->threshold, what, role, b->yes > 0 ? ": " : "", listed(&b->agreed),
                  listed(&b->missing)[0] != '\0' ? listed(&b->missing)
                                                 : "nobody whom the trust knows",
                  command, void_text);
}

static enum status rule_approvals(const struct inputs *in, struct decision *d, struct err *e)
{
    SCOPED(ballot_release) struct ballot b = {.yes = 0};
    const struct policy_approvals *law = inputs_approvals(in);
    if (in->kind == ASK_EMERGENCY && !in->policy->emergency.present)
        rules_add(d, false, "emergency", NULL, "the policy %s knows no emergency",
                  in->policy->name);
    if (law == NULL)
        return ST_OK;
    ballot_count(in->trust, law, in->votes, in->vote_count, &b);
    if (buf_status(&b.agreed) != ST_OK || buf_status(&b.missing) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ballot");
    rule_votes(in, law, &b, d);
    return ST_OK;
}

/* ---- all of them ---- */

static enum status rules_of_channel(const struct inputs *in, const struct policy_channel *law,
                                    struct decision *d, struct err *e)
{
    rule_self_signed(in, law, d);
    rule_clock(in, d);
    rule_freeze(in, d);
    rule_from(in, law, d);
    rule_soak(in, law, d);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (law->gates[g])
            rules_gate(in, law, g, d);
    }
    rules_attested(in, law, d);
    return rule_approvals(in, d, e);
}

static void settle(struct decision *out)
{
    out->allowed = out->rule_count > 0;
    for (size_t i = 0; i < out->rule_count; i++)
        out->allowed = out->allowed && out->rules[i].met;
}

enum status rules_apply(const struct inputs *in, struct decision *out, struct err *e)
{
    const struct policy_channel *law = policy_channel(in->policy, in->channel);
    enum status st = ST_OK;
    out->basis = in->basis;
    rule_model(in, out);
    rule_bounds(in, out);
    rule_kind(in, out);
    rule_publisher(in, out);
    if (law == NULL)
        rules_add(out, false, "channel", NULL, "the policy %s opens no channel %s",
                  in->policy->name, in->channel);
    else
        st = rules_of_channel(in, law, out, e);
    settle(out);
    return st;
}

enum status rules_waiver(const struct inputs *in, const struct ask *ask, struct decision *out,
                         struct err *e)
{
    const struct policy_waivers *law = &in->policy->waivers;
    const char *gate = gate_name(ask->gate);
    char longest[40];
    int64_t until = 0;
    rules_duration(law->longest_s, longest);
    bool may = law->present && !law->never[ask->gate];
    rules_add(out, may, "waivable", NULL,
              may ? "the policy %s lets checks of %s be waived"
                  : "the policy %s lets nobody waive checks of %s",
              in->policy->name, gate);
    bool fits = law->present && time_parse(ask->until, &until) && until > in->now &&
                (uint64_t)(until - in->now) <= law->longest_s;
    if (until <= in->now)
        rules_add(out, false, "until", NULL, "it would have ended at %s", ask->until);
    else
        rules_add(out, fits, "until", NULL, "it would end at %s; the longest is %s from now",
                  ask->until, law->present ? longest : "none");
    enum status st = rule_approvals(in, out, e);
    settle(out);
    return st;
}
