#include "store/export.h"

#include "base/heap.h"
#include "base/io.h"
#include <archive.h>
#include <archive_entry.h>

#define LEVEL "3"

struct export
{
    struct archive *a;
    struct archive_entry *entry;
    int fd;
    uint64_t left; /* of the file that is going in */
    struct err failed;
};

void export_close(struct export *x)
{
    if (x->entry != NULL)
        archive_entry_free(x->entry);
    if (x->a != NULL)
        (void)archive_write_free(x->a);
    import_unready();
    heap_free(x);
}

static la_ssize_t write_block(struct archive *a, void *ctx, const void *bytes, size_t n)
{
    struct export *x = ctx;
    if (io_write(x->fd, SPAN(bytes, n), &x->failed) == ST_OK)
        return (la_ssize_t)n;
    archive_set_error(a, x->failed.sys, "the bundle cannot be written");
    return -1;
}

static enum status judge(struct export *x, int done, struct err *e)
{
    if (done == ARCHIVE_OK)
        return ST_OK;
    if (x->failed.status != ST_OK) {
        *e = x->failed;
        return e->status;
    }
    const char *why = archive_error_string(x->a);
    return err_set(e, ST_IO, "archive-library", "libarchive: %s", why != NULL ? why : "it failed");
}

enum status export_open(int fd, enum import_kind kind, struct export **out, struct err *e)
{
    SCOPED(export_scope) struct export *x = heap_zero(1, sizeof *x);
    if (x == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to write a bundle");
    x->fd = fd;
    x->failed = ERR_NONE;
    enum status st = import_ready(e); /* names are UTF-8 here, too */
    x->a = st == ST_OK ? archive_write_new() : NULL;
    x->entry = st == ST_OK ? archive_entry_new() : NULL;
    if (st != ST_OK)
        return st;
    if (x->a == NULL || x->entry == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to write a bundle");
    int done = archive_write_set_format_pax_restricted(x->a);
    const bool packed = kind == IMPORT_TAR_ZSTD;
    if (done == ARCHIVE_OK && packed && archive_write_add_filter_zstd(x->a) != ARCHIVE_OK) {
        x->a = NULL; /* libarchive 3.6.2 freed of it what archive_write_free would free again */
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to compress a bundle");
    }
    if (done == ARCHIVE_OK && packed)
        done = archive_write_set_filter_option(x->a, "zstd", "compression-level", LEVEL);
    if (done == ARCHIVE_OK)
        done = archive_write_set_bytes_in_last_block(x->a, 1);
    if (done == ARCHIVE_OK)
        done = archive_write_open(x->a, x, NULL, write_block, NULL);
    st = judge(x, done, e);
    if (st == ST_OK)
        *out = export_take(&x);
    return st;
}

enum status export_file(struct export *x, const char *path, uint64_t bytes, struct err *e)
{
    if (x->left > 0)
        return err_set(e, ST_INVALID_LENGTH, "export-length",
                       "a file of the bundle lacks %llu bytes", (unsigned long long)x->left);
    archive_entry_clear(x->entry);
    archive_entry_set_pathname_utf8(x->entry, path);
    archive_entry_set_filetype(x->entry, AE_IFREG);
    archive_entry_set_perm(x->entry, 0644);
    archive_entry_set_size(x->entry, (la_int64_t)bytes);
    archive_entry_set_mtime(x->entry, 0, 0);
    x->left = bytes;
    return judge(x, archive_write_header(x->a, x->entry), e);
}

enum status export_bytes(struct export *x, struct span bytes, struct err *e)
{
    if (bytes.n > x->left)
        return err_set(e, ST_INVALID_LENGTH, "export-length",
                       "a file of the bundle has more bytes than was said");
    while (bytes.n > 0) {
        la_ssize_t put = archive_write_data(x->a, bytes.p, bytes.n);
        if (put <= 0)
            return judge(x, ARCHIVE_FATAL, e);
        x->left -= (uint64_t)put;
        bytes = SPAN(bytes.p + put, bytes.n - (size_t)put);
    }
    return ST_OK;
}

static enum status sink_write(void *ctx, struct span bytes, struct err *e)
{
    return export_bytes(ctx, bytes, e);
}

struct sink export_sink(struct export *x)
{
    return (struct sink){.write = sink_write, .ctx = x};
}

enum status export_end(struct export *x, struct err *e)
{
    if (x->left > 0)
        return err_set(e, ST_INVALID_LENGTH, "export-length",
                       "a file of the bundle lacks %llu bytes", (unsigned long long)x->left);
    return judge(x, archive_write_close(x->a), e);
}
