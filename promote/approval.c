#include "promote/approval.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "promote/ballot.h"
#include "promote/shelf.h"
#include "store/envelope.h"
#include <string.h>

#define SCHEMA "assay.approval/1"

/* ---- the file ---- */

static void put_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

enum status approval_sign(const struct approval *a, const struct signer *key, struct buf *out,
                          struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "ask");
    ask_write(&a->ask, &j);
    json_key(&j, "head");
    log_head_write(&j, &a->head);
    put_text(&j, "reason", a->reason);
    put_text(&j, "schema", SCHEMA);
    put_text(&j, "time", a->time);
    put_text(&j, "verdict", a->approve ? "approve" : "reject");
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an approval");
    enum status st = canon_text(buf_span(&text), &payload, e);
    return st == ST_OK ? envelope_sign(APPROVAL_TYPE, buf_span(&payload), key, out, e) : st;
}

static bool get_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static enum status decode(struct span payload, struct approval *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    char schema[32], verdict[16];
    int64_t t = 0;
    enum status st = canon_parse(payload, APPROVAL_MAX, &root, e);
    if (st != ST_OK)
        return st;
    if (json_count(root) != 6 || !get_text(root, "schema", schema, sizeof schema) ||
        !text_equal(schema, SCHEMA) || !get_text(root, "verdict", verdict, sizeof verdict) ||
        !(text_equal(verdict, "approve") || text_equal(verdict, "reject")) ||
        !get_text(root, "reason", out->reason, sizeof out->reason) || out->reason[0] == '\0' ||
        !get_text(root, "time", out->time, sizeof out->time) || !time_parse(out->time, &t))
        return err_set(e, ST_FORMAT, "approval", "the file is no approval of this program");
    out->approve = text_equal(verdict, "approve");
    if ((st = ask_read(json_get(root, "ask"), &out->ask, e)) != ST_OK)
        return st;
    return log_head_parse(json_get(root, "head"), &out->head, e);
}

enum status approval_open(struct span bytes, struct envelope *v, struct approval *out,
                          struct err *e)
{
    *out = (struct approval){.approve = false};
    enum status st = envelope_parse(bytes, v, e);
    if (st == ST_OK && !text_equal(v->type, APPROVAL_TYPE))
        st = err_set(e, ST_SIGNATURE, "wrong-type", "signed as %s, not as an approval", v->type);
    if (st == ST_OK && v->count != 1)
        st = err_set(e, ST_SIGNATURE, "approval-signatures",
                     "an approval carries the signature of one person, this one %zu", v->count);
    if (st == ST_OK)
        st = decode(buf_span(&v->payload), out, e);
    out->digest = digest_of(bytes);
    return st == ST_OK ? ST_OK : err_stage(e, "approval");
}

/* ---- in the store ---- */

static void write_body(const struct approval *a, const struct voter *who, struct buf *out)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(out);
    json_object(&j);
    put_text(&j, "act", ask_kind_name(a->ask.kind));
    json_key(&j, "allowed");
    json_bool(&j, a->approve);
    digest_text(&a->digest, hex);
    put_text(&j, "approval", hex);
    digest_text(&a->ask.artifact, hex);
    put_text(&j, "artifact", hex);
    put_text(&j, "channel", a->ask.channel);
    put_text(&j, "name", a->ask.name);
    put_text(&j, "owner", who->owner);
    put_text(&j, "reason", a->reason);
    put_text(&j, "version", a->ask.version);
    json_close(&j);
}

/* What can be said about it now already: one that never counts is not taken in. */
static enum status judge(const struct promoter *by, const struct envelope *v,
                         const struct approval *a, struct voter *who, struct err *e)
{
    SCOPED(standing_release) struct standing on = {.held = false};
    struct artifact art = {0};
    struct ballot_now now = {.now = clock_now(&by->clock)};
    struct store_facts facts;
    enum status st = store_facts(by->store, &facts, e);
    if (st != ST_OK || (st = log_head_same_store(&a->head, facts.id, e)) != ST_OK)
        return st;
    if (!text_equal(facts.id, a->ask.store))
        return err_at(e, ST_UNPROVEN, "approval", "approval-store", ERR_NO_OFFSET,
                      "it was asked for by another store (%.32s)", a->ask.store);
    if ((st = ballot_voter(by->trust, v, who, e)) != ST_OK)
        return st;
    st = artifact_open(by->store, by->trust, &a->ask.artifact, now.now, &art, e);
    artifact_release(&art);
    if (st == ST_NOT_FOUND) {
        *e = ERR_NONE;
        err_set(e, ST_NOT_FOUND, "no-artifact",
                "the artifact that it is about is not in this store");
    }
    if (st != ST_OK)
        return st;
    if ((st = standing_read(by->store, a->ask.name,
                            a->ask.channel[0] != '\0' ? a->ask.channel : "preview", &on, e)) !=
        ST_OK)
        return st;
    ballot_now(by, &on, &now);
    if ((st = ballot_valid(a, &now, e)) != ST_OK)
        return st;
    return log_head_check(by->store, &a->head, e); /* was it this ledger that asked? */
}

enum status approval_add(const struct promoter *by, struct span bytes, struct approval *out,
                         uint64_t *seq, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    struct voter who;
    struct err unknown = ERR_NONE;
    struct shelf_state there = {.named = false};
    enum status st = approval_open(bytes, &v, out, e);
    if (st == ST_OK)
        st = shelf_look(by->store, APPROVAL_SHELF, &out->ask.artifact, &out->digest, &there, e);
    /* What the ledger names and the store lost is taken back, whatever it is worth by now. */
    bool lost = there.named && !there.read;
    if (st != ST_OK || (!lost && (st = judge(by, &v, out, &who, e)) != ST_OK)) {
        err_stage(e, "approval");
        return st;
    }
    if (lost && ballot_voter(by->trust, &v, &who, &unknown) != ST_OK)
        who = (struct voter){.key = 0}; /* the entry names nobody then */
    write_body(out, &who, &body);
    if (buf_status(&body) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for an approval");
    return shelf_put(by, APPROVAL_SHELF, &out->ask.artifact, bytes,
                     out->approve ? "approve" : "reject", buf_span(&body), 0, seq, e);
}
