#include "promote/tally.h"
#include "base/text.h"
#include "promote/inputs.h"
#include "promote/policy_store.h"
#include "promote/shelf.h"
#include "store/envelope.h"
#include <string.h>

struct tally {
    const struct promoter *by;
    const struct artifact *artifact;
    struct policy policy;
    struct buf list; /* struct tallied each */
    struct buf done; /* a byte each: it was judged */
};

static void tally_release(struct tally *t)
{
    policy_release(&t->policy);
    buf_release(&t->list);
    buf_release(&t->done);
}

static struct tallied *at(const struct tally *t, size_t i)
{
    return (struct tallied *)(void *)t->list.p + i;
}

static void void_it(struct tallied *t, const char *code, const char *why)
{
    t->holds = false;
    text_fmt(t->code, sizeof t->code, "%s", code);
    text_fmt(t->why, sizeof t->why, "%.199s", why);
}

static enum status keep(void *ctx, const struct shelved *d, struct err *e)
{
    struct tally *t = ctx;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct tallied one = {.seq = d->seq};
    struct voter who;
    struct err why = ERR_NONE;
    enum status st = store_document(t->by->store, &d->envelope, &bytes, &why);
    if (inputs_trouble(st)) {
        *e = why;
        return st;
    }
    if (st == ST_OK)
        st = approval_open(buf_span(&bytes), &v, &one.approval, &why);
    one.read = st == ST_OK;
    one.approval.digest = d->envelope;
    if (!one.read)
        void_it(&one, err_code(&why), why.detail);
    else if (ballot_voter(t->by->trust, &v, &who, &why) == ST_OK)
        text_fmt(one.owner, sizeof one.owner, "%s", who.owner);
    else
        void_it(&one, err_code(&why), why.detail);
    if (one.code[0] != '\0' && one.read)
        text_fmt(one.owner, sizeof one.owner, "%s", ballot_claims(t->by->trust, &v));
    buf_append(&t->list, SPAN(&one, sizeof one));
    buf_byte(&t->done, one.code[0] != '\0');
    return t->list.failed || t->done.failed
               ? err_set(e, ST_NO_MEMORY, NULL, "no memory for a list of answers")
               : ST_OK;
}

/* Is it about the very same act? */
static bool same_act(const struct ask *a, const struct ask *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind != ASK_WAIVE)
        return text_equal(a->channel, b->channel);
    return a->gate == b->gate && text_equal(a->check, b->check) && text_equal(a->until, b->until) &&
           text_equal(a->reason, b->reason);
}

/* One that a decision would not even look at twice: why it is void. */
static void judge_void(const struct tally *t, const struct standing *on, struct tallied *one)
{
    struct ballot_now now;
    struct err why = ERR_NONE;
    ballot_now(t->by, on, &now);
    if (ballot_valid(&one->approval, &now, &why) == ST_OK)
        void_it(one, "approval", "it does not count now");
    else
        void_it(one, err_code(&why), why.detail);
}

static void judge_one(const struct tally *t, const struct standing *on, const struct inputs *in,
                      struct tallied *one)
{
    const struct policy_approvals *law = inputs_approvals(in);
    char why[200];
    size_t i = 0;
    while (i < in->vote_count && !digest_equal(&in->votes[i].envelope, &one->approval.digest))
        i++;
    if (i == in->vote_count) {
        judge_void(t, on, one);
        return;
    }
    const struct vote *v = &in->votes[i];
    if (!v->valid) {
        void_it(one, v->code, v->why);
    } else if (law == NULL) {
        void_it(one, "not-asked", "the policy asks nobody for approval here");
    } else if (!v->voter.roles[law->role]) {
        text_fmt(why, sizeof why, "the policy asks the role %s, which that key has not",
                 role_name(law->role));
        void_it(one, "wrong-role", why);
    } else {
        const struct vote *later = ballot_later(law, in->votes, in->vote_count, i);
        one->holds = later == NULL;
        if (later != NULL) {
            text_fmt(why, sizeof why, "the same person %s at %s",
                     later->approve ? "agreed" : "rejected", later->time);
            void_it(one, "superseded", why);
        }
    }
}

static enum status gather(const struct tally *t, const struct ask *ask, struct standing *on,
                          struct inputs *in, struct err *e)
{
    if (ask->kind == ASK_WAIVE)
        return inputs_waiver(t->by, t->artifact, ask, &t->policy, in, e);
    enum status st = standing_read(t->by->store, t->artifact->manifest.name, ask->channel, on, e);
    if (st != ST_OK)
        return st;
    return inputs_now(
        t->by,
        &(struct promotion){.artifact = t->artifact,
                            .channel = ask->channel,
                            .emergency = ask->kind == ASK_EMERGENCY ? ask->reason : NULL,
                            .dry_run = true},
        &t->policy, on, in, e);
}

/* All answers about the act that the i-th is about. */
static enum status judge_act(struct tally *t, size_t i, struct err *e)
{
    SCOPED(standing_release) struct standing on = {.held = false};
    SCOPED(inputs_release) struct inputs in = {.kind = ASK_NONE};
    const struct ask ask = at(t, i)->approval.ask;
    enum status st = gather(t, &ask, &on, &in, e);
    for (size_t k = i; st == ST_OK && k < t->done.n; k++) {
        if (t->done.p[k] || !same_act(&ask, &at(t, k)->approval.ask))
            continue;
        judge_one(t, &on, &in, at(t, k));
        t->done.p[k] = 1;
    }
    return st;
}

enum status tally_each(const struct promoter *by, const struct artifact *a,
                       enum status (*each)(void *ctx, const struct tallied *t, struct err *e),
                       void *ctx, struct err *e)
{
    SCOPED(tally_release) struct tally t = {.by = by, .artifact = a};
    enum status st = shelf_each(by->store, APPROVAL_SHELF, &a->digest, SIZE_MAX, keep, &t, e);
    if (st == ST_OK && t.done.n > 0)
        st = policy_load(by->store, by->trust, TRUST_ANY_TIME, &t.policy, e);
    for (size_t i = 0; st == ST_OK && i < t.done.n; i++) {
        if (!t.done.p[i])
            st = judge_act(&t, i, e);
    }
    for (size_t i = 0; st == ST_OK && i < t.done.n; i++)
        st = each(ctx, at(&t, i), e);
    return st;
}
