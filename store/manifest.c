#include "store/manifest.h"
#include "base/canon.h"
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

#define SCHEMA       "assay.manifest/1"
#define MANIFEST_MAX (8u << 20)
#define INTEGER_MAX  ((UINT64_C(1) << 53) - 1) /* what canonical JSON can hold */

/* Where a member lies in the document and in the struct. One table encodes, decodes and compares.
 */
enum group { TOP, SOURCE, MODEL, SHAPE, TOKENIZER };
enum kind { TEXT, NAME, CHECKSUM, U32, U64, SHA256 };

struct member {
    enum group group;
    enum kind kind;
    const char *key, *path; /* path: as people are told */
    size_t offset, cap;
};

#define AT(group, kind, key, path, field)                         \
    {                                                             \
        group, kind, key, path, offsetof(struct manifest, field), \
            sizeof(((struct manifest *)0)->field)                 \
    }
#define SHAPE_AT(key) AT(SHAPE, U32, #key, "model.shape." #key, model.key)

static const struct member members[] = {
    AT(TOP, NAME, "name", "name", name),
    AT(TOP, NAME, "version", "version", version),
    AT(TOP, TEXT, "license", "license", license),
    AT(SOURCE, TEXT, "uri", "source.uri", source_uri),
    AT(SOURCE, TEXT, "revision", "source.revision", source_revision),
    AT(SOURCE, TEXT, "kind", "source.kind", source_kind),
    AT(MODEL, TEXT, "format", "model.format", model.format),
    AT(MODEL, U32, "format_version", "model.format_version", model.format_version),
    AT(MODEL, TEXT, "family", "model.family", model.family),
    AT(MODEL, TEXT, "quantization", "model.quantization", model.quantization),
    AT(MODEL, U64, "parameters", "model.parameters", model.parameters),
    AT(MODEL, CHECKSUM, "internal_checksum", "model.internal_checksum", model.internal_checksum),
    AT(TOKENIZER, TEXT, "kind", "model.tokenizer.kind", model.tokenizer_kind),
    AT(TOKENIZER, SHA256, "sha256", "model.tokenizer.sha256", model.tokenizer_sha256),
    SHAPE_AT(vocab),
    SHAPE_AT(hidden),
    SHAPE_AT(layers),
    SHAPE_AT(heads),
    SHAPE_AT(kv_heads),
    SHAPE_AT(head_dim),
    SHAPE_AT(ffn),
    SHAPE_AT(context),
};
#define MEMBERS (sizeof members / sizeof members[0])

static const void *field(const struct manifest *m, const struct member *f)
{
    return (const uint8_t *)m + f->offset;
}

void manifest_release(struct manifest *m)
{
    heap_free(m->files);
    *m = (struct manifest){0};
}

/* ---- what is valid ---- */

bool manifest_name_valid(const char *s)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n < MANIFEST_NAME_MAX && s[n] == '\0' && strchr(first, s[0]) != NULL;
}

/* A version must not read as a channel in NAME@WHAT. */
static bool is_channel(const char *s)
{
    return text_equal(s, "candidate") || text_equal(s, "preview") || text_equal(s, "stable") ||
           text_equal(s, "retired") || text_equal(s, "quarantined");
}

/* Relative, '/' between components, none of them empty, "." or "..", no control characters. */
static bool path_valid(const char *path)
{
    const char *part = path;
    for (const char *at = path;; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '\0' || c == '/') {
            size_t n = (size_t)(at - part);
            if (n == 0 || (n == 1 && part[0] == '.') ||
                (n == 2 && part[0] == '.' && part[1] == '.'))
                return false;
            part = at + 1;
        } else if (c < 0x20 || c == 0x7f || c == '\\') {
            return false;
        }
        if (c == '\0')
            return true;
    }
}

static enum status defect(struct err *e, const char *member, const char *what)
{
    return err_at(e, ST_FORMAT, "manifest", "manifest-member", ERR_NO_OFFSET, "manifest: %s %s",
                  member, what);
}

