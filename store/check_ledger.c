/* The ledger's chain, numbers, signatures and head, and the state against it. */
#include "base/canon.h"
#include "store/check_inside.h"
#include "store/head.h"
#include <string.h>

struct ledger_check {
    struct check *c;
    uint64_t head_seq;
    struct digest head_hash;
    bool head_seen;   /* an entry with that number and hash went by */
    uint64_t matched; /* keys whose state is this very entry's doing */
};

static void stale(struct check *c, const char *key, uint64_t seq)
{
    struct err why = ERR_NONE;
    (void)err_set(&why, ST_CORRUPT, "index-stale",
                  "the index does not say what entry %llu made of key %s; delete the index folder, "
                  "it is folded again",
                  (unsigned long long)seq, key);
    check_tell(c, &why, "index", NULL);
}

/* The key in the index is this entry's doing, or a later one's. */
static enum status check_key(struct ledger_check *l, uint64_t seq, const char *key,
                             const struct json *value, struct err *e)
{
    SCOPED(buf_release) struct buf now = BUF_EMPTY;
    bool found = false;
    uint64_t by = 0;
    struct err why = ERR_NONE;
    enum status st = catalog_state(l->c->v, key, &now, &found, &by, &why);
    if (st != ST_OK)
        return check_absorb(l->c, st, &why, "index", NULL, e);
    const char *text = json_as_string(value);
    bool same =
        found == (text != NULL) && (text == NULL || span_equal(buf_span(&now), span_text(text)));
    if (catalog_kept(key) && by > 0 && by < seq && same)
        return ST_OK; /* said again in vain */
    if (by < seq || (by == seq && !same))
        stale(l->c, key, seq);
    else if (by == seq)
        l->matched++;
    return ST_OK;
}

static enum status check_genesis(const struct ledger_check *l, const struct ledger_entry *entry,
                                 struct err *e)
{
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    enum status st = canon_write(entry->body, &body, e);
    if (st != ST_OK)
        return st;
    struct digest d = digest_of(buf_span(&body));
    if (digest_equal(&d, &l->c->s->charter.digest))
        return ST_OK;
    return err_set(e, ST_CORRUPT, "store-format", "entry 1 and the format file disagree");
}

static enum status check_entry(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct ledger_check *l = ctx;
    enum status st = entry->seq == 1 ? check_genesis(l, entry, e) : ST_OK;
    if (st != ST_OK)
        return st;
    if (!entry->verified)
        return err_at(e, ST_CORRUPT, "ledger", "ledger-signature", entry->end - 1,
                      "entry %llu is not signed by the store's log key",
                      (unsigned long long)entry->seq);
    l->c->report->entries++;
    if (entry->seq == l->head_seq && digest_equal(&entry->hash, &l->head_hash))
        l->head_seen = true;
    if (l->c->against != NULL && entry->seq == l->c->against->seq) {
        struct err why = ERR_NONE;
        st = log_head_compare(l->c->against, &entry->hash, &why);
        if ((st = check_absorb(l->c, st, &why, STORE_LEDGER, NULL, e)) != ST_OK)
            return st;
    }
    if (entry->seq == l->c->mark.seq && !digest_equal(&entry->hash, &l->c->mark.head))
        return err_set(e, ST_CORRUPT, "ledger-fold",
                       "entry %llu is not the one that the index folded",
                       (unsigned long long)entry->seq);
    for (size_t i = 0, n = json_count(entry->set);
         i < n && entry->seq <= l->c->mark.seq && st == ST_OK; i++) {
        const struct json *value = NULL;
        const char *key = json_member(entry->set, i, &value);
        st = check_key(l, entry->seq, key, value, e);
    }
    return st;
}

/* Somebody may have committed since the head was read: it is read again where that cannot happen.
 */
static enum status head_lags(struct check *c, uint64_t newest, bool *lags, struct err *e)
{
    SCOPED(fd_release) int lock = -1;
    struct digest hash;
    uint64_t seq = 0;
    enum status st =
        index_read_only(c->s->index) ? ST_OK : store_lock(c->s, STORE_LOCK_WAIT, &lock, e);
    if (st == ST_OK)
        st = head_read(c->s, &seq, &hash, e);
    *lags = seq < newest;
    return st;
}

static enum status check_head(struct ledger_check *l, uint64_t newest, uint64_t end, struct err *e)
{
    bool lags = false;
    /* One step behind, and no room to publish it: opening said so already. */
    const bool waits = l->c->s->unfolded.status != ST_OK && l->head_seq + 1 == newest;
    uint64_t known = l->head_seq > l->c->mark.seq ? l->head_seq : l->c->mark.seq;
    if (known > newest)
        return head_lost(l->c->s, end, newest, known, e);
    if (!l->head_seen)
        return err_set(e, ST_CORRUPT, "ledger-head", "the head is none of the ledger's entries");
    enum status st = l->head_seq < newest && !waits ? head_lags(l->c, newest, &lags, e) : ST_OK;
    if (st == ST_OK && lags)
        st = err_set(e, ST_CORRUPT, "ledger-head",
                     "the head is older than entry %llu, the ledger's last",
                     (unsigned long long)newest);
    return st;
}

static enum status check_state_count(struct ledger_check *l, struct err *e)
{
    uint64_t n = 0;
    enum status st = index_view_count(l->c->v, INDEX_STATE, &n, e);
    if (st != ST_OK || n == l->matched)
        return st;
    struct err why = ERR_NONE;
    (void)err_set(
        &why, ST_CORRUPT, "index-stale",
        "the index has %llu keys, the ledger %llu; delete the index folder, it is folded again",
        (unsigned long long)n, (unsigned long long)l->matched);
    check_tell(l->c, &why, "index", NULL);
    return ST_OK;
}

enum status check_ledger_part(struct check *c, struct err *e)
{
    struct ledger_check l = {.c = c};
    struct err why = ERR_NONE;
    uint64_t told = c->report->findings;
    struct ledger_place at = {.offset = 0};
    enum status st = head_read(c->s, &l.head_seq, &l.head_hash, &why);
    bool head = st == ST_OK;
    st = check_absorb(c, st, &why, STORE_HEAD, NULL, e);
    if (st != ST_OK)
        return st;
    why = ERR_NONE;
    st = ledger_read(c->s->dir, &c->s->charter.log_key, &at, check_entry, &l, &why);
    c->report->bytes += at.offset;
    bool whole = st == ST_OK;
    if (!whole && head) { /* what a writer left who died is cut by the next */
        enum status asked = head_tears(c->s, at.offset, at.seq, &why, &whole, e);
        if (asked != ST_OK)
            return asked;
        st = whole ? ST_OK : st;
    }
    st = check_absorb(c, st, &why, STORE_LEDGER, NULL, e);
    if (st != ST_OK || !whole)
        return st;
    if (c->against != NULL) {
        why = ERR_NONE;
        st = log_head_beyond(c->against, at.seq, &why);
        st = check_absorb(c, st, &why, STORE_LEDGER, NULL, e);
    }
    if (st == ST_OK && head) {
        why = ERR_NONE;
        st = check_head(&l, at.seq, at.offset, &why);
        st = check_absorb(c, st, &why, why.subject[0] != '\0' ? why.subject : STORE_HEAD, NULL, e);
    }
    return st == ST_OK && told == c->report->findings ? check_state_count(&l, e) : st;
}
