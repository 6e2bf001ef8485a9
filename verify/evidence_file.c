#include "verify/evidence_file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/change.h"
#include <string.h>

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

/* ---- filing ---- */

struct entry_texts {
    struct store *store;
    const struct filing *f;
    char envelope[DIGEST_TEXT];
    struct buf body, set;
};

static void entry_texts_release(struct entry_texts *t)
{
    buf_release(&t->body);
    buf_release(&t->set);
}

static void write_body(struct entry_texts *t)
{
    char hex[DIGEST_TEXT];
    digest_text(&t->f->bound->artifact, hex);
    struct json_out j = json_out(&t->body);
    json_object(&j);
    member(&j, "artifact", hex);
    member(&j, "evidence", t->envelope);
    member(&j, "gate", gate_name(t->f->bound->gate));
    member(&j, "verdict", verdict_name(t->f->verdict));
    json_close(&j);
}

static enum status note(void *ctx, const char *key, struct span value, struct err *e)
{
    bool *any = ctx;
    (void)key;
    (void)value;
    (void)e;
    *any = true;
    return ST_OK;
}

static enum status is_any(struct store *s, const struct evidence *like, bool *out, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    evidence_prefix(&like->bound.artifact, like->gate, prefix);
    return store_scan(s, prefix, note, out, e);
}

/* An old pass must not come after a newer fail: what was measured last is what counts. */
static enum status check_newest(const struct entry_texts *t, struct err *e)
{
    SCOPED(evidence_release) struct evidence last = {0};
    const struct evidence *this = t->f->newer_than;
    struct err why = ERR_NONE;
    if (this == NULL)
        return ST_OK;
    enum status st = evidence_newest(t->store, t->f->trust, &this->bound.artifact, this->gate,
                                     TRUST_ANY_TIME, &last, &why);
    if (st == ST_IO || st == ST_NO_MEMORY || st == ST_INTERRUPTED) {
        *e = why;
        return st;
    }
    if (st == ST_UNTRUSTED || (st == ST_OK && last.ended < this->ended))
        return ST_OK; /* one that does not count, or an older one */
    if (st != ST_OK) {
        bool any = false;
        enum status seen = is_any(t->store, this, &any, e);
        return seen != ST_OK || !any
                   ? seen
                   : err_at(e, ST_SET_BACK, "evidence", "evidence-older", ERR_NO_OFFSET,
                            "the store's newest evidence of gate %s cannot be read, and may be "
                            "newer than this; measure again",
                            gate_name(this->gate));
    }
    char ended[TIME_TEXT_MAX];
    time_format(last.ended, ended);
    return err_at(e, ST_SET_BACK, "evidence", "evidence-older", ERR_NO_OFFSET,
                  "the store has evidence of gate %s that ended at %s, no earlier than this; "
                  "measure again",
                  gate_name(this->gate), ended);
}

/* Under the lock: the key ends with the entry's own number, so the newest is the last, whoever
 * else commits at the time. */
static enum status prepare(void *ctx, uint64_t seq, struct change_entry *entry, struct err *e)
{
    struct entry_texts *t = ctx;
    char key[STORE_KEY_MAX];
    enum status st = t->f->again == NULL ? check_newest(t, e) : ST_OK;
    if (st != ST_OK)
        return st;
    evidence_prefix(&t->f->bound->artifact, t->f->bound->gate, key);
    size_t n = strlen(key);
    if (t->f->again != NULL)
        text_fmt(key, sizeof key, "%s", t->f->again);
    else
        text_fmt(key + n, sizeof key - n, "%016llu", (unsigned long long)seq);
    struct json_out j = json_out(&t->set);
    json_object(&j);
    member(&j, key, t->envelope);
    json_close(&j);
    entry->set = buf_span(&t->set);
    return buf_status(&t->set) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
}

