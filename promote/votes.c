#include "promote/votes.h"
#include "base/text.h"
#include "promote/shelf.h"
#include "store/envelope.h"
#include <string.h>

/* ---- evidence that came later ---- */

struct newer {
    struct voting *g;
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
    if (d->seq <= n->after || d->seq >= n->at->from || d->seq >= n->g->before)
        return ST_OK;
    enum status st = evidence_open(n->g->store, n->g->trust, &d->envelope, n->g->in->now, &v, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if ((st != ST_OK || v.verdict != VERDICT_PASS) && d->seq > n->at->failed)
        n->at->failed = d->seq;
    return ST_OK;
}

/* Each piece of evidence is opened once, however many approvals are older than it. */
static enum status newer_evidence(struct voting *g, const struct approval *a, enum gate *failed,
                                  struct err *e)
{
    enum status st = ST_OK;
    *failed = GATE_NONE;
    for (enum gate gate = GATE_STRUCTURAL; st == ST_OK && gate < GATE_COUNT; gate++) {
        char hex[DIGEST_TEXT], shelf[STORE_KEY_MAX];
        struct newer n = {.g = g, .at = &g->looked[gate], .after = a->head.seq};
        if (g->law == NULL || !g->law->gates[gate])
            continue;
        if (n.at->from == 0)
            n.at->from = UINT64_MAX;
        digest_text(&g->in->artifact, hex);
        text_fmt(shelf, sizeof shelf, "evidence/%s/%s/", hex, gate_name(gate));
        if (n.after + 1 < n.at->from) {
            st = shelf_scan(g->store, shelf, SIZE_MAX, look_newer, &n, e);
            n.at->from = n.after + 1;
        }
        if (n.at->failed > n.after)
            *failed = gate;
    }
    return st;
}

/* ---- one answer ---- */

static void refuse_vote(struct vote *v, const char *code, const char *why)
{
    v->valid = false;
    text_fmt(v->code, sizeof v->code, "%s", code);
    text_fmt(v->why, sizeof v->why, "%s", why);
}

/* Is it about this very promotion? Others lie on the same shelf. */
static bool about(const struct voting *g, const struct approval *a)
{
    if (a->ask.kind != g->in->kind || !digest_equal(&a->ask.artifact, &g->in->artifact))
        return false;
    if (g->ask == NULL)
        return text_equal(a->ask.channel, g->in->channel);
    return a->ask.gate == g->ask->gate && text_equal(a->ask.check, g->ask->check) &&
           text_equal(a->ask.until, g->ask->until) && text_equal(a->ask.reason, g->ask->reason);
}

static enum status weigh(struct voting *g, const struct envelope *v, const struct approval *a,
                         struct vote *out, struct err *e)
{
    struct err why = ERR_NONE;
    enum gate failed = GATE_NONE;
    const struct policy_approvals *law = inputs_approvals(g->in);
    int64_t signed_at = 0;
    /* What is void need not be verified: old ones pile up. */
    out->valid = ballot_valid(a, &g->now, &why) == ST_OK &&
                 ballot_voter(g->trust, v, &out->voter, &why) == ST_OK;
    if (!out->valid) {
        text_fmt(out->voter.owner, sizeof out->voter.owner, "%s", ballot_claims(g->trust, v));
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
static bool keep_vote(struct voting *g, const struct vote *v)
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
    struct voting *g = ctx;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct approval a;
    struct err why = ERR_NONE;
    struct vote out = {.envelope = d->envelope, .seq = d->seq};
    if (d->seq >= g->before || (g->skim && d->seq <= g->holder))
        return ST_OK;
    enum status st = store_document(g->store, &d->envelope, &bytes, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK) { /* it may have been a rejection */
        g->in->votes_unread = g->in->votes_unread || d->seq > g->holder;
        return ST_OK;
    }
    if (approval_open(buf_span(&bytes), &v, &a, &why) != ST_OK || !about(g, &a))
        return ST_OK;
    out.approve = a.approve;
    text_fmt(out.reason, sizeof out.reason, "%.199s", a.reason);
    text_fmt(out.time, sizeof out.time, "%s", a.time);
    if ((st = weigh(g, &v, &a, &out, e)) != ST_OK || !keep_vote(g, &out))
        return st;
    if (out.valid)
        g->in->basis.approvals[g->in->basis.approval_count++] = d->envelope;
    return ST_OK;
}

enum status votes_gather(struct voting *g, struct err *e)
{
    return shelf_each(g->store, APPROVAL_SHELF, &g->in->artifact, SIZE_MAX, add_vote, g, e);
}

enum status votes_named(struct voting *g, const struct digest *named, size_t n, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        const struct shelved d = {.envelope = named[i], .seq = g->holder + 1};
        bool there = false;
        for (size_t k = 0; k < g->in->vote_count; k++)
            there = there || digest_equal(&g->in->votes[k].envelope, &named[i]);
        if (!there)
            st = add_vote(g, &d, e);
    }
    return st;
}
