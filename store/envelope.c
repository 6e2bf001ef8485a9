#include "store/envelope.h"
#include "base/base64.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

void envelope_pae(const char *type, struct span payload, struct buf *out)
{
    buf_fmt(out, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.n);
    buf_append(out, payload);
}

void envelope_release(struct envelope *v)
{
    buf_release(&v->payload);
    buf_release(&v->said);
    *v = (struct envelope){0};
}

static enum status defect(struct err *e, const char *code, const char *what)
{
    return err_set(e, ST_FORMAT, code, "the envelope is not valid: %s", what);
}

/* Every member must be one of the known names; the reader refuses duplicates itself. */
static bool only_members(const struct json *v, const char *const *known, size_t count)
{
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *key = json_member(v, i, &value);
        size_t k = 0;
        while (k < count && !text_equal(key, known[k]))
            k++;
        if (k == count)
            return false;
    }
    return true;
}

static enum status parse_signature(const struct json *v, struct envelope *out, struct err *e)
{
    static const char *const known[] = {"keyid", "sig"};
    const char *sig = json_as_string(json_get(v, "sig"));
    const struct json *id = json_get(v, "keyid");
    const char *keyid = id == NULL ? "" : json_as_string(id);
    if (json_kind(v) != JSON_OBJECT || sig == NULL || keyid == NULL || !only_members(v, known, 2))
        return defect(e, "envelope-signature",
                      "a signature has keyid and sig, both text, and nothing else");
    uint8_t raw[KEY_SIGNATURE_BYTES + 8];
    struct buf b = buf_over(raw, sizeof raw);
    if (!base64_decode(&b, span_text(sig)) || buf_status(&b) != ST_OK || b.n != KEY_SIGNATURE_BYTES)
        return defect(e, "envelope-signature", "sig is not 64 bytes in base64 (Ed25519)");
    memcpy(out->signatures[out->count].sig, raw, KEY_SIGNATURE_BYTES);
    /* A hint of another shape is no hint for us. */
    if (strlen(keyid) < KEY_ID_TEXT)
        memcpy(out->signatures[out->count].keyid, keyid, strlen(keyid) + 1);
    out->count++;
    return ST_OK;
}

