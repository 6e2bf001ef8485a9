#include "promote/policy_store.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/inputs.h"
#include "promote/place.h"
#include "promote/policy_schema.h"
#include "store/change.h"

#define STATE_KEY "policy"

/* What the state says of the law in force. */
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

/* Reads pointer and raw value; *value stays empty, and ST_OK, when none was ever installed. */
static enum status current(struct store *s, struct buf *value, struct pointer *out, struct err *e)
{
    struct err why = ERR_NONE;
    *out = (struct pointer){.version = 0};
    enum status st = store_get(s, STATE_KEY, value, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK)
        return pointer_parse(buf_span(value), out, e);
    *e = why;
    return st;
}

static enum status no_policy(struct err *e)
{
    return err_set(e, ST_NOT_FOUND, "no-policy",
                   "no policy is installed; assay policy set FILE installs one");
}

/* ---- places ---- */

static void place_key(uint64_t version, char out[STORE_KEY_MAX])
{
    text_fmt(out, STORE_KEY_MAX, STORE_ONCE "policy/%016llu", (unsigned long long)version);
}

/* Who took the place of a version, and by which entry; *seq 0: nobody did. */
static enum status place(struct store *s, uint64_t version, struct digest *envelope, uint64_t *seq,
                         struct err *e)
{
    char key[STORE_KEY_MAX];
    place_key(version, key);
    return place_read(s, key, envelope, seq, e);
}

static enum status set_back(struct err *e, uint64_t version, uint64_t newest)
{
    return err_at(e, ST_SET_BACK, "policy", "policy-set-back", ERR_NO_OFFSET,
                  "the ledger goes back to version %llu of the policy, but the place of version "
                  "%llu was taken; find out who holds the log key",
                  (unsigned long long)version, (unsigned long long)newest);
}

/* The pointer has to name the newest place, and who took it. */
static enum status check_pointer(struct store *s, const struct pointer *at, struct err *e)
{
    struct digest taken;
    uint64_t seq = 0;
    enum status st = place(s, at->version + 1, &taken, &seq, e);
    if (st == ST_OK && seq > 0)
        return set_back(e, at->version, at->version + 1);
    if (st == ST_OK)
        st = place(s, at->version, &taken, &seq, e);
    if (st != ST_OK || (seq > 0 && digest_equal(&taken, &at->envelope)))
        return st;
    return err_at(e, ST_UNTRUSTED, "policy", "policy-place", ERR_NO_OFFSET,
                  "the ledger names a policy that never took its place as version %llu; find out "
                  "who holds the log key",
                  (unsigned long long)at->version);
}

/* ---- reading ---- */

static enum status check_signers(const struct trust *t, const struct envelope *v, int64_t now,
                                 const struct enactment *n, const char *store, struct err *e)
{
    enum status st = trust_check(t, ROLE_POLICY, v, now, e);
    if (st != ST_OK || text_equal(n->store, store))
        return st;
    return err_at(e, ST_UNPROVEN, "policy", "policy-store", ERR_NO_OFFSET,
                  "it was made the law of another store");
}

enum status policy_verify(const struct trust *t, struct span envelope, const char *store,
                          int64_t now, struct policy *out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(enactment_release) struct enactment n = {.version = 0};
    enum status st = enactment_open(envelope, &v, &n, e);
    if (st != ST_OK || (st = check_signers(t, &v, now, &n, store, e)) != ST_OK)
        return st;
    *out = n.policy;
    n.policy = (struct policy){0};
    return ST_OK;
}

/* The law of a version, from the document that took its place. */
static enum status open_place(struct store *s, const struct trust *t, uint64_t version,
                              const struct digest *envelope, int64_t now, struct policy *out,
                              struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(enactment_release) struct enactment n = {.version = 0};
    struct store_facts facts;
    struct digest before = {{0}};
    uint64_t seq = 0;
    enum status st = store_facts(s, &facts, e);
    if (st != ST_OK || (st = store_document(s, envelope, &bytes, e)) != ST_OK ||
        (st = enactment_open(buf_span(&bytes), &v, &n, e)) != ST_OK ||
        (st = check_signers(t, &v, now, &n, facts.id, e)) != ST_OK ||
        (version > 1 && (st = place(s, version - 1, &before, &seq, e)) != ST_OK))
        return st;
    if (n.version != version || !digest_equal(&n.before, &before))
        return err_at(e, ST_SET_BACK, "policy", "policy-set-back", ERR_NO_OFFSET,
                      "version %llu of the policy was put in the place of version %llu; find out "
                      "who holds the log key",
                      (unsigned long long)n.version, (unsigned long long)version);
    *out = n.policy;
    n.policy = (struct policy){0};
    return ST_OK;
}

