#include "promote/bundle.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/log_head.h"
#include <string.h>

#define SCHEMA "assay.bundle/1"

void bundle_release(struct bundle *b)
{
    for (size_t i = 0; i < b->count; i++)
        buf_release(&b->documents[i].bytes);
    *b = (struct bundle){.count = 0};
}

const struct bundle_document *bundle_find(const struct bundle *b, const char *path)
{
    for (size_t i = 0; i < b->count; i++) {
        if (text_equal(b->documents[i].path, path))
            return &b->documents[i];
    }
    return NULL;
}

static void member_text(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void member_digest(struct json_out *j, const char *key, const struct digest *d)
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    member_text(j, key, hex);
}

enum status bundle_encode(const struct bundle *b, const struct log_head *head, struct buf *out,
                          struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_object(&j);
    member_digest(&j, "artifact", &b->artifact);
    member_digest(&j, "content", &b->content);
    json_key(&j, "documents");
    json_array(&j);
    for (size_t i = 0; i < b->count; i++) {
        json_object(&j);
        json_key(&j, "bytes");
        json_u64(&j, b->documents[i].bytes.n);
        member_text(&j, "path", b->documents[i].path);
        member_digest(&j, "sha256", &b->documents[i].sha256);
        json_close(&j);
    }
    json_close(&j);
    json_key(&j, "head");
    log_head_write(&j, head);
    member_text(&j, "name", b->name);
    member_digest(&j, "runtime", &b->runtime);
    member_text(&j, "schema", SCHEMA);
    member_text(&j, "version", b->version);
    json_close(&j);
    if (buf_status(&text) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a bundle's list");
    return canon_text(buf_span(&text), out, e);
}

static bool read_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static bool read_digest(const struct json *v, const char *key, struct digest *out)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && digest_parse(text, out);
}

static bool read_documents(const struct json *list, struct bundle *out)
{
    size_t n = json_count(list);
    bool fine = json_kind(list) == JSON_ARRAY && n <= BUNDLE_DOCUMENTS;
    for (size_t i = 0; fine && i < n; i++) {
        const struct json *v = json_at(list, i);
        struct bundle_document *d = &out->documents[i];
        uint64_t bytes = 0;
        fine = json_count(v) == 3 && read_text(v, "path", d->path, sizeof d->path) &&
               read_digest(v, "sha256", &d->sha256) && json_as_u64(json_get(v, "bytes"), &bytes) &&
               bundle_find(out, d->path) == NULL;
        out->count = i + 1;
    }
    return fine;
}

enum status bundle_decode(struct span json, struct bundle *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(buf_release) struct buf canonical = BUF_EMPTY;
    struct log_head head;
    char schema[32] = "";
    *out = (struct bundle){.count = 0};
    enum status st = json_parse(json, ENVELOPE_MAX, &root, e);
    if (st == ST_OK)
        st = canon_write(root, &canonical, e);
    if (st == ST_OK)
        st = log_head_parse(json_get(root, "head"), &head, e);
    if (st == ST_NO_MEMORY)
        return st;
    bool fine = st == ST_OK && span_equal(buf_span(&canonical), json) && json_count(root) == 8 &&
                read_text(root, "schema", schema, sizeof schema) && text_equal(schema, SCHEMA) &&
                read_text(root, "name", out->name, sizeof out->name) &&
                read_text(root, "version", out->version, sizeof out->version) &&
                read_digest(root, "artifact", &out->artifact) &&
                read_digest(root, "content", &out->content) &&
                read_digest(root, "runtime", &out->runtime) &&
                read_documents(json_get(root, "documents"), out);
    if (fine)
        return ST_OK;
    *e = ERR_NONE;
    return err_at(e, ST_FORMAT, "bundle", "bundle", ERR_NO_OFFSET,
                  "bundle.json is not a bundle's list, or not in canonical form");
}
