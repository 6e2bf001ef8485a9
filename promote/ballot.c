#include "promote/ballot.h"
#include "base/text.h"
#include <string.h>

#define LAW_STATE_MAX 4096 /* bytes of the state value that names the policy */

void ballot_release(struct ballot *b)
{
    buf_release(&b->agreed);
    buf_release(&b->missing);
}

/* ---- who ---- */

static void know(const struct trust *t, unsigned key, struct voter *out)
{
    out->key = key;
    text_fmt(out->owner, sizeof out->owner, "%s", t->keys[key].owner);
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++) {
        for (size_t k = 0; k < t->roles[r].count; k++)
            out->roles[r] = out->roles[r] || t->roles[r].keys[k] == key;
    }
}

/* The key that the signature claims to be by; key_count when the trust knows none of that id. */
static unsigned claimed(const struct trust *t, const struct envelope *v)
{
    unsigned i = 0;
    for (; i < t->key_count && v->count > 0; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(&t->keys[i].public, id);
        if (text_equal(id, v->signatures[0].keyid))
            break;
    }
    return v->count > 0 ? i : (unsigned)t->key_count;
}

const char *ballot_claims(const struct trust *t, const struct envelope *v)
{
    unsigned i = claimed(t, v);
    return i < t->key_count ? t->keys[i].owner : "";
}

enum status ballot_voter(const struct trust *t, const struct envelope *v, struct voter *out,
                         struct err *e)
{
    unsigned hint = claimed(t, v); /* where to look first, and no more than that */
    *out = (struct voter){.key = 0};
    for (unsigned i = 0; i <= t->key_count; i++) {
        unsigned k = i == 0 ? hint : i - 1;
        if (k == t->key_count || !envelope_signed_by(v, &t->keys[k].public))
            continue;
        know(t, k, out);
        return ST_OK;
    }
    for (size_t i = 0; i < t->revoked_count; i++) {
        if (envelope_signed_by(v, &t->revoked[i].public))
            return err_at(e, ST_UNTRUSTED, "signature", "key-revoked", ERR_NO_OFFSET,
                          "the key that signed it was revoked");
    }
    if (hint < t->key_count)
        return err_at(e, ST_SIGNATURE, "signature", "signature-wrong", ERR_NO_OFFSET,
                      "the signature said to be by a key of %s does not verify",
                      t->keys[hint].owner);
    return err_at(e, ST_UNTRUSTED, "signature", "unknown-signer", ERR_NO_OFFSET,
                  "signed by nobody whom the trust knows");
}

/* ---- does it hold ---- */

static const char *state_text(const struct buf *b)
{
    return b->n > 0 ? (const char *)b->p : "";
}

void ballot_now(const struct promoter *by, const struct standing *on, struct ballot_now *out)
{
    struct err none = ERR_NONE;
    struct store_facts facts;
    SCOPED(json_scope) struct json *law = NULL;
    const char *text = state_text(&on->policy);
    *out = (struct ballot_now){.now = clock_now(&by->clock),
                               .trust = trust_facts(by->trust).digest,
                               .holder = standing_last(on)};
    if (store_facts(by->store, &facts, &none) == ST_OK)
        memcpy(out->store, facts.id, sizeof out->store);
    if (json_parse(span_text(text), LAW_STATE_MAX, &law, &none) == ST_OK) {
        const char *hex = json_as_string(json_get(law, "policy"));
        if (hex == NULL || !digest_parse(hex, &out->policy))
            out->policy = (struct digest){{0}};
    }
}

static enum status times_hold(const struct approval *a, int64_t now, struct err *e)
{
    int64_t made = 0, expires = 0, signed_at = 0;
    if (!time_parse(a->ask.made, &made) || !time_parse(a->ask.expires, &expires) ||
        !time_parse(a->time, &signed_at))
        return err_set(e, ST_FORMAT, "approval", "its times are no times");
    if (signed_at > now)
        return err_set(e, ST_EXPIRED, "approval-future",
                       "it was signed at %s, which is still to come; set the clock", a->time);
    if (signed_at < made)
        return err_set(e, ST_EXPIRED, "approval-early",
                       "it was signed at %s, before it was asked for at %s", a->time, a->ask.made);
    if (a->approve && now >= expires)
        return err_set(e, ST_EXPIRED, "approval-expired", "it expired at %s; ask again",
                       a->ask.expires);
    return ST_OK;
}

