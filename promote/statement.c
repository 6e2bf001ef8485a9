#include "promote/statement.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

#define STATEMENT   "https://in-toto.io/Statement/v1"
#define PREDICATE   "https://slsa.dev/verification_summary/v1"
#define EXTENSION   "assay:decision"
#define PAYLOAD_MAX (1u << 20)
#define URI_MAX     512

static const char *const kinds[] = {"none", "promote", "emergency", "rollback", "demote", "retire"};

const char *decision_kind_name(enum decision_kind k)
{
    return kinds[k];
}

bool decision_enters(enum decision_kind k)
{
    return k == DECISION_PROMOTE || k == DECISION_EMERGENCY || k == DECISION_ROLLBACK;
}

static enum decision_kind kind_parse(const char *name)
{
    for (enum decision_kind k = DECISION_PROMOTE; k <= DECISION_RETIRE; k++) {
        if (text_equal(name, kinds[k]))
            return k;
    }
    return DECISION_NONE;
}

static void resource_uri(const struct statement *s, char out[URI_MAX])
{
    text_fmt(out, URI_MAX, "assay:%s/%s@%s#%s", s->store, s->name, s->version, s->channel);
}

/* ---- encode ---- */

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

/* Zero writes null. */
static void put_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    put_text(j, key, digest_is_zero(d) ? NULL : hex);
}

static void put_digest_set(struct json_out *j, const struct digest *d)
{
    json_key(j, "digest");
    json_object(j);
    put_digest(j, "sha256", d);
    json_close(j);
}

static void put_subject(struct json_out *j, const struct statement *s)
{
    char name[2 * MANIFEST_NAME_MAX];
    text_fmt(name, sizeof name, "%s@%s", s->name, s->version);
    json_key(j, "subject");
    json_array(j);
    json_object(j);
    put_digest_set(j, &s->artifact);
    put_text(j, "name", name);
    json_close(j);
    json_close(j);
}

static void put_input(struct json_out *j, const struct statement *s, const char *what,
                      const char *which, const struct digest *d)
{
    char uri[URI_MAX];
    if (digest_is_zero(d))
        return;
    text_fmt(uri, sizeof uri, "assay:%s/%s%s%s", s->store, what, which[0] != '\0' ? "/" : "",
             which);
    json_object(j);
    put_digest_set(j, d);
    put_text(j, "uri", uri);
    json_close(j);
}

/* For whoever knows only SLSA; the basis says the same for us. */
static void put_inputs(struct json_out *j, const struct statement *s)
{
    const struct basis *b = &s->basis;
    json_key(j, "inputAttestations");
    json_array(j);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++)
        put_input(j, s, "evidence", gate_name(g), &b->evidence[g]);
    for (enum attestation a = ATTEST_SOURCE; a < ATTEST_COUNT; a++)
        put_input(j, s, "attestation", attestation_name(a), &b->attestations[a]);
    for (size_t i = 0; i < b->approval_count; i++)
        put_input(j, s, "approval", "", &b->approvals[i]);
    for (size_t i = 0; i < b->waiver_count; i++)
        put_input(j, s, "waiver", "", &b->waivers[i]);
    json_close(j);
}

static void put_extension(struct json_out *j, const struct statement *s)
{
    json_key(j, EXTENSION);
    json_object(j);
    json_key(j, "basis");
    basis_write(&s->basis, j);
    put_digest(j, "before", &s->before);
    put_text(j, "channel", s->channel);
    put_text(j, "kind", decision_kind_name(s->kind));
    json_key(j, "lab");
    json_bool(j, s->lab);
    put_text(j, "name", s->name);
    json_key(j, "number");
    json_u64(j, s->number);
    put_text(j, "reason", s->reason);
    json_key(j, "restores");
    json_u64(j, s->restores);
    json_key(j, "self_signed");
    json_bool(j, s->self_signed);
    put_text(j, "store", s->store);
    put_text(j, "version", s->version);
    json_close(j);
}

