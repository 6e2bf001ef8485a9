#include "promote/inputs.h"
#include "base/text.h"
#include "promote/attested.h"
#include "promote/shelf.h"
#include "promote/votes.h"
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

struct gathering {
    const struct promoter *by;
    const struct policy_channel *law; /* NULL: the policy opens no such channel */
    struct inputs *in;
    struct voting votes;
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

/* ---- waivers, attestations ---- */

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
    if (st != ST_OK || !waiver_holds(w, g->votes.now.store, &in->artifact, in->now) ||
        !waiver_lawful(w, &in->policy->waivers))
        return ST_OK;
    in->waiver_count++;
    in->basis.waivers[in->basis.waiver_count++] = d->envelope;
    return ST_OK;
}

/* ---- all of it ---- */

enum status inputs_soak(struct store *s, struct inputs *in, uint64_t before, struct err *e)
{
    const struct policy_channel *law = policy_channel(in->policy, in->channel);
    if (law == NULL || digest_is_zero(&in->basis.source))
        return ST_OK;
    struct soak_question q = {.name = in->manifest->name,
                              .channel = law->from,
                              .artifact = in->artifact,
                              .newest = in->basis.source,
                              .now = in->now,
                              .before = before,
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
    return inputs_soak(g->by->store, g->in, UINT64_MAX, e);
}

static enum status gather(struct gathering *g, struct err *e)
{
    struct inputs *in = g->in;
    struct store *s = g->by->store;
    enum status st = publisher(g, e);
    if (st != ST_OK || (st = channel_retired(s, &in->artifact, &in->retired, e)) != ST_OK ||
        (st = freeze_find(s, g->by->trust, in->manifest->name, in->channel, in->now, UINT64_MAX,
                          in->basis.frozen, e)) != ST_OK ||
        (st = all_evidence(g, e)) != ST_OK || (st = source(g, e)) != ST_OK ||
        (st = shelf_each(s, WAIVER_SHELF, &in->artifact, BASIS_WAIVERS, add_waiver, g, e)) !=
            ST_OK ||
        (st = votes_gather(&g->votes, e)) != ST_OK)
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
    const struct policy_channel *law = policy_channel(policy, what->channel);
    struct gathering g = {.by = by,
                          .law = law,
                          .in = out,
                          .votes = {.store = by->store,
                                    .trust = by->trust,
                                    .law = law,
                                    .in = out,
                                    .before = UINT64_MAX,
                                    .holder = on->known ? on->holder.seq : 0}};
    enum status st = identity_program(&out->basis.runtime, e);
    out->basis.program = out->basis.runtime;
    if (st != ST_OK || (st = store_seen(by->store, &out->seen, e)) != ST_OK)
        return st;
    out->now = clock_now(&by->clock);
    ballot_now(by, on, &g.votes.now);
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
    struct voting g = {
        .store = by->store, .trust = by->trust, .ask = ask, .in = out, .before = UINT64_MAX};
    ballot_now(by, &nobody, &g.now);
    g.now.policy = policy->digest;
    return votes_gather(&g, e);
}