static enum status load(struct store *s, const struct trust *t, int64_t now, struct policy *out,
                        struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    SCOPED(policy_release) struct policy p = {0};
    struct pointer to;
    enum status st = current(s, &value, &to, e);
    if (st == ST_OK && value.n == 0)
        st = no_policy(e);
    if (st != ST_OK || (st = check_pointer(s, &to, e)) != ST_OK ||
        (st = open_place(s, t, to.version, &to.envelope, now, &p, e)) != ST_OK)
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

enum status policy_at(struct store *s, const struct trust *t, uint64_t seq, struct policy *out,
                      uint64_t *from, uint64_t *until, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct pointer to;
    struct digest envelope = {{0}};
    *from = *until = UINT64_MAX;
    enum status st = current(s, &value, &to, e);
    if (st == ST_OK && value.n > 0)
        st = check_pointer(s, &to, e);
    uint64_t version = st == ST_OK ? to.version + 1 : 0;
    while (st == ST_OK && version > 0 && *from >= seq) {
        *until = *from;
        st = place(s, --version, &envelope, from, e);
        *from = *from == 0 && version > 0 ? UINT64_MAX : *from; /* a place that nobody took */
    }
    if (st == ST_OK && version == 0)
        st = err_set(e, ST_NOT_FOUND, "no-policy", "no policy was in force then");
    return st == ST_OK ? open_place(s, t, version, &envelope, TRUST_ANY_TIME, out, e) : st;
}

enum status policy_envelope(struct store *s, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct pointer to;
    enum status st = current(s, &value, &to, e);
    if (st == ST_OK && value.n == 0)
        st = no_policy(e);
    return st == ST_OK ? store_document(s, &to.envelope, out, e) : st;
}

/* ---- installing ---- */

enum status policy_next(struct store *s, const struct policy *p, struct buf *payload, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct store_facts facts;
    struct pointer now;
    enum status st = current(s, &value, &now, e);
    if (st != ST_OK || (st = store_facts(s, &facts, e)) != ST_OK)
        return st;
    struct enactment n = {.version = now.version + 1, .before = now.envelope, .policy = *p};
    text_fmt(n.store, sizeof n.store, "%s", facts.id);
    return enactment_encode(&n, payload, e);
}

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void put_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    put_text(j, key, hex);
}

static void write_entry(const struct enactment *n, const struct digest *envelope, struct buf *body,
                        struct buf *set)
{
    char key[STORE_KEY_MAX];
    struct json_out j = json_out(body), k = json_out(set);
    place_key(n->version, key);
    json_object(&j);
    put_digest(&j, "envelope", envelope);
    put_text(&j, "name", n->policy.name);
    put_digest(&j, "policy", &n->policy.digest);
    json_key(&j, "version");
    json_u64(&j, n->version);
    json_close(&j);
    json_object(&k);
    put_digest(&k, key, envelope);
    json_key(&k, STATE_KEY);
    json_text(&k, buf_span(body));
    json_close(&k);
}

/* before: what the state said of the law until now; NULL: the law is no new one, its document was
 * lost and is put back, and the state stays as it is. */
