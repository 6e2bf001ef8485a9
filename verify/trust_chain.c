/* The chain of trust: from the first document, which the store's charter names by digest, to the
 * newest, each version signed under the thresholds of the one before it and of its own.
 *
 *     charter "trust": D1 ──▶ document 1 ──signs──▶ document 2 ──signs──▶ … ──▶ in force
 *     state   once/trust/0000000000000002/D2   candidates for version 2, set once, never taken back
 *     state   trust                            {"digest","version"} of the end
 *
 * The state only says where to look. A candidate that is not signed as the next version has to be
 * is passed over, so whoever can write entries (the log key has no passphrase) can neither put
 * another document into force nor stop the right one; and since what was recorded stays, he cannot
 * go back to an older one either. */
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

static enum status read_document(struct store *s, const struct digest *d, struct envelope *v,
                                 struct trust **out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    enum status st = store_document(s, d, &bytes, e);
    return st == ST_OK ? open_document(buf_span(&bytes), v, out, e) : st;
}

/* ---- the walk ---- */

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

/* The one candidate that follows `now`; *out stays NULL when there is none. */
static enum status find_next(struct store *s, const struct trust *now, struct trust **out,
                             struct err *e)
{
    char prefix[STORE_KEY_MAX];
    struct candidates c = {.count = 0};
    trust_once_prefix(now->version + 1, prefix);
    enum status st = store_scan(s, prefix, collect, &c, e);
    if (st == ST_OK && c.more)
        st = err_at(e, ST_UNTRUSTED, "trust", "trust-crowd", ERR_NO_OFFSET,
                    "more than %u documents claim to be trust version %llu", CANDIDATES_MAX,
                    (unsigned long long)now->version + 1);
    for (size_t i = 0; st == ST_OK && i < c.count; i++) {
        SCOPED(trust_scope) struct trust *t = NULL;
        SCOPED(envelope_release) struct envelope v = {0};
        struct err why = ERR_NONE;
        st = read_document(s, &c.digest[i], &v, &t, &why);
        if (st == ST_OK)
            st = check_succession(now, t, &v, &why);
        if (is_trouble(st)) {
            *e = why;
            return st;
        }
        bool fits = st == ST_OK;
        st = ST_OK;
        if (fits && *out != NULL)
            st = err_at(e, ST_UNTRUSTED, "trust", "trust-fork", ERR_NO_OFFSET,
                        "two different documents are signed as trust version %llu",
                        (unsigned long long)t->version);
        else if (fits)
            *out = trust_take(&t);
    }
    return st;
}

static enum status first(struct store *s, struct trust **out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    struct store_facts facts;
    enum status st = store_facts(s, &facts, e);
    if (st == ST_OK)
        st = read_document(s, &facts.trust, &v, out, e);
    if (st == ST_OK && (*out)->version != 1)
        st = err_at(e, ST_UNTRUSTED, "trust", "trust-anchor", ERR_NO_OFFSET,
                    "the store began with trust version %llu, not with 1",
                    (unsigned long long)(*out)->version);
    return st;
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

/* `value` gets the state's under `trust`; it stays empty when no trust was ever recorded. */
static enum status walk(struct store *s, struct buf *value, struct trust **out, struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    enum status st = store_get(s, TRUST_KEY, value, e);
    if (st == ST_OK)
        st = first(s, &t, e);
    while (st == ST_OK) {
        struct trust *next = NULL;
        st = find_next(s, t, &next, e);
        if (next == NULL)
            break;
        trust_free(t);
        t = next;
    }
    if (st == ST_OK)
        st = check_pointer(t, buf_span(value), e);
    if (st == ST_OK)
        *out = trust_take(&t);
    return st;
}

enum status trust_load(struct store *s, struct trust **out, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    enum status st = walk(s, &value, out, e);
    if (st == ST_NOT_FOUND && value.n == 0) {
        *e = ERR_NONE;
        return err_at(e, ST_UNTRUSTED, "trust", "no-trust", ERR_NO_OFFSET,
                      "the store has no trust document; `assay init` makes one");
    }
    return st;
}

/* ---- the next ---- */

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
    if (st != ST_OK || (st = trust_alive(next, clock_now(&clock), e)) != ST_OK)
        return st;
    struct err none = ERR_NONE;
    st = walk(s, &value, &now, &none);
    if (st == ST_OK) {
        if (digest_equal(&now->digest, &next->digest))
            return ST_OK; /* it is in force already */
        st = check_succession(now, next, &v, e);
    } else if (st == ST_NOT_FOUND && value.n == 0) {
        st = check_first(s, next, e);
    } else {
        *e = none;
    }
    return st == ST_OK ? commit_trust(s, envelope, next, &value, clock, log, e) : st;
}
