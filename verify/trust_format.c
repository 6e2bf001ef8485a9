#include "verify/trust_format.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

#define SCHEMA    "assay.trust/1"
#define TRUST_MAX (1u << 20)
#define DAY       86400

static enum status defect(struct err *e, const char *code, const char *what, const char *where)
{
    return err_at(e, ST_FORMAT, "trust", code, ERR_NO_OFFSET, "trust document: %s %s", where, what);
}

/* Exactly the known members. */
static enum status shut(const struct json *v, const char *const *known, size_t count,
                        const char *where, struct err *e)
{
    if (json_kind(v) != JSON_OBJECT)
        return defect(e, "trust-member", "is missing or no object", where);
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *key = json_member(v, i, &value);
        size_t k = 0;
        while (k < count && !text_equal(key, known[k]))
            k++;
        if (k == count)
            return err_at(e, ST_FORMAT, "trust", "trust-unknown", ERR_NO_OFFSET,
                          "trust document: unknown member %s in %s", key, where);
    }
    return json_count(v) == count ? ST_OK : defect(e, "trust-missing", "lacks a member", where);
}

#define SHUT(v, where, e, ...)                  \
    shut(v, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), where, e)

/* ---- decode ---- */

/* The id as minisign prints it: the eight bytes backwards, in upper case. */
bool trust_id_parse(const char *text, uint8_t id[8])
{
    if (strlen(text) != KEY_ID_TEXT - 1)
        return false;
    char lower[KEY_ID_TEXT] = {0};
    for (size_t i = 0; i < KEY_ID_TEXT - 1; i++) {
        if (text[i] >= 'a' && text[i] <= 'f')
            return false;
        lower[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    uint8_t raw[8];
    if (!hex_decode(raw, sizeof raw, span_text(lower)))
        return false;
    for (size_t i = 0; i < sizeof raw; i++)
        id[i] = raw[sizeof raw - 1 - i];
    return true;
}

/* Reads every member of an object with `one`, in file order. */
static enum status each_member(const struct json *v,
                               enum status (*one)(const char *id, const struct json *v,
                                                  struct trust *t, struct err *e),
                               struct trust *t, struct err *e)
{
    size_t n = json_count(v);
    for (size_t i = 0; i < n; i++) {
        const struct json *value = NULL;
        const char *id = json_member(v, i, &value);
        enum status st = one(id, value, t, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status read_key(const char *id, const struct json *v, struct trust *t, struct err *e)
{
    struct trust_key *k = &t->keys[t->key_count];
    enum status st = SHUT(v, id, e, "owner", "public");
    if (st != ST_OK)
        return st;
    const char *owner = json_as_string(json_get(v, "owner"));
    const char *public = json_as_string(json_get(v, "public"));
    if (!trust_id_parse(id, k->public.id))
        return defect(e, "trust-key", "is no key id of 16 upper-case hex digits", id);
    if (owner == NULL || *owner == '\0' || strlen(owner) >= sizeof k->owner)
        return defect(e, "trust-key", "must say its owner in at most 127 bytes", id);
    memcpy(k->owner, owner, strlen(owner) + 1);
    if (public == NULL || !hex_decode(k->public.bytes, KEY_PUBLIC_BYTES, span_text(public)))
        return defect(e, "trust-key", "must give its public key as 64 hex digits", id);
    if (!key_sound(&k->public))
        return err_at(e, ST_UNTRUSTED, "trust", "key-weak", ERR_NO_OFFSET,
                      "trust document: key %s is no sound Ed25519 key", id);
    for (size_t i = 0; i < t->key_count; i++) {
        if (memcmp(t->keys[i].public.bytes, k->public.bytes, KEY_PUBLIC_BYTES) == 0)
            return err_at(e, ST_UNTRUSTED, "trust", "trust-same-key", ERR_NO_OFFSET,
                          "trust document: key %s is another key under a second id", id);
    }
    t->key_count++;
    return ST_OK;
}

static enum status read_keys(const struct json *v, struct trust *t, struct err *e)
{
    size_t n = json_count(v);
    if (json_kind(v) != JSON_OBJECT || n == 0 || n > TRUST_KEYS_MAX)
        return defect(e, "trust-keys", "must hold 1 to 64 keys", "keys");
    return each_member(v, read_key, t, e);
}

const struct trust_revoked *trust_revoked_find(const struct trust *t, const struct public_key *k)
{
    for (size_t i = 0; i < t->revoked_count; i++) {
        if (memcmp(t->revoked[i].public.bytes, k->bytes, KEY_PUBLIC_BYTES) == 0)
            return &t->revoked[i];
    }
    return NULL;
}

static enum status read_revoked_key(const char *id, const struct json *v, struct trust *t,
                                    struct err *e)
{
    struct trust_revoked *r = &t->revoked[t->revoked_count];
    enum status st = SHUT(v, id, e, "public", "since");
    if (st != ST_OK)
        return st;
    const char *public = json_as_string(json_get(v, "public"));
    const char *since = json_as_string(json_get(v, "since"));
    if (!trust_id_parse(id, r->public.id) || public == NULL ||
        !hex_decode(r->public.bytes, KEY_PUBLIC_BYTES, span_text(public)))
        return defect(e, "trust-revoked", "must give its id and its public key", id);
    if (since == NULL || !time_parse(since, &r->since))
        return defect(e, "trust-revoked", "must say since when, in UTC", id);
    if (trust_revoked_find(t, &r->public) != NULL)
        return defect(e, "trust-revoked", "is revoked twice", id);
    t->revoked_count++;
    for (size_t i = 0; i < t->key_count; i++) {
        if (memcmp(t->keys[i].public.bytes, r->public.bytes, KEY_PUBLIC_BYTES) == 0)
            return err_at(e, ST_UNTRUSTED, "trust", "key-revoked", ERR_NO_OFFSET,
                          "trust document: key %s is revoked and can hold no role again", id);
    }
    return ST_OK;
}

/* Absent when there is none; after the keys. */
static enum status read_revoked(const struct json *v, struct trust *t, struct err *e)
{
    size_t n = json_count(v);
    if (v == NULL)
        return ST_OK;
    if (json_kind(v) != JSON_OBJECT || n == 0 || n > TRUST_REVOKED_MAX)
        return defect(e, "trust-revoked", "must hold 1 to 64 keys when it is there", "revoked");
    return each_member(v, read_revoked_key, t, e);
}

static bool find_key(const struct trust *t, const char *id, unsigned *out)
{
    uint8_t raw[8];
    if (id == NULL || !trust_id_parse(id, raw))
        return false;
    for (unsigned i = 0; i < t->key_count; i++) {
        if (memcmp(t->keys[i].public.id, raw, sizeof raw) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static enum status read_role_keys(const char *name, const struct json *list, const struct trust *t,
                                  struct trust_role *role, struct err *e)
{
    size_t n = json_count(list);
    if (json_kind(list) != JSON_ARRAY || n > TRUST_KEYS_MAX)
        return defect(e, "trust-role", "must list its keys", name);
    for (size_t i = 0; i < n; i++) {
        unsigned index = 0;
        if (!find_key(t, json_as_string(json_at(list, i)), &index))
            return defect(e, "trust-role", "names a key that keys does not hold", name);
        for (size_t k = 0; k < role->count; k++) {
            if (role->keys[k] == index)
                return defect(e, "trust-role", "names a key twice", name);
        }
        role->keys[role->count++] = index;
    }
    return ST_OK;
}

static enum status read_role(const char *name, const struct json *v, struct trust *t, struct err *e)
{
    enum role r = role_parse(name);
    if (r == ROLE_NONE)
        return defect(e, "trust-role", "is no role (root, publisher, gate, release, policy)", name);
    struct trust_role *role = &t->roles[r];
    int64_t threshold = 0;
    enum status st = SHUT(v, name, e, "keys", "threshold");
    if (st != ST_OK || (st = read_role_keys(name, json_get(v, "keys"), t, role, e)) != ST_OK)
        return st;
    if (!json_as_i64(json_get(v, "threshold"), &threshold) || threshold < 1 ||
        (uint64_t)threshold > role->count)
        return err_at(
            e, ST_UNTRUSTED, "trust", "trust-threshold", ERR_NO_OFFSET,
            "trust document: the threshold of the role %s must be 1 to %zu, the number of its keys",
            name, role->count);
    role->threshold = (size_t)threshold;
    return ST_OK;
}

static enum status read_roles(const struct json *v, struct trust *t, struct err *e)
{
    if (json_kind(v) != JSON_OBJECT)
        return defect(e, "trust-roles", "is missing or no object", "roles");
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *name = json_member(v, i, &value);
        enum status st = read_role(name, value, t, e);
        if (st != ST_OK)
            return st;
    }
    return t->roles[ROLE_ROOT].threshold > 0
               ? ST_OK
               : defect(e, "trust-roles", "must hold the role root", "roles");
}

/* Whoever holds every key is one person, and the document must say so. */
static enum status check_self_signed(const struct trust *t, struct err *e)
{
    bool one = true;
    for (size_t i = 1; i < t->key_count; i++)
        one = one && text_equal(t->keys[i].owner, t->keys[0].owner);
    if (one && !t->self_signed)
        return defect(e, "trust-self-signed", "must be true: all keys have one owner",
                      "self_signed");
    return ST_OK;
}

static enum status shut_root(const struct json *root, struct err *e)
{
    if (json_get(root, "revoked") != NULL)
        return SHUT(root, "the trust", e, "expires", "keys", "revoked", "roles", "schema",
                    "self_signed", "version");
    return SHUT(root, "the trust", e, "expires", "keys", "roles", "schema", "self_signed",
                "version");
}

enum status trust_decode(struct span payload, struct trust *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = canon_parse(payload, TRUST_MAX, &root, e);
    if (st != ST_OK || (st = shut_root(root, e)) != ST_OK) {
        err_stage(e, "trust");
        return st;
    }
    const char *schema = json_as_string(json_get(root, "schema"));
    const char *expires = json_as_string(json_get(root, "expires"));
    if (schema == NULL || !text_equal(schema, SCHEMA))
        return defect(e, "trust-schema", "is not " SCHEMA, "schema");
    if (expires == NULL || !time_parse(expires, &out->expires))
        return defect(e, "trust-expires", "is no time in UTC", "expires");
    if (!json_as_u64(json_get(root, "version"), &out->version) || out->version == 0 ||
        out->version > TRUST_VERSION_MAX)
        return defect(e, "trust-version", "must be a number from 1 to 2^32", "version");
    if (!json_as_bool(json_get(root, "self_signed"), &out->self_signed))
        return defect(e, "trust-self-signed", "must be true or false", "self_signed");
    if ((st = read_keys(json_get(root, "keys"), out, e)) != ST_OK ||
        (st = read_revoked(json_get(root, "revoked"), out, e)) != ST_OK ||
        (st = read_roles(json_get(root, "roles"), out, e)) != ST_OK)
        return st;
    return check_self_signed(out, e);
}

/* ---- encode ---- */

static void write_key(struct json_out *j, const struct public_key *k, const char *owner)
{
    char id[KEY_ID_TEXT], hex[2 * KEY_PUBLIC_BYTES + 1];
    key_id_text(k, id);
    hex_encode(hex, SPAN(k->bytes, KEY_PUBLIC_BYTES));
    json_key(j, id);
    json_object(j);
    json_key(j, "owner");
    json_string(j, owner);
    json_key(j, "public");
    json_string(j, hex);
    json_close(j);
}

static void write_role(struct json_out *j, const struct trust *t, enum role r)
{
    const struct trust_role *role = &t->roles[r];
    json_key(j, role_name(r));
    json_object(j);
    json_key(j, "threshold");
    json_u64(j, role->threshold);
    json_key(j, "keys");
    json_array(j);
    for (size_t i = 0; i < role->count; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(&t->keys[role->keys[i]].public, id);
        json_string(j, id);
    }
    json_close(j);
    json_close(j);
}

static void write_revoked(struct json_out *j, const struct trust *t)
{
    json_key(j, "revoked");
    json_object(j);
    for (size_t i = 0; i < t->revoked_count; i++) {
        char id[KEY_ID_TEXT], hex[2 * KEY_PUBLIC_BYTES + 1], since[TIME_TEXT_MAX];
        key_id_text(&t->revoked[i].public, id);
        hex_encode(hex, SPAN(t->revoked[i].public.bytes, KEY_PUBLIC_BYTES));
        time_format(t->revoked[i].since, since);
        json_key(j, id);
        json_object(j);
        json_key(j, "public");
        json_string(j, hex);
        json_key(j, "since");
        json_string(j, since);
        json_close(j);
    }
    json_close(j);
}

static void write_document(struct json_out *j, const struct trust *t, bool empty_roles)
{
    char when[TIME_TEXT_MAX];
    time_format(t->expires, when);
    json_key(j, "schema");
    json_string(j, SCHEMA);
    json_key(j, "version");
    json_u64(j, t->version);
    json_key(j, "expires");
    json_string(j, when);
    json_key(j, "self_signed");
    json_bool(j, t->self_signed);
    json_key(j, "keys");
    json_object(j);
    for (size_t i = 0; i < t->key_count; i++)
        write_key(j, &t->keys[i].public, t->keys[i].owner);
    json_close(j);
    json_key(j, "roles");
    json_object(j);
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++) {
        if (empty_roles || t->roles[r].count > 0)
            write_role(j, t, r);
    }
    json_close(j);
    if (t->revoked_count > 0)
        write_revoked(j, t);
}

enum status trust_encode(const struct trust *t, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    struct json_out j = json_out(&json);
    json_object(&j);
    write_document(&j, t, false);
    json_close(&j);
    if (buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a trust");
    return canon_text(buf_span(&json), out, e);
}

void trust_show(const struct trust *t, int64_t now, struct buf *out)
{
    char digest[DIGEST_TEXT];
    digest_text(&t->digest, digest);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "digest");
    json_string(&j, digest);
    json_key(&j, "days_left");
    json_i64(&j, now < t->expires ? (t->expires - now) / DAY : -1);
    write_document(&j, t, true);
    json_close(&j);
}

/* ---- the pointer in the store's state ---- */

void trust_pointer_write(const struct trust *t, struct buf *out)
{
    char digest[DIGEST_TEXT];
    digest_text(&t->digest, digest);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "digest");
    json_string(&j, digest);
    json_key(&j, "version");
    json_u64(&j, t->version);
    json_close(&j);
}

enum status trust_pointer_parse(struct span value, struct trust_pointer *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(value, TRUST_MAX, &root, e);
    if (st != ST_OK)
        return st;
    const char *digest = json_as_string(json_get(root, "digest"));
    if (digest == NULL || !digest_parse(digest, &out->digest) ||
        !json_as_u64(json_get(root, "version"), &out->version))
        return err_at(e, ST_CORRUPT, "trust", "trust-pointer", ERR_NO_OFFSET,
                      "the store's state does not say which trust is in force");
    return ST_OK;
}

void trust_once_prefix(uint64_t version, char out[STORE_KEY_MAX])
{
    text_fmt(out, STORE_KEY_MAX, STORE_ONCE "trust/%016llu/", (unsigned long long)version);
}

void trust_entry_write(const struct trust *t, struct span pointer, struct buf *body,
                       struct buf *set)
{
    char digest[DIGEST_TEXT], when[TIME_TEXT_MAX];
    digest_text(&t->digest, digest);
    time_format(t->expires, when);
    struct json_out j = json_out(body);
    json_object(&j);
    json_key(&j, "digest");
    json_string(&j, digest);
    json_key(&j, "version");
    json_u64(&j, t->version);
    json_key(&j, "expires");
    json_string(&j, when);
    json_close(&j);
    char once[STORE_KEY_MAX];
    trust_once_prefix(t->version, once);
    size_t n = strlen(once);
    text_fmt(once + n, sizeof once - n, "%s", digest);
    struct json_out k = json_out(set);
    json_object(&k);
    json_key(&k, once);
    json_string(&k, "");
    if (pointer.n > 0) {
        json_key(&k, TRUST_KEY);
        json_text(&k, pointer);
    }
    json_close(&k);
}
