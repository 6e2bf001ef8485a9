#include "verify/attestation.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/envelope.h"
#include <string.h>

#define STATEMENT   "https://in-toto.io/Statement/v1"
#define PREDICATE   "urn:assay:attestation"
#define PAYLOAD_MAX (64u << 10)

static const struct {
    const char *name;
    enum role role;
} types[ATTEST_COUNT] = {
    {"source", ROLE_PUBLISHER}, {"review", ROLE_GATE}, {"support", ROLE_RELEASE}};

const char *attestation_name(enum attestation a)
{
    return a < ATTEST_COUNT ? types[a].name : "none";
}

enum attestation attestation_parse(const char *name)
{
    enum attestation a = ATTEST_SOURCE;
    while (a < ATTEST_COUNT && (name == NULL || !text_equal(name, types[a].name)))
        a++;
    return a;
}

enum role attestation_role(enum attestation a)
{
    return a < ATTEST_COUNT ? types[a].role : ROLE_NONE;
}

/* ---- codec ---- */

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static bool is_zero(const struct digest *d)
{
    static const struct digest none = {{0}};
    return digest_equal(d, &none);
}

static void put_source(struct json_out *j, const struct attested_record *r)
{
    char hex[DIGEST_TEXT];
    json_key(j, "source");
    if (is_zero(&r->source)) {
        json_null(j);
        return;
    }
    digest_text(&r->source, hex);
    json_object(j);
    member(j, "sha256", hex);
    member(j, "uri", r->uri);
    json_close(j);
}

enum status attestation_encode(const struct attested_record *r, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    char hex[DIGEST_TEXT];
    digest_text(&r->artifact, hex);
    struct json_out j = json_out(&text);
    json_object(&j);
    member(&j, "_type", STATEMENT);
    json_key(&j, "predicate");
    json_object(&j);
    member(&j, "reason", r->reason);
    put_source(&j, r);
    member(&j, "time", r->time);
    member(&j, "type", attestation_name(r->type));
    json_close(&j);
    member(&j, "predicateType", PREDICATE);
    json_key(&j, "subject");
    json_array(&j);
    json_object(&j);
    json_key(&j, "digest");
    json_object(&j);
    member(&j, "sha256", hex);
    json_close(&j);
    member(&j, "name", r->subject);
    json_close(&j);
    json_close(&j);
    json_close(&j);
    return buf_status(&text) == ST_OK
               ? canon_text(buf_span(&text), out, e)
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for an attestation");
}

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static bool get_digest(const struct json *v, const char *key, struct digest *out)
{
    const char *hex = json_as_string(json_get(v, key));
    return hex != NULL && strlen(hex) == DIGEST_TEXT - 1 && digest_parse(hex, out);
}

static bool read_members(const struct json *root, struct attested_record *r)
{
    const struct json *p = json_get(root, "predicate"), *source = json_get(p, "source");
    const struct json *subject = json_at(json_get(root, "subject"), 0);
    int64_t when = 0;
    r->type = attestation_parse(json_as_string(json_get(p, "type")));
    bool with = json_kind(source) == JSON_OBJECT;
    return r->type < ATTEST_COUNT && get_text(p, "reason", r->reason, sizeof r->reason) &&
           get_text(p, "time", r->time, sizeof r->time) && time_parse(r->time, &when) &&
           (!with || (get_digest(source, "sha256", &r->source) &&
                      get_text(source, "uri", r->uri, sizeof r->uri))) &&
           with == (r->type == ATTEST_SOURCE) &&
           get_digest(json_get(subject, "digest"), "sha256", &r->artifact) &&
           get_text(subject, "name", r->subject, sizeof r->subject);
}

enum status attestation_decode(struct span payload, struct attested_record *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    struct attested_record r = {.type = ATTEST_COUNT};
    enum status st = canon_parse(payload, PAYLOAD_MAX, &root, e);
    if (st != ST_OK)
        return err_stage(e, "attestation");
    bool read = read_members(root, &r);
    if (read && (st = attestation_encode(&r, &again, e)) != ST_OK)
        return st;
    if (!read || !span_equal(buf_span(&again), payload))
        return err_at(e, ST_FORMAT, "attestation", "attestation", ERR_NO_OFFSET,
                      "the statement is no attestation of this program");
    *out = r;
    return ST_OK;
}

/* ---- committing ---- */

/* attest/ARTIFACT/TYPE/ */
static void prefix_of(enum attestation type, const struct digest *artifact, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    digest_text(artifact, hex);
    text_fmt(out, STORE_KEY_MAX, "attest/%s/%s/", hex, attestation_name(type));
}

struct filing_text {
    const struct attested_record *r;
    struct buf body, set;
};

static void filing_text_release(struct filing_text *f)
{
    buf_release(&f->body);
    buf_release(&f->set);
}

/* Under the lock, when the number is known. */
static enum status prepare(void *ctx, uint64_t seq, struct change_entry *entry, struct err *e)
{
    struct filing_text *f = ctx;
    char key[STORE_KEY_MAX], envelope[DIGEST_TEXT];
    prefix_of(f->r->type, &f->r->artifact, key);
    digest_text(&f->r->envelope, envelope);
    size_t n = strlen(key);
    text_fmt(key + n, sizeof key - n, "%016llu", (unsigned long long)seq);
    struct json_out j = json_out(&f->set);
    json_object(&j);
    member(&j, key, envelope);
    json_close(&j);
    entry->set = buf_span(&f->set);
    return buf_status(&f->set) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
}

