#include "store/log_head.h"
#include "base/text.h"
#include "store/envelope.h"
#include "store/ledger.h"
#include "store/store_inside.h"
#include <string.h>

#define FILE_MAX ENVELOPE_MAX

struct log_head log_head_of(const struct store_facts *facts)
{
    struct log_head h = {.seq = facts->seq, .hash = facts->head};
    memcpy(h.store, facts->id, sizeof h.store);
    return h;
}

enum status log_head_now(struct store *s, struct log_head *out, struct err *e)
{
    struct store_facts facts;
    enum status st = store_facts(s, &facts, e);
    if (st == ST_OK)
        *out = log_head_of(&facts);
    return st;
}

/* ---- the object ---- */

void log_head_write(struct json_out *j, const struct log_head *h)
{
    char hex[DIGEST_TEXT];
    digest_text(&h->hash, hex);
    json_object(j);
    json_key(j, "hash");
    json_string(j, hex);
    json_key(j, "seq");
    json_u64(j, h->seq);
    json_key(j, "store");
    json_string(j, h->store);
    json_close(j);
}

enum status log_head_parse(const struct json *v, struct log_head *out, struct err *e)
{
    struct log_head h = {.seq = 0};
    uint8_t id[16];
    const char *hash = json_as_string(json_get(v, "hash"));
    const char *store = json_as_string(json_get(v, "store"));
    if (json_kind(v) != JSON_OBJECT || json_count(v) != 3 || hash == NULL || store == NULL ||
        !hex_decode(h.hash.b, DIGEST_BYTES, span_text(hash)) ||
        !hex_decode(id, sizeof id, span_text(store)) || !json_as_u64(json_get(v, "seq"), &h.seq) ||
        h.seq == 0)
        return err_set(e, ST_FORMAT, "head-format",
                       "a head is {hash, seq, store}: 64 hex digits, a number from 1, 32 digits");
    memcpy(h.store, store, sizeof h.store);
    *out = h;
    return ST_OK;
}

/* In the object, in its predicate, or in a member of that. */
static const struct json *look(const struct json *root)
{
    const struct json *predicate = json_get(root, "predicate");
    const struct json *found = json_get(root, "head");
    if (found == NULL)
        found = json_get(predicate, "head");
    for (size_t i = 0; found == NULL && i < json_count(predicate); i++) {
        const struct json *member = NULL;
        (void)json_member(predicate, i, &member);
        found = json_get(member, "head");
    }
    return found;
}

static enum status find_in(const struct json *root, struct log_head *out, struct err *e)
{
    const struct json *head = look(root);
    return head != NULL ? log_head_parse(head, out, e)
                        : err_set(e, ST_FORMAT, "no-head",
                                  "it carries no head of a ledger; a request, an approval, a "
                                  "bundle, a publication and log --verify --json do");
}

/* A copy of ledger.head: it does not say of which store. */
static enum status find_line(struct span file, struct log_head *out, struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    if (file.n > 0 && file.p[file.n - 1] == '\n')
        file.n--;
    enum status st = ledger_parse(file, &entry, e);
    if (st == ST_OK)
        *out = (struct log_head){.seq = entry.seq, .hash = entry.hash};
    return st;
}

enum status log_head_find(struct span file, struct log_head *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(json_scope) struct json *payload = NULL;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = json_parse(file, FILE_MAX, &root, e);
    if (st != ST_OK)
        return st;
    if (json_get(root, "entry") != NULL)
        return find_line(file, out, e);
    if (json_get(root, "payloadType") == NULL)
        return find_in(root, out, e);
    st = envelope_parse(file, &v, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&v.payload), FILE_MAX, &payload, e);
    return st == ST_OK ? find_in(payload, out, e) : st;
}

/* ---- against a ledger ---- */

enum status log_head_same_store(const struct log_head *h, const char *store, struct err *e)
{
    return h->store[0] == '\0' || text_equal(h->store, store)
               ? ST_OK
               : err_at(e, ST_UNPROVEN, "head", "head-store", ERR_NO_OFFSET,
                        "the head is of store %s, this is store %s", h->store, store);
}

enum status log_head_compare(const struct log_head *h, const struct digest *hash, struct err *e)
{
    char want[DIGEST_TEXT], have[DIGEST_TEXT];
    if (digest_equal(&h->hash, hash))
        return ST_OK;
    digest_text(&h->hash, want);
    digest_text(hash, have);
    return err_at(e, ST_SET_BACK, "head", "head-forked", ERR_NO_OFFSET,
                  "entry %llu was %.12s, here it is %.12s: this is another history; bring the "
                  "store back from a copy that has it",
                  (unsigned long long)h->seq, want, have);
}

enum status log_head_beyond(const struct log_head *h, uint64_t newest, struct err *e)
{
    return h->seq <= newest
               ? ST_OK
               : err_at(e, ST_SET_BACK, "head", "head-beyond", ERR_NO_OFFSET,
                        "entry %llu was there, here the ledger ends with entry %llu: the store was "
                        "set back; bring it back from a newer copy",
                        (unsigned long long)h->seq, (unsigned long long)newest);
}

struct walk {
    const struct log_head *h;
    struct err why; /* the verdict, once it is reached */
    bool reached;
};

static enum status step(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct walk *w = ctx;
    if (entry->seq < w->h->seq)
        return ST_OK;
    w->reached = true;
    enum status st = log_head_compare(w->h, &entry->hash, &w->why);
    return err_set(e, ST_CANCELLED, NULL, "%s", status_phrase(st)); /* enough was read */
}

enum status log_head_check(struct store *s, const struct log_head *h, struct err *e)
{
    struct walk w = {.h = h, .why = ERR_NONE};
    struct ledger_place at = {.offset = 0};
    struct err why = ERR_NONE;
    enum status st = log_head_same_store(h, s->charter.id, e);
    if (st != ST_OK)
        return st;
    st = ledger_read(s->dir, NULL, &at, step, &w, &why);
    if (w.reached) {
        *e = w.why;
        return w.why.status;
    }
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    return log_head_beyond(h, at.seq, e);
}