static enum status check_files(const struct manifest *m, struct err *e)
{
    if (m->file_count == 0 || m->file_count > MANIFEST_FILES)
        return defect(e, "files", "must name 1 to 4096 files");
    for (size_t i = 0; i < m->file_count; i++) {
        const struct manifest_file *f = &m->files[i];
        if (!path_valid(f->path))
            return defect(e, "files.path",
                          "must be relative, without '.', '..', '\\' or control characters");
        if (i > 0 && strcmp(m->files[i - 1].path, f->path) >= 0)
            return defect(e, "files", "must be sorted by path and name each path once");
        if (f->bytes > INTEGER_MAX)
            return defect(e, "files.bytes", "is too large");
    }
    return ST_OK;
}

static enum status check_manifest(const struct manifest *m, struct err *e)
{
    if (!manifest_name_valid(m->name))
        return defect(e, "name", "must be [a-z0-9][a-z0-9._-]{0,127}");
    if (!manifest_name_valid(m->version) || is_channel(m->version))
        return defect(e, "version", "must be [a-z0-9][a-z0-9._-]{0,127} and no channel's name");
    if (m->model.present && m->model.format[0] == '\0')
        return defect(e, "model.format", "must not be empty");
    if (m->model.parameters > INTEGER_MAX)
        return defect(e, "model.parameters", "is too large");
    return check_files(m, e);
}

/* ---- encode ---- */

static void write_member(struct json_out *j, const struct manifest *m, const struct member *f)
{
    const void *at = field(m, f);
    char hex[DIGEST_TEXT];
    json_key(j, f->key);
    switch (f->kind) {
    case TEXT:
    case NAME: json_string(j, at); break;
    case CHECKSUM: json_string(j, *(const char *)at != '\0' ? at : NULL); break;
    case U32: json_u64(j, *(const uint32_t *)at); break;
    case U64: json_u64(j, *(const uint64_t *)at); break;
    case SHA256:
        digest_text(at, hex);
        json_string(j, hex);
        break;
    }
}

static void write_group(struct json_out *j, const struct manifest *m, enum group g)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (members[i].group == g)
            write_member(j, m, &members[i]);
    }
}

static void write_nested(struct json_out *j, const struct manifest *m, const char *key,
                         enum group g)
{
    json_key(j, key);
    json_object(j);
    write_group(j, m, g);
    json_close(j);
}

static void write_files(struct json_out *j, const struct manifest *m)
{
    json_key(j, "files");
    json_array(j);
    for (size_t i = 0; i < m->file_count; i++) {
        char hex[DIGEST_TEXT];
        digest_text(&m->files[i].sha256, hex);
        json_object(j);
        json_key(j, "path");
        json_string(j, m->files[i].path);
        json_key(j, "bytes");
        json_u64(j, m->files[i].bytes);
        json_key(j, "sha256");
        json_string(j, hex);
        json_close(j);
    }
    json_close(j);
}

static void write_model(struct json_out *j, const struct manifest *m)
{
    json_key(j, "model");
    if (!m->model.present) {
        json_null(j);
        return;
    }
    json_object(j);
    write_group(j, m, MODEL);
    write_nested(j, m, "shape", SHAPE);
    write_nested(j, m, "tokenizer", TOKENIZER);
    json_close(j);
}

enum status manifest_encode(const struct manifest *m, struct buf *canonical, struct err *e)
{
    enum status st = check_manifest(m, e);
    if (st != ST_OK)
        return st;
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    struct json_out j = json_out(&json);
    json_object(&j);
    json_key(&j, "schema");
    json_string(&j, SCHEMA);
    write_group(&j, m, TOP);
    write_nested(&j, m, "source", SOURCE);
    write_model(&j, m);
    write_files(&j, m);
    json_close(&j);
    if (buf_status(&json) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a manifest");
    return canon_text(buf_span(&json), canonical, e);
}

/* ---- decode ---- */

/* v must be an object with exactly the known members: an unknown or missing one is named. */
static enum status shut(const struct json *v, const char *const *known, size_t count,
                        const char *where, struct err *e)
{
    if (json_kind(v) != JSON_OBJECT)
        return defect(e, where, "is missing or no object");
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json *value = NULL;
        const char *key = json_member(v, i, &value);
        size_t k = 0;
        while (k < count && !text_equal(key, known[k]))
            k++;
        if (k == count)
            return err_at(e, ST_FORMAT, "manifest", "manifest-unknown", ERR_NO_OFFSET,
                          "manifest: unknown member %s in %s", key, where);
    }
    for (size_t k = 0; k < count; k++) {
        if (json_get(v, known[k]) == NULL)
            return err_at(e, ST_FORMAT, "manifest", "manifest-missing", ERR_NO_OFFSET,
                          "manifest: %s lacks the member %s", where, known[k]);
    }
    return ST_OK;
}