static void write_body(struct filing_text *f)
{
    char artifact[DIGEST_TEXT], envelope[DIGEST_TEXT];
    digest_text(&f->r->artifact, artifact);
    digest_text(&f->r->envelope, envelope);
    struct json_out j = json_out(&f->body);
    json_object(&j);
    member(&j, "artifact", artifact);
    member(&j, "attestation", attestation_name(f->r->type));
    member(&j, "envelope", envelope);
    member(&j, "reason", f->r->reason);
    json_close(&j);
}

static enum status commit(struct store *s, struct attested_record *r, struct span envelope,
                          const struct signer *log, struct clock clock, uint64_t *seq,
                          struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(filing_text_release) struct filing_text f = {.r = r};
    enum status st = change_begin(s, &c, e);
    if (st == ST_OK)
        st = change_document(c, envelope, &r->envelope, e);
    if (st != ST_OK)
        return st;
    write_body(&f);
    if (buf_status(&f.body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct change_entry entry = {.type = "attest",
                                       .body = buf_span(&f.body),
                                       .hook = {prepare, &f},
                                       .clock = clock,
                                       .log = log};
    return change_commit(c, &entry, seq, e);
}

enum status attestation_commit(struct store *s, const struct trust *t, struct attested_record *r,
                               const struct signer *by, const struct signer *log,
                               struct clock clock, uint64_t *seq, struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    enum role role = attestation_role(r->type);
    time_format(clock_now(&clock), r->time);
    enum status st = trust_alive(t, clock_now(&clock), e);
    if (st == ST_OK)
        st = trust_want(t, role, signer_public(by), e);
    if (st == ST_OK)
        st = attestation_encode(r, &payload, e);
    if (st == ST_OK)
        st = envelope_sign(ATTESTATION_TYPE, buf_span(&payload), by, &envelope, e);
    if (st == ST_OK)
        st = envelope_parse(buf_span(&envelope), &v, e);
    if (st == ST_OK && !envelope_signed_by(&v, signer_public(by)))
        st = err_set(e, ST_SIGNATURE, "signature-wrong", "the signer's signature does not verify");
    return st == ST_OK ? commit(s, r, buf_span(&envelope), log, clock, seq, e) : st;
}

/* ---- reading ---- */

/* One voice of the role is enough: it is a person's word, not a vote. */
static enum status check_signer(const struct trust *t, enum role role, const struct envelope *v,
                                int64_t now, struct err *e)
{
    unsigned needed = 0;
    return trust_signers(t, role, v, &needed) > 0 ? trust_alive(t, now, e)
                                                  : trust_check(t, role, v, now, e);
}

enum status attestation_open(struct store *s, const struct trust *t, enum attestation type,
                             const struct digest *artifact, const struct digest *envelope,
                             int64_t now, struct attested_record *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = store_document(s, envelope, &text, e);
    if (st == ST_OK)
        st = envelope_parse(buf_span(&text), &v, e);
    if (st == ST_OK && !text_equal(v.type, ATTESTATION_TYPE))
        st = err_at(e, ST_SIGNATURE, "attestation", "wrong-type", ERR_NO_OFFSET,
                    "signed as %s, not as an attestation", v.type);
    if (st == ST_OK)
        st = check_signer(t, attestation_role(type), &v, now, e);
    if (st == ST_OK)
        st = attestation_decode(buf_span(&v.payload), out, e);
    if (st == ST_OK && (out->type != type || !digest_equal(&out->artifact, artifact)))
        st = err_at(e, ST_CORRUPT, "attestation", "attestation-swapped", ERR_NO_OFFSET,
                    "the attestation of type %s is about something else", attestation_name(type));
    if (st == ST_OK) {
        out->envelope = *envelope;
        return ST_OK;
    }
    char hex[DIGEST_TEXT];
    digest_text(envelope, hex);
    return err_subject(e, "attestation %s", hex);
}

struct newest {
    bool found, damaged;
    struct digest envelope;
};

static enum status keep_last(void *ctx, const char *key, struct span value, struct err *e)
{
    struct newest *n = ctx;
    char hex[DIGEST_TEXT] = "";
    (void)key;
    (void)e;
    if (value.n == DIGEST_TEXT - 1)
        memcpy(hex, value.p, value.n);
    n->found = true;
    n->damaged = !digest_parse(hex, &n->envelope);
    return ST_OK;
}

enum status attestation_newest(struct store *s, const struct trust *t, enum attestation type,
                               const struct digest *artifact, int64_t now,
                               struct attested_record *out, struct err *e)
{
    char prefix[STORE_KEY_MAX];
    struct newest last = {.found = false};
    prefix_of(type, artifact, prefix);
    enum status st = store_scan(s, prefix, keep_last, &last, e);
    if (st != ST_OK)
        return st;
    if (!last.found)
        return err_set(e, ST_NOT_FOUND, "no-attestation", "nobody has attested its %s",
                       attestation_name(type));
    return last.damaged ? err_set(e, ST_CORRUPT, "state-value", "%s holds no digest", prefix)
                        : attestation_open(s, t, type, artifact, &last.envelope, now, out, e);
}
