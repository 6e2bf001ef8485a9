#include "base/text.h"
#include "promote/bundle.h"
#include "store/envelope_join.h"
#include "store/export.h"
#include "store/log_head.h"
#include "verify/evidence.h"
#include "verify/identity.h"
#include "verify/publisher.h"
#include <assert.h>
#include <string.h>

/* There are no more kinds of documents than places. */
static struct bundle_document *add(struct bundle *b, const char *path)
{
    assert(b->count < BUNDLE_DOCUMENTS);
    struct bundle_document *d = &b->documents[b->count++];
    text_fmt(d->path, sizeof d->path, "%s", path);
    return d;
}

static enum status add_stored(struct bundle *b, struct store *s, const char *path,
                              const struct digest *digest, struct err *e)
{
    struct bundle_document *d = add(b, path);
    d->sha256 = *digest;
    return store_document(s, digest, &d->bytes, e);
}

static enum status add_manifest(struct bundle *b, const struct bundle_export *from, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    struct bundle_document *d = add(b, "manifest.dsse.json");
    enum status st =
        publisher_envelope(from->store, &from->artifact->digest, &from->artifact->envelope, &v, e);
    if (st == ST_OK)
        st = envelope_write(&v, &d->bytes, e);
    if (st == ST_OK)
        d->sha256 = digest_of(buf_span(&d->bytes));
    return st;
}

/* The newest evidence of a gate, and the records that it names. */
static enum status add_gate(struct bundle *b, const struct bundle_export *from, enum gate g,
                            struct err *e)
{
    static const struct digest none = {{0}};
    SCOPED(evidence_release) struct evidence v = {0};
    struct err why = ERR_NONE;
    char path[64];
    enum status st = evidence_newest(from->store, from->trust, &from->artifact->digest, g,
                                     TRUST_ANY_TIME, &v, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    text_fmt(path, sizeof path, "evidence/%s.dsse.json", gate_name(g));
    st = add_stored(b, from->store, path, &v.digest, e);
    if (st != ST_OK || digest_equal(&v.cases, &none))
        return st;
    text_fmt(path, sizeof path, "evidence/%s.records.jsonl", gate_name(g));
    return add_stored(b, from->store, path, &v.cases, e);
}

static enum status add_decision(struct bundle *b, const struct bundle_export *from,
                                const char *channel, struct err *e)
{
    struct holder h = {.number = 0};
    struct err why = ERR_NONE;
    char path[64];
    enum status st = channel_holder(from->store, from->artifact->manifest.name, channel, &h, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    if (!digest_equal(&h.artifact, &from->artifact->digest))
        return ST_OK;
    text_fmt(path, sizeof path, "decisions/%s.dsse.json", channel);
    return add_stored(b, from->store, path, &h.decision, e);
}

static enum status gather(const struct bundle_export *from, struct bundle *b, struct err *e)
{
    const struct artifact *a = from->artifact;
    b->artifact = a->digest;
    b->content = a->content;
    memcpy(b->name, a->manifest.name, sizeof b->name);
    memcpy(b->version, a->manifest.version, sizeof b->version);
    enum status st = identity_program(&b->runtime, e);
    if (st == ST_OK)
        st = add_manifest(b, from, e);
    for (enum gate g = GATE_STRUCTURAL; st == ST_OK && g < GATE_COUNT; g++)
        st = add_gate(b, from, g, e);
    if (st == ST_OK)
        st = add_decision(b, from, "preview", e);
    if (st == ST_OK)
        st = add_decision(b, from, "stable", e);
    if (st != ST_OK || from->trust == NULL)
        return st;
    const struct trust_facts t = trust_facts(from->trust);
    return add_stored(b, from->store, "trust.dsse.json", &t.digest, e);
}

static enum status put(struct export *x, const char *path, struct span bytes, struct err *e)
{
    enum status st = export_file(x, path, bytes.n, e);
    return st == ST_OK ? export_bytes(x, bytes, e) : st;
}

static void file_path(const struct manifest_file *f, char out[sizeof f->path + sizeof BUNDLE_FILES])
{
    text_fmt(out, sizeof f->path + sizeof BUNDLE_FILES, BUNDLE_FILES "%s", f->path);
}

/* What import would refuse is not written. */
static enum status check_limits(const struct bundle *b, const struct manifest *m, struct err *e)
{
    char path[sizeof m->files->path + sizeof BUNDLE_FILES];
    if (1 + b->count + m->file_count > MANIFEST_FILES)
        return err_set(e, ST_INVALID_LENGTH, "bundle-limits",
                       "with %zu files and %zu documents it is more than the %u that a bundle may "
                       "hold; `get` and `manifest` write both apart",
                       m->file_count, 1 + b->count, MANIFEST_FILES);
    for (size_t i = 0; i < m->file_count; i++) {
        file_path(&m->files[i], path);
        if (!unpack_name_safe(path))
            return err_set(e, ST_INVALID_LENGTH, "bundle-limits",
                           "with " BUNDLE_FILES
                           " before it, a file's name is too long or too deep for a "
                           "bundle; `get` and `manifest` write both apart: %.80s…",
                           m->files[i].path);
    }
    return ST_OK;
}

static enum status put_files(struct export *x, const struct bundle_export *from,
                             struct progress *progress, struct err *e)
{
    const struct manifest *m = &from->artifact->manifest;
    char path[sizeof m->files->path + sizeof BUNDLE_FILES];
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < m->file_count; i++) {
        const struct manifest_file *f = &m->files[i];
        file_path(f, path);
        st = export_file(x, path, f->bytes, e);
        if (st == ST_OK)
            st = store_content_read(from->store, &f->sha256, export_sink(x), progress, e);
    }
    return st;
}

enum status bundle_write(const struct bundle_export *from, int fd, struct progress *progress,
                         struct bundle *out, struct err *e)
{
    SCOPED(export_scope) struct export *x = NULL;
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    struct log_head head;
    *out = (struct bundle){.count = 0};
    enum status st = gather(from, out, e);
    if (st == ST_OK)
        st = check_limits(out, &from->artifact->manifest, e);
    if (st == ST_OK)
        st = log_head_now(from->store, &head, e);
    if (st == ST_OK)
        st = bundle_encode(out, &head, &list, e);
    if (st == ST_OK)
        st = export_open(fd, IMPORT_TAR_ZSTD, &x, e);
    if (st == ST_OK)
        st = put(x, "bundle.json", buf_span(&list), e);
    for (size_t i = 0; st == ST_OK && i < out->count; i++)
        st = put(x, out->documents[i].path, buf_span(&out->documents[i].bytes), e);
    if (st == ST_OK)
        st = put_files(x, from, progress, e);
    return st == ST_OK ? export_end(x, e) : st;
}
