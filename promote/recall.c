#include "promote/recall.h"
#include "base/heap.h"
#include "base/text.h"
#include "promote/policy_store.h"
#include "promote/soak.h"
#include "store/envelope.h"
#include <string.h>

#define RECALL_TRUSTS   64  /* versions kept open */
#define RECALL_POLICIES 256 /* policies kept open */

struct known_policy {
    struct digest policy, envelope;
    bool open;
    struct policy p;
};

struct recall {
    const struct promoter *by;
    char store[33];
    struct trust *trusts[RECALL_TRUSTS];
    size_t trust_count;
    struct known_policy *policies[RECALL_POLICIES];
    size_t policy_count;
};

enum status recall_open(const struct promoter *by, struct recall **out, struct err *e)
{
    struct store_facts facts;
    SCOPED(recall_scope) struct recall *r = heap_zero(1, sizeof *r);
    if (r == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the past");
    r->by = by;
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK)
        return st;
    text_fmt(r->store, sizeof r->store, "%s", facts.id);
    *out = recall_take(&r);
    return ST_OK;
}

void recall_close(struct recall *r)
{
    for (size_t i = 0; i < r->trust_count; i++)
        trust_free(r->trusts[i]);
    for (size_t i = 0; i < r->policy_count; i++) {
        policy_release(&r->policies[i]->p);
        heap_free(r->policies[i]);
    }
    heap_free(r);
}

/* ---- trusts and policies ---- */

/* A decision that was signed names it by digest, so its own signatures were judged when it came. */
static enum status trust_of(struct recall *r, const struct digest *d, const struct trust **out,
                            struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(trust_scope) struct trust *t = NULL;
    struct trust_facts now = trust_facts(r->by->trust);
    if (digest_equal(&now.digest, d)) {
        *out = r->by->trust;
        return ST_OK;
    }
    for (size_t i = 0; i < r->trust_count; i++) {
        struct trust_facts f = trust_facts(r->trusts[i]);
        *out = r->trusts[i];
        if (digest_equal(&f.digest, d))
            return ST_OK;
    }
    enum status st = store_document(r->by->store, d, &bytes, e);
    if (st != ST_OK || (st = trust_open(buf_span(&bytes), &v, &t, e)) != ST_OK)
        return st;
    if (r->trust_count == RECALL_TRUSTS)
        trust_free(r->trusts[--r->trust_count]);
    *out = r->trusts[r->trust_count++] = trust_take(&t);
    return ST_OK;
}

enum status recall_policy(struct recall *r, const struct json *body, struct err *e)
{
    const char *policy = json_as_string(json_get(body, "policy"));
    const char *envelope = json_as_string(json_get(body, "envelope"));
    struct known_policy *k = heap_zero(1, sizeof *k);
    if (k == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the past");
    if (policy == NULL || envelope == NULL || !digest_parse(policy, &k->policy) ||
        !digest_parse(envelope, &k->envelope) || r->policy_count == RECALL_POLICIES) {
        heap_free(k);
        return ST_OK; /* whoever needs it will not find it */
    }
    r->policies[r->policy_count++] = k;
    return ST_OK;
}

static enum status policy_of(struct recall *r, const struct digest *d, const struct trust *t,
                             const struct policy **out, struct err *e)
{
    for (size_t i = r->policy_count; i > 0; i--) {
        struct known_policy *k = r->policies[i - 1];
        if (!digest_equal(&k->policy, d))
            continue;
        if (!k->open) {
            enum status st = policy_open(r->by->store, t, &k->envelope, TRUST_ANY_TIME, &k->p, e);
            if (st != ST_OK)
                return st;
            k->open = digest_equal(&k->p.digest, d);
        }
        *out = &k->p;
        return k->open ? ST_OK
                       : err_set(e, ST_CORRUPT, "policy-digest", "the policy is another one");
    }
    return err_set(e, ST_NOT_FOUND, "no-policy", "the policy of that time is not in the ledger");
}

enum status recall_decision(struct recall *r, const struct digest *envelope, struct statement *out,
                            struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    const struct trust *t = NULL;
    enum status st = store_document(r->by->store, envelope, &bytes, e);
    if (st != ST_OK || (st = envelope_parse(buf_span(&bytes), &v, e)) != ST_OK ||
        (st = statement_decode(buf_span(&v.payload), out, e)) != ST_OK ||
        (st = trust_of(r, &out->basis.trust, &t, e)) != ST_OK)
        return st;
    if (!text_equal(v.type, STATEMENT_TYPE))
        return err_set(e, ST_SIGNATURE, "wrong-type", "signed as %s, not as a decision", v.type);
    return trust_check(t, ROLE_RELEASE, &v, TRUST_ANY_TIME, e);
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

static enum status evidence(struct recall *r, struct inputs *in, struct err *e)
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
    }
    return ST_OK;
}