#define SHUT(v, where, e, ...)                  \
    shut(v, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), where, e)

static bool read_text(const struct json *v, char *out, size_t cap)
{
    const char *s = json_as_string(v);
    if (s == NULL || strlen(s) >= cap)
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

static bool read_checksum(const struct json *v, char *out, size_t cap)
{
    uint8_t raw[8];
    if (v != NULL && json_kind(v) == JSON_NULL) {
        out[0] = '\0';
        return true;
    }
    return read_text(v, out, cap) && hex_decode(raw, sizeof raw, span_text(out));
}

static bool read_digest(const struct json *v, struct digest *out)
{
    const char *s = json_as_string(v);
    return s != NULL && hex_decode(out->b, DIGEST_BYTES, span_text(s));
}

static bool read_value(const struct json *v, enum kind kind, void *at, size_t cap)
{
    uint64_t n = 0;
    switch (kind) {
    case TEXT: return read_text(v, at, cap);
    case NAME: return read_text(v, at, cap);
    case CHECKSUM: return read_checksum(v, at, cap);
    case SHA256: return read_digest(v, at);
    case U64: return json_as_u64(v, at);
    case U32:
        if (!json_as_u64(v, &n) || n > UINT32_MAX)
            return false;
        *(uint32_t *)at = (uint32_t)n;
        return true;
    }
    return false;
}

static enum status read_group(const struct json *v, enum group g, struct manifest *out,
                              struct err *e)
{
    static const char *const must[] = {[TEXT] = "must be text within its limit",
                                       [NAME] = "must be a name",
                                       [CHECKSUM] = "must be 16 hex digits or null",
                                       [U32] = "must be a number below 2^32",
                                       [U64] = "must be a number",
                                       [SHA256] = "must be 64 hex digits"};
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *f = &members[i];
        if (f->group == g &&
            !read_value(json_get(v, f->key), f->kind, (uint8_t *)out + f->offset, f->cap))
            return defect(e, f->path, must[f->kind]);
    }
    return ST_OK;
}

static enum status read_model(const struct json *v, struct manifest *out, struct err *e)
{
    if (json_kind(v) == JSON_NULL)
        return ST_OK;
    const struct json *shape = json_get(v, "shape"), *tokenizer = json_get(v, "tokenizer");
    out->model.present = true;
    enum status st = SHUT(v, "model", e, "family", "format", "format_version", "internal_checksum",
                          "parameters", "quantization", "shape", "tokenizer");
    if (st != ST_OK ||
        (st = SHUT(shape, "model.shape", e, "vocab", "hidden", "layers", "heads", "kv_heads",
                   "head_dim", "ffn", "context")) != ST_OK ||
        (st = SHUT(tokenizer, "model.tokenizer", e, "kind", "sha256")) != ST_OK ||
        (st = read_group(v, MODEL, out, e)) != ST_OK ||
        (st = read_group(shape, SHAPE, out, e)) != ST_OK)
        return st;
    return read_group(tokenizer, TOKENIZER, out, e);
}

