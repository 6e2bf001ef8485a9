#include "store/export.h"
#include "base/ensure.h"
#include "base/heap.h"
#include "base/io.h"
#include "store/tar.h"
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define ROOM  (128u << 10)
#define LEVEL 3

struct export
{
    int fd;
    ZSTD_CCtx *zstd; /* NULL: a plain tar */
    uint64_t left;   /* of the file that is going in */
    size_t padding;  /* behind it */
    size_t n;        /* bytes that wait in room */
    uint8_t room[ROOM];
};

void export_close(struct export *x)
{
    (void)ZSTD_freeCCtx(x->zstd);
    heap_free(x);
}

static enum status flush(struct export *x, struct err *e)
{
    enum status st = io_write(x->fd, SPAN(x->room, x->n), e);
    x->n = 0;
    return st;
}

static enum status compress(struct export *x, struct span bytes, ZSTD_EndDirective how,
                            struct err *e)
{
    ZSTD_inBuffer in = {bytes.p, bytes.n, 0};
    enum status st = ST_OK;
    for (size_t left = 1; st == ST_OK && (how == ZSTD_e_end ? left > 0 : in.pos < in.size);) {
        ZSTD_outBuffer out = {x->room, ROOM, x->n};
        left = ZSTD_compressStream2(x->zstd, &out, &in, how);
        x->n = out.pos;
        if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory to compress a bundle");
        if (ZSTD_isError(left))
            return err_set(e, ST_IO, "zstd", "zstd: %s", ZSTD_getErrorName(left));
        if (x->n == ROOM)
            st = flush(x, e);
    }
    return st;
}

static enum status copy(struct export *x, struct span bytes, struct err *e)
{
    enum status st = ST_OK;
    while (st == ST_OK && bytes.n > 0) {
        const size_t n = bytes.n < ROOM - x->n ? bytes.n : ROOM - x->n;
        memcpy(x->room + x->n, bytes.p, n);
        x->n += n;
        bytes = SPAN(bytes.p + n, bytes.n - n);
        if (x->n == ROOM)
            st = flush(x, e);
    }
    return st;
}

static enum status put(struct export *x, struct span bytes, struct err *e)
{
    return x->zstd != NULL ? compress(x, bytes, ZSTD_e_continue, e) : copy(x, bytes, e);
}

static enum status put_zeros(struct export *x, size_t n, struct err *e)
{
    static const uint8_t zeros[TAR_END];
    return put(x, SPAN(zeros, n), e);
}

enum status export_open(int fd, enum import_kind kind, struct export **out, struct err *e)
{
    SCOPED(export_scope) struct export *x = heap_zero(1, sizeof *x);
    if (x != NULL && kind == IMPORT_TAR_ZSTD)
        x->zstd = ZSTD_createCCtx();
    if (x == NULL || (kind == IMPORT_TAR_ZSTD && x->zstd == NULL))
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to write a bundle");
    if (x->zstd != NULL &&
        ZSTD_isError(ZSTD_CCtx_setParameter(x->zstd, ZSTD_c_compressionLevel, LEVEL)))
        return err_set(e, ST_UNSUPPORTED, "zstd-level", "zstd refuses its compression level");
    x->fd = fd;
    *out = export_take(&x);
    return ST_OK;
}

static enum status end_file(struct export *x, struct err *e)
{
    if (x->left > 0)
        return err_set(e, ST_INVALID_LENGTH, "export-length",
                       "a file of the bundle lacks %llu bytes", (unsigned long long)x->left);
    return put_zeros(x, x->padding, e);
}

enum status export_file(struct export *x, const char *path, uint64_t bytes, struct err *e)
{
    uint8_t room[TAR_HEAD_MAX];
    struct buf head = buf_over(room, sizeof room);
    enum status st = end_file(x, e);
    if (st != ST_OK)
        return st;
    tar_head(&head, path, bytes);
    ENSURE(buf_status(&head) == ST_OK);
    x->left = bytes;
    x->padding = tar_padding(bytes);
    return put(x, buf_span(&head), e);
}

enum status export_bytes(struct export *x, struct span bytes, struct err *e)
{
    if (bytes.n > x->left)
        return err_set(e, ST_INVALID_LENGTH, "export-length",
                       "a file of the bundle has more bytes than was said");
    x->left -= bytes.n;
    return put(x, bytes, e);
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
    enum status st = end_file(x, e);
    if (st == ST_OK)
        st = put_zeros(x, TAR_END, e);
    if (st == ST_OK && x->zstd != NULL)
        st = compress(x, SPAN(NULL, 0), ZSTD_e_end, e);
    return st == ST_OK ? flush(x, e) : st;
}
