#include "promote/shelf.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/change.h"
#include <string.h>

#define TRIES 8 /* others may take the next number meanwhile */

static void key_prefix(const char *shelf, const struct digest *artifact, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(out, STORE_KEY_MAX, "%s/%s/", shelf, hex);
}

static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct buf *list = ctx;
    struct shelved d;
    char hex[DIGEST_TEXT] = "";
    const char *seq = strrchr(key, '/');
    if (value.n == sizeof hex - 1)
        memcpy(hex, value.p, value.n);
    if (!digest_parse(hex, &d.envelope) || !text_u64(span_text(seq + 1), &d.seq))
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s names no document", key);
    buf_append(list, SPAN(&d, sizeof d));
    return buf_status(list) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for a list of documents");
}

enum status shelf_scan(struct store *s, const char *prefix, size_t most,
                       enum status (*each)(void *ctx, const struct shelved *d, struct err *e),
                       void *ctx, struct err *e)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    enum status st = store_scan(s, prefix, collect, &list, e);
    size_t n = list.n / sizeof(struct shelved);
    for (size_t i = n > most ? n - most : 0; st == ST_OK && i < n; i++) {
        struct shelved d;
        memcpy(&d, list.p + i * sizeof d, sizeof d);
        st = each(ctx, &d, e);
    }
    return st;
}

enum status shelf_each(struct store *s, const char *shelf, const struct digest *artifact,
                       size_t most,
                       enum status (*each)(void *ctx, const struct shelved *d, struct err *e),
                       void *ctx, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    key_prefix(shelf, artifact, prefix);
    return shelf_scan(s, prefix, most, each, ctx, e);
}

struct looking {
    struct digest envelope;
    bool found;
};

static enum status same(void *ctx, const struct shelved *d, struct err *e)
{
    struct looking *l = ctx;
    (void)e;
    l->found = l->found || digest_equal(&d->envelope, &l->envelope);
    return ST_OK;
}

enum status shelf_look(struct store *s, const char *shelf, const struct digest *artifact,
                       const struct digest *envelope, struct shelf_state *out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct looking l = {.envelope = *envelope};
    struct err why = ERR_NONE;
    *out = (struct shelf_state){.named = false};
    enum status st = shelf_each(s, shelf, artifact, SIZE_MAX, same, &l, e);
    out->named = l.found;
    if (st != ST_OK || !l.found)
        return st;
    st = store_document(s, envelope, &bytes, &why);
    out->read = st == ST_OK;
    if (st != ST_IO && st != ST_NO_MEMORY && st != ST_INTERRUPTED)
        return ST_OK;
    *e = why;
    return st;
}

static enum status commit_once(const struct promoter *by, const char *prefix, struct span envelope,
                               const char *type, struct span body, uint64_t after, uint64_t *seq,
                               struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT];
    struct digest stored;
    enum status st = change_begin(by->store, &c, e);
    if (st != ST_OK || (st = change_document(c, envelope, &stored, e)) != ST_OK)
        return st;
    text_fmt(key, sizeof key, "%s%016llu", prefix, (unsigned long long)(after + 1));
    digest_text(&stored, hex);
    struct json_out j = json_out(&set);
    json_object(&j);
    json_key(&j, key);
    json_string(&j, hex);
    json_close(&j);
    if (buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an entry");
    const struct change_entry entry = {.type = type,
                                       .body = body,
                                       .set = buf_span(&set),
                                       .after = after,
                                       .clock = by->clock,
                                       .log = by->log};
    return change_commit(c, &entry, seq, e);
}

enum status shelf_put(const struct promoter *by, const char *shelf, const struct digest *artifact,
                      struct span envelope, const char *type, struct span body, uint64_t after,
                      uint64_t *seq, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    const struct digest d = digest_of(envelope);
    struct shelf_state there;
    enum status st = ST_OK;
    key_prefix(shelf, artifact, prefix);
    *seq = 0;
    for (int i = 0; i < TRIES; i++) {
        struct store_facts facts;
        *e = ERR_NONE;
        if ((st = store_facts(by->store, &facts, e)) != ST_OK ||
            (st = shelf_look(by->store, shelf, artifact, &d, &there, e)) != ST_OK || there.read)
            return st;
        st = commit_once(by, prefix, envelope, type, body, after > 0 ? after : facts.seq, seq, e);
        if (st != ST_CONFLICT || after > 0)
            break;
    }
    return st;
}
