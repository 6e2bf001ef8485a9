#include "promote/request.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/entry.h"
#include "promote/policy_store.h"
#include "store/envelope.h"
#include "store/envelope_join.h"
#include "verify/publisher.h"
#include <string.h>

#define SCHEMA  "assay.request/1"
#define MEMBERS 9

void request_release(struct request *r)
{
    json_free(r->root);
    r->root = NULL;
}

/* ---- making ---- */

struct documents {
    struct buf manifest, policy, trust, evidence[GATE_COUNT];
};

static void documents_release(struct documents *d)
{
    buf_release(&d->manifest);
    buf_release(&d->policy);
    buf_release(&d->trust);
    for (enum gate g = GATE_NONE; g < GATE_COUNT; g++)
        buf_release(&d->evidence[g]);
}

static enum status read_documents(const struct promoter *by, const struct artifact *a,
                                  const struct ask *ask, struct documents *d, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    struct trust_facts trust = trust_facts(by->trust);
    enum status st = publisher_envelope(by->store, &a->digest, &a->envelope, &v, e);
    if (st != ST_OK || (st = envelope_write(&v, &d->manifest, e)) != ST_OK ||
        (st = policy_envelope(by->store, &d->policy, e)) != ST_OK ||
        (st = store_document(by->store, &trust.digest, &d->trust, e)) != ST_OK)
        return st;
    for (enum gate g = GATE_STRUCTURAL; st == ST_OK && g < GATE_COUNT; g++) {
        if (!digest_is_zero(&ask->evidence[g]))
            st = store_document(by->store, &ask->evidence[g], &d->evidence[g], e);
    }
    return st;
}

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void put_document(struct json_out *j, const char *key, const struct buf *b)
{
    json_key(j, key);
    json_text(j, buf_span(b));
}

static void write_documents(struct json_out *j, const struct documents *d)
{
    json_key(j, "documents");
    json_object(j);
    json_key(j, "evidence");
    json_object(j);
    for (enum gate g = GATE_STRUCTURAL; g < GATE_COUNT; g++) {
        if (d->evidence[g].n > 0)
            put_document(j, gate_name(g), &d->evidence[g]);
    }
    json_close(j);
    put_document(j, "manifest", &d->manifest);
    put_document(j, "policy", &d->policy);
    put_document(j, "trust", &d->trust);
    json_close(j);
}

static enum status encode(const struct request *r, const struct documents *d, struct buf *out,
                          struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf charter = BUF_EMPTY;
    struct charter of = r->charter;
    enum status st = charter_encode(&of, &charter, e);
    if (st != ST_OK)
        return st;
    struct json_out j = json_out(&text);
    json_object(&j);
    put_text(&j, "added", r->added);
    json_key(&j, "ask");
    ask_write(&r->ask, &j);
    json_key(&j, "basis");
    basis_write(&r->basis, &j);
    json_key(&j, "charter");
    json_raw(&j, buf_span(&charter));
    write_documents(&j, d);
    json_key(&j, "head");
    log_head_write(&j, &r->head);
    json_key(&j, "holds");
    json_bool(&j, r->holds);
    put_text(&j, "schema", SCHEMA);
    json_key(&j, "soaked");
    json_u64(&j, r->soaked);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a request");
    return canon_text(buf_span(&text), out, e);
}

/* Can it be asked for at all under this law? */
static enum status lawful(const struct policy *p, const struct ask *ask, int64_t now, struct err *e)
{
    int64_t until = 0;
    if (ask->kind != ASK_WAIVE && policy_channel(p, ask->channel) == NULL)
        return err_set(e, ST_REFUSED, "no-channel", "the policy %s opens no channel %s", p->name,
                       ask->channel);
    if (ask->kind == ASK_EMERGENCY && !p->emergency.present)
        return err_set(e, ST_REFUSED, "no-emergency", "the policy %s knows no emergency", p->name);
    if (ask->kind != ASK_WAIVE)
        return ST_OK;
    if (!p->waivers.present || p->waivers.never[ask->gate])
        return err_set(e, ST_REFUSED, "no-waiver", "the policy %s lets nobody waive checks of %s",
                       p->name, gate_name(ask->gate));
    if (!time_parse(ask->until, &until) || until <= now ||
        (uint64_t)(until - now) > p->waivers.longest_s)
        return err_set(e, ST_REFUSED, "waiver-until",
                       "the policy %s lets a waiver last %llu days at most, from now on", p->name,
                       (unsigned long long)(p->waivers.longest_s / 86400));
    return ST_OK;
}

/* The channel whose evidence is shown: that which is asked for, or one that asks for the gate. */
static const char *channel_of(const struct policy *p, const struct ask *ask)
{
    const struct policy_channel *stable = policy_channel(p, "stable");
    if (ask->kind != ASK_WAIVE)
        return ask->channel;
    return stable != NULL && stable->gates[ask->gate] ? "stable" : "preview";
}

