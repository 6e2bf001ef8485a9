#include "verify/trust_edit.h"
#include "base/heap.h"
#include "base/text.h"
#include "verify/trust_format.h"
#include <string.h>

enum status trust_edit_begin(const struct trust *now, bool next, struct trust **out, struct err *e)
{
    struct trust *t = heap_zero(1, sizeof *t);
    if (t == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
    *t = *now;
    t->version += next ? 1 : 0;
    t->digest = (struct digest){{0}}; /* of no document yet */
    *out = t;
    return ST_OK;
}

static bool find(const struct trust *t, const char *id, unsigned *out)
{
    uint8_t raw[8];
    if (!trust_id_parse(id, raw))
        return false;
    for (unsigned i = 0; i < t->key_count; i++) {
        if (memcmp(t->keys[i].public.id, raw, sizeof raw) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static enum status not_found(const char *id, struct err *e)
{
    return err_set(e, ST_NOT_FOUND, "trust-no-key",
                   "the trust holds no key %.64s; assay trust show lists them", id);
}

/* ---- adding ---- */

/* The key's index; a new one is appended. */
static enum status place_key(struct trust *t, const struct public_key *k, const char *owner,
                             unsigned *out, struct err *e)
{
    char id[KEY_ID_TEXT];
    key_id_text(k, id);
    for (unsigned i = 0; i < t->key_count; i++) {
        if (memcmp(t->keys[i].public.bytes, k->bytes, KEY_PUBLIC_BYTES) != 0)
            continue;
        *out = i;
        if (text_equal(t->keys[i].owner, owner))
            return ST_OK;
        return err_set(e, ST_USAGE, "trust-owner", "key %s belongs to %s, not to %s", id,
                       t->keys[i].owner, owner);
    }
    if (find(t, id, out))
        return err_set(e, ST_UNTRUSTED, "trust-same-id",
                       "another key has the id %s already; make a new one", id);
    if (t->key_count == TRUST_KEYS_MAX)
        return err_set(e, ST_UNTRUSTED, "trust-keys", "a trust holds at most %d keys",
                       TRUST_KEYS_MAX);
    *out = (unsigned)t->key_count++;
    t->keys[*out].public = *k;
    text_fmt(t->keys[*out].owner, TRUST_OWNER_MAX, "%s", owner);
    return ST_OK;
}

enum status trust_edit_add(struct trust *t, enum role r, const struct public_key *k,
                           const char *owner, struct err *e)
{
    struct trust_role *role = &t->roles[r];
    unsigned at = 0;
    if (owner[0] == '\0' || strlen(owner) >= TRUST_OWNER_MAX || !utf8_valid(span_text(owner)))
        return err_set(e, ST_USAGE, "trust-owner", "an owner is a text of 1 to %d bytes",
                       TRUST_OWNER_MAX - 1);
    enum status st = place_key(t, k, owner, &at, e);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < role->count; i++) {
        if (role->keys[i] == at)
            return err_set(e, ST_EXISTS, "trust-has-role", "that key has the role %s already",
                           role_name(r));
    }
    role->keys[role->count++] = at;
    if (role->threshold == 0)
        role->threshold = 1;
    return ST_OK;
}

/* ---- taking away ---- */

static bool drop_from(struct trust_role *role, unsigned at)
{
    for (size_t i = 0; i < role->count; i++) {
        if (role->keys[i] != at)
            continue;
        role->count--;
        memmove(&role->keys[i], &role->keys[i + 1], (role->count - i) * sizeof role->keys[0]);
        return true;
    }
    return false;
}

static bool has_a_role(const struct trust *t, unsigned at)
{
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++) {
        for (size_t i = 0; i < t->roles[r].count; i++) {
            if (t->roles[r].keys[i] == at)
                return true;
        }
    }
    return false;
}

/* A key without a role is not kept; those behind it move up. */
static void forget(struct trust *t, unsigned at)
{
    t->key_count--;
    memmove(&t->keys[at], &t->keys[at + 1], (t->key_count - at) * sizeof t->keys[0]);
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++) {
        for (size_t i = 0; i < t->roles[r].count; i++)
            t->roles[r].keys[i] -= t->roles[r].keys[i] > at ? 1 : 0;
    }
}

enum status trust_edit_remove(struct trust *t, enum role r, const char *id, struct err *e)
{
    unsigned at = 0;
    if (!find(t, id, &at))
        return not_found(id, e);
    bool held = false;
    for (enum role k = ROLE_ROOT; k < ROLE_COUNT; k++) {
        if (r == ROLE_NONE || r == k)
            held = drop_from(&t->roles[k], at) || held;
    }
    if (!held)
        return err_set(e, ST_NOT_FOUND, "trust-no-key", "key %s has not the role %s", id,
                       role_name(r));
    if (!has_a_role(t, at))
        forget(t, at);
    return ST_OK;
}

enum status trust_edit_revoke(struct trust *t, const char *id, int64_t since, struct err *e)
{
    unsigned at = 0;
    if (!find(t, id, &at))
        return not_found(id, e);
    if (t->revoked_count == TRUST_REVOKED_MAX)
        return err_set(e, ST_UNTRUSTED, "trust-revoked",
                       "a trust remembers at most %d revoked keys", TRUST_REVOKED_MAX);
    t->revoked[t->revoked_count++] =
        (struct trust_revoked){.public = t->keys[at].public, .since = since};
    return trust_edit_remove(t, ROLE_NONE, id, e);
}

void trust_edit_threshold(struct trust *t, enum role r, uint64_t threshold)
{
    t->roles[r].threshold = (size_t)threshold;
}

void trust_edit_expires(struct trust *t, int64_t expires)
{
    t->expires = expires;
}

/* ---- proposing ---- */

enum status trust_propose(struct trust *t, const struct signer *root, struct buf *out,
                          struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    t->self_signed = true; /* unless two people hold the keys */
    for (size_t i = 1; i < t->key_count; i++)
        t->self_signed = t->self_signed && text_equal(t->keys[i].owner, t->keys[0].owner);
    enum status st = trust_encode(t, &payload, e);
    if (st != ST_OK)
        return st;
    SCOPED(trust_scope) struct trust *again = heap_zero(1, sizeof *again);
    if (again == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
    if ((st = trust_decode(buf_span(&payload), again, e)) != ST_OK)
        return st;
    return root == NULL ? ST_OK : envelope_sign(TRUST_TYPE, buf_span(&payload), root, out, e);
}

enum status trust_single(const struct public_key keys[ROLE_COUNT], const char *owner,
                         int64_t expires, const struct signer *root, struct buf *out, struct err *e)
{
    SCOPED(trust_scope) struct trust *t = heap_zero(1, sizeof *t);
    if (t == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
    t->version = 1;
    t->expires = expires;
    enum status st = ST_OK;
    for (enum role r = ROLE_ROOT; st == ST_OK && r < ROLE_COUNT; r++)
        st = trust_edit_add(t, r, &keys[r], owner, e);
    return st == ST_OK ? trust_propose(t, root, out, e) : st;
}
