#include "verify/evidence.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/envelope.h"
#include "store/ledger.h"
#include "verify/evidence_file.h"
#include "verify/evidence_format.h"
#include <string.h>

void evidence_release(struct evidence *v)
{
    heap_free(v->checks);
    if (v->statement != NULL)
        json_free(v->statement);
    *v = (struct evidence){0};
}

void evidence_prefix(const struct digest *artifact, enum gate g, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(out, STORE_KEY_MAX, "evidence/%s/%s/", hex, gate_name(g));
}

/* ---- making ------------------------------------------------------------------------------- */

static enum status subject_name(struct store *s, const struct digest *artifact, char *out,
                                size_t cap, struct err *e)
{
    char hex[DIGEST_TEXT], key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    digest_text(artifact, hex);
    text_fmt(key, sizeof key, "artifact/%s", hex);
    enum status st = store_get(s, key, &value, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&value), LEDGER_LINE_MAX, &v, e);
    if (st != ST_OK)
        return st;
    const char *name = json_as_string(json_get(v, "name"));
    const char *version = json_as_string(json_get(v, "version"));
    if (name == NULL || version == NULL)
        return err_set(e, ST_CORRUPT, "state-value", "the facts of artifact %.12s are damaged",
                       hex);
    text_fmt(out, cap, "%s@%s", name, version);
    return ST_OK;
}

enum status evidence_commit(struct store *s, const struct bound *bound,
                            const struct gate_result *result, const struct signer *gate_key,
                            const struct signer *log, struct clock clock, struct digest *out,
                            struct err *e)
{
    char subject[2 * MANIFEST_NAME_MAX];
    struct digest cases;
    SCOPED(buf_release) struct buf statement = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    if (result->cases.n > 0)
        cases = digest_of(buf_span(&result->cases));
    enum status st = subject_name(s, &bound->artifact, subject, sizeof subject, e);
    if (st == ST_OK)
        st = evidence_encode(bound, result, subject, result->cases.n > 0 ? &cases : NULL,
                             &statement, e);
    if (st == ST_OK)
        st = envelope_sign(EVIDENCE_TYPE, buf_span(&statement), gate_key, &envelope, e);
    const struct filing f = {.bound = bound,
                             .verdict = result->verdict,
                             .cases = buf_span(&result->cases),
                             .envelope = buf_span(&envelope),
                             .log = log,
                             .clock = clock};
    uint64_t seq = 0;
    return st == ST_OK ? evidence_file(s, &f, out, &seq, e) : st;
}

/* ---- reading ------------------------------------------------------------------------------ */

enum status evidence_verify(const struct trust *t, struct span envelope, int64_t now,
                            struct evidence *out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = envelope_parse(envelope, &v, e);
    if (st != ST_OK)
        return err_stage(e, "evidence");
    if (!text_equal(v.type, EVIDENCE_TYPE))
        return err_at(e, ST_SIGNATURE, "evidence", "evidence-type", ERR_NO_OFFSET,
                      "what was given as evidence is signed as something else");
    st = trust_check(t, ROLE_GATE, &v, now, e);
    if (st != ST_OK)
        return err_stage(e, "evidence");
    out->digest = digest_of(envelope);
    return evidence_decode(buf_span(&v.payload), out, e);
}

enum status evidence_open(struct store *s, const struct trust *t, const struct digest *envelope,
                          int64_t now, struct evidence *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    *out = (struct evidence){0};
    enum status st = store_document(s, envelope, &text, e);
    if (st == ST_OK)
        st = evidence_verify(t, buf_span(&text), now, out, e);
    if (st == ST_OK)
        return ST_OK;
    char hex[DIGEST_TEXT], where[sizeof e->subject];
    digest_text(envelope, hex);
    evidence_release(out);
    /* Which piece comes first; in which pack it lies is told behind it. */
    text_fmt(where, sizeof where, "%s", e->subject);
    if (where[0] != '\0') {
        char why[sizeof e->detail];
        text_fmt(why, sizeof why, "%s: %s", where, e->detail);
        text_fmt(e->detail, sizeof e->detail, "%s", why);
        e->subject[0] = '\0';
    }
    return err_subject(e, "evidence %s", hex);
}

