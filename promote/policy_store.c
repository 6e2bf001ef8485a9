#include "promote/policy_store.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/inputs.h"
#include "promote/policy_schema.h"
#include "store/change.h"
#include "store/envelope.h"

#define STATE_KEY "policy"

/* The state's value: {"envelope":HEX,"name":…,"policy":HEX,"version":N}. */
struct pointer {
    struct digest envelope, policy;
    uint64_t version;
};

static enum status pointer_parse(struct span value, struct pointer *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    enum status st = json_parse(value, POLICY_MAX, &root, e);
    if (st != ST_OK)
        return st;
    const char *envelope = json_as_string(json_get(root, "envelope"));
    const char *policy = json_as_string(json_get(root, "policy"));
    if (envelope == NULL || !digest_parse(envelope, &out->envelope) || policy == NULL ||
        !digest_parse(policy, &out->policy) ||
        !json_as_u64(json_get(root, "version"), &out->version))
        return err_at(e, ST_CORRUPT, "policy", "policy-pointer", ERR_NO_OFFSET,
                      "the store's state does not say which policy is in force");
    return ST_OK;
}

/* Reads pointer and raw value; ST_NOT_FOUND with *value empty when none is installed. */
static enum status current(struct store *s, struct buf *value, struct pointer *out, struct err *e)
{
    enum status st = store_get(s, STATE_KEY, value, e);
    return st == ST_OK ? pointer_parse(buf_span(value), out, e) : st;
}

enum status policy_verify(const struct trust *t, struct span bytes, int64_t now, struct policy *out,
                          struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = envelope_parse(bytes, &v, e);
    if (st != ST_OK || (st = trust_check(t, ROLE_POLICY, &v, now, e)) != ST_OK)
        return st;
    if (!text_equal(v.type, POLICY_TYPE))
        return err_at(e, ST_SIGNATURE, "policy", "wrong-type", ERR_NO_OFFSET,
                      "signed as %s, not as a policy", v.type);
    return policy_decode(buf_span(&v.payload), out, e);
}

static enum status load(struct store *s, const struct trust *t, int64_t now, struct policy *out,
                        struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(policy_release) struct policy p = {0};
    struct pointer to = {0};
    enum status st = current(s, &value, &to, e);
    if (st == ST_NOT_FOUND && value.n == 0) {
        *e = ERR_NONE;
        return err_set(e, ST_NOT_FOUND, "no-policy",
                       "no policy is installed; assay policy set FILE installs one");
    }
    if (st != ST_OK || (st = store_document(s, &to.envelope, &bytes, e)) != ST_OK ||
        (st = policy_verify(t, buf_span(&bytes), now, &p, e)) != ST_OK)
        return st;
    if (!digest_equal(&p.digest, &to.policy))
        return err_set(e, ST_CORRUPT, "policy-digest",
                       "the signed policy is not the one the state names");
    *out = p;
    p = (struct policy){0};
    return ST_OK;
}

enum status policy_load(struct store *s, const struct trust *t, int64_t now, struct policy *out,
                        struct err *e)
{
    if (load(s, t, now, out, e) == ST_OK)
        return ST_OK;
    err_stage(e, "policy");
    return err_subject(e, "the installed policy");
}

enum status policy_open(struct store *s, const struct trust *t, const struct digest *envelope,
                        int64_t now, struct policy *out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    enum status st = store_document(s, envelope, &bytes, e);
    return st == ST_OK ? policy_verify(t, buf_span(&bytes), now, out, e) : st;
}

enum status policy_envelope(struct store *s, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct pointer to = {0};
    enum status st = current(s, &value, &to, e);
    return st == ST_OK ? store_document(s, &to.envelope, out, e) : st;
}

/* ---- installing ---- */

static void write_pointer(const struct policy *p, const struct digest *envelope, uint64_t version,
                          struct buf *out)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "envelope");
    digest_text(envelope, hex);
    json_string(&j, hex);
    json_key(&j, "name");
    json_string(&j, p->name);
    json_key(&j, "policy");
    digest_text(&p->digest, hex);
    json_string(&j, hex);
    json_key(&j, "version");
    json_u64(&j, version);
    json_close(&j);
}

static enum status commit(struct store *s, const struct policy *p, struct span envelope,
                          uint64_t version, const struct buf *before, const struct signer *log,
                          struct clock clock, uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf pointer = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    struct digest digest;
    enum status st = change_begin(s, &c, e);
    if (st != ST_OK || (st = change_document(c, envelope, &digest, e)) != ST_OK)
        return st;
    write_pointer(p, &digest, version, &pointer);
    struct json_out j = json_out(&set);
    json_object(&j);
    json_key(&j, STATE_KEY);
    json_text(&j, buf_span(&pointer));
    json_close(&j);
    buf_append(&old, buf_span(before));
    buf_byte(&old, '\0');
    if (buf_status(&pointer) != ST_OK || buf_status(&set) != ST_OK || buf_status(&old) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy");
    struct expect expect = {.key = STATE_KEY, .value = before->n > 0 ? (const char *)old.p : NULL};
    struct change_entry entry = {.type = "policy",
                                 .body = buf_span(&pointer),
                                 .set = buf_span(&set),
                                 .expects = &expect,
                                 .expect_count = 1,
                                 .clock = clock,
                                 .log = log};
    return change_commit(c, &entry, seq, e);
}

enum status policy_install(struct store *s, const struct policy *p, const struct signer *policy_key,
                           const struct signer *log, struct clock clock, uint64_t *seq,
                           struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(policy_release) struct policy check = {0};
    SCOPED(policy_release) struct policy held = {0};
    struct pointer now = {0};
    *seq = 0;
    enum status st = trust_load(s, &t, e);
    if (st != ST_OK || (st = envelope_sign(POLICY_TYPE, buf_span(&p->canonical), policy_key,
                                           &envelope, e)) != ST_OK)
        return st;
    /* A law that the trust does not accept would leave the store without any: read it back first.
     */
    if ((st = policy_verify(t, buf_span(&envelope), clock_now(&clock), &check, e)) != ST_OK)
        return st;
    struct err none = ERR_NONE;
    st = current(s, &value, &now, &none);
    if (st != ST_OK && (st != ST_NOT_FOUND || value.n > 0)) {
        *e = none;
        return st;
    }
    /* The same law is in force only while whoever signed it may: else it is signed anew. */
    if (st == ST_OK && digest_equal(&now.policy, &p->digest)) {
        st = policy_open(s, t, &now.envelope, clock_now(&clock), &held, &none);
        if (inputs_trouble(st))
            *e = none;
        if (st == ST_OK || inputs_trouble(st))
            return st;
    }
    return commit(s, p, buf_span(&envelope), now.version + 1, &value, log, clock, seq, e);
}
