#include "promote/inputs.h"
#include "base/text.h"
#include "promote/attested.h"
#include "promote/shelf.h"
#include "store/envelope.h"
#include "verify/section.h"
#include <string.h>

void inputs_release(struct inputs *in)
{
    for (enum gate g = GATE_NONE; g < GATE_COUNT; g++)
        evidence_release(&in->gates[g].evidence);
}

bool inputs_trouble(enum status st)
{
    int code = status_exit(st);
    return code == 3 || code == 8 || code == 130;
}

const struct policy_approvals *inputs_approvals(const struct inputs *in)
{
    const struct policy_channel *law =
        in->channel != NULL ? policy_channel(in->policy, in->channel) : NULL;
    if (in->kind == ASK_WAIVE)
        return in->policy->waivers.present ? &in->policy->waivers.approvals : NULL;
    if (in->kind == ASK_EMERGENCY)
        return in->policy->emergency.present ? &in->policy->emergency.approvals : NULL;
    return law != NULL && law->approvals.threshold > 0 ? &law->approvals : NULL;
}

void inputs_bound(const struct inputs *in, enum gate g, struct bound *out)
{
    const struct policy *law = in->again ? in->old : in->policy;
    *out = (struct bound){.gate = g,
                          .artifact = in->artifact,
                          .content = in->content,
                          .runtime = in->basis.runtime,
                          .program = in->basis.program,
                          .policy_section = digest_of(buf_span(&law->sections[g]))};
}

/* How far back a gate's evidence was looked at for anything but a pass. */
struct looked_at {
    uint64_t from;   /* entries from here on are done */
    uint64_t failed; /* the newest that is not a pass; 0: none */
};

struct gathering {
    struct looked_at looked[GATE_COUNT];
    const struct promoter *by;
    const struct artifact *artifact;
    const struct standing *on;
    const struct policy_channel *law; /* NULL: the policy opens no such channel */
    const struct ask *ask;            /* a waiver's; NULL: it is about in->channel */
    struct inputs *in;
    struct ballot_now now;
    bool one_void;       /* an answer that does not hold is among the votes */
    uint64_t holder_seq; /* answers up to this entry were void when it was written; 0: none were */
};

/* ---- about the artifact ---- */

/* The publisher's signature is checked again, now, from the bytes in the store. */
static enum status publisher(struct gathering *g, struct err *e)
{
    SCOPED(artifact_release) struct artifact again = {0};
    struct err why = ERR_NONE;
    enum status st =
        artifact_open(g->by->store, g->by->trust, &g->in->artifact, g->in->now, &again, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK) {
        text_fmt(g->in->publisher, sizeof g->in->publisher, "%.199s", why.detail);
        return ST_OK;
    }
    const char *difference = manifest_difference(&again.manifest, g->in->manifest);
    if (difference != NULL)
        text_fmt(g->in->publisher, sizeof g->in->publisher,
                 "the manifest in the store differs in %s", difference);
    else if (artifact_published(&again, &why) != ST_OK)
        text_fmt(g->in->publisher, sizeof g->in->publisher, "%.199s", why.detail);
    g->in->publishers = again.publishers;
    g->in->publishers_needed = again.publishers_needed;
    return ST_OK;
}

/* ---- evidence ---- */

