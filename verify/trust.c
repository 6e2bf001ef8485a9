#include "verify/trust.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/trust_format.h"
#include <string.h>

const char *role_name(enum role r)
{
    static const char *const names[ROLE_COUNT] = {"none", "root",    "publisher",
                                                  "gate", "release", "policy"};
    return r < ROLE_COUNT ? names[r] : "none";
}

enum role role_parse(const char *name)
{
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++) {
        if (text_equal(name, role_name(r)))
            return r;
    }
    return ROLE_NONE;
}

void trust_free(struct trust *t)
{
    heap_free(t);
}

/* ---- counting signatures ---- */

/* How many distinct keys of the role signed. A trust holds no key twice (trust_format), so distinct
 * entries are distinct bytes. */
static unsigned signers_of(const struct trust *t, enum role r, const struct envelope *v)
{
    const struct trust_role *role = &t->roles[r];
    unsigned count = 0;
    for (size_t i = 0; i < role->count; i++) {
        if (envelope_signed_by(v, &t->keys[role->keys[i]].public))
            count++;
    }
    return count;
}

static const struct trust_key *any_signer(const struct trust *t, const struct envelope *v)
{
    for (size_t i = 0; i < t->key_count; i++) {
        if (envelope_signed_by(v, &t->keys[i].public))
            return &t->keys[i];
    }
    return NULL;
}

static const struct trust_revoked *revoked_signer(const struct trust *t, const struct envelope *v)
{
    for (size_t i = 0; i < t->revoked_count; i++) {
        if (envelope_signed_by(v, &t->revoked[i].public))
            return &t->revoked[i];
    }
    return NULL;
}

/* Does a signature claim to be by a key of the role, without being one? Only for the message. */
static const char *claimed(const struct trust *t, enum role r, const struct envelope *v)
{
    const struct trust_role *role = &t->roles[r];
    for (size_t i = 0; i < role->count; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(&t->keys[role->keys[i]].public, id);
        for (size_t k = 0; k < v->count; k++) {
            if (text_equal(v->signatures[k].keyid, id))
                return v->signatures[k].keyid;
        }
    }
    return NULL;
}

static enum status refuse(const struct trust *t, enum role r, const struct envelope *v,
                          unsigned have, struct err *e)
{
    const char *role = role_name(r);
    if (have > 0)
        return err_set(e, ST_UNTRUSTED, "below-threshold",
                       "%u of the %u keys that the role %s asks for have signed", have,
                       (unsigned)t->roles[r].threshold, role);
    const struct trust_key *other = any_signer(t, v);
    if (other != NULL) {
        char id[KEY_ID_TEXT];
        key_id_text(&other->public, id);
        return err_set(e, ST_UNTRUSTED, "wrong-role", "signed by key %s, which has not the role %s",
                       id, role);
    }
    const struct trust_revoked *lost = revoked_signer(t, v);
    if (lost != NULL) {
        char id[KEY_ID_TEXT], since[TIME_TEXT_MAX];
        key_id_text(&lost->public, id);
        time_format(lost->since, since);
        return err_set(e, ST_UNTRUSTED, "key-revoked",
                       "signed by key %s, which is revoked since %s; have it signed again", id,
                       since);
    }
    const char *id = claimed(t, r, v);
    if (id != NULL)
        return err_set(
            e, ST_SIGNATURE, "signature-wrong",
            "the signature said to be by key %s does not verify: bytes or type were changed", id);
    return err_set(e, ST_UNTRUSTED, "unknown-signer",
                   "signed by nobody whom the trust knows (role asked for: %s)", role);
}

static enum status check_signers(const struct trust *t, enum role r, const struct envelope *v,
                                 struct err *e)
{
    if (v->count == 0)
        return err_at(e, ST_SIGNATURE, "signature", "unsigned", ERR_NO_OFFSET,
                      "it carries no signature");
    if (r <= ROLE_NONE || r >= ROLE_COUNT || t->roles[r].threshold == 0)
        return err_at(e, ST_UNTRUSTED, "trust", "no-role", ERR_NO_OFFSET,
                      "nobody holds the role %s", role_name(r));
    unsigned have = signers_of(t, r, v);
    if (have >= t->roles[r].threshold)
        return ST_OK;
    refuse(t, r, v, have, e);
    return err_stage(e, "signature");
}

