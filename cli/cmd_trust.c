/* trust show: who may sign what, and until when. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"

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
