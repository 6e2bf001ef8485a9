#include "promote/decision.h"
#include "base/text.h"
#include "promote/entry.h"
#include "promote/policy_store.h"
#include "promote/rules.h"
#include "promote/statement.h"
#include <string.h>

static enum status need_keys(const struct promoter *by, struct err *e)
{
    if (by->release != NULL && by->log != NULL)
        return ST_OK;
    return err_set(e, ST_SIGNATURE, "no-key",
                   "a decision needs the keys of the roles release and log");
}

/* ---- grant ---- */

static enum status grant(const struct question *q, const struct standing *on, struct decision *out,
                         struct err *e)
{
    const struct manifest *m = &q->artifact->manifest;
    struct statement s = {.kind = DECISION_PROMOTE,
                          .artifact = q->artifact->digest,
                          .policy = q->policy->digest,
                          .self_signed = q->artifact->self_signed};
    struct holder h;
    text_fmt(s.name, sizeof s.name, "%s", m->name);
    text_fmt(s.version, sizeof s.version, "%s", m->version);
    text_fmt(s.channel, sizeof s.channel, "%s", q->channel_name);
    text_fmt(s.policy_name, sizeof s.policy_name, "%s", q->policy->name);
    memcpy(s.evidence, out->evidence, sizeof s.evidence);
    enum status st = identity_program(&s.runtime, e);
    if (st != ST_OK || (st = entry_prepare(q->by, on, &s, e)) != ST_OK ||
        (st = entry_commit(q->by, on, &s, NULL, &h, e)) != ST_OK)
        return st;
    out->seq = h.seq;
    out->envelope = h.decision;
    return ST_OK;
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
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct store_facts facts;
    enum status st = store_document(by->store, &h->decision, &bytes, e);
    if (st != ST_OK || (st = envelope_parse(buf_span(&bytes), &v, e)) != ST_OK)
        return st;
    if (!text_equal(v.type, STATEMENT_TYPE))
        return err_at(e, ST_SIGNATURE, "decision", "wrong-type", ERR_NO_OFFSET,
                      "signed as %s, not as a decision", v.type);
    if ((st = trust_check(by->trust, ROLE_RELEASE, &v, TRUST_ANY_TIME, e)) != ST_OK ||
        (st = statement_decode(buf_span(&v.payload), out, e)) != ST_OK ||
        (st = store_facts(by->store, &facts, e)) != ST_OK)
        return st;
    if (!text_equal(out->store, facts.id))
        return unproven(e, "decision-store", "the decision was made for another store");
    if (!text_equal(out->name, h->name) || !text_equal(out->channel, h->channel))
        return unproven(e, "decision-channel", "the decision was made for another name or channel");
    if (!digest_equal(&out->artifact, &h->artifact))
        return unproven(e, "decision-artifact", "the decision was made for another artifact");
    if (out->number != h->number)
        return unproven(e, "decision-number", "the decision is another in the channel's order");
    return ST_OK;
}

/* What the decision relied on still verifies and still says what it said. */
static enum status prove_evidence(const struct promoter *by, const struct statement *s,
                                  struct err *e)
{
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (digest_is_zero(&s->evidence[g]))
            continue;
        SCOPED(evidence_release) struct evidence v = {0};
        enum status st =
            evidence_open(by->store, by->trust, &s->evidence[g], TRUST_ANY_TIME, &v, e);
        if (st != ST_OK)
            return st;
        if (v.gate != g || v.verdict != VERDICT_PASS ||
            !digest_equal(&v.bound.artifact, &s->artifact) ||
            !digest_equal(&v.bound.runtime, &s->runtime))
            return unproven(e, "decision-evidence",
                            "the evidence of the decision does not bear it out");
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
    if (!digest_equal(&program, &s->runtime))
        return unproven(e, "decision-runtime",
                        "the decision was made for another runtime than this program; gate and "
                        "promote it again");
    return ST_OK;
}

static enum status prove(const struct promoter *by, const struct holder *h, struct err *e)
{
    struct holder now;
    struct statement s;
    enum status st = channel_holder(by->store, h->name, h->channel, &now, e);
    if (st != ST_OK)
        return st;
    if (!digest_equal(&now.decision, &h->decision) || !digest_equal(&now.artifact, &h->artifact))
        return err_set(e, ST_CONFLICT, "holder-changed",
                       "the channel's holder has changed meanwhile");
    if ((st = open_decision(by, &now, &s, e)) != ST_OK ||
        (st = prove_manifest(by, &s, e)) != ST_OK || (st = prove_evidence(by, &s, e)) != ST_OK)
        return st;
    return prove_runtime(&s, e);
}