static enum status commit(struct store *s, const struct enactment *n, struct span envelope,
                          const struct buf *before, const struct signer *log, struct clock clock,
                          uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf old = BUF_EMPTY;
    struct digest digest;
    enum status st = change_begin(s, &c, e);
    if (st != ST_OK || (st = change_document(c, envelope, &digest, e)) != ST_OK)
        return st;
    write_entry(n, &digest, &body, &set);
    if (before != NULL)
        buf_append(&old, buf_span(before));
    buf_byte(&old, '\0');
    if (buf_status(&body) != ST_OK || buf_status(&set) != ST_OK || buf_status(&old) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a policy");
    struct expect expect = {.key = STATE_KEY, .value = old.n > 1 ? (const char *)old.p : NULL};
    struct change_entry entry = {
        .type = "policy", .body = buf_span(&body), .clock = clock, .log = log};
    if (before != NULL) {
        entry.set = buf_span(&set);
        entry.expects = &expect;
        entry.expect_count = 1;
    }
    return change_commit(c, &entry, seq, e);
}

/* Did the store have it as the law of its version, and lose it? */
static enum status was_lost(struct store *s, const struct enactment *n, const struct digest *mine,
                            bool *out, struct err *e)
{
    SCOPED(buf_release) struct buf held = BUF_EMPTY;
    struct digest taken;
    uint64_t at = 0;
    struct err why = ERR_NONE;
    *out = false;
    enum status st = place(s, n->version, &taken, &at, e);
    if (st != ST_OK || at == 0 || !digest_equal(mine, &taken))
        return st;
    st = store_document(s, mine, &held, &why);
    *out = st != ST_OK;
    if (!inputs_trouble(st))
        return ST_OK;
    *e = why;
    return st;
}

/* May it follow what is in force? */
static enum status check_next(struct store *s, const struct pointer *now, const struct enactment *n,
                              struct err *e)
{
    struct digest taken;
    uint64_t seq = 0;
    if (n->version <= now->version)
        return err_at(e, ST_SET_BACK, "policy", "policy-set-back", ERR_NO_OFFSET,
                      "it was signed as version %llu, and version %llu is in force; have it signed "
                      "again as the next",
                      (unsigned long long)n->version, (unsigned long long)now->version);
    if (n->version != now->version + 1 || !digest_equal(&n->before, &now->envelope))
        return err_at(e, ST_UNTRUSTED, "policy", "policy-gap", ERR_NO_OFFSET,
                      "it was signed to follow another policy than version %llu, which is in force",
                      (unsigned long long)now->version);
    enum status st = place(s, n->version, &taken, &seq, e);
    return st == ST_OK && seq > 0 ? set_back(e, now->version, n->version) : st;
}

enum status policy_enact(struct store *s, struct span envelope, const struct signer *log,
                         struct clock clock, uint64_t *seq, struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(enactment_release) struct enactment n = {.version = 0};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct store_facts facts;
    struct pointer now;
    const struct digest mine = digest_of(envelope);
    bool lost = false;
    *seq = 0;
    enum status st = trust_load(s, &t, e);
    if (st != ST_OK || (st = store_facts(s, &facts, e)) != ST_OK ||
        (st = enactment_open(envelope, &v, &n, e)) != ST_OK ||
        (st = was_lost(s, &n, &mine, &lost, e)) != ST_OK)
        return st;
    if (lost)
        return commit(s, &n, envelope, NULL, log, clock, seq, e);
    if ((st = check_signers(t, &v, clock_now(&clock), &n, facts.id, e)) != ST_OK ||
        (st = current(s, &value, &now, e)) != ST_OK)
        return st;
    if (value.n > 0 && digest_equal(&mine, &now.envelope))
        return ST_OK;
    st = check_next(s, &now, &n, e);
    return st == ST_OK ? commit(s, &n, envelope, &value, log, clock, seq, e) : st;
}

enum status policy_install(struct store *s, const struct policy *p, const struct signer *policy_key,
                           const struct signer *log, struct clock clock, uint64_t *seq,
                           struct err *e)
{
    SCOPED(trust_scope) struct trust *t = NULL;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(policy_release) struct policy held = {0};
    struct err none = ERR_NONE;
    *seq = 0;
    enum status st = trust_load(s, &t, e);
    if (st != ST_OK || (st = trust_want(t, ROLE_POLICY, signer_public(policy_key), e)) != ST_OK)
        return st;
    /* The same law is in force only while whoever signed it may: else it is signed anew. */
    st = policy_load(s, t, clock_now(&clock), &held, &none);
    if (inputs_trouble(st)) {
        *e = none;
        return st;
    }
    if (st == ST_OK && digest_equal(&held.digest, &p->digest))
        return ST_OK;
    if ((st = policy_next(s, p, &payload, e)) != ST_OK ||
        (st = envelope_sign(POLICY_TYPE, buf_span(&payload), policy_key, &envelope, e)) != ST_OK)
        return st;
    return policy_enact(s, buf_span(&envelope), log, clock, seq, e);
}
