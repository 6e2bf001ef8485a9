#include "promote/recall.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/policy_store.h"
#include "promote/shelf.h"
#include "promote/votes.h"
#include <string.h>

#define RECALL_REIGNS 32 /* kept open */

/* A stretch of the ledger under one trust and one law. */
struct reign {
    uint64_t from, until;      /* entries behind `from`, up to `until` */
    struct trust *own;         /* NULL: the trust is the promoter's */
    const struct trust *trust; /* … */
    struct policy policy;
};

/* What lay on a gate's shelf of one artifact, oldest first. */
struct known_shelf {
    struct digest artifact;
    struct buf list; /* struct shelved each */
};

struct recall {
    const struct promoter *by;
    char store[33];
    uint64_t since; /* the entry that put the promoter's trust into force; UINT64_MAX: none did */
    struct reign *reigns[RECALL_REIGNS];
    size_t reign_count;
    struct known_shelf shelves[GATE_COUNT];
};

static void reign_free(struct reign *g)
{
    if (g == NULL)
        return;
    trust_free(g->own);
    policy_release(&g->policy);
    heap_free(g);
}
SCOPE_OF(reign, struct reign, reign_free)

enum status recall_open(const struct promoter *by, struct recall **out, struct err *e)
{
    struct store_facts facts;
    SCOPED(recall_scope) struct recall *r = heap_zero(1, sizeof *r);
    if (r == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the past");
    r->by = by;
    enum status st = store_facts(by->store, &facts, e);
    struct err why = ERR_NONE;
    if (st != ST_OK)
        return st;
    st = trust_since(by->store, by->trust, &r->since, &why);
    if (st == ST_NOT_FOUND) /* a trust that is only proposed: nothing was decided under it */
        r->since = UINT64_MAX;
    else if (st != ST_OK) {
        *e = why;
        return st;
    }
    text_fmt(r->store, sizeof r->store, "%s", facts.id);
    *out = recall_take(&r);
    return ST_OK;
}

void recall_close(struct recall *r)
{
    for (size_t i = 0; i < r->reign_count; i++)
        reign_free(r->reigns[i]);
    for (enum gate g = GATE_NONE; g < GATE_COUNT; g++)
        buf_release(&r->shelves[g].list);
    heap_free(r);
}

/* ---- who reigned ---- */

static enum status reign_open(struct recall *r, uint64_t seq, struct reign *g, struct err *e)
{
    struct store *s = r->by->store;
    uint64_t from = 0, until = 0;
    *g = (struct reign){.from = r->since, .until = UINT64_MAX, .trust = r->by->trust};
    enum status st = ST_OK;
    if (seq <= r->since) {
        st = trust_at(s, seq, &g->own, &g->from, &g->until, e);
        g->trust = g->own;
    }
    if (st != ST_OK || (st = policy_at(s, g->trust, seq, &g->policy, &from, &until, e)) != ST_OK)
        return st;
    g->from = from > g->from ? from : g->from;
    g->until = until < g->until ? until : g->until;
    return ST_OK;
}

/* The trust and the law under which entry `seq` was written. */
static enum status reign_of(struct recall *r, uint64_t seq, const struct reign **out, struct err *e)
{
    for (size_t i = r->reign_count; i > 0; i--) {
        *out = r->reigns[i - 1];
        if ((*out)->from < seq && seq <= (*out)->until)
            return ST_OK;
    }
    SCOPED(reign_scope) struct reign *g = heap_zero(1, sizeof *g);
    if (g == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the past");
    enum status st = reign_open(r, seq, g, e);
    if (st != ST_OK)
        return st;
    if (r->reign_count == RECALL_REIGNS)
        reign_free(r->reigns[--r->reign_count]);
    *out = r->reigns[r->reign_count++] = reign_take(&g);
    return ST_OK;
}

enum status recall_decision(struct recall *r, const struct digest *envelope, uint64_t seq,
                            struct statement *out, struct err *e)
{
    const struct reign *g = NULL;
    enum status st = reign_of(r, seq, &g, e);
    if (st != ST_OK ||
        (st = decision_open(r->by->store, g->trust, envelope, TRUST_ANY_TIME, out, e)) != ST_OK)
        return st;
    return text_equal(out->store, r->store)
               ? ST_OK
               : err_at(e, ST_UNPROVEN, "decision", "decision-store", ERR_NO_OFFSET,
                        "the decision was made for another store");
}

/* ---- inputs ---- */

void recalled_release(struct recalled *r)
{
    if (!r->ready)
        return;
    inputs_release(&r->inputs);
    artifact_release(&r->artifact);
    r->ready = false;
}

static enum status publisher(struct recall *r, struct inputs *in, struct artifact *a, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = artifact_open(r->by->store, in->trust, &in->artifact, TRUST_ANY_TIME, a, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st != ST_OK) { /* its facts are still needed */
        text_fmt(in->publisher, sizeof in->publisher, "%.199s", why.detail);
        return artifact_open(r->by->store, NULL, &in->artifact, TRUST_ANY_TIME, a, e);
    }
    if (artifact_published(a, &why) != ST_OK)
        text_fmt(in->publisher, sizeof in->publisher, "%.199s", why.detail);
    in->publishers = a->publishers;
    in->publishers_needed = a->publishers_needed;
    return ST_OK;
}

static enum status keep_shelved(void *ctx, const struct shelved *d, struct err *e)
{
    struct buf *list = ctx;
    buf_append(list, SPAN(d, sizeof *d));
    return buf_status(list) == ST_OK ? ST_OK
                                     : err_set(e, ST_NO_MEMORY, NULL, "no memory for the past");
}

/* The newest that lay on a gate's shelf before entry `seq`; zero: nothing did.
 * ST_UNPROVEN: it is older evidence put on top again. */
static enum status newest_before(struct recall *r, const struct trust *t, enum gate g,
                                 const struct digest *artifact, uint64_t seq, struct digest *out,
                                 struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    bool again = false;
    struct known_shelf *k = &r->shelves[g];
    char prefix[STORE_KEY_MAX];
    enum status st = ST_OK;
    if (!digest_equal(&k->artifact, artifact)) {
        k->list.n = 0;
        k->artifact = (struct digest){{0}};
        evidence_prefix(artifact, g, prefix);
        st = shelf_scan(r->by->store, prefix, SIZE_MAX, keep_shelved, &k->list, e);
        if (st != ST_OK)
            return st;
        k->artifact = *artifact;
    }
    size_t lo = 0, hi = k->list.n / sizeof(struct shelved);
    struct shelved d = {.seq = 0};
    *out = (struct digest){{0}};
    while (lo < hi) { /* the first that does not lie before it */
        size_t middle = lo + (hi - lo) / 2;
        memcpy(&d, k->list.p + middle * sizeof d, sizeof d);
        if (d.seq < seq) {
            lo = middle + 1;
            *out = d.envelope;
        } else {
            hi = middle;
        }
    }
    for (size_t i = 0; i < lo; i++) {
        memcpy(&d, k->list.p + i * sizeof d, sizeof d);
        buf_append(&list, SPAN(d.envelope.b, DIGEST_BYTES));
    }
    if (buf_status(&list) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the past");
    if (lo > 0 && (st = evidence_again(r->by->store, t, buf_span(&list), &again, e)) != ST_OK)
        return st;
    if (again)
        return err_at(e, ST_UNPROVEN, "evidence", "evidence-again", ERR_NO_OFFSET,
                      "older evidence of gate %s was put on top again", gate_name(g));
    return st;
}

static enum status evidence(struct recall *r, const struct recall_question *q, struct inputs *in,
                            struct err *e)
{
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        struct gate_input *to = &in->gates[g];
        struct err why = ERR_NONE;
        to->baseline = in->basis.baseline[g];
        if (digest_is_zero(&in->basis.evidence[g]))
            continue;
        enum status st = evidence_open(r->by->store, in->trust, &in->basis.evidence[g],
                                       TRUST_ANY_TIME, &to->evidence, &why);
        if (inputs_trouble(st)) {
            *e = why;
            return st;
        }
        to->good = st == ST_OK && to->evidence.gate == g &&
                   digest_equal(&to->evidence.bound.artifact, &in->artifact);
        if (!to->good)
            text_fmt(to->why, sizeof to->why, "%.190s",
                     st == ST_OK ? "it is about something else" : why.detail);
        struct digest newest;
        if ((st = newest_before(r, in->trust, g, &in->artifact, q->seq, &newest, e)) != ST_OK)
            return st;
        if (!digest_is_zero(&newest) && !digest_equal(&newest, &in->basis.evidence[g])) {
            to->good = false;
            text_fmt(to->why, sizeof to->why, "there was newer evidence, which it leaves out");
        }
    }
    return ST_OK;
}

static void strike_revoked(const struct recall *r, struct inputs *in)
{
    for (size_t i = 0; i < in->vote_count; i++) {
        struct vote *v = &in->votes[i];
        if (!v->valid || !v->approve ||
            trust_revoked_find(r->by->trust, &in->trust->keys[v->voter.key].public) == NULL)
            continue;
        v->valid = false;
        text_fmt(v->code, sizeof v->code, "key-revoked");
        text_fmt(v->why, sizeof v->why, "the key that signed it was revoked since");
    }
}

/* Weighed again as they lay there then, and those that the basis names besides. */
static enum status votes(struct recall *r, const struct recall_question *q, struct inputs *in,
                         struct err *e)
{
    const struct statement *s = q->statement;
    struct voting g = {.store = r->by->store,
                       .trust = in->trust,
                       .law = policy_channel(in->policy, in->channel),
                       .in = in,
                       .now = {.now = in->now,
                               .policy = in->old->digest,
                               .trust = trust_facts(in->trust).digest,
                               .holder = s->before},
                       .before = q->seq,
                       .skim = true};
    struct digest taken;
    enum status st = ST_OK;
    text_fmt(g.now.store, sizeof g.now.store, "%s", r->store);
    if (s->number > 1)
        st = channel_place(r->by->store, s->name, s->channel, s->number - 1, &taken, &g.holder, e);
    if (st == ST_OK)
        st = votes_gather(&g, e);
    if (st == ST_OK)
        st = votes_named(&g, s->basis.approvals, s->basis.approval_count, e);
    if (st == ST_OK && q->revoked)
        strike_revoked(r, in);
    return st;
}

static enum status waivers(struct recall *r, struct inputs *in, struct err *e)
{
    for (size_t i = 0; i < in->basis.waiver_count; i++) {
        struct waiver *w = &in->waivers[in->waiver_count];
        struct err why = ERR_NONE;
        enum status st =
            waiver_open(r->by->store, in->trust, &in->basis.waivers[i], TRUST_ANY_TIME, w, &why);
        if (inputs_trouble(st)) {
            *e = why;
            return st;
        }
        in->waiver_count += st == ST_OK && waiver_holds(w, r->store, &in->artifact, in->now) &&
                            waiver_lawful(w, &in->policy->waivers);
    }
    return ST_OK;
}

static enum status retired(struct recall *r, const struct recall_question *q, struct inputs *in,
                           struct err *e)
{
    char key[STORE_KEY_MAX];
    uint64_t seq = 0;
    struct err why = ERR_NONE;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    channel_retired_key(&in->artifact, key);
    enum status st = store_get_seq(r->by->store, key, &value, &seq, &why);
    in->retired = st == ST_OK && seq < q->seq;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status attested(struct recall *r, struct inputs *in, struct err *e)
{
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        struct attested *out = &in->attested[a];
        struct attested_record record;
        struct err why = ERR_NONE;
        if (digest_is_zero(&in->basis.attestations[a]))
            continue;
        enum status st =
            attestation_open(r->by->store, in->trust, a, &in->artifact, &in->basis.attestations[a],
                             TRUST_ANY_TIME, &record, &why);
        if (inputs_trouble(st)) {
            *e = why;
            return st;
        }
        out->good = st == ST_OK;
        if (out->good)
            text_fmt(out->why, sizeof out->why, "attested at %s", record.time);
        else
            text_fmt(out->why, sizeof out->why, "%.180s", why.detail);
    }
    return ST_OK;
}

static enum status frozen(struct recall *r, const struct recall_question *q, struct inputs *in,
                          struct err *e)
{
    return in->basis.frozen[0] != '\0'
               ? ST_OK
               : freeze_find(r->by->store, in->trust, in->manifest->name, in->channel, in->now,
                             q->seq, in->basis.frozen, e);
}

static enum status fill(struct recall *r, const struct recall_question *q, struct recalled *out,
                        struct err *e)
{
    struct inputs *in = &out->inputs;
    enum status st = publisher(r, in, &out->artifact, e);
    if (st != ST_OK)
        return st;
    in->manifest = &out->artifact.manifest;
    in->content = out->artifact.content;
    text_fmt(in->added, sizeof in->added, "%s", out->artifact.added);
    in->self_signed =
        in->self_signed || trust_facts(in->trust).self_signed || out->artifact.self_signed;
    if ((st = evidence(r, q, in, e)) != ST_OK || (st = votes(r, q, in, e)) != ST_OK ||
        (st = waivers(r, in, e)) != ST_OK || (st = retired(r, q, in, e)) != ST_OK ||
        (st = attested(r, in, e)) != ST_OK || (st = frozen(r, q, in, e)) != ST_OK)
        return st;
    return inputs_soak(r->by->store, in, q->seq, e);
}

/* Does it name the trust and the law under which it was recorded? */
static enum status under(const struct statement *s, const struct reign *g, const char *time,
                         struct err *e)
{
    const struct trust_facts trust = trust_facts(g->trust);
    int64_t when = 0;
    if (!digest_equal(&s->basis.trust, &trust.digest))
        return err_at(e, ST_UNPROVEN, "decision", "decision-trust", ERR_NO_OFFSET,
                      "it names another trust than the one in force then");
    if (!digest_equal(&s->policy, &g->policy.digest))
        return err_at(e, ST_UNPROVEN, "decision", "decision-policy", ERR_NO_OFFSET,
                      "it names another policy than the one in force then");
    if (!time_parse(time, &when))
        return err_at(e, ST_FORMAT, "decision", "decision-time", ERR_NO_OFFSET,
                      "its time is no time");
    return trust_alive(g->trust, when, e);
}

enum status recall_inputs(struct recall *r, const struct recall_question *q, struct recalled *out,
                          struct err *e)
{
    const struct statement *s = q->statement;
    struct inputs *in = &out->inputs;
    const struct reign *g = NULL;
    enum status st = reign_of(r, q->seq, &g, e);
    if (st != ST_OK || (st = under(s, g, q->time, e)) != ST_OK)
        return st;
    out->ready = true;
    *in = (struct inputs){.kind = s->kind == DECISION_EMERGENCY ? ASK_EMERGENCY : ASK_PROMOTE,
                          .artifact = s->artifact,
                          .trust = g->trust,
                          .policy = q->law != NULL ? q->law : &g->policy,
                          .channel = s->channel,
                          .self_signed = s->self_signed,
                          .again = q->law != NULL,
                          .old = &g->policy,
                          .basis = s->basis};
    in->basis.approval_count = 0; /* what holds is found again */
    if (!time_parse(q->time, &in->now) || !time_parse(q->before, &in->seen))
        in->seen = 0;
    return fill(r, q, out, e);
}