enum status evidence_file(struct store *s, const struct filing *f, struct digest *out,
                          uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(entry_texts_release) struct entry_texts t = {.store = s, .f = f};
    struct digest ignored;
    enum status st = change_begin(s, &c, e);
    if (st == ST_OK && f->cases.n > 0)
        st = change_document(c, f->cases, &ignored, e);
    if (st == ST_OK)
        st = change_document(c, f->envelope, out, e);
    if (st != ST_OK)
        return st;
    digest_text(out, t.envelope);
    write_body(&t);
    if (buf_status(&t.body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct change_entry entry = {.type = "evidence",
                                       .body = buf_span(&t.body),
                                       .hook = {prepare, &t},
                                       .clock = f->clock,
                                       .log = f->log};
    return change_commit(c, &entry, seq, e);
}

/* ---- from elsewhere ---- */

/* It is about an artifact that is here, and about the same content. */
static enum status check_subject(struct store *s, const struct evidence_offer *offer,
                                 const struct evidence *v, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    enum status st = artifact_open(s, offer->trust, &v->bound.artifact, TRUST_ANY_TIME, &a, e);
    if (st == ST_NOT_FOUND) {
        char hex[DIGEST_TEXT];
        digest_text(&v->bound.artifact, hex);
        *e = ERR_NONE;
        return err_set(e, ST_NOT_FOUND, "evidence-artifact",
                       "the store has no artifact %s; add it first", hex);
    }
    if (st != ST_OK || digest_equal(&a.content, &v->bound.content))
        return st;
    return err_at(e, ST_MISMATCH, "evidence", "evidence-content", ERR_NO_OFFSET,
                  "content: the evidence is about other bytes than the artifact's");
}

/* The records are those that it names: handed over, or here already. */
static enum status check_cases(struct store *s, const struct evidence_offer *offer,
                               const struct evidence *v, struct err *e)
{
    static const struct digest none = {{0}};
    SCOPED(buf_release) struct buf held = BUF_EMPTY;
    char hex[DIGEST_TEXT];
    bool named = !digest_equal(&v->cases, &none);
    digest_text(&v->cases, hex);
    if (offer->cases.n > 0) {
        struct digest d = digest_of(offer->cases);
        return named && digest_equal(&d, &v->cases)
                   ? ST_OK
                   : err_at(e, ST_MISMATCH, "evidence", "evidence-records", ERR_NO_OFFSET,
                            "the records are not those that the evidence names");
    }
    if (!named)
        return ST_OK;
    enum status st = store_document(s, &v->cases, &held, e);
    if (st != ST_NOT_FOUND && st != ST_CORRUPT)
        return st;
    *e = ERR_NONE;
    return err_set(e, ST_NOT_FOUND, "no-records",
                   "it names per-case records, sha256:%s; give them with --records FILE", hex);
}

struct search {
    char hex[DIGEST_TEXT];
    char key[STORE_KEY_MAX]; /* that names it */
    bool found;
};

static enum status match(void *ctx, const char *key, struct span value, struct err *e)
{
    struct search *m = ctx;
    (void)e;
    text_fmt(m->key, sizeof m->key, "%s", key);
    m->found = span_equal(value, span_text(m->hex));
    return m->found ? ST_CANCELLED : ST_OK;
}

/* Does it lie there, and can it and its records be read? */
static enum status is_filed(struct store *s, const struct evidence *v, struct search *m,
                            bool *whole, struct err *e)
{
    static const struct digest none = {{0}};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    char prefix[STORE_KEY_MAX];
    struct err why = ERR_NONE;
    digest_text(&v->digest, m->hex);
    evidence_prefix(&v->bound.artifact, v->gate, prefix);
    enum status st = store_scan(s, prefix, match, m, e);
    if (st != ST_OK || !m->found)
        return st;
    st = store_document(s, &v->digest, &text, &why);
    if (st == ST_OK && !digest_equal(&v->cases, &none))
        st = store_document(s, &v->cases, &text, &why);
    *whole = st == ST_OK;
    if (st != ST_IO && st != ST_NO_MEMORY && st != ST_INTERRUPTED)
        return ST_OK;
    *e = why;
    return st;
}

enum status evidence_accept(struct store *s, const struct evidence_offer *offer,
                            struct evidence *out, bool *existed, uint64_t *seq, struct err *e)
{
    int64_t now = clock_now(&offer->clock);
    struct digest where;
    struct search m = {.found = false};
    *existed = false;
    enum status st = evidence_verify(offer->trust, offer->envelope, now, out, e);
    if (st == ST_OK && out->ended > now)
        st = err_at(e, ST_UNPROVEN, "evidence", "evidence-future", ERR_NO_OFFSET,
                    "it says that it ended after now; one of the two clocks is wrong");
    if (st == ST_OK)
        st = check_subject(s, offer, out, e);
    if (st == ST_OK)
        st = check_cases(s, offer, out, e);
    if (st == ST_OK)
        st = is_filed(s, out, &m, existed, e);
    if (st != ST_OK || *existed)
        return st;
    const struct filing f = {.bound = &out->bound,
                             .verdict = out->verdict,
                             .cases = offer->cases,
                             .envelope = offer->envelope,
                             .log = offer->log,
                             .clock = offer->clock,
                             .newer_than = out,
                             .again = m.found ? m.key : NULL,
                             .trust = offer->trust};
    return evidence_file(s, &f, &where, seq, e);
}
