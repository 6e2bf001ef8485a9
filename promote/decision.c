#include "promote/decision.h"
#include "base/text.h"
#include "promote/entry.h"
#include "promote/exception.h"
#include "promote/inputs.h"
#include "promote/leave.h"
#include "promote/policy_store.h"
#include "promote/replay.h"
#include "promote/rules.h"
#include "promote/soak.h"
#include "promote/statement.h"
#include "store/check.h"
#include <string.h>

static enum status need_keys(const struct promoter *by, struct err *e)
{
    if (by->release != NULL && by->log != NULL)
        return ST_OK;
    return err_set(e, ST_SIGNATURE, "no-signer",
                   "a decision needs the keys of the roles release and log");
}

/* ---- grant or refuse ---- */

/* What is said of the promotion, allowed or not. */
static enum status state(const struct promoter *by, const struct inputs *in,
                         const struct standing *on, const struct promotion *what,
                         struct statement *s, struct err *e)
{
    const struct manifest *m = in->manifest;
    *s = (struct statement){.kind = what->emergency != NULL ? DECISION_EMERGENCY : DECISION_PROMOTE,
                            .artifact = in->artifact,
                            .policy = in->policy->digest,
                            .self_signed = in->self_signed,
                            .basis = in->basis};
    text_fmt(s->name, sizeof s->name, "%s", m->name);
    text_fmt(s->version, sizeof s->version, "%s", m->version);
    text_fmt(s->channel, sizeof s->channel, "%s", in->channel);
    text_fmt(s->policy_name, sizeof s->policy_name, "%s", in->policy->name);
    if (what->emergency != NULL)
        text_fmt(s->reason, sizeof s->reason, "%s", what->emergency);
    return entry_prepare(by, on, s, e);
}

/* ---- prove ---- */

static enum status unproven(struct err *e, const char *code, const char *what)
{
    return err_at(e, ST_UNPROVEN, "decision", code, ERR_NO_OFFSET, "%s", what);
}

/* The decision that put h there: signed by the role release, and about exactly this. */
static enum status open_decision(const struct promoter *by, const struct holder *h,
                                 struct statement *out, struct err *e)
{
    struct store_facts facts;
    enum status st = decision_open(by->store, by->trust, &h->decision, TRUST_ANY_TIME, out, e);
    if (st != ST_OK || (st = store_facts(by->store, &facts, e)) != ST_OK)
        return st;
    if (!text_equal(out->store, facts.id))
        return unproven(e, "decision-store", "the decision was made for another store");
    if (!text_equal(out->name, h->name) || !text_equal(out->channel, h->channel))
        return unproven(e, "decision-channel", "the decision was made for another name or channel");
    if (!digest_equal(&out->artifact, &h->artifact) || !decision_enters(out->kind))
        return unproven(e, "decision-artifact", "the decision was made for another artifact");
    if (out->number != h->number)
        return unproven(e, "decision-number", "the decision is another in the channel's order");
    return ST_OK;
}

/* The evidence counts still, under the trust in force: a key that was revoked since vouches for
 * nothing, whenever it signed. */