static enum status parse_signatures(const struct json *list, struct envelope *out, struct err *e)
{
    if (json_kind(list) != JSON_ARRAY)
        return defect(e, "envelope-signatures", "signatures is missing or no array");
    size_t n = json_count(list);
    if (n == 0)
        return err_set(e, ST_SIGNATURE, "unsigned", "the envelope carries no signature");
    if (n > ENVELOPE_SIGNATURES)
        return defect(e, "envelope-signatures", "more than 16 signatures");
    for (size_t i = 0; i < n; i++) {
        enum status st = parse_signature(json_at(list, i), out, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status parse_body(const struct json *root, struct envelope *out, struct err *e)
{
    static const char *const known[] = {"payload", "payloadType", "signatures"};
    if (json_kind(root) != JSON_OBJECT || !only_members(root, known, 3))
        return defect(e, "envelope-members",
                      "it has payload, payloadType and signatures, and nothing else");
    const char *type = json_as_string(json_get(root, "payloadType"));
    if (type == NULL || *type == '\0' || strlen(type) >= sizeof out->type)
        return defect(e, "envelope-type", "payloadType is missing, empty or longer than 127 bytes");
    memcpy(out->type, type, strlen(type) + 1);
    const char *payload = json_as_string(json_get(root, "payload"));
    if (payload == NULL)
        return defect(e, "envelope-payload", "payload is missing or no text");
    bool decoded = base64_decode(&out->payload, span_text(payload));
    if (buf_status(&out->payload) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the envelope's payload");
    if (!decoded)
        return defect(e, "envelope-payload", "payload is not base64");
    envelope_pae(out->type, buf_span(&out->payload), &out->said);
    if (buf_status(&out->said) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for what the envelope says");
    return parse_signatures(json_get(root, "signatures"), out, e);
}

enum status envelope_parse(struct span json, struct envelope *out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(json, ENVELOPE_MAX, &root, e);
    if (st != ST_OK || (st = parse_body(root, &v, e)) != ST_OK) {
        err_stage(e, "envelope");
        return st;
    }
    *out = v;
    v = (struct envelope){0}; /* its payload is the caller's now */
    return ST_OK;
}

/* Is what was signed still what the envelope holds? */
static bool is_said(const struct envelope *v)
{
    char head[ENVELOPE_TYPE_MAX + 64];
    const size_t n =
        text_fmt(head, sizeof head, "DSSEv1 %zu %s %zu ", strlen(v->type), v->type, v->payload.n);
    return v->said.n == n + v->payload.n && memcmp(v->said.p, head, n) == 0 &&
           (v->payload.n == 0 || memcmp(v->said.p + n, v->payload.p, v->payload.n) == 0);
}

bool envelope_signed_by(const struct envelope *v, const struct public_key *k)
{
    if (!is_said(v))
        return false;
    for (size_t i = 0; i < v->count; i++) {
        if (key_verify(k, buf_span(&v->said), v->signatures[i].sig))
            return true;
    }
    return false;
}

static void write_signature(struct json_out *j, const char *keyid,
                            const uint8_t sig[KEY_SIGNATURE_BYTES])
{
    char text[96];
    struct buf b = buf_over(text, sizeof text);
    base64_encode(&b, SPAN(sig, KEY_SIGNATURE_BYTES));
    json_object(j);
    json_key(j, "keyid");
    json_string(j, keyid);
    json_key(j, "sig");
    json_text(j, buf_span(&b));
    json_close(j);
}

/* An envelope around payload with the signatures of v (NULL: none) and then that of s. */
static enum status write_envelope(const char *type, struct span payload_bytes,
                                  const struct envelope *v, const struct signer *s, struct span pae,
                                  struct buf *out, struct err *e)
{
    char keyid[KEY_ID_TEXT];
    uint8_t sig[KEY_SIGNATURE_BYTES];
    key_id_text(signer_public(s), keyid);
    enum status st = signer_sign(s, pae, sig, e);
    if (st != ST_OK)
        return st;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    base64_encode(&payload, payload_bytes);
    struct json_out j = json_out(&json);
    json_object(&j);
    json_key(&j, "payload");
    json_text(&j, buf_span(&payload));
    json_key(&j, "payloadType");
    json_string(&j, type);
    json_key(&j, "signatures");
    json_array(&j);
    for (size_t i = 0; v != NULL && i < v->count; i++)
        write_signature(&j, v->signatures[i].keyid, v->signatures[i].sig);
    write_signature(&j, keyid, sig);
    json_close(&j);
    json_close(&j);
    if (buf_status(&payload) != ST_OK || buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an envelope");
    if (json.n > ENVELOPE_MAX)
        return err_set(e, ST_INVALID_LENGTH, "envelope-size", "an envelope has at most %u bytes",
                       ENVELOPE_MAX);
    return canon_text(buf_span(&json), out, e);
}

enum status envelope_sign(const char *type, struct span payload, const struct signer *s,
                          struct buf *out, struct err *e)
{
    if (*type == '\0' || strlen(type) >= ENVELOPE_TYPE_MAX)
        return err_set(e, ST_INVALID_LENGTH, "envelope-type", "a payload type has 1 to 127 bytes");
    SCOPED(buf_release) struct buf pae = BUF_EMPTY;
    envelope_pae(type, payload, &pae);
    if (buf_status(&pae) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an envelope");
    return write_envelope(type, payload, NULL, s, buf_span(&pae), out, e);
}

enum status envelope_cosign(const struct envelope *v, const struct signer *s, struct buf *out,
                            struct err *e)
{
    if (envelope_signed_by(v, signer_public(s)))
        return err_set(e, ST_EXISTS, "signed-already", "that key has signed this envelope already");
    if (v->count == ENVELOPE_SIGNATURES)
        return err_set(e, ST_INVALID_LENGTH, "envelope-signatures",
                       "an envelope holds at most %d signatures", ENVELOPE_SIGNATURES);
    return write_envelope(v->type, buf_span(&v->payload), v, s, buf_span(&v->said), out, e);
}
