/* The chain of trust: from the first document, which the store's charter names by digest, to the
 * newest, each version signed under the thresholds of the one before it and of its own.
 *
 *     charter "trust": D1 ──▶ document 1 ──signs──▶ document 2 ──signs──▶ … ──▶ in force
 *     state   once/trust/0000000000000002/D2   candidates for version 2, set once, never taken back
 *     state   trust                            {"digest","version"} of the end
 *
 * The state only says where to look. A candidate that is not signed as the next version has to be
 * is passed over, so whoever can write entries (the log key has no passphrase) cannot put another
 * document into force; and since what was recorded stays, he cannot go back to an older one either.
 * A candidate whose document cannot be read may be the next version: then nothing is believed until
 * it was installed again. */
#include "base/heap.h"
#include "base/text.h"
#include "verify/trust_format.h"
#include <string.h>

#define CANDIDATES_MAX 16u /* documents that claim one version */

/* ---- one document ---- */

/* A trust document that its own root signed. */
static enum status open_document(struct span bytes, struct envelope *v, struct trust **out,
                                 struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    enum status st = trust_open(bytes, v, &t, e);
    if (st != ST_OK || (st = trust_check(t, ROLE_ROOT, v, TRUST_ANY_TIME, e)) != ST_OK)
        return st;
    *out = trust_take(&t);
    return ST_OK;
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
    if (next->version > TRUST_CHAIN_MAX)
        return err_at(e, ST_UNTRUSTED, "trust", "trust-versions", ERR_NO_OFFSET,
                      "a store's trust goes through at most %u versions; begin a new store",
                      TRUST_CHAIN_MAX);
    for (size_t i = 0; i < now->revoked_count; i++) {
        char id[KEY_ID_TEXT];
        key_id_text(&now->revoked[i].public, id);
        if (trust_revoked_find(next, &now->revoked[i].public) == NULL)
            return err_at(e, ST_SET_BACK, "trust", "revocation-lost", ERR_NO_OFFSET,
                          "version %llu forgets that key %s is revoked",
                          (unsigned long long)next->version, id);
    }
    return trust_check(now, ROLE_ROOT, v, TRUST_ANY_TIME, e);
}

/* Trouble is passed on; whatever is wrong with a document itself is a reason to pass it over. */
static bool is_trouble(enum status st)
{
    return st == ST_IO || st == ST_NO_MEMORY || st == ST_INTERRUPTED || st == ST_BUSY;
}

/* ---- the walk ---- */

struct walk {
    struct store *store;
    bool lenient;    /* what cannot be read is passed over: it is about to be installed again */
    bool passed;     /* … and something was */
    uint64_t before; /* only what was recorded before this entry counts */
    uint64_t from;   /* the entry that recorded the end of the walk */
    uint64_t until;  /* and the one that recorded what follows it; UINT64_MAX: nothing does */
};

struct candidates {
    struct digest digest[CANDIDATES_MAX];
    size_t count;
    bool more;
};

static enum status collect(void *ctx, const char *key, struct span value, struct err *e)
{
    struct candidates *c = ctx;
    (void)value;
    (void)e;
    c->more = c->count == CANDIDATES_MAX;
    if (c->more)
        return ST_CANCELLED;
    c->count += digest_parse(strrchr(key, '/') + 1, &c->digest[c->count]) ? 1 : 0;
    return ST_OK;
}

/* The entry that recorded a document as a version. */
static enum status recorded(struct store *s, uint64_t version, const struct digest *d,
                            uint64_t *seq, struct err *e)
{
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    trust_once_prefix(version, key);
    digest_text(d, key + strlen(key));
    return store_get_seq(s, key, &value, seq, e);
}