static void put_predicate(struct json_out *j, const struct statement *s)
{
    char resource[URI_MAX], verifier[URI_MAX], policy[URI_MAX];
    resource_uri(s, resource);
    text_fmt(verifier, sizeof verifier, "assay:%s", s->store);
    text_fmt(policy, sizeof policy, "assay:%s/policy/%s", s->store, s->policy_name);
    json_key(j, "predicate");
    json_object(j);
    put_extension(j, s);
    put_inputs(j, s);
    json_key(j, "policy");
    json_object(j);
    put_digest_set(j, &s->policy);
    put_text(j, "uri", policy);
    json_close(j);
    put_text(j, "resourceUri", resource);
    put_text(j, "slsaVersion", "1.1");
    put_text(j, "timeVerified", s->time);
    put_text(j, "verificationResult", decision_enters(s->kind) ? "PASSED" : "FAILED");
    json_key(j, "verifiedLevels");
    json_array(j);
    if (decision_enters(s->kind))
        json_string(j, text_equal(s->channel, "stable") ? "ASSAY_STABLE" : "ASSAY_PREVIEW");
    json_close(j);
    json_key(j, "verifier");
    json_object(j);
    put_text(j, "id", verifier);
    json_close(j);
    json_close(j);
}

enum status statement_encode(const struct statement *s, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    struct json_out j = json_out(&json);
    json_object(&j);
    put_text(&j, "_type", STATEMENT);
    put_predicate(&j, s);
    put_text(&j, "predicateType", PREDICATE);
    put_subject(&j, s);
    json_close(&j);
    if (buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a decision");
    return canon_text(buf_span(&json), out, e);
}

/* ---- decode: reads what it needs, then proves by encoding it again that nothing else was there
 * ---- */

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    if (text == NULL || strlen(text) >= cap)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* null reads as zero. */
static bool get_digest(const struct json *v, const char *key, struct digest *out)
{
    const struct json *d = json_get(v, key);
    const char *hex = json_as_string(d);
    *out = (struct digest){{0}};
    return hex != NULL ? digest_parse(hex, out) : d != NULL && json_kind(d) == JSON_NULL;
}

static bool get_extension(const struct json *v, struct statement *out)
{
    const char *kind = json_as_string(json_get(v, "kind"));
    if (kind == NULL)
        return false;
    out->kind = kind_parse(kind);
    return out->kind != DECISION_NONE && basis_read(json_get(v, "basis"), &out->basis) &&
           get_digest(v, "before", &out->before) &&
           get_text(v, "channel", out->channel, sizeof out->channel) &&
           json_as_bool(json_get(v, "lab"), &out->lab) &&
           get_text(v, "name", out->name, sizeof out->name) &&
           json_as_u64(json_get(v, "number"), &out->number) &&
           get_text(v, "reason", out->reason, sizeof out->reason) &&
           json_as_u64(json_get(v, "restores"), &out->restores) &&
           (out->restores > 0) == (out->kind == DECISION_ROLLBACK) &&
           json_as_bool(json_get(v, "self_signed"), &out->self_signed) &&
           get_text(v, "store", out->store, sizeof out->store) &&
           get_text(v, "version", out->version, sizeof out->version);
}

static bool get_policy(const struct json *v, struct statement *out)
{
    const char *uri = json_as_string(json_get(v, "uri"));
    const char *name = uri != NULL ? strrchr(uri, '/') : NULL;
    if (name == NULL || strlen(name + 1) >= sizeof out->policy_name)
        return false;
    memcpy(out->policy_name, name + 1, strlen(name + 1) + 1);
    return get_digest(json_get(v, "digest"), "sha256", &out->policy);
}

enum status statement_decode(struct span payload, struct statement *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    struct statement s = {.kind = DECISION_NONE};
    enum status st = canon_parse(payload, PAYLOAD_MAX, &root, e);
    if (st != ST_OK)
        return st;
    const struct json *predicate = json_get(root, "predicate");
    const struct json *subject = json_at(json_get(root, "subject"), 0);
    bool read = get_extension(json_get(predicate, EXTENSION), &s) &&
                get_policy(json_get(predicate, "policy"), &s) &&
                get_text(predicate, "timeVerified", s.time, sizeof s.time) &&
                get_digest(json_get(subject, "digest"), "sha256", &s.artifact);
    if (read && (st = statement_encode(&s, &again, e)) != ST_OK)
        return st;
    if (!read || !span_equal(buf_span(&again), payload))
        return err_at(e, ST_FORMAT, "decision", "decision-statement", ERR_NO_OFFSET,
                      "the statement is no decision of this program");
    *out = s;
    return ST_OK;
}
