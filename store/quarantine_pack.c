#include "store/quarantine_pack.h"
#include "base/text.h"
#include "store/export.h"
#include "store/tar.h"
#include <string.h>

uint64_t quarantine_tar_most(const struct quarantine_file *files, size_t count)
{
    uint64_t sum = TAR_END;
    for (size_t i = 0; i < count; i++) /* staged, and so far below 2^64 */
        sum += TAR_HEAD_MAX + files[i].bytes + tar_padding(files[i].bytes);
    return sum;
}

enum status quarantine_tar(struct change *c, const struct quarantine_file *files, size_t count,
                           int fd, struct err *e)
{
    SCOPED(export_scope) struct export *x = NULL;
    enum status st = export_open(fd, IMPORT_TAR, &x, e);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = export_file(x, files[i].path, files[i].bytes, e);
        if (st == ST_OK)
            st = change_read_back(c, &files[i].content, export_sink(x), e);
    }
    return st == ST_OK ? export_end(x, e) : st;
}

uint64_t quarantine_view_from(uint64_t offset, uint64_t bytes)
{
    uint64_t at = offset == ERR_NO_OFFSET ? 0 : offset < bytes ? offset : bytes;
    return at > QUARANTINE_VIEW / 2 ? (at - QUARANTINE_VIEW / 2) & ~UINT64_C(15) : 0;
}

struct looking {
    struct quarantine_view *view;
    uint64_t at;
};

/* Bytes pass until the view is full. */
static enum status look(void *ctx, struct span bytes, struct err *e)
{
    struct looking *l = ctx;
    struct quarantine_view *v = l->view;
    const uint64_t want = v->from + v->n, end = l->at + bytes.n;
    if (want >= l->at && want < end) {
        const size_t skip = (size_t)(want - l->at);
        const size_t room = sizeof v->p - v->n, left = bytes.n - skip;
        const size_t n = left < room ? left : room;
        memcpy(v->p + v->n, bytes.p + skip, n);
        v->n += n;
    }
    l->at = end;
    return v->n < sizeof v->p ? ST_OK : err_set(e, ST_CANCELLED, NULL, "enough was seen");
}

enum status quarantine_inside_of(struct change *c, const struct quarantine_file *file,
                                 uint64_t offset, struct quarantine_inside *out, struct err *e)
{
    struct looking l = {.view = &out->view};
    struct err why = ERR_NONE;
    *out = (struct quarantine_inside){.sha256 = file->content, .bytes = file->bytes};
    text_fmt(out->path, sizeof out->path, "%s", file->path);
    out->view.from = quarantine_view_from(offset, file->bytes);
    enum status st = change_read_back(c, &file->content, (struct sink){look, &l}, &why);
    if (st == ST_OK || st == ST_CANCELLED)
        return ST_OK;
    *e = why;
    return st;
}
