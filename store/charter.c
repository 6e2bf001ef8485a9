#include "store/charter.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

static void hex_member(struct json_out *j, const char *key, struct span bytes)
{
    char text[2 * KEY_PUBLIC_BYTES + 1];
    hex_encode(text, bytes);
    json_key(j, key);
    json_string(j, text);
}

static enum status write_object(const struct charter *c, bool with_id, struct buf *out,
                                struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    static const struct digest none = {{0}};
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "created");
    json_string(&j, c->created);
    json_key(&j, "lab");
    json_bool(&j, c->lab);
    hex_member(&j, "log_key", SPAN(c->log_key.bytes, sizeof c->log_key.bytes));
    hex_member(&j, "log_key_id", SPAN(c->log_key.id, sizeof c->log_key.id));
    hex_member(&j, "nonce", SPAN(c->nonce, sizeof c->nonce));
    json_key(&j, "schema");
    json_string(&j, CHARTER_SCHEMA);
    if (with_id) {
        json_key(&j, "store_id");
        json_string(&j, c->id);
    }
    if (digest_equal(&c->trust, &none)) {
        json_key(&j, "trust");
        json_null(&j);
    } else {
        hex_member(&j, "trust", SPAN(c->trust.b, DIGEST_BYTES));
    }
    json_close(&j);
    enum status st = buf_status(&text);
    return st == ST_OK ? canon_text(buf_span(&text), out, e)
                       : err_set(e, st, NULL, "writing the format file");
}

/* The id that follows from everything else. */
static enum status derive_id(const struct charter *c, char out[33], struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = write_object(c, false, &text, e);
    if (st != ST_OK)
        return st;
    struct digest d = digest_of(buf_span(&text));
    hex_encode(out, SPAN(d.b, 16));
    return ST_OK;
}

enum status charter_encode(struct charter *c, struct buf *out, struct err *e)
{
    size_t before = out->n;
    enum status st = derive_id(c, c->id, e);
    if (st == ST_OK)
        st = write_object(c, true, out, e);
    if (st == ST_OK)
        c->digest = digest_of(SPAN(out->p + before, out->n - before));
    return st;
}

static enum status not_ours(struct err *e, const char *what)
{
    (void)err_at(e, ST_CORRUPT, "open", "store-format", ERR_NO_OFFSET,
                 "%s; entry 1 of the ledger has the same facts as its body", what);
    return err_subject(e, CHARTER_FILE);
}

static bool hex_exact(const struct json *root, const char *key, uint8_t *out, size_t n)
{
    const char *s = json_as_string(json_get(root, key));
    return s != NULL && hex_decode(out, n, span_text(s));
}

/* null reads as zero. */
static bool trust_exact(const struct json *root, struct digest *out)
{
    const struct json *v = json_get(root, "trust");
    return v != NULL &&
           (json_kind(v) == JSON_NULL || hex_exact(root, "trust", out->b, DIGEST_BYTES));
}

static enum status fields(const struct json *root, struct charter *out, struct err *e)
{
    const char *schema = json_as_string(json_get(root, "schema"));
    if (schema == NULL)
        return not_ours(e, "the format file names no schema");
    if (!text_equal(schema, CHARTER_SCHEMA)) {
        (void)err_set(e, ST_UNSUPPORTED, "store-schema", "the store says %s, this program knows %s",
                      schema, CHARTER_SCHEMA);
        return err_subject(e, CHARTER_FILE);
    }
    const char *id = json_as_string(json_get(root, "store_id"));
    const char *created = json_as_string(json_get(root, "created"));
    uint8_t raw[16];
    int64_t when = 0;
    if (json_count(root) != 8 || !hex_exact(root, "store_id", raw, sizeof raw) ||
        !hex_exact(root, "nonce", out->nonce, sizeof out->nonce) ||
        !trust_exact(root, &out->trust) ||
        !hex_exact(root, "log_key", out->log_key.bytes, sizeof out->log_key.bytes) ||
        !hex_exact(root, "log_key_id", out->log_key.id, sizeof out->log_key.id) ||
        !json_as_bool(json_get(root, "lab"), &out->lab) || created == NULL ||
        !time_parse(created, &when))
        return not_ours(e, "the format file lacks a member or has a wrong one");
    text_fmt(out->created, sizeof out->created, "%s", created);
    enum status st = derive_id(out, out->id, e);
    return st != ST_OK || text_equal(out->id, id)
               ? st
               : not_ours(e, "the store's id does not follow from the format file's other facts");
}

enum status charter_decode(struct span in, struct charter *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    struct err why = ERR_NONE;
    *out = (struct charter){0};
    enum status st = canon_parse(in, CHARTER_MAX, &root, &why);
    if (st == ST_NO_MEMORY) {
        *e = why;
        return st;
    }
    if (st != ST_OK || json_kind(root) != JSON_OBJECT)
        return not_ours(e, "the format file is not canonical JSON");
    st = fields(root, out, e);
    out->digest = digest_of(in);
    return st;
}
