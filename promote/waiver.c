#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/exception.h"
#include "promote/policy_store.h"
#include "promote/rules.h"
#include "promote/shelf.h"
#include "store/envelope.h"
#include <string.h>

#define SCHEMA      "assay.waiver/1"
#define PAYLOAD_MAX (64u << 10)
#define TRIES       8 /* what comes into the ledger meanwhile is looked at, so often */

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

/* ---- the document ---- */

static enum status encode(const struct waiver *w, struct buf *out, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "approvals");
    json_array(&j);
    for (size_t i = 0; i < w->approval_count; i++) {
        char hex[DIGEST_TEXT];
        digest_text(&w->approvals[i], hex);
        json_string(&j, hex);
    }
    json_close(&j);
    put_digest(&j, "artifact", &w->artifact);
    put_text(&j, "check", w->check);
    put_text(&j, "gate", gate_name(w->gate));
    put_digest(&j, "policy", &w->policy);
    put_text(&j, "reason", w->reason);
    put_text(&j, "schema", SCHEMA);
    put_text(&j, "store", w->store);
    put_text(&j, "time", w->time);
    put_text(&j, "until", w->until);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a waiver");
    return canon_text(buf_span(&text), out, e);
}

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static bool get_digest(const struct json *v, struct digest *out)
{
    const char *hex = json_as_string(v);
    return hex != NULL && digest_parse(hex, out);
}

static bool get_approvals(const struct json *list, struct waiver *out)
{
    out->approval_count = json_count(list);
    if (out->approval_count > BASIS_APPROVALS)
        return false;
    for (size_t i = 0; i < out->approval_count; i++) {
        if (!get_digest(json_at(list, i), &out->approvals[i]))
            return false;
    }
    return true;
}

static enum status decode(struct span payload, struct waiver *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    char gate[16] = "";
    enum status st = canon_parse(payload, PAYLOAD_MAX, &root, e);
    if (st != ST_OK)
        return st;
    bool read = get_approvals(json_get(root, "approvals"), out) &&
                get_digest(json_get(root, "artifact"), &out->artifact) &&
                get_text(root, "check", out->check, sizeof out->check) &&
                get_text(root, "gate", gate, sizeof gate) &&
                get_digest(json_get(root, "policy"), &out->policy) &&
                get_text(root, "reason", out->reason, sizeof out->reason) &&
                get_text(root, "store", out->store, sizeof out->store) &&
                get_text(root, "time", out->time, sizeof out->time) &&
                get_text(root, "until", out->until, sizeof out->until);
    out->gate = gate_parse(gate);
    if (read && (st = encode(out, &again, e)) != ST_OK)
        return st;
    return read && out->gate != GATE_NONE && span_equal(buf_span(&again), payload)
               ? ST_OK
               : err_at(e, ST_FORMAT, "waiver", "waiver", ERR_NO_OFFSET,
                        "the document is no waiver of this program");
}

/* ---- in the store ---- */

static void write_body(const struct waiver *w, const struct artifact *a, struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    put_digest(&j, "artifact", &w->artifact);
    put_text(&j, "check", w->check);
    put_text(&j, "gate", gate_name(w->gate));
    put_text(&j, "name", a->manifest.name);
    put_text(&j, "reason", w->reason);
    put_text(&j, "until", w->until);
    put_text(&j, "version", a->manifest.version);
    put_digest(&j, "waiver", &w->digest);
    json_close(&j);
}