/* Fills what the store knows: who, against whom, under which law, on what evidence. */
static enum status fill(const struct promoter *by, const struct artifact *a, uint64_t valid_s,
                        struct request *r, struct err *e)
{
    SCOPED(policy_release) struct policy policy = {0};
    SCOPED(standing_release) struct standing on = {.held = false};
    SCOPED(inputs_release) struct inputs in = {.kind = ASK_NONE};
    struct ask *ask = &r->ask;
    struct store_facts facts;
    int64_t now = clock_now(&by->clock);
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK || (st = policy_load(by->store, by->trust, now, &policy, e)) != ST_OK ||
        (st = lawful(&policy, ask, now, e)) != ST_OK)
        return st;
    const struct promotion what = {.artifact = a,
                                   .channel = channel_of(&policy, ask),
                                   .emergency = ask->kind == ASK_EMERGENCY ? ask->reason : NULL};
    if ((st = standing_read(by->store, a->manifest.name, what.channel, &on, e)) != ST_OK ||
        (st = inputs_now(by, &what, &policy, &on, &in, e)) != ST_OK)
        return st;
    memcpy(ask->store, facts.id, sizeof ask->store);
    text_fmt(ask->name, sizeof ask->name, "%s", a->manifest.name);
    text_fmt(ask->version, sizeof ask->version, "%s", a->manifest.version);
    ask->artifact = a->digest;
    ask->policy = policy.digest;
    ask->trust = trust_facts(by->trust).digest;
    memcpy(ask->evidence, in.basis.evidence, sizeof ask->evidence);
    if (ask->kind != ASK_WAIVE)
        ask->holder = standing_last(&on);
    time_format(now, ask->made);
    time_format(now + (int64_t)valid_s, ask->expires);
    r->head = log_head_of(&facts);
    store_charter(by->store, &r->charter);
    r->basis = in.basis;
    r->holds = in.soak.holds;
    r->soaked = in.soak.seconds;
    text_fmt(r->added, sizeof r->added, "%s", a->added);
    return ST_OK;
}

enum status request_make(const struct promoter *by, const struct artifact *a, uint64_t valid_s,
                         struct ask *ask, struct buf *out, struct err *e)
{
    SCOPED(documents_release) struct documents d = {.manifest = BUF_EMPTY};
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    struct request r = {.ask = *ask};
    if (by->log == NULL)
        return err_set(e, ST_SIGNATURE, "no-signer", "a request needs the store's log key");
    enum status st = fill(by, a, valid_s, &r, e);
    if (st != ST_OK || (st = read_documents(by, a, &r.ask, &d, e)) != ST_OK ||
        (st = encode(&r, &d, &payload, e)) != ST_OK ||
        (st = envelope_sign(REQUEST_TYPE, buf_span(&payload), by->log, out, e)) != ST_OK)
        return st;
    *ask = r.ask;
    return ST_OK;
}

/* ---- opening ---- */

/* The charter inside, if it is the one that the store's id stands for. */
static enum status get_charter(struct request *out, struct err *e)
{
    const struct json *v = json_get(out->root, "charter");
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct err why = ERR_NONE;
    enum status st = v != NULL ? canon_write(v, &text, e) : ST_OK;
    if (st == ST_OK)
        st = charter_decode(buf_span(&text), &out->charter, &why);
    if (st == ST_NO_MEMORY) {
        *e = why;
        return st;
    }
    return st == ST_OK && text_equal(out->charter.id, out->ask.store)
               ? ST_OK
               : err_set(e, ST_SIGNATURE, "request-charter",
                         "the charter inside is not the one that the store's id stands for: the "
                         "file was changed");
}

static enum status decode(struct span payload, struct request *out, struct err *e)
{
    enum status st = canon_parse(payload, REQUEST_MAX, &out->root, e);
    if (st != ST_OK)
        return st;
    const char *schema = json_as_string(json_get(out->root, "schema"));
    const char *added = json_as_string(json_get(out->root, "added"));
    int64_t t = 0;
    if (json_count(out->root) != MEMBERS || schema == NULL || !text_equal(schema, SCHEMA) ||
        added == NULL || !time_parse(added, &t) ||
        !json_as_bool(json_get(out->root, "holds"), &out->holds) ||
        !json_as_u64(json_get(out->root, "soaked"), &out->soaked) ||
        !basis_read(json_get(out->root, "basis"), &out->basis))
        return err_set(e, ST_FORMAT, "request", "the file is no request of this program");
    text_fmt(out->added, sizeof out->added, "%s", added);
    if ((st = ask_read(json_get(out->root, "ask"), &out->ask, e)) != ST_OK ||
        (st = log_head_parse(json_get(out->root, "head"), &out->head, e)) != ST_OK)
        return st;
    return text_equal(out->head.store, out->ask.store)
               ? get_charter(out, e)
               : err_set(e, ST_FORMAT, "request", "its head is another store's");
}

enum status request_open(struct span bytes, struct request *out, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    *out = (struct request){.root = NULL};
    enum status st = envelope_parse(bytes, &v, e);
    if (st == ST_OK && !text_equal(v.type, REQUEST_TYPE))
        st = err_set(e, ST_SIGNATURE, "wrong-type", "signed as %s, not as a request", v.type);
    if (st == ST_OK)
        st = decode(buf_span(&v.payload), out, e);
    if (st == ST_OK && !envelope_signed_by(&v, &out->charter.log_key))
        st = err_set(e, ST_SIGNATURE, "signature-wrong",
                     "the store's log key did not sign it: the file was changed");
    return st == ST_OK ? ST_OK : err_stage(e, "request");
}
