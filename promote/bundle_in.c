#include "base/text.h"
#include "promote/bundle.h"
#include "store/envelope.h"
#include <string.h>

static enum status refuse(struct bundle_reader *r, struct err *e, const char *code,
                          const char *path, const char *what)
{
    r->refused = true;
    return err_at(e, ST_FORMAT, "bundle", code, ERR_NO_OFFSET, "%s %s", path, what);
}

static enum status read_whole(struct bundle_reader *r, const struct admit_file *file,
                              struct buf *out, struct err *e)
{
    for (;;) {
        uint8_t block[4096];
        size_t got = 0;
        enum status st = file->from.read(file->from.ctx, block, sizeof block, &got, e);
        if (st != ST_OK || got == 0)
            return st;
        if (out->n + got > ENVELOPE_MAX)
            return refuse(r, e, "bundle-document", file->path, "is too long");
        buf_append(out, SPAN(block, got));
        if (buf_status(out) != ST_OK)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for a bundle's documents");
    }
}

static enum status read_list(struct bundle_reader *r, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct admit_file file = {0};
    bool more = false;
    enum status st = r->from.next(r->from.ctx, &file, &more, e);
    if (st == ST_OK && (!more || !text_equal(file.path, "bundle.json")))
        return refuse(r, e, "bundle", "bundle.json", "is not its first file: it is no bundle");
    if (st == ST_OK)
        st = read_whole(r, &file, &text, e);
    if (st != ST_OK)
        return st;
    st = bundle_decode(buf_span(&text), &r->bundle, e);
    r->refused = st == ST_FORMAT;
    return st;
}

static enum status read_document(struct bundle_reader *r, const struct admit_file *file,
                                 struct err *e)
{
    struct bundle_document *d = NULL;
    for (size_t i = 0; i < r->bundle.count; i++) {
        if (text_equal(r->bundle.documents[i].path, file->path))
            d = &r->bundle.documents[i];
    }
    if (d == NULL)
        return refuse(r, e, "bundle-document", file->path, "is not listed in bundle.json");
    return read_whole(r, file, &d->bytes, e);
}

/* The list has to name the artifact that the manifest is. */
static enum status judge_manifest(struct bundle_reader *r, struct err *e)
{
    SCOPED(envelope_release) struct envelope v = {0};
    const char *path = "manifest.dsse.json";
    const struct bundle_document *d = bundle_find(&r->bundle, path);
    if (d == NULL)
        return refuse(r, e, "bundle-manifest", path, "is not there");
    enum status st = envelope_parse(buf_span(&d->bytes), &v, e);
    if (st == ST_NO_MEMORY)
        return st;
    struct digest artifact = digest_of(buf_span(&v.payload));
    if (st == ST_OK && digest_equal(&artifact, &r->bundle.artifact))
        return ST_OK;
    *e = ERR_NONE;
    return refuse(r, e, "bundle-manifest", path, "is not the manifest of the artifact in its list");
}

enum status bundle_read(struct bundle_reader *r, struct admit_stream from, struct err *e)
{
    *r = (struct bundle_reader){.from = from};
    enum status st = read_list(r, e);
    while (st == ST_OK) {
        st = from.next(from.ctx, &r->first, &r->more, e);
        if (st != ST_OK || !r->more || text_begins(r->first.path, BUNDLE_FILES))
            break;
        st = read_document(r, &r->first, e);
    }
    for (size_t i = 0; st == ST_OK && i < r->bundle.count; i++) {
        const struct bundle_document *d = &r->bundle.documents[i];
        struct digest found = digest_of(buf_span(&d->bytes));
        if (!digest_equal(&found, &d->sha256))
            st = refuse(r, e, "bundle-document", d->path,
                        d->bytes.n > 0 ? "is not what bundle.json lists"
                                       : "is listed and not there");
    }
    if (st == ST_OK && !r->more)
        st = refuse(r, e, "bundle-files", BUNDLE_FILES, "has no file");
    return st == ST_OK ? judge_manifest(r, e) : st;
}

static enum status next_file(void *ctx, struct admit_file *out, bool *more, struct err *e)
{
    struct bundle_reader *r = ctx;
    struct admit_file file = r->first;
    enum status st = ST_OK;
    *more = r->more;
    r->first = (struct admit_file){.path = NULL};
    if (file.path == NULL)
        st = r->from.next(r->from.ctx, &file, more, e);
    if (st != ST_OK || !*more)
        return st;
    if (!text_begins(file.path, BUNDLE_FILES))
        return refuse(r, e, "bundle-order", file.path, "comes after the artifact's files");
    *out = (struct admit_file){.path = file.path + strlen(BUNDLE_FILES), .from = file.from};
    return ST_OK;
}

struct admit_stream bundle_files(struct bundle_reader *r)
{
    return (struct admit_stream){.next = next_file, .ctx = r};
}