static enum status baseline(struct gathering *g, enum gate gate, struct err *e)
{
    const char *channel = section_word(policy_section(g->in->policy, gate), gate, "baseline");
    struct holder h;
    struct err why = ERR_NONE;
    if (channel == NULL)
        return ST_OK;
    enum status st = channel_holder(g->by->store, g->in->manifest->name, channel, &h, &why);
    if (st == ST_OK)
        g->in->gates[gate].baseline = h.artifact;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status evidence_of(struct gathering *g, enum gate gate, struct err *e)
{
    struct gate_input *to = &g->in->gates[gate];
    struct err why = ERR_NONE;
    enum status st = evidence_newest(g->by->store, g->by->trust, &g->in->artifact, gate, g->in->now,
                                     &to->evidence, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    to->good = st == ST_OK;
    if (to->good)
        g->in->basis.evidence[gate] = to->evidence.digest;
    else if (st != ST_NOT_FOUND)
        text_fmt(to->why, sizeof to->why, "%.199s", why.detail);
    if ((st = baseline(g, gate, e)) != ST_OK)
        return st;
    g->in->basis.baseline[gate] = to->baseline;
    return ST_OK;
}

static enum status all_evidence(struct gathering *g, struct err *e)
{
    enum status st = ST_OK;
    for (enum gate gate = GATE_STRUCTURAL; st == ST_OK && gate < GATE_COUNT; gate++) {
        if (g->law != NULL && g->law->gates[gate])
            st = evidence_of(g, gate, e);
    }
    return st;
}

/* ---- votes ---- */

struct newer {
    struct gathering *g;
    struct looked_at *at;
    uint64_t after; /* only what came behind this entry */
};

/* Evidence that came after the approval was asked for. What does not count is no pass: it may have
 * been a fail before it was damaged. */
static enum status look_newer(void *ctx, const struct shelved *d, struct err *e)
{
    struct newer *n = ctx;
    SCOPED(evidence_release) struct evidence v = {0};
    struct err why = ERR_NONE;
    if (d->seq <= n->after || d->seq >= n->at->from)
        return ST_OK;
    enum status st =
        evidence_open(n->g->by->store, n->g->by->trust, &d->envelope, n->g->in->now, &v, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if ((st != ST_OK || v.verdict != VERDICT_PASS) && d->seq > n->at->failed)
        n->at->failed = d->seq;
    return ST_OK;
}

/* Each piece of evidence is opened once, however many approvals are older than it. */
static enum status newer_evidence(struct gathering *g, const struct approval *a, enum gate *failed,
                                  struct err *e)
{
    enum status st = ST_OK;
    *failed = GATE_NONE;
    for (enum gate gate = GATE_STRUCTURAL; st == ST_OK && gate < GATE_COUNT; gate++) {
        char hex[DIGEST_TEXT], shelf[STORE_KEY_MAX];
        struct newer n = {.g = g, .at = &g->looked[gate], .after = a->head.seq};
        if (g->law == NULL || !g->law->gates[gate])
            continue;
        digest_text(&g->in->artifact, hex);
        text_fmt(shelf, sizeof shelf, "evidence/%s/%s/", hex, gate_name(gate));
        if (n.after + 1 < n.at->from) {
            st = shelf_scan(g->by->store, shelf, SIZE_MAX, look_newer, &n, e);
            n.at->from = n.after + 1;
        }
        if (n.at->failed > n.after)
            *failed = gate;
    }
    return st;
}

static void refuse_vote(struct vote *v, const char *code, const char *why)
{
    v->valid = false;
    text_fmt(v->code, sizeof v->code, "%s", code);
    text_fmt(v->why, sizeof v->why, "%s", why);
}

/* Is it about this very promotion? Others lie on the same shelf. */
static bool about(const struct gathering *g, const struct approval *a)
{
    if (a->ask.kind != g->in->kind || !digest_equal(&a->ask.artifact, &g->in->artifact))
        return false;
    if (g->ask == NULL)
        return text_equal(a->ask.channel, g->in->channel);
    return a->ask.gate == g->ask->gate && text_equal(a->ask.check, g->ask->check) &&
           text_equal(a->ask.until, g->ask->until) && text_equal(a->ask.reason, g->ask->reason);
}

static enum status weigh(struct gathering *g, const struct envelope *v, const struct approval *a,
                         struct vote *out, struct err *e)
{
    struct err why = ERR_NONE;
    enum gate failed = GATE_NONE;
    const struct policy_approvals *law = inputs_approvals(g->in);
    int64_t signed_at = 0;
    /* What is void need not be verified: old ones pile up. */
    out->valid = ballot_valid(a, &g->now, &why) == ST_OK &&
                 ballot_voter(g->by->trust, v, &out->voter, &why) == ST_OK;
    if (!out->valid) {
        text_fmt(out->voter.owner, sizeof out->voter.owner, "%s", ballot_claims(g->by->trust, v));
        refuse_vote(out, err_code(&why), why.detail);
        return ST_OK;
    }
    if (!a->approve) /* stands until that person agrees, whatever came since */
        return ST_OK;
    if (law != NULL && time_parse(a->time, &signed_at) &&
        g->in->now - signed_at > (int64_t)law->valid_s)
        refuse_vote(out, "approval-old", "it is older than the policy lets one hold; ask again");
    enum status st = newer_evidence(g, a, &failed, e);
    if (st == ST_OK && failed != GATE_NONE) {
        char why_not[96];
        text_fmt(why_not, sizeof why_not, "later evidence of the gate %s is not a pass; ask again",
                 gate_name(failed));
        refuse_vote(out, "approval-evidence", why_not);
    }
    return st;
}

/* All that hold, and one of those that do not: to say why. */
static bool keep_vote(struct gathering *g, const struct vote *v)
{
    struct inputs *in = g->in;
    if (!v->valid && g->one_void)
        return false;
    if (in->vote_count == APPROVALS_MAX) {
        in->votes_unseen = in->votes_unseen || v->valid;
        return false;
    }
    g->one_void = g->one_void || !v->valid;
    in->votes[in->vote_count++] = *v;
    return true;
}

static enum status add_vote(void *ctx, const struct shelved *d, struct err *e)
{
    struct gathering *g = ctx;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct approval a;
    struct err why = ERR_NONE;
    struct vote out = {.envelope = d->envelope, .seq = d->seq};
    enum status st = store_document(g->by->store, &d->envelope, &bytes, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK) { /* it may have been a rejection */
        g->in->votes_unread = g->in->votes_unread || d->seq > g->holder_seq;
        return ST_OK;
    }
    if (approval_open(buf_span(&bytes), &v, &a, &why) != ST_OK || !about(g, &a))
        return ST_OK;
    out.approve = a.approve;
    text_fmt(out.reason, sizeof out.reason, "%.199s", a.reason);
    text_fmt(out.time, sizeof out.time, "%s", a.time);
    if ((st = weigh(g, &v, &a, &out, e)) != ST_OK || !keep_vote(g, &out))
        return st;
    if (out.valid && g->in->basis.approval_count < BASIS_APPROVALS)
        g->in->basis.approvals[g->in->basis.approval_count++] = d->envelope;
    return ST_OK;
}

/* ---- waivers, attestations ---- */

/* By the law in force, whatever the one said under which it was made. */
static bool lawful(const struct waiver *w, const struct policy_waivers *law)
{
    int64_t from = 0, until = 0;
    return law->present && !law->never[w->gate] && time_parse(w->time, &from) &&
           time_parse(w->until, &until) && until >= from &&
           (uint64_t)(until - from) <= law->longest_s;
}

static enum status add_waiver(void *ctx, const struct shelved *d, struct err *e)
{
    struct gathering *g = ctx;
    struct inputs *in = g->in;
    struct waiver *w = &in->waivers[in->waiver_count];
    struct err why = ERR_NONE;
    enum status st = waiver_open(g->by->store, g->by->trust, &d->envelope, in->now, w, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK || !waiver_holds(w, g->now.store, &in->artifact, in->now) ||
        !lawful(w, &in->policy->waivers))
        return ST_OK;
    in->waiver_count++;
    in->basis.waivers[in->basis.waiver_count++] = d->envelope;
    return ST_OK;
}

/* ---- all of it ---- */

enum status inputs_soak(struct store *s, struct inputs *in, struct err *e)
{
    const struct policy_channel *law = policy_channel(in->policy, in->channel);
    if (law == NULL || digest_is_zero(&in->basis.source))
        return ST_OK;
    struct soak_question q = {.name = in->manifest->name,
                              .channel = law->from,
                              .artifact = in->artifact,
                              .newest = in->basis.source,
                              .now = in->now,
                              .enough = law->soak_s};
    if (!time_parse(in->added, &q.added))
        q.added = 0;
    return soak_time(s, in->trust, &q, &in->soak, e);
}

static enum status source(struct gathering *g, struct err *e)
{
    struct holder seat;
    struct err why = ERR_NONE;
    if (g->law == NULL || text_equal(g->law->from, "candidate"))
        return ST_OK;
    enum status st = channel_seat(g->by->store, g->in->manifest->name, g->law->from, &seat, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    g->in->basis.source = seat.decision;
    return inputs_soak(g->by->store, g->in, e);
}

static enum status gather(struct gathering *g, struct err *e)
{
    for (enum gate gate = GATE_NONE; gate < GATE_COUNT; gate++)
        g->looked[gate] = (struct looked_at){.from = UINT64_MAX};
    struct inputs *in = g->in;
    struct store *s = g->by->store;
    enum status st = publisher(g, e);
    if (st != ST_OK || (st = channel_retired(s, &in->artifact, &in->retired, e)) != ST_OK ||
        (st = freeze_find(s, g->by->trust, in->manifest->name, in->channel, in->now,
                          in->basis.frozen, e)) != ST_OK ||
        (st = all_evidence(g, e)) != ST_OK || (st = source(g, e)) != ST_OK ||
        (st = shelf_each(s, WAIVER_SHELF, &in->artifact, BASIS_WAIVERS, add_waiver, g, e)) !=
            ST_OK ||
        (st = shelf_each(s, APPROVAL_SHELF, &in->artifact, SIZE_MAX, add_vote, g, e)) != ST_OK)
        return st;
    return attested_gather(g->by, in, e);
}

enum status inputs_now(const struct promoter *by, const struct promotion *what,
                       const struct policy *policy, const struct standing *on, struct inputs *out,
                       struct err *e)
{
    const struct artifact *a = what->artifact;
    *out = (struct inputs){.kind = what->emergency != NULL ? ASK_EMERGENCY : ASK_PROMOTE,
                           .artifact = a->digest,
                           .content = a->content,
                           .manifest = &a->manifest,
                           .trust = by->trust,
                           .policy = policy,
                           .channel = what->channel,
                           .self_signed = trust_facts(by->trust).self_signed || a->self_signed};
    text_fmt(out->added, sizeof out->added, "%s", a->added);
    out->basis.trust = trust_facts(by->trust).digest;
    struct gathering g = {
        .by = by, .artifact = a, .on = on, .law = policy_channel(policy, what->channel), .in = out};
    enum status st = identity_program(&out->basis.runtime, e);
    out->basis.program = out->basis.runtime;
    if (st != ST_OK || (st = store_seen(by->store, &out->seen, e)) != ST_OK)
        return st;
    out->now = clock_now(&by->clock);
    ballot_now(by, on, &g.now);
    g.holder_seq = on->known ? on->holder.seq : 0;
    return gather(&g, e);
}

enum status inputs_waiver(const struct promoter *by, const struct artifact *a,
                          const struct ask *ask, const struct policy *policy, struct inputs *out,
                          struct err *e)
{
    static const struct standing nobody = {.held = false};
    *out = (struct inputs){.kind = ASK_WAIVE,
                           .artifact = a->digest,
                           .content = a->content,
                           .manifest = &a->manifest,
                           .trust = by->trust,
                           .policy = policy,
                           .now = clock_now(&by->clock)};
    struct gathering g = {.by = by, .artifact = a, .on = &nobody, .ask = ask, .in = out};
    ballot_now(by, &nobody, &g.now);
    g.now.policy = policy->digest;
    return shelf_each(by->store, APPROVAL_SHELF, &a->digest, SIZE_MAX, add_vote, &g, e);
}