/* *fits: it is signed as the version that follows `now`. *unread: it may be. */
static enum status try_candidate(const struct walk *w, const struct trust *now,
                                 const struct digest *d, struct trust **out, bool *fits,
                                 bool *unread, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    struct err why = ERR_NONE;
    enum status st = store_document(w->store, d, &bytes, &why);
    if (st != ST_OK && !is_trouble(st)) {
        *unread = true;
        return ST_OK;
    }
    if (st == ST_OK)
        st = open_document(buf_span(&bytes), &v, out, &why);
    if (st == ST_OK)
        st = check_succession(now, *out, &v, &why);
    *fits = st == ST_OK;
    if (!is_trouble(st))
        return ST_OK;
    *e = why;
    return st;
}

/* The one candidate that follows `now`, and the entry that recorded it; *out stays NULL when there
 * is none. */
static enum status find_next(struct walk *w, const struct trust *now, struct trust **out,
                             uint64_t *seq, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    bool unread = false;
    struct candidates c = {.count = 0};
    trust_once_prefix(now->version + 1, prefix);
    enum status st = store_scan(w->store, prefix, collect, &c, e);
    if (st == ST_OK && c.more)
        st = err_at(e, ST_UNTRUSTED, "trust", "trust-crowd", ERR_NO_OFFSET,
                    "more than %u documents claim to be trust version %llu", CANDIDATES_MAX,
                    (unsigned long long)now->version + 1);
    for (size_t i = 0; st == ST_OK && i < c.count; i++) {
        SCOPED(trust_scope) struct trust *t = NULL;
        bool fits = false;
        st = try_candidate(w, now, &c.digest[i], &t, &fits, &unread, e);
        if (st != ST_OK || !fits)
            continue;
        if (*out != NULL)
            st = err_at(e, ST_UNTRUSTED, "trust", "trust-fork", ERR_NO_OFFSET,
                        "two different documents are signed as trust version %llu",
                        (unsigned long long)t->version);
        else
            st = recorded(w->store, t->version, &c.digest[i], seq, e);
        if (st == ST_OK)
            *out = trust_take(&t);
    }
    w->passed = w->passed || (unread && *out == NULL);
    if (st != ST_OK || !unread || *out != NULL || w->lenient)
        return st;
    return err_at(e, ST_CORRUPT, "trust", "trust-unreadable", ERR_NO_OFFSET,
                  "a document that was recorded as trust version %llu cannot be read; install it "
                  "again: assay trust install FILE",
                  (unsigned long long)now->version + 1);
}

static enum status first(struct walk *w, struct trust **out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct store_facts facts;
    enum status st = store_facts(w->store, &facts, e);
    if (st == ST_OK)
        st = store_document(w->store, &facts.trust, &bytes, e);
    if (st == ST_OK)
        st = open_document(buf_span(&bytes), &v, out, e);
    if (st == ST_OK && (*out)->version != 1)
        st = err_at(e, ST_UNTRUSTED, "trust", "trust-anchor", ERR_NO_OFFSET,
                    "the store began with trust version %llu, not with 1",
                    (unsigned long long)(*out)->version);
    return st == ST_OK ? recorded(w->store, 1, &facts.trust, &w->from, e) : st;
}

/* What the state says about the end has to be the end. */
static enum status check_pointer(const struct trust *end, struct span value, struct err *e)
{
    struct trust_pointer at = {0};
    enum status st = trust_pointer_parse(value, &at, e);
    if (st != ST_OK || (at.version == end->version && digest_equal(&at.digest, &end->digest)))
        return st;
    if (at.version < end->version)
        return err_at(e, ST_SET_BACK, "trust", "trust-set-back", ERR_NO_OFFSET,
                      "the ledger goes back to trust version %llu, but version %llu was signed and "
                      "recorded; find out who holds the log key",
                      (unsigned long long)at.version, (unsigned long long)end->version);
    return err_at(e, ST_UNTRUSTED, "trust", "trust-anchor", ERR_NO_OFFSET,
                  "the ledger names a trust that does not follow from the store's first; find out "
                  "who holds the log key");
}