static enum status commit(const struct promoter *by, const struct signer *policy_key,
                          const struct artifact *a, struct waiver *w, uint64_t after, uint64_t *seq,
                          struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = encode(w, &payload, e);
    if (st != ST_OK ||
        (st = envelope_sign(WAIVER_TYPE, buf_span(&payload), policy_key, &envelope, e)) != ST_OK ||
        (st = envelope_parse(buf_span(&envelope), &v, e)) != ST_OK ||
        (st = trust_check(by->trust, ROLE_POLICY, &v, clock_now(&by->clock), e)) != ST_OK)
        return st;
    w->digest = digest_of(buf_span(&envelope));
    write_body(w, a, &body);
    if (buf_status(&body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a waiver");
    return shelf_put(by, WAIVER_SHELF, &w->artifact, buf_span(&envelope), "waive", buf_span(&body),
                     after, seq, e);
}

static void state(const struct inputs *in, const struct ask *ask, const char *store,
                  struct waiver *w)
{
    *w = (struct waiver){.artifact = in->artifact,
                         .policy = in->policy->digest,
                         .approval_count = in->basis.approval_count,
                         .gate = ask->gate};
    memcpy(w->approvals, in->basis.approvals, sizeof w->approvals);
    text_fmt(w->check, sizeof w->check, "%s", ask->check);
    text_fmt(w->reason, sizeof w->reason, "%s", ask->reason);
    text_fmt(w->store, sizeof w->store, "%s", store);
    text_fmt(w->until, sizeof w->until, "%s", ask->until);
    time_format(in->now, w->time);
}

static enum status waive_once(const struct promoter *by, const struct signer *policy_key,
                              const struct artifact *a, const struct ask *ask, struct decision *out,
                              struct err *e)
{
    SCOPED(policy_release) struct policy policy = {0};
    SCOPED(inputs_release) struct inputs in = {.kind = ASK_NONE};
    struct store_facts facts;
    struct waiver w;
    *out = (struct decision){.allowed = false};
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK ||
        (st = policy_load(by->store, by->trust, clock_now(&by->clock), &policy, e)) != ST_OK ||
        (st = inputs_waiver(by, a, ask, &policy, &in, e)) != ST_OK ||
        (st = rules_waiver(&in, ask, out, e)) != ST_OK || !out->allowed)
        return st;
    state(&in, ask, facts.id, &w);
    if ((st = commit(by, policy_key, a, &w, facts.seq, &out->seq, e)) == ST_OK)
        out->envelope = w.digest;
    return st;
}

enum status waive(const struct promoter *by, const struct signer *policy_key,
                  const struct artifact *a, const struct ask *ask, struct decision *out,
                  struct err *e)
{
    enum status st = trust_alive(by->trust, clock_now(&by->clock), e);
    for (int i = 0; st == ST_OK && i < TRIES; i++) {
        *e = ERR_NONE;
        st = waive_once(by, policy_key, a, ask, out, e);
        if (st != ST_CONFLICT)
            return st;
        st = i + 1 < TRIES ? ST_OK : st;
    }
    return st;
}

enum status waiver_open(struct store *s, const struct trust *t, const struct digest *envelope,
                        int64_t now, struct waiver *out, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    *out = (struct waiver){.digest = *envelope};
    enum status st = store_document(s, envelope, &bytes, e);
    if (st != ST_OK || (st = envelope_parse(buf_span(&bytes), &v, e)) != ST_OK)
        return st;
    if (!text_equal(v.type, WAIVER_TYPE))
        return err_at(e, ST_SIGNATURE, "waiver", "wrong-type", ERR_NO_OFFSET,
                      "signed as %s, not as a waiver", v.type);
    if ((st = trust_check(t, ROLE_POLICY, &v, now, e)) != ST_OK)
        return st;
    return decode(buf_span(&v.payload), out, e);
}

bool waiver_lawful(const struct waiver *w, const struct policy_waivers *law)
{
    int64_t from = 0, until = 0;
    return law->present && !law->never[w->gate] && time_parse(w->time, &from) &&
           time_parse(w->until, &until) && until >= from &&
           (uint64_t)(until - from) <= law->longest_s;
}

bool waiver_holds(const struct waiver *w, const char *store, const struct digest *artifact,
                  int64_t now)
{
    int64_t from = 0, until = 0;
    return text_equal(w->store, store) && digest_equal(&w->artifact, artifact) &&
           time_parse(w->time, &from) && time_parse(w->until, &until) && from <= now && now < until;
}
