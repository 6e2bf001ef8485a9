#include "store/quarantine_facts.h"
#include "base/canon.h"
#include "base/json_write.h"
#include "base/text.h"
#include <string.h>

#define FACTS_MAX (256u << 10)
#define ID_DIGITS 12

void quarantine_facts_release(struct quarantine_facts *f)
{
    buf_release(&f->parsed);
    buf_release(&f->claimed);
    *f = (struct quarantine_facts){.offset = ERR_NO_OFFSET};
}

void quarantine_id(uint64_t seq, const struct digest *d, char out[64])
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    text_fmt(out, 64, "%llu-%.*s", (unsigned long long)seq, ID_DIGITS, hex);
}

bool quarantine_id_valid(const char *id)
{
    size_t n = strspn(id, "0123456789");
    return n > 0 && n <= 20 && id[n] == '-' &&
           strspn(id + n + 1, "0123456789abcdef") == ID_DIGITS && id[n + 1 + ID_DIGITS] == '\0';
}

static void member(struct json_out *j, const char *key, const char *value)
{
    json_key(j, key);
    json_string(j, value);
}

static void object_member(struct json_out *j, const char *key, const struct buf *object)
{
    json_key(j, key);
    if (object->n > 0)
        json_raw(j, buf_span(object));
    else
        json_null(j);
}

static const char *const kinds[] = {"untold", "file", "folder", "archive", "bundle"};

const char *quarantine_kind_name(enum quarantine_kind kind)
{
    return kinds[kind];
}

static void inside_member(struct json_out *j, const struct quarantine_inside *in)
{
    char hex[DIGEST_TEXT], view[2 * QUARANTINE_VIEW + 1];
    json_key(j, "inside");
    if (in->path[0] == '\0') {
        json_null(j);
        return;
    }
    digest_text(&in->sha256, hex);
    hex_encode(view, SPAN(in->view.p, in->view.n));
    json_object(j);
    json_key(j, "bytes");
    json_u64(j, in->bytes);
    json_key(j, "from");
    json_u64(j, in->view.from);
    member(j, "path", in->path);
    member(j, "sha256", hex);
    member(j, "view", view);
    json_close(j);
}

void quarantine_facts_write(const struct quarantine_facts *f, struct buf *out)
{
    char hex[DIGEST_TEXT];
    digest_text(&f->sha256, hex);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "bytes");
    json_u64(&j, f->bytes);
    object_member(&j, "claimed", &f->claimed);
    member(&j, "code", f->code);
    member(&j, "id", f->id);
    inside_member(&j, &f->inside);
    member(&j, "kind", quarantine_kind_name(f->kind));
    member(&j, "message", f->message);
    member(&j, "name", f->name);
    json_key(&j, "offset");
    if (f->offset < (UINT64_C(1) << 53))
        json_u64(&j, f->offset);
    else
        json_null(&j);
    object_member(&j, "parsed", &f->parsed);
    member(&j, "sha256", hex);
    member(&j, "stage", f->stage);
    member(&j, "status", f->status);
    member(&j, "time", f->time);
    json_close(&j);
}

static bool text_member(const struct json *root, const char *key, char *out, size_t cap)
{
    const char *s = json_as_string(json_get(root, key));
    if (s != NULL)
        text_fmt(out, cap, "%s", s);
    return s != NULL;
}

static enum quarantine_kind kind_read(const struct json *v)
{
    const char *text = json_as_string(v);
    for (size_t i = 1; text != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (text_equal(text, kinds[i]))
            return (enum quarantine_kind)i;
    return QUARANTINE_UNTOLD;
}

static bool inside_read(const struct json *v, struct quarantine_inside *in)
{
    char hex[DIGEST_TEXT + 8] = "", view[2 * QUARANTINE_VIEW + 1] = "";
    if (json_kind(v) == JSON_NULL)
        return true;
    bool ok = json_as_u64(json_get(v, "bytes"), &in->bytes) &&
              json_as_u64(json_get(v, "from"), &in->view.from) &&
              text_member(v, "path", in->path, sizeof in->path) &&
              text_member(v, "sha256", hex, sizeof hex) && digest_parse(hex, &in->sha256) &&
              text_member(v, "view", view, sizeof view);
    in->view.n = strlen(view) / 2;
    return ok && hex_decode(in->view.p, in->view.n, span_text(view));
}

static bool read_members(const struct json *root, struct quarantine_facts *f)
{
    char hex[DIGEST_TEXT + 8] = "";
    bool ok = json_as_u64(json_get(root, "bytes"), &f->bytes) &&
              text_member(root, "sha256", hex, sizeof hex) && digest_parse(hex, &f->sha256);
    ok = ok && text_member(root, "id", f->id, sizeof f->id) && quarantine_id_valid(f->id);
    ok = ok && text_member(root, "name", f->name, sizeof f->name) &&
         text_member(root, "stage", f->stage, sizeof f->stage) &&
         text_member(root, "code", f->code, sizeof f->code);
    ok = ok && text_member(root, "status", f->status, sizeof f->status) &&
         text_member(root, "message", f->message, sizeof f->message) &&
         text_member(root, "time", f->time, sizeof f->time);
    f->kind = kind_read(json_get(root, "kind"));
    ok = ok && inside_read(json_get(root, "inside"), &f->inside);
    if (!json_as_u64(json_get(root, "offset"), &f->offset))
        f->offset = ERR_NO_OFFSET;
    return ok;
}

static enum status object_read(const struct json *root, const char *key, struct buf *out,
                               struct err *e)
{
    const struct json *v = json_get(root, key);
    return json_kind(v) == JSON_NULL ? ST_OK : canon_write(v, out, e);
}

enum status quarantine_facts_read(struct span json, struct quarantine_facts *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    struct err why = ERR_NONE;
    *out = (struct quarantine_facts){.offset = ERR_NO_OFFSET};
    enum status st = json_parse(json, FACTS_MAX, &root, &why);
    if (st == ST_NO_MEMORY) {
        *e = why;
        return st;
    }
    if (st != ST_OK || !read_members(root, out))
        return err_set(e, ST_CORRUPT, "quarantine-facts",
                       "the facts of a quarantined input are not in order");
    st = object_read(root, "parsed", &out->parsed, e);
    return st == ST_OK ? object_read(root, "claimed", &out->claimed, e) : st;
}