/* From the first to the newest that was recorded before w->before. */
static enum status walk(struct walk *w, struct trust **out, struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    w->until = UINT64_MAX;
    enum status st = first(w, &t, e);
    while (st == ST_OK) {
        SCOPED(trust_scope) struct trust *next = NULL;
        uint64_t seq = 0;
        st = find_next(w, t, &next, &seq, e);
        if (st != ST_OK || next == NULL)
            break;
        if (seq >= w->before) {
            w->until = seq;
            break;
        }
        trust_free(t);
        t = trust_take(&next);
        w->from = seq;
    }
    if (st == ST_OK)
        *out = trust_take(&t);
    return st;
}

/* The end of the whole chain. `value` gets the state's under `trust`; it stays empty when no trust
 * was ever recorded. */
static enum status walk_all(struct store *s, bool lenient, struct buf *value, struct trust **out,
                            struct err *e)
{
    struct walk w = {.store = s, .lenient = lenient, .before = UINT64_MAX};
    SCOPED(trust_scope) struct trust *t = NULL;
    enum status st = store_get(s, TRUST_KEY, value, e);
    if (st == ST_OK)
        st = walk(&w, &t, e);
    if (st == ST_OK && !w.passed)
        st = check_pointer(t, buf_span(value), e);
    if (st == ST_OK)
        *out = trust_take(&t);
    return st;
}

enum status trust_load(struct store *s, struct trust **out, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = walk_all(s, false, &value, out, e);
    if (st == ST_NOT_FOUND && value.n == 0) {
        *e = ERR_NONE;
        return err_at(e, ST_UNTRUSTED, "trust", "no-trust", ERR_NO_OFFSET,
                      "the store has no trust document; `assay init` makes one");
    }
    return st;
}

enum status trust_at(struct store *s, uint64_t seq, struct trust **out, uint64_t *from,
                     uint64_t *until, struct err *e)
{
    struct walk w = {.store = s, .before = seq};
    enum status st = walk(&w, out, e);
    *from = w.from;
    *until = w.until;
    return st;
}

enum status trust_since(struct store *s, const struct trust *t, uint64_t *seq, struct err *e)
{
    return recorded(s, t->version, &t->digest, seq, e);
}

/* ---- the next ---- */

/* again: it was recorded before and is lost; only the document is put back. */
static enum status commit_trust(struct store *s, struct span envelope, const struct trust *t,
                                bool again, const struct buf *before, struct clock clock,
                                const struct signer *log, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf pointer = BUF_EMPTY;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    struct digest digest;
    if (!again)
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

/* The first is the one that the charter names, and no other. */
static enum status check_first(struct store *s, const struct trust *next, struct err *e)
{
    struct store_facts facts;
    enum status st = store_facts(s, &facts, e);
    if (st != ST_OK || (next->version == 1 && digest_equal(&facts.trust, &next->digest)))
        return st;
    return err_at(e, ST_UNTRUSTED, "trust", "trust-anchor", ERR_NO_OFFSET,
                  "the store was made for another first trust");
}

enum status trust_install(struct store *s, struct span envelope, struct clock clock,
                          const struct signer *log, struct err *e)
{
    SCOPED(trust_scope) struct trust *next = NULL;
    SCOPED(trust_scope) struct trust *now = NULL;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = open_document(envelope, &v, &next, e);
    if (st != ST_OK)
        return st;
    struct err none = ERR_NONE, unknown = ERR_NONE;
    uint64_t seq = 0;
    bool again = recorded(s, next->version, &next->digest, &seq, &unknown) == ST_OK;
    if (!again && (st = trust_alive(next, clock_now(&clock), e)) != ST_OK)
        return st;
    st = walk_all(s, true, &value, &now, &none);
    if (st == ST_OK) {
        if (digest_equal(&now->digest, &next->digest))
            return ST_OK; /* it is in force already */
        st = check_succession(now, next, &v, e);
    } else if (st == ST_NOT_FOUND && value.n == 0) {
        st = check_first(s, next, e);
    } else {
        *e = none;
    }
    return st == ST_OK ? commit_trust(s, envelope, next, again, &value, clock, log, e) : st;
}
