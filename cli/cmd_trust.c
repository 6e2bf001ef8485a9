/* trust show, and sign: a publisher's word on a manifest. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/refs.h"
#include "store/change.h"
#include "store/envelope.h"
#include "store/ledger.h"
#include <string.h>

static void put_roles(struct buf *out, const struct json *doc)
{
    const struct json *roles = json_get(doc, "roles"), *keys = json_get(doc, "keys");
    SCOPED(table_release) struct table t = table_of(4);
    for (size_t i = 0; i < json_count(roles); i++) {
        const struct json *role = NULL;
        uint64_t threshold = 0;
        const char *name = json_member(roles, i, &role);
        const struct json *list = json_get(role, "keys");
        if (!json_as_u64(json_get(role, "threshold"), &threshold))
            continue;
        for (size_t k = 0; k < json_count(list); k++) {
            const char *id = json_as_string(json_at(list, k));
            const char *owner =
                id != NULL ? json_as_string(json_get(json_get(keys, id), "owner")) : NULL;
            table_cell(&t, "%s", k == 0 ? name : "");
            table_cell(&t, "%llu of %zu", (unsigned long long)threshold, json_count(list));
            table_cell(&t, "%s", id != NULL ? id : "?");
            table_cell(&t, "%s", owner != NULL ? owner : "?");
        }
    }
    table_put(&t, out);
    const struct json *revoked = json_get(doc, "revoked");
    for (size_t i = 0; i < json_count(revoked); i++) {
        const struct json *v = NULL;
        const char *id = json_member(revoked, i, &v);
        const char *since = json_as_string(json_get(v, "since"));
        put_field(out, "revoked", "%s since %s", id, since != NULL ? since : "?");
    }
}

enum status cmd_trust_show(struct cli *c, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *doc = NULL;
    enum status st = cli_trust(c, e);
    if (st == ST_OK)
        st = trust_json(c->trust, cli_now(c), &text, e);
    if (st == ST_OK)
        st = json_parse(buf_span(&text), STORE_DOCUMENT_MAX, &doc, e);
    if (st != ST_OK)
        return st;
    struct trust_facts f = trust_facts(c->trust);
    int64_t left = (f.expires - cli_now(c) + 86399) / 86400; /* begun ones count */
    if (c->json) {
        struct json_out j = answer_open(c, "assay.trust-show/1");
        member_digest(&j, "sha256", &f.digest);
        member_u64(&j, "version", f.version);
        json_key(&j, "days_left");
        json_i64(&j, left);
        member_bool(&j, "self_signed", f.self_signed);
        member_json(&j, "trust", doc);
        answer_close(c, &j);
        return ST_OK;
    }
    char expires[TIME_TEXT_MAX];
    time_format(f.expires, expires);
    put_field(&c->out, "version", "%llu%s", (unsigned long long)f.version,
              f.self_signed ? ", self-signed" : "");
    if (f.expires <= cli_now(c))
        put_field(&c->out, "expires", "%s: EXPIRED", expires);
    else
        put_field(&c->out, "expires", "%s, %lld days left", expires, (long long)left);
    if (f.expires > cli_now(c) && left <= 30)
        cli_hint(c, "the trust expires soon; next: assay trust rotate");
    put_roles(&c->out, doc);
    return ST_OK;
}

/* Was that key's signature recorded before? */
static enum status is_recorded(struct cli *c, const struct artifact *a, const char *id, bool *out,
                               struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT];
    struct err why = ERR_NONE;
    digest_text(&a->digest, hex);
    text_fmt(key, sizeof key, "signature/%s/%s", hex, id);
    enum status st = store_get(c->store, key, &value, &why);
    *out = st == ST_OK;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return ST_OK;
    *e = why;
    return st;
}

static enum status record(struct cli *c, const struct artifact *a, const char *id,
                          struct span envelope, struct digest *where, uint64_t *seq, struct err *e)
{
    SCOPED(change_scope) struct change *change = NULL;
    SCOPED(buf_release) struct buf body = BUF_EMPTY;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    const struct signer *log = NULL;
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT], document[DIGEST_TEXT];
    enum status st = cli_key(c, "log", &log, e);
    if (st == ST_OK)
        st = change_begin(c->store, &change, e);
    if (st == ST_OK)
        st = change_document(change, envelope, where, e);
    if (st != ST_OK)
        return st;
    digest_text(&a->digest, hex);
    digest_text(where, document);
    text_fmt(key, sizeof key, "signature/%s/%s", hex, id);
    struct json_out j = json_out(&body);
    json_object(&j);
    member_text(&j, "artifact", hex);
    member_text(&j, "envelope", document);
    member_text(&j, "key", id);
    member_text(&j, "name", a->manifest.name);
    member_text(&j, "version", a->manifest.version);
    json_close(&j);
    j = json_out(&set);
    json_object(&j);
    member_text(&j, key, document);
    json_close(&j);
    if (buf_status(&body) != ST_OK || buf_status(&set) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ledger entry");
    const struct change_entry entry = {.type = "sign",
                                       .body = buf_span(&body),
                                       .set = buf_span(&set),
                                       .clock = c->clock,
                                       .log = log};
    return change_commit(change, &entry, seq, e);
}

enum status cmd_sign(struct cli *c, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    const struct signer *signer = NULL;
    struct digest where = {{0}};
    char id[KEY_ID_TEXT];
    uint64_t seq = 0;
    if (!opt_given(&c->args, OPT_KEY))
        return err_set(e, ST_USAGE, "no-key-given",
                       "which key signs? say --key NAME; assay key ls shows them");
    enum status st = cli_artifact(c, c->word[0], false, &a, e);
    if (st == ST_OK)
        st = cli_key(c, c->args.value[OPT_KEY], &signer, e);
    if (st == ST_OK)
        st = refs_envelope(c, &a, &v, e);
    if (st != ST_OK)
        return st;
    key_id_text(signer_public(signer), id);
    /* An envelope of its own: it holds this one signature and stands for itself. */
    bool signed_before = envelope_signed_by(&v, signer_public(signer));
    if (!signed_before)
        st = is_recorded(c, &a, id, &signed_before, e);
    if (st == ST_OK && !signed_before) {
        st = envelope_sign(MANIFEST_TYPE, buf_span(&v.payload), signer, &again, e);
        if (st == ST_OK)
            st = record(c, &a, id, buf_span(&again), &where, &seq, e);
    }
    if (st != ST_OK)
        return st;
    if (c->json) {
        struct json_out j = answer_open(c, "assay.sign/1");
        member_digest(&j, "artifact", &a.digest);
        member_text(&j, "key", id);
        member_bool(&j, "existed", signed_before);
        member_digest(&j, "envelope", &where);
        member_u64(&j, "seq", seq);
        answer_close(c, &j);
        return ST_OK;
    }
    buf_fmt(&c->out, "%s@%s  %s by %s\n", a.manifest.name, a.manifest.version,
            signed_before ? "was signed already" : "signed", id);
    return ST_OK;
}