/* They held then, as the basis says; here they are verified, and counted again. */
static enum status votes(struct recall *r, struct inputs *in, struct err *e)
{
    for (size_t i = 0; i < in->basis.approval_count; i++) {
        SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
        SCOPED(envelope_release) struct envelope v = {0};
        struct approval a;
        struct vote *out = &in->votes[in->vote_count];
        struct err why = ERR_NONE;
        enum status st = store_document(r->by->store, &in->basis.approvals[i], &bytes, &why);
        if (inputs_trouble(st)) {
            *e = why;
            return st;
        }
        if (st != ST_OK || approval_open(buf_span(&bytes), &v, &a, &why) != ST_OK)
            continue; /* a lost approval is none */
        *out = (struct vote){.envelope = a.digest, .seq = i, .approve = a.approve};
        out->valid = digest_equal(&a.ask.artifact, &in->artifact) &&
                     text_equal(a.ask.channel, in->channel) && a.ask.kind == in->kind &&
                     ballot_voter(in->trust, &v, &out->voter, &why) == ST_OK;
        text_fmt(out->reason, sizeof out->reason, "%.199s", a.reason);
        text_fmt(out->time, sizeof out->time, "%s", a.time);
        in->vote_count++;
    }
    return ST_OK;
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
                            in->policy->waivers.present && !in->policy->waivers.never[w->gate];
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
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++) {
        in->attested[a].good = !digest_is_zero(&in->basis.attestations[a]);
        if (in->attested[a].good)
            text_fmt(in->attested[a].why, sizeof in->attested[a].why, "it was attested");
    }
    if ((st = evidence(r, in, e)) != ST_OK || (st = votes(r, in, e)) != ST_OK ||
        (st = waivers(r, in, e)) != ST_OK || (st = retired(r, q, in, e)) != ST_OK)
        return st;
    return inputs_soak(r->by->store, in, e);
}

enum status recall_inputs(struct recall *r, const struct recall_question *q, struct recalled *out,
                          struct err *e)
{
    const struct statement *s = q->statement;
    struct inputs *in = &out->inputs;
    const struct trust *t = NULL;
    const struct policy *old = NULL;
    enum status st = trust_of(r, &s->basis.trust, &t, e);
    if (st != ST_OK || (st = policy_of(r, &s->policy, t, &old, e)) != ST_OK)
        return st;
    out->ready = true;
    *in = (struct inputs){.kind = s->kind == DECISION_EMERGENCY ? ASK_EMERGENCY : ASK_PROMOTE,
                          .artifact = s->artifact,
                          .trust = t,
                          .policy = q->law != NULL ? q->law : old,
                          .channel = s->channel,
                          .self_signed = s->self_signed,
                          .again = q->law != NULL,
                          .old = old,
                          .basis = s->basis};
    if (!time_parse(q->time, &in->now) || !time_parse(q->before, &in->seen))
        in->seen = 0;
    return fill(r, q, out, e);
}
