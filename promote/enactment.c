#include "promote/enactment.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

#define SCHEMA  "assay.law/1"
#define MEMBERS 5

void enactment_release(struct enactment *n)
{
    policy_release(&n->policy);
}

enum status enactment_encode(const struct enactment *n, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(&text);
    digest_text(&n->before, hex);
    json_object(&j);
    json_key(&j, "before");
    json_string(&j, digest_is_zero(&n->before) ? NULL : hex);
    json_key(&j, "policy");
    json_raw(&j, buf_span(&n->policy.canonical));
    json_key(&j, "schema");
    json_string(&j, SCHEMA);
    json_key(&j, "store");
    json_string(&j, n->store);
    json_key(&j, "version");
    json_u64(&j, n->version);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy");
    return canon_text(buf_span(&text), out, e);
}

/* null reads as zero. */
static bool get_digest(const struct json *v, struct digest *out)
{
    const char *hex = json_as_string(v);
    *out = (struct digest){{0}};
    return hex != NULL ? digest_parse(hex, out) : v != NULL && json_kind(v) == JSON_NULL;
}

static enum status decode(struct span payload, struct enactment *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(buf_release) struct buf policy = BUF_EMPTY;
    enum status st = canon_parse(payload, ENACTMENT_MAX, &root, e);
    if (st != ST_OK)
        return st;
    const char *schema = json_as_string(json_get(root, "schema"));
    const char *store = json_as_string(json_get(root, "store"));
    const struct json *law = json_get(root, "policy");
    if (json_count(root) != MEMBERS || schema == NULL || !text_equal(schema, SCHEMA) ||
        store == NULL || strlen(store) != sizeof out->store - 1 || law == NULL ||
        !get_digest(json_get(root, "before"), &out->before) ||
        !json_as_u64(json_get(root, "version"), &out->version) || out->version == 0 ||
        out->version > POLICY_VERSIONS || (out->version == 1) != digest_is_zero(&out->before))
        return err_at(e, ST_FORMAT, "policy", "enactment", ERR_NO_OFFSET,
                      "the document does not make a policy the law of a store");
    memcpy(out->store, store, sizeof out->store);
    if ((st = canon_write(law, &policy, e)) != ST_OK)
        return st;
    return policy_decode(buf_span(&policy), &out->policy, e);
}

enum status enactment_open(struct span bytes, struct envelope *v, struct enactment *out,
                           struct err *e)
{
    *out = (struct enactment){.version = 0};
    enum status st = envelope_parse(bytes, v, e);
    if (st != ST_OK)
        return st;
    if (!text_equal(v->type, POLICY_TYPE))
        return err_at(e, ST_SIGNATURE, "policy", "wrong-type", ERR_NO_OFFSET,
                      "signed as %s, not as a policy", v->type);
    return decode(buf_span(&v->payload), out, e);
}