/* The digests that lie on a shelf, oldest first. */
static enum status keep(void *ctx, const char *key, struct span value, struct err *e)
{
    struct buf *list = ctx;
    struct digest d = {{0}};
    char hex[DIGEST_TEXT] = "";
    (void)key;
    if (value.n == DIGEST_TEXT - 1)
        memcpy(hex, value.p, value.n);
    if (!digest_parse(hex, &d))
        d = (struct digest){{0}};
    buf_append(list, SPAN(d.b, DIGEST_BYTES));
    return buf_status(list) == ST_OK ? ST_OK
                                     : err_set(e, ST_NO_MEMORY, NULL, "no memory for evidence");
}

static struct digest listed(struct span list, size_t i)
{
    struct digest d;
    memcpy(d.b, list.p + i * DIGEST_BYTES, DIGEST_BYTES);
    return d;
}

enum status evidence_again(struct store *s, const struct trust *t, struct span list, bool *out,
                           struct err *e)
{
    SCOPED(evidence_release) struct evidence last = {0};
    size_t n = list.n / DIGEST_BYTES, i = 0;
    const struct digest newest = listed(list, n - 1);
    struct digest d = listed(list, 0);
    struct err why = ERR_NONE;
    *out = false;
    while (i + 1 < n && !digest_equal(&d, &newest))
        d = listed(list, ++i);
    if (i + 1 >= n || evidence_open(s, t, &newest, TRUST_ANY_TIME, &last, &why) != ST_OK)
        return ST_OK; /* new, or worth nothing */
    for (; i + 1 < n && !*out; i++) {
        SCOPED(evidence_release) struct evidence v = {0};
        d = listed(list, i);
        enum status st = evidence_open(s, t, &d, TRUST_ANY_TIME, &v, &why);
        if (st == ST_IO || st == ST_NO_MEMORY || st == ST_INTERRUPTED) {
            *e = why;
            return st;
        }
        *out = st == ST_OK ? v.ended > last.ended : st != ST_UNTRUSTED;
    }
    return ST_OK;
}

enum status evidence_newest(struct store *s, const struct trust *t, const struct digest *artifact,
                            enum gate g, int64_t now, struct evidence *out, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    bool again = false;
    *out = (struct evidence){0};
    evidence_prefix(artifact, g, prefix);
    enum status st = store_scan(s, prefix, keep, &list, e);
    if (st != ST_OK)
        return st;
    if (list.n == 0)
        return err_set(e, ST_NOT_FOUND, NULL, "there is no evidence of gate %s", gate_name(g));
    const struct digest last = listed(buf_span(&list), list.n / DIGEST_BYTES - 1);
    if (digest_is_zero(&last))
        return err_set(e, ST_CORRUPT, "state-value", "the state key %s holds no digest", prefix);
    if ((st = evidence_again(s, t, buf_span(&list), &again, e)) != ST_OK)
        return st;
    if (again)
        return err_set(e, ST_SET_BACK, "evidence-again",
                       "the newest evidence of gate %s is older evidence put on top again; measure "
                       "again, and find out who holds the log key",
                       gate_name(g));
    st = evidence_open(s, t, &last, now, out, e);
    if (st != ST_OK)
        return st;
    /* What lies under an artifact's key has to be about that artifact. */
    if (out->gate == g && digest_equal(&out->bound.artifact, artifact))
        return ST_OK;
    evidence_release(out);
    return err_set(e, ST_CORRUPT, "evidence-swapped", "evidence of gate %s is about something else",
                   gate_name(g));
}

enum status evidence_fresh(struct store *s, const struct trust *t, const struct bound *bound,
                           int64_t now, uint64_t max_age_s, struct evidence *out, bool *fresh,
                           struct err *e)
{
    *fresh = false;
    enum status st = evidence_newest(s, t, &bound->artifact, bound->gate, now, out, e);
    if (st != ST_OK) {
        /* Nothing, or nothing that counts: the gate has to run. */
        if (st == ST_IO || st == ST_NO_MEMORY || st == ST_INTERRUPTED)
            return st;
        *e = ERR_NONE;
        return ST_OK;
    }
    bool young = out->ended <= now && (max_age_s == 0 || (uint64_t)(now - out->ended) <= max_age_s);
    *fresh = young && identity_difference(&out->bound, bound) == NULL;
    return ST_OK;
}