static enum status read_files(const struct json *list, struct manifest *out, struct err *e)
{
    size_t n = json_count(list);
    if (json_kind(list) != JSON_ARRAY || n == 0 || n > MANIFEST_FILES)
        return defect(e, "files", "must be an array of 1 to 4096 files");
    out->files = heap_zero(n, sizeof *out->files);
    if (out->files == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a manifest");
    for (size_t i = 0; i < n; i++) {
        const struct json *v = json_at(list, i);
        struct manifest_file *f = &out->files[i];
        enum status st = SHUT(v, "files", e, "bytes", "path", "sha256");
        if (st != ST_OK)
            return st;
        if (!read_text(json_get(v, "path"), f->path, sizeof f->path))
            return defect(e, "files.path", "must be text of at most 511 bytes");
        if (!json_as_u64(json_get(v, "bytes"), &f->bytes))
            return defect(e, "files.bytes", "must be a number");
        if (!read_digest(json_get(v, "sha256"), &f->sha256))
            return defect(e, "files.sha256", "must be 64 hex digits");
        out->file_count = i + 1;
    }
    return ST_OK;
}

static enum status read_root(const struct json *root, struct manifest *out, struct err *e)
{
    const char *schema = json_as_string(json_get(root, "schema"));
    if (schema != NULL && !text_equal(schema, SCHEMA))
        return defect(e, "schema", "is not " SCHEMA);
    const struct json *source = json_get(root, "source");
    enum status st = SHUT(root, "the manifest", e, "files", "license", "model", "name", "schema",
                          "source", "version");
    if (st != ST_OK)
        return st;
    if (schema == NULL)
        return defect(e, "schema", "is not " SCHEMA);
    if ((st = SHUT(source, "source", e, "kind", "revision", "uri")) != ST_OK ||
        (st = read_group(root, TOP, out, e)) != ST_OK ||
        (st = read_group(source, SOURCE, out, e)) != ST_OK ||
        (st = read_model(json_get(root, "model"), out, e)) != ST_OK ||
        (st = read_files(json_get(root, "files"), out, e)) != ST_OK)
        return st;
    return check_manifest(out, e);
}

enum status manifest_decode(struct span canonical, struct manifest *out, struct err *e)
{
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(manifest_release) struct manifest m = {0};
    enum status st = canon_parse(canonical, MANIFEST_MAX, &root, e);
    if (st != ST_OK || (st = read_root(root, &m, e)) != ST_OK) {
        err_stage(e, "manifest");
        return st;
    }
    *out = m;
    m = (struct manifest){0};
    return ST_OK;
}

/* ---- compare ---- */

static bool member_equal(const struct manifest *a, const struct manifest *b, const struct member *f)
{
    if (f->kind == TEXT || f->kind == NAME || f->kind == CHECKSUM)
        return text_equal(field(a, f), field(b, f));
    return memcmp(field(a, f), field(b, f), f->cap) == 0;
}

const char *manifest_difference(const struct manifest *a, const struct manifest *b)
{
    if (a->model.present != b->model.present)
        return "model";
    for (size_t i = 0; i < MEMBERS; i++) {
        if ((a->model.present || members[i].group < MODEL) && !member_equal(a, b, &members[i]))
            return members[i].path;
    }
    if (a->file_count != b->file_count)
        return "files";
    for (size_t i = 0; i < a->file_count; i++) {
        const struct manifest_file *x = &a->files[i], *y = &b->files[i];
        if (!text_equal(x->path, y->path))
            return "files.path";
        if (x->bytes != y->bytes)
            return "files.bytes";
        if (!digest_equal(&x->sha256, &y->sha256))
            return "files.sha256";
    }
    return NULL;
}

enum status manifest_content(const struct manifest *m, struct digest *out, struct err *e)
{
    assert(m->file_count > 0);
    *out = m->files[0].sha256;
    if (m->file_count == 1)
        return ST_OK;
    SCOPED(buf_release) struct buf listing = BUF_EMPTY;
    for (size_t i = 0; i < m->file_count; i++) {
        char hex[DIGEST_TEXT];
        digest_text(&m->files[i].sha256, hex);
        buf_fmt(&listing, "%s  %s\n", hex, m->files[i].path);
    }
    if (buf_status(&listing) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a listing of files");
    *out = digest_of(buf_span(&listing));
    return ST_OK;
}