static enum status prove_evidence(const struct promoter *by, const struct statement *s,
                                  struct err *e)
{
    struct digest now = trust_facts(by->trust).digest;
    /* A promotion's law is proven under the trust it names; a rollback's under an older one. */
    if (s->kind != DECISION_ROLLBACK && digest_equal(&now, &s->basis.trust))
        return ST_OK;
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        SCOPED(evidence_release) struct evidence v = {0};
        if (digest_is_zero(&s->basis.evidence[g]))
            continue;
        enum status st =
            evidence_open(by->store, by->trust, &s->basis.evidence[g], TRUST_ANY_TIME, &v, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

/* The publishers' word still counts, under the trust in force. */
static enum status prove_manifest(const struct promoter *by, const struct statement *s,
                                  struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    enum status st = artifact_open(by->store, by->trust, &s->artifact, TRUST_ANY_TIME, &a, e);
    return st == ST_OK ? artifact_published(&a, e) : st;
}

static enum status prove_runtime(const struct statement *s, struct err *e)
{
    struct digest program;
    enum status st = identity_program(&program, e);
    if (st != ST_OK)
        return st;
    if (!digest_equal(&program, &s->basis.runtime))
        return unproven(e, "decision-runtime",
                        "the decision was made for another runtime than this program; gate and "
                        "promote it again");
    return ST_OK;
}

static enum status prove_law(const struct promoter *by, const struct holder *h, struct err *e)
{
    struct replay_place at = {.number = h->number, .decision = h->decision};
    bool retired = false;
    text_fmt(at.name, sizeof at.name, "%s", h->name);
    text_fmt(at.channel, sizeof at.channel, "%s", h->channel);
    enum status st = channel_retired(by->store, &h->artifact, &retired, e);
    if (st == ST_OK && retired)
        return unproven(e, "decision-retired", "the artifact was retired, and holds nothing");
    return st == ST_OK ? replay_prove(by, &at, e) : st;
}

/* All that its decision rests on but the program. */
static enum status prove_grounds(const struct promoter *by, const struct holder *h,
                                 const struct statement *s, struct err *e)
{
    enum status st = prove_law(by, h, e);
    if (st == ST_OK)
        st = prove_manifest(by, s, e);
    return st == ST_OK ? prove_evidence(by, s, e) : st;
}

/* *s: what its decision says. */
static enum status prove(const struct promoter *by, const struct holder *h, struct statement *s,
                         struct err *e)
{
    struct holder now;
    enum status st = channel_holder(by->store, h->name, h->channel, &now, e);
    if (st != ST_OK)
        return st;
    if (!digest_equal(&now.decision, &h->decision) || !digest_equal(&now.artifact, &h->artifact))
        return err_set(e, ST_CONFLICT, "holder-changed",
                       "the channel's holder has changed meanwhile");
    if ((st = open_decision(by, &now, s, e)) != ST_OK ||
        (st = channel_newest(by->store, &now, e)) != ST_OK ||
        (st = prove_grounds(by, &now, s, e)) != ST_OK)
        return st;
    return prove_runtime(s, e);
}

enum status decision_stands(const struct promoter *by, const struct holder *h, struct err *e)
{
    struct statement s;
    enum status st = open_decision(by, h, &s, e);
    return st == ST_OK ? prove_grounds(by, h, &s, e) : st;
}

enum status decision_prove(const struct promoter *by, const struct holder *h, struct err *e)
{
    struct statement s;
    if (prove(by, h, &s, e) == ST_OK)
        return ST_OK;
    err_stage(e, "decision");
    return err_subject(e, "%s@%s", h->name, h->channel);
}

/* ---- promote, by what was proven ---- */

/* Approvals end with the decision that they led to; whoever holds by it needs no others. */
static bool only_approvals_lack(const struct decision *d)
{
    for (size_t i = 0; i < d->rule_count; i++) {
        if (!d->rules[i].met && !text_equal(d->rules[i].rule, "approvals"))
            return false;
    }
    return true;
}

static void stands(const struct standing *on, struct decision *out)
{
    for (size_t i = 0; i < out->rule_count; i++) {
        struct rule_outcome *r = &out->rules[i];
        if (!r->met)
            text_fmt(r->message, sizeof r->message, "given for the decision by which it holds");
        r->met = true;
    }
    out->held = out->allowed = true;
    out->seq = on->holder.seq;
    out->envelope = on->holder.decision;
}

/* Would a new decision say nothing that the holder's own does not say? One that does not prove any
 * more says nothing, so then a new one is made; one that cannot be looked at may say all of it. */
static enum status holds_already(const struct promoter *by, const struct inputs *in,
                                 const struct standing *on, struct decision *out, bool *holds,
                                 struct err *e)
{
    struct statement s;
    struct err why = ERR_NONE;
    *holds = false;
    if (!only_approvals_lack(out) || !on->held ||
        !digest_equal(&on->holder.artifact, &in->artifact))
        return ST_OK;
    enum status st = prove(by, &on->holder, &s, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    *holds = st == ST_OK && digest_equal(&s.policy, &in->policy->digest) &&
             memcmp(s.basis.evidence, in->basis.evidence, sizeof s.basis.evidence) == 0;
    if (*holds)
        stands(on, out);
    return ST_OK;
}

static enum status record(const struct promoter *by, const struct promotion *what,
                          const struct inputs *in, const struct standing *on, uint64_t after,
                          struct decision *out, struct err *e)
{
    struct statement s;
    struct holder h;
    enum status st = state(by, in, on, what, &s, e);
    if (st != ST_OK || !out->allowed)
        return st == ST_OK ? entry_refuse(by, &s, after, out, e) : st;
    if ((st = entry_commit(by, on, &s, NULL, after, &h, e)) != ST_OK)
        return st;
    out->seq = h.seq;
    out->envelope = h.decision;
    return ST_OK;
}

/* What does not hold the channel it has to come from by right does not hold it. */
static enum status prove_source(const struct promoter *by, const struct policy *policy,
                                struct inputs *in, struct err *e)
{
    const struct policy_channel *law = policy_channel(policy, in->channel);
    struct holder seat;
    struct err why = ERR_NONE;
    if (law == NULL || !in->soak.holds)
        return ST_OK;
    enum status st = channel_holder(by->store, in->manifest->name, law->from, &seat, &why);
    if (st == ST_OK)
        st = channel_newest(by->store, &seat, &why);
    if (st == ST_OK)
        st = prove_law(by, &seat, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK)
        in->soak = (struct soak){.holds = false};
    return ST_OK;
}

static enum status nowhere(void *ctx, struct span bytes, struct err *e)
{
    (void)ctx;
    (void)bytes;
    (void)e;
    return ST_OK;
}

/* A channel never leads to bytes that were damaged when it was decided: all are read and hashed. */
static enum status read_again(const struct promoter *by, const struct promotion *what,
                              struct err *e)
{
    const struct manifest *m = &what->artifact->manifest;
    const struct sink to = what->watch.write != NULL ? what->watch : (struct sink){nowhere, NULL};
    for (size_t i = 0; i < m->file_count; i++) {
        enum status st = store_content_read(by->store, &m->files[i].sha256, to, NULL, e);
        if (st != ST_OK)
            return err_stage(e, "bytes");
    }
    return ST_OK;
}

/* One look at everything, behind one ledger entry, and the decision that follows. */
static enum status promote_once(const struct promoter *by, const struct promotion *what,
                                const struct standing *on, bool *read, struct decision *out,
                                struct err *e)
{
    SCOPED(policy_release) struct policy policy = {0};
    SCOPED(inputs_release) struct inputs in = {.kind = ASK_NONE};
    struct store_facts facts;
    *out = (struct decision){.allowed = false};
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK || (st = standing_trust(by, e)) != ST_OK ||
        (st = policy_load(by->store, by->trust, clock_now(&by->clock), &policy, e)) != ST_OK ||
        (st = inputs_now(by, what, &policy, on, &in, e)) != ST_OK)
        return st;
    if (on->held)
        out->previous = on->holder.artifact;
    bool holds = false;
    if ((st = prove_source(by, &policy, &in, e)) != ST_OK ||
        (st = rules_apply(&in, out, e)) != ST_OK ||
        (st = holds_already(by, &in, on, out, &holds, e)) != ST_OK || holds)
        return st;
    bool wanted = out->allowed && !*read && (!what->dry_run || what->watch.write != NULL);
    if (wanted && (st = read_again(by, what, e)) != ST_OK)
        return st;
    *read = *read || wanted; /* what comes into the ledger meanwhile changes no byte */
    if (what->dry_run)
        return ST_OK;
    return record(by, what, &in, on, facts.seq, out, e);
}

static void first_finding(void *ctx, const struct finding *f)
{
    struct finding *first = ctx;
    if (f->status != ST_OK && first->status == ST_OK)
        *first = *f;
}

/* A decision rests on the ledger, not on its fold: chain, signatures and head are proven first, so
 * that an edited, dropped or doubled entry decides nothing even while the index still has the old
 * state. */
static enum status ledger_holds(const struct promoter *by, struct err *e)
{
    struct check_report report = {0};
    struct finding first = {.status = ST_OK};
    enum status st = check_ledger(by->store, NULL, first_finding, &first, &report, e);
    if (st != ST_OK || first.status == ST_OK)
        return st;
    err_at(e, first.status, "ledger", first.code, first.offset,
           "nothing is decided on a ledger that does not hold: %.160s; see assay log --verify",
           first.detail);
    return err_subject(e, "%s", first.object);
}

static enum status promotion_check(const struct promoter *by, const struct promotion *what,
                                   struct err *e)
{
    if (!channel_name_valid(what->channel)) {
        err_set(e, ST_USAGE, "channel",
                "there is no channel %.40s to promote to; there are preview and stable",
                what->channel);
        return e->status;
    }
    enum status st =
        what->emergency != NULL ? reason_check(what->emergency, "an emergency", e) : ST_OK;
    if (st == ST_OK)
        st = trust_alive(by->trust, clock_now(&by->clock), e);
    if (st == ST_OK)
        st = ledger_holds(by, e);
    return st == ST_OK && !what->dry_run ? need_keys(by, e) : st;
}

#define TRIES 8 /* what comes into the ledger meanwhile is looked at, so often */

enum status promote(const struct promoter *by, const struct promotion *what, struct decision *out,
                    struct err *e)
{
    SCOPED(standing_release) struct standing on = {.held = false};
    *out = (struct decision){.allowed = false};
    enum status st = promotion_check(by, what, e);
    if (st != ST_OK || (st = standing_read(by->store, what->artifact->manifest.name, what->channel,
                                           &on, e)) != ST_OK)
        return st;
    bool read = false;
    for (int i = 0; i < TRIES; i++) {
        *e = ERR_NONE;
        st = promote_once(by, what, &on, &read, out, e);
        if (st != ST_CONFLICT || !text_equal(err_code(e), "moved"))
            break;
    }
    return st;
}

/* ---- rollback ---- */

struct choice {
    const struct digest *to;      /* NULL: the last that was not withdrawn */
    const struct digest *present; /* the holder now; never chosen */
    bool found;
    struct holder chosen;
};

static enum status choose(void *ctx, const struct holder *h, struct err *e)
{
    struct choice *c = ctx;
    (void)e;
    bool fits = c->to != NULL ? digest_equal(&h->artifact, c->to)
                              : !h->withdrawn && !digest_equal(&h->artifact, c->present);
    if (!fits)
        return ST_OK;
    c->found = true;
    c->chosen = *h;
    return ST_CANCELLED;
}

static enum status find_former(const struct promoter *by, const struct standing *on,
                               const struct digest *to, struct holder *out, struct err *e)
{
    const struct holder *now = &on->holder;
    struct choice c = {.to = to, .present = &now->artifact};
    if (to != NULL && digest_equal(to, &now->artifact))
        return err_set(e, ST_USAGE, "holds-already", "that artifact holds %s@%s already", now->name,
                       now->channel);
    enum status st = channel_former(by->store, now->name, now->channel, choose, &c, e);
    if (st != ST_OK)
        return st;
    if (!c.found)
        return err_set(e, ST_NOT_FOUND, "no-former",
                       to != NULL ? "that artifact never held %s@%s"
                                  : "%s@%s has no former holder that was not taken out",
                       now->name, now->channel);
    *out = c.chosen;
    return ST_OK;
}

/* What was proven for the former holder is proven still: its own decision is opened and verified,
 * and the new one takes over its evidence, policy and runtime. */
static enum status bring_back(const struct promoter *by, const struct standing *on,
                              const struct holder *former, const char *reason, uint64_t after,
                              struct holder *out, struct err *e)
{
    struct statement s;
    bool retired = false;
    enum status st = channel_retired(by->store, &former->artifact, &retired, e);
    if (st == ST_OK && retired)
        return err_set(e, ST_REFUSED, "retired", "that artifact was retired; --to names another");
    if (st != ST_OK || (st = open_decision(by, former, &s, e)) != ST_OK ||
        (st = prove_law(by, former, e)) != ST_OK || (st = prove_evidence(by, &s, e)) != ST_OK ||
        (st = prove_manifest(by, &s, e)) != ST_OK)
        return st;
    if (s.kind != DECISION_ROLLBACK)
        s.restores = s.number;
    s.kind = DECISION_ROLLBACK;
    text_fmt(s.reason, sizeof s.reason, "%s", reason);
    if ((st = entry_prepare(by, on, &s, e)) != ST_OK)
        return st;
    return entry_commit(by, on, &s, former, after, out, e);
}

static enum status rollback_once(const struct promoter *by, const char *name, const char *channel,
                                 const struct digest *to, const char *reason, struct holder *out,
                                 struct err *e)
{
    SCOPED(standing_release) struct standing on = {.held = false};
    struct store_facts facts;
    struct holder former;
    enum status st = store_facts(by->store, &facts, e);
    if (st == ST_OK)
        st = standing_read(by->store, name, channel, &on, e);
    if (st == ST_OK && !on.known) /* one that stands empty since a demotion may be filled again */
        st = channel_holder(by->store, name, channel, out, e);
    if (st == ST_OK)
        st = find_former(by, &on, to, &former, e);
    return st == ST_OK ? bring_back(by, &on, &former, reason, facts.seq, out, e) : st;
}

enum status rollback(const struct promoter *by, const char *name, const char *channel,
                     const struct digest *to, const char *reason, struct holder *out, struct err *e)
{
    enum status st = reason_check(reason, "a rollback", e);
    if (st == ST_OK)
        st = need_keys(by, e);
    for (int i = 0; st == ST_OK && i < TRIES; i++) {
        st = rollback_once(by, name, channel, to, reason, out, e);
        if (st != ST_CONFLICT || !text_equal(err_code(e), "moved"))
            break;
        if (i + 1 < TRIES) {
            *e = ERR_NONE;
            st = ST_OK;
        }
    }
    return st == ST_OK ? ST_OK : err_subject(e, "%s@%s", name, channel);
}