enum status decision_prove(const struct promoter *by, const struct holder *h, struct err *e)
{
    if (prove(by, h, e) == ST_OK)
        return ST_OK;
    err_stage(e, "decision");
    return err_subject(e, "%s@%s", h->name, h->channel);
}

/* ---- promote, by what was proven ---- */

/* Would a new decision say nothing that the holder's own does not say? One that does not prove any
 * more says nothing, so then a new one is made. */
static bool holds_already(const struct question *q, const struct standing *on, struct decision *out)
{
    struct statement s;
    struct err none = ERR_NONE;
    if (!out->allowed || !on->held || !digest_equal(&on->holder.artifact, &q->artifact->digest) ||
        prove(q->by, &on->holder, &none) != ST_OK ||
        open_decision(q->by, &on->holder, &s, &none) != ST_OK)
        return false;
    out->held = digest_equal(&s.policy, &q->policy->digest) &&
                memcmp(s.evidence, out->evidence, sizeof s.evidence) == 0;
    if (out->held) {
        out->seq = on->holder.seq;
        out->envelope = on->holder.decision;
    }
    return out->held;
}

enum status promote(const struct promoter *by, const struct artifact *a, const char *channel,
                    bool dry_run, struct decision *out, struct err *e)
{
    SCOPED(policy_release) struct policy policy = {0};
    SCOPED(standing_release) struct standing on = {.held = false};
    *out = (struct decision){.allowed = false};
    if (!channel_name_valid(channel)) {
        err_set(e, ST_USAGE, "channel",
                "there is no channel %.40s to promote to; there are preview and stable", channel);
        return e->status;
    }
    int64_t seen = 0;
    enum status st = dry_run ? ST_OK : need_keys(by, e);
    if (st != ST_OK || (st = trust_alive(by->trust, clock_now(&by->clock), e)) != ST_OK ||
        (st = store_seen(by->store, &seen, e)) != ST_OK ||
        (st = standing_read(by->store, a->manifest.name, channel, &on, e)) != ST_OK ||
        (st = policy_load(by->store, by->trust, clock_now(&by->clock), &policy, e)) != ST_OK)
        return st;
    struct question q = {.by = by,
                         .artifact = a,
                         .policy = &policy,
                         .channel_name = channel,
                         .channel = policy_channel(&policy, channel),
                         .seen = seen,
                         .now = clock_now(&by->clock)};
    if (on.held)
        out->previous = on.holder.artifact;
    if ((st = rules_apply(&q, out, e)) != ST_OK || holds_already(&q, &on, out) || dry_run)
        return st;
    return out->allowed ? grant(&q, &on, out, e)
                        : entry_refuse(by, a, channel, &policy.digest, out, e);
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
                       to != NULL ? "that artifact never held %s@%s" : "nobody held %s@%s before",
                       now->name, now->channel);
    *out = c.chosen;
    return ST_OK;
}

/* What was proven for the former holder is proven still: its own decision is opened and verified,
 * and the new one takes over its evidence, policy and runtime. */
static enum status bring_back(const struct promoter *by, const struct standing *on,
                              const struct holder *former, const char *reason, struct holder *out,
                              struct err *e)
{
    struct statement s;
    enum status st = open_decision(by, former, &s, e);
    if (st != ST_OK || (st = prove_evidence(by, &s, e)) != ST_OK ||
        (st = prove_manifest(by, &s, e)) != ST_OK)
        return st;
    s.kind = DECISION_ROLLBACK;
    text_fmt(s.reason, sizeof s.reason, "%s", reason);
    if ((st = entry_prepare(by, on, &s, e)) != ST_OK)
        return st;
    return entry_commit(by, on, &s, former, out, e);
}

enum status rollback(const struct promoter *by, const char *name, const char *channel,
                     const struct digest *to, const char *reason, struct holder *out, struct err *e)
{
    SCOPED(standing_release) struct standing on = {.held = false};
    struct holder former;
    if (reason == NULL || *reason == '\0' || strlen(reason) >= REASON_MAX)
        return err_set(e, ST_USAGE, "reason", "a rollback needs a reason of 1 to %d bytes",
                       REASON_MAX - 1);
    enum status st = need_keys(by, e);
    if (st != ST_OK || (st = channel_holder(by->store, name, channel, out, e)) != ST_OK ||
        (st = standing_read(by->store, name, channel, &on, e)) != ST_OK ||
        (st = find_former(by, &on, to, &former, e)) != ST_OK ||
        (st = bring_back(by, &on, &former, reason, out, e)) != ST_OK)
        return err_subject(e, "%s@%s", name, channel);
    return ST_OK;
}
