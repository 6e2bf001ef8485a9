#include "verify/publisher.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/change.h"
#include "store/envelope_join.h"
#include "verify/trust_format.h"
#include <string.h>

/* signature/ARTIFACT/ */
static void prefix_of(const struct digest *artifact, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(out, STORE_KEY_MAX, "signature/%s/", hex);
}

/* ---- reading ---- */

/* Reading waits until the scan is over. */
static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct buf *list = ctx;
    (void)key;
    (void)e;
    buf_append(list, value);
    buf_byte(list, 0);
    return ST_OK;
}

static enum status join_one(struct store *s, const struct digest *d, struct envelope *to,
                            struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope more = {0};
    enum status st = store_document(s, d, &text, e);
    if (st == ST_OK)
        st = envelope_parse(buf_span(&text), &more, e);
    return st == ST_OK ? envelope_join(to, &more, e) : st;
}

enum status publisher_envelope(struct store *s, const struct digest *artifact,
                               const struct digest *stored, struct envelope *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    char prefix[STORE_KEY_MAX];
    prefix_of(artifact, prefix);
    enum status st = store_document(s, stored, &text, e);
    if (st == ST_OK)
        st = envelope_parse(buf_span(&text), &v, e);
    if (st == ST_OK)
        st = store_scan(s, prefix, collect, &list, e);
    if (st == ST_OK && buf_status(&list) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for the signatures");
    for (size_t at = 0; st == ST_OK && at < list.n;) {
        const char *where = (const char *)list.p + at;
        struct digest d;
        at += strlen(where) + 1;
        st = digest_parse(where, &d)
                 ? join_one(s, &d, &v, e)
                 : err_set(e, ST_CORRUPT, "state-value", "%s holds no digest", prefix);
    }
    if (st != ST_OK)
        return st;
    *out = v;
    v = (struct envelope){0}; /* its payload is the caller's now */
    return ST_OK;
}

/* ---- recording ---- */

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

/* One key of the state for each publisher who signed and whose voice is new. */
static size_t write_set(const struct trust *t, const struct publisher_record *r,
                        const struct envelope *given, const char *document, struct json_out *set,
                        struct json_out *ids)
{
    const struct trust_role *role = &t->roles[ROLE_PUBLISHER];
    char prefix[STORE_KEY_MAX], key[STORE_KEY_MAX], id[KEY_ID_TEXT];
    size_t added = 0;
    prefix_of(r->artifact, prefix);
    for (size_t i = 0; i < role->count; i++) {
        const struct public_key *k = &t->keys[role->keys[i]].public;
        if (!envelope_signed_by(given, k) || envelope_signed_by(r->have, k))
            continue;
        key_id_text(k, id);
        text_fmt(key, sizeof key, "%s%s", prefix, id);
        member(set, key, document);
        json_string(ids, id);
        added++;
    }
    return added;
}

enum status publisher_record(struct store *s, const struct trust *t,
                             const struct publisher_record *r, size_t *added, struct digest *where,
                             uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(envelope_release) struct envelope given = {0};
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    char artifact[DIGEST_TEXT], document[DIGEST_TEXT];
    *added = 0;
    enum status st = envelope_parse(r->bytes, &given, e);
    if (st == ST_OK)
        st = change_begin(s, &c, e);
    if (st == ST_OK)
        st = change_document(c, r->bytes, where, e);
    if (st != ST_OK)
        return st;
    digest_text(r->artifact, artifact);
    digest_text(where, document);
    struct json_out b = json_out(&body), k = json_out(&set);
    json_object(&b);
    member(&b, "artifact", artifact);
    member(&b, "envelope", document);
    json_key(&b, "keys");
    json_array(&b);
    json_object(&k);
    *added = write_set(t, r, &given, document, &k, &b);
    json_close(&k);
    json_close(&b);
    member(&b, "name", r->manifest->name);
    member(&b, "version", r->manifest->version);
    json_close(&b);
    if (buf_status(&body) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct change_entry entry = {.type = "sign",
                                       .body = buf_span(&body),
                                       .set = buf_span(&set),
                                       .clock = r->clock,
                                       .log = r->log};
    return *added > 0 ? change_commit(c, &entry, seq, e) : ST_OK;
}