enum status trust_alive(const struct trust *t, int64_t now, struct err *e)
{
    if (now < t->expires)
        return ST_OK;
    char when[TIME_TEXT_MAX];
    time_format(t->expires, when);
    return err_at(e, ST_EXPIRED, "trust", "trust-expired", ERR_NO_OFFSET,
                  "the trust in force (version %llu) expired at %s; issue the next with: assay "
                  "trust rotate",
                  (unsigned long long)t->version, when);
}

enum status trust_check(const struct trust *t, enum role r, const struct envelope *v, int64_t now,
                        struct err *e)
{
    enum status st = check_signers(t, r, v, e);
    return st == ST_OK ? trust_alive(t, now, e) : st;
}

/* ---- documents ---- */

enum status trust_open(struct span bytes, struct envelope *v, struct trust **out, struct err *e)
{
    SCOPED(trust_scope) struct trust *t = heap_zero(1, sizeof *t);
    if (t == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
    enum status st = envelope_parse(bytes, v, e);
    if (st != ST_OK)
        return st;
    if (!text_equal(v->type, TRUST_TYPE))
        return err_at(e, ST_SIGNATURE, "trust", "wrong-type", ERR_NO_OFFSET,
                      "signed as %s, not as a trust document", v->type);
    if ((st = trust_decode(buf_span(&v->payload), t, e)) != ST_OK)
        return st;
    t->digest = digest_of(bytes);
    *out = trust_take(&t);
    return ST_OK;
}

bool trust_has(const struct trust *t, enum role r, const struct public_key *k)
{
    const struct trust_role *role = &t->roles[r];
    for (size_t i = 0; i < role->count; i++) {
        if (memcmp(t->keys[role->keys[i]].public.bytes, k->bytes, KEY_PUBLIC_BYTES) == 0)
            return true;
    }
    return false;
}

enum status trust_want(const struct trust *t, enum role r, const struct public_key *k,
                       struct err *e)
{
    char id[KEY_ID_TEXT];
    if (trust_has(t, r, k))
        return ST_OK;
    key_id_text(k, id);
    bool lost = trust_revoked_find(t, k) != NULL;
    return err_at(e, ST_UNTRUSTED, "signature", lost ? "key-revoked" : "wrong-role", ERR_NO_OFFSET,
                  lost ? "key %s is revoked and signs nothing any more"
                       : "key %s has not the role %s, so its signature would count for nothing",
                  id, role_name(r));
}

unsigned trust_signers(const struct trust *t, enum role r, const struct envelope *v,
                       unsigned *threshold)
{
    *threshold = (unsigned)t->roles[r].threshold;
    return signers_of(t, r, v);
}

bool trust_signer_at(const struct trust *t, const struct envelope *v, size_t *i,
                     struct trust_signer *out)
{
    for (; *i < t->key_count + t->revoked_count; (*i)++) {
        bool revoked = *i >= t->key_count;
        const struct public_key *k =
            revoked ? &t->revoked[*i - t->key_count].public : &t->keys[*i].public;
        if (!envelope_signed_by(v, k))
            continue;
        *out =
            (struct trust_signer){.revoked = revoked, .owner = revoked ? NULL : t->keys[*i].owner};
        key_id_text(k, out->id);
        (*i)++;
        return true;
    }
    return false;
}

struct trust_facts trust_facts(const struct trust *t)
{
    return (struct trust_facts){.version = t->version,
                                .digest = t->digest,
                                .expires = t->expires,
                                .self_signed = t->self_signed};
}

enum status trust_json(const struct trust *t, int64_t now, struct buf *out, struct err *e)
{
    trust_show(t, now, out);
    return buf_status(out) == ST_OK ? ST_OK
                                    : err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
}
