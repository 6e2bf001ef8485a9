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

enum status trust_check(const struct trust *t, enum role r, const struct envelope *v, int64_t now,
                        struct err *e)
{
    enum status st = check_signers(t, r, v, e);
    if (st != ST_OK)
        return st;
    if (now >= t->expires) {
        char when[TIME_TEXT_MAX];
        time_format(t->expires, when);
        return err_at(e, ST_EXPIRED, "trust", "trust-expired", ERR_NO_OFFSET,
                      "the trust in force (version %llu) expired at %s; install a newer one",
                      (unsigned long long)t->version, when);
    }
    return ST_OK;
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

/* A trust document that its own root signed. */
static enum status open_document(struct span bytes, struct envelope *v, struct trust **out,
                                 struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    enum status st = trust_open(bytes, v, &t, e);
    if (st != ST_OK || (st = check_signers(t, ROLE_ROOT, v, e)) != ST_OK)
        return st;
    *out = trust_take(&t);
    return ST_OK;
}

/* The state's value under `trust`, and the document it names. */
static enum status open_current(struct store *s, struct buf *value, struct trust **out,
                                struct err *e)
{
    struct trust_pointer at = {0};
    enum status st = store_get(s, TRUST_KEY, value, e);
    if (st != ST_OK || (st = trust_pointer_parse(buf_span(value), &at, e)) != ST_OK)
        return st;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(trust_scope) struct trust *t = NULL;
    if ((st = store_document(s, &at.digest, &bytes, e)) != ST_OK ||
        (st = open_document(buf_span(&bytes), &v, &t, e)) != ST_OK)
        return st;
    if (t->version != at.version)
        return err_at(e, ST_SET_BACK, "trust", "trust-version", ERR_NO_OFFSET,
                      "the store is at trust version %llu, the document says %llu",
                      (unsigned long long)at.version, (unsigned long long)t->version);
    *out = trust_take(&t);
    return ST_OK;
}

enum status trust_load(struct store *s, struct trust **out, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = open_current(s, &value, out, e);
    if (st == ST_NOT_FOUND && value.n == 0) {
        *e = ERR_NONE;
        return err_at(e, ST_UNTRUSTED, "trust", "no-trust", ERR_NO_OFFSET,
                      "the store has no trust document; `assay init` makes one");
    }
    return st;
}

/* May `next`, in envelope v, follow `now`? */
static enum status check_succession(const struct trust *now, const struct trust *next,
                                    const struct envelope *v, struct err *e)
{
    if (next->version <= now->version)
        return err_at(e, ST_SET_BACK, "trust", "trust-set-back", ERR_NO_OFFSET,
                      "version %llu does not follow version %llu, which is in force",
                      (unsigned long long)next->version, (unsigned long long)now->version);
    if (next->version != now->version + 1)
        return err_at(e, ST_UNTRUSTED, "trust", "trust-gap", ERR_NO_OFFSET,
                      "version %llu is in force; the next must be %llu, not %llu",
                      (unsigned long long)now->version, (unsigned long long)now->version + 1,
                      (unsigned long long)next->version);
    for (size_t i = 0; i < now->revoked_count; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(&now->revoked[i].public, id);
        if (trust_revoked_find(next, &now->revoked[i].public) == NULL)
            return err_at(e, ST_SET_BACK, "trust", "revocation-lost", ERR_NO_OFFSET,
                          "version %llu forgets that key %s is revoked",
                          (unsigned long long)next->version, id);
    }
    return check_signers(now, ROLE_ROOT, v, e);
}

static enum status commit_trust(struct store *s, struct span envelope, const struct trust *t,
                                const struct buf *before, struct clock clock,
                                const struct signer *log, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf pointer = BUF_EMPTY;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    struct digest digest;
    trust_pointer_write(t, &pointer);
    trust_entry_write(t, buf_span(&pointer), &body, &set);
    buf_append(&old, buf_span(before));
    buf_byte(&old, '\0');
    if (buf_status(&pointer) != ST_OK || buf_status(&body) != ST_OK || buf_status(&set) != ST_OK ||
        buf_status(&old) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
    enum status st = change_begin(s, &c, e);
    if (st != ST_OK || (st = change_document(c, envelope, &digest, e)) != ST_OK)
        return st;
    struct expect expect = {.key = TRUST_KEY, .value = before->n > 0 ? (const char *)old.p : NULL};
    struct change_entry entry = {.type = "trust",
                                 .body = buf_span(&body),
                                 .set = buf_span(&set),
                                 .expects = &expect,
                                 .expect_count = 1,
                                 .clock = clock,
                                 .log = log};
    uint64_t seq = 0;
    return change_commit(c, &entry, &seq, e);
}

enum status trust_install(struct store *s, struct span envelope, struct clock clock,
                          const struct signer *log, struct err *e)
{
    SCOPED(trust_scope) struct trust *next = NULL;
    SCOPED(trust_scope) struct trust *now = NULL;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = open_document(envelope, &v, &next, e);
    if (st != ST_OK || (st = trust_check(next, ROLE_ROOT, &v, clock_now(&clock), e)) != ST_OK)
        return st;
    struct err none = ERR_NONE;
    st = open_current(s, &value, &now, &none);
    if (st == ST_OK) {
        if (digest_equal(&now->digest, &next->digest))
            return ST_OK; /* it is in force already */
        if ((st = check_succession(now, next, &v, e)) != ST_OK)
            return st;
    } else if (st != ST_NOT_FOUND || value.n > 0) {
        *e = none;
        return st;
    }
    return commit_trust(s, envelope, next, &value, clock, log, e);
}

unsigned trust_signers(const struct trust *t, enum role r, const struct envelope *v,
                       unsigned *threshold)
{
    *threshold = (unsigned)t->roles[r].threshold;
    return signers_of(t, r, v);
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