enum status ballot_valid(const struct approval *a, const struct ballot_now *now, struct err *e)
{
    if (!text_equal(a->ask.store, now->store) || !text_equal(a->head.store, now->store))
        return err_set(e, ST_UNPROVEN, "approval-store", "it was asked for by another store");
    if (!digest_equal(&a->ask.trust, &now->trust))
        return err_set(e, ST_SET_BACK, "approval-trust",
                       "the trust has changed since it was asked for; ask again");
    if (!digest_equal(&a->ask.policy, &now->policy))
        return err_set(e, ST_SET_BACK, "approval-policy",
                       "the policy has changed since it was asked for; ask again");
    if (a->ask.kind != ASK_WAIVE && !digest_equal(&a->ask.holder, &now->holder))
        return err_set(e, ST_SET_BACK, "approval-holder",
                       "another decision about %s@%s came since it was asked for; ask again",
                       a->ask.name, a->ask.channel);
    return times_hold(a, now->now, e);
}

/* ---- counting ---- */

static bool same_voter(const struct policy_approvals *law, const struct voter *a,
                       const struct voter *b)
{
    return a->key == b->key || (law->people && text_equal(a->owner, b->owner));
}

static bool counts(const struct policy_approvals *law, const struct vote *v)
{
    return v->valid && v->voter.roles[law->role];
}

/* Signed later? The ledger's order is the order of adding, which anybody may choose. Of one second
 * the rejection stands. */
static bool later(const struct vote *votes, size_t a, size_t b)
{
    int order = strcmp(votes[a].time, votes[b].time);
    if (order != 0)
        return order > 0;
    return votes[a].approve != votes[b].approve ? !votes[a].approve : a > b;
}

const struct vote *ballot_later(const struct policy_approvals *law, const struct vote *votes,
                                size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++) {
        if (k != i && later(votes, k, i) && counts(law, &votes[k]) &&
            same_voter(law, &votes[i].voter, &votes[k].voter))
            return &votes[k];
    }
    return NULL;
}

static void add_owner(struct buf *list, const char *owner)
{
    buf_fmt(list, "%s%s", list->n > 0 ? ", " : "", owner);
}

static bool agreed(const struct ballot *b, const struct policy_approvals *law,
                   const struct vote *votes, size_t count, const struct voter *who)
{
    for (size_t i = 0; i < count; i++) {
        bool used = false;
        for (size_t k = 0; k < b->used_count; k++)
            used = used || digest_equal(&b->used[k], &votes[i].envelope);
        if (used && same_voter(law, &votes[i].voter, who))
            return true;
    }
    return false;
}

static void list_missing(const struct trust *t, const struct policy_approvals *law,
                         const struct vote *votes, size_t count, struct ballot *out)
{
    const struct trust_role *role = &t->roles[law->role];
    for (size_t i = 0; i < role->count; i++) {
        struct voter who = {.key = role->keys[i]};
        bool before = false; /* another key of the same person was listed */
        text_fmt(who.owner, sizeof who.owner, "%s", t->keys[who.key].owner);
        for (size_t k = 0; law->people && k < i; k++)
            before = before || text_equal(t->keys[role->keys[k]].owner, who.owner);
        if (!before && !agreed(out, law, votes, count, &who))
            add_owner(&out->missing, who.owner);
    }
}

void ballot_count(const struct trust *t, const struct policy_approvals *law,
                  const struct vote *votes, size_t count, struct ballot *out)
{
    *out = (struct ballot){.yes = 0};
    for (size_t i = 0; i < count; i++) {
        if (!counts(law, &votes[i]) || ballot_later(law, votes, count, i) != NULL)
            continue;
        if (!votes[i].approve) {
            out->no = &votes[i];
            continue;
        }
        out->yes++;
        add_owner(&out->agreed, votes[i].voter.owner);
        if (out->used_count < sizeof out->used / sizeof out->used[0])
            out->used[out->used_count++] = votes[i].envelope;
    }
    list_missing(t, law, votes, count, out);
    buf_byte(&out->agreed, '\0');
    buf_byte(&out->missing, '\0');
}
