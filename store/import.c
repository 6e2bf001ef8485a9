#include "store/import.h"
#include "base/text.h"
#include "store/tar.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#define BLOCK (64u << 10)

static const struct {
    const char *ending;
    enum import_kind kind;
} kinds[] = {{".tar", IMPORT_TAR},
             {".tar.zst", IMPORT_TAR_ZSTD},
             {".tzst", IMPORT_TAR_ZSTD},
             {".zip", IMPORT_ZIP}};

static enum import_kind find_kind(const char *name, size_t n, size_t *ending)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *ending = strlen(kinds[i].ending);
        if (n > *ending && memcmp(name + n - *ending, kinds[i].ending, *ending) == 0)
            return kinds[i].kind;
    }
    *ending = 0;
    return IMPORT_NONE;
}

enum import_kind import_kind_of(const char *name)
{
    size_t ending;
    return find_kind(name, strlen(name), &ending);
}

size_t import_ending(const char *name, size_t n)
{
    size_t ending;
    (void)find_kind(name, n, &ending);
    return ending;
}

/* Names are UTF-8, in tar's pax headers and in zips. With the C locale libarchive would convert
 * them, and open the converters' files. */
static locale_t names, before;
static char zone[256]; /* TZ as it was; "" unset */

enum status import_ready(struct err *e)
{
    names = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (names == (locale_t)0)
        return err_set(e, ST_UNSUPPORTED, "locale", "this system has no locale C.UTF-8");
    before = uselocale(names);
    /* Zips tell local time, and the C library looks for a zone's file whenever TZ is unset or new.
     * Nobody here wants to know the time. */
    const char *tz = getenv("TZ");
    text_fmt(zone, sizeof zone, "%s", tz != NULL ? tz : "");
    (void)setenv("TZ", "UTC0", 1);
    tzset();
    /* The first conversion looks for its functions in files; the second one has them. */
    wchar_t wide;
    char narrow[MB_LEN_MAX];
    mbstate_t in = {0}, out = {0};
    size_t used = mbrtowc(&wide, "\xc3\xa9", 2, &in);
    if (used != 2 || wcrtomb(narrow, wide, &out) != 2) {
        import_unready();
        return err_set(e, ST_UNSUPPORTED, "locale", "this system's locale C.UTF-8 is not UTF-8");
    }
    return ST_OK;
}

void import_unready(void)
{
    if (names == (locale_t)0)
        return;
    (void)(zone[0] != '\0' ? setenv("TZ", zone, 1) : unsetenv("TZ"));
    tzset();
    (void)uselocale(before);
    freelocale(names);
    names = (locale_t)0;
}

struct import {
    const struct import_source *from;
    const struct import_calls *calls;
    struct archive *a;
    uint64_t at; /* of the next byte that is read */
    int64_t end; /* of the entries so far, in the tar itself */
    uint8_t block[BLOCK];
    struct err failed; /* of reading, not of the archive */
};

static la_ssize_t read_block(struct archive *a, void *ctx, const void **bytes)
{
    struct import *m = ctx;
    size_t got = 0;
    *bytes = m->block;
    if (m->from->read(m->from->ctx, m->at, m->block, sizeof m->block, &got, &m->failed) != ST_OK) {
        archive_set_error(a, m->failed.sys, "the archive cannot be read");
        return ARCHIVE_FATAL;
    }
    m->at += got;
    return (la_ssize_t)got;
}

static la_int64_t seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct import *m = ctx;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? (int64_t)m->at
                                        : (int64_t)m->from->size;
    int64_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0 || (uint64_t)to > m->from->size) {
        archive_set_error(a, 0, "a place outside of the archive");
        return ARCHIVE_FATAL;
    }
    m->at = (uint64_t)to;
    return to;
}

static enum status set_up(struct import *m, enum import_kind kind, struct err *e)
{
    struct archive *a = m->a;
    int done = kind == IMPORT_ZIP ? archive_read_support_format_zip_seekable(a)
                                  : archive_read_support_format_tar(a);
    if (done == ARCHIVE_OK && kind == IMPORT_TAR_ZSTD)
        done = archive_read_support_filter_zstd(a); /* a warning: only with a program's help */
    if (done == ARCHIVE_OK)
        done = archive_read_set_read_callback(a, read_block);
    if (done == ARCHIVE_OK)
        done = archive_read_set_seek_callback(a, seek);
    if (done == ARCHIVE_OK)
        done = archive_read_set_callback_data(a, m);
    if (done != ARCHIVE_OK)
        return err_set(e, ST_UNSUPPORTED, "archive-library", "libarchive cannot read this kind");
    return ST_OK;
}

/* What libarchive says about damage. It may warn and go on; we do not. */
static enum status damaged(const struct import *m, const char *code, const char *path,
                           struct err *e)
{
    if (m->failed.status != ST_OK) {
        *e = m->failed;
        return e->status;
    }
    const char *why = archive_error_string(m->a);
    if (why == NULL || archive_errno(m->a) == ENOMEM) /* it has words for all damage */
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read an archive");
    int n = (int)strlen(why);
    while (n > 0 && why[n - 1] == '\n') /* some of its sentences end a line */
        n--;
    if (path == NULL)
        return err_at(e, ST_FORMAT, "archive", code, m->at, "%.*s", n, why);
    return err_at(e, ST_FORMAT, "archive", code, m->at, "the entry %s: %.*s", path, n, why);
}

static enum status refuse(struct err *e, const char *path, const char *code, const char *what)
{
    return err_at(e, ST_FORMAT, "archive", code, ERR_NO_OFFSET, "the entry %s is %s", path, what);
}

/* Regular files and folders, nothing else. */
static enum status judge(struct archive_entry *entry, const char **path, struct err *e)
{
    errno = 0;
    *path = archive_entry_pathname_utf8(entry);
    if (*path == NULL)
        *path = archive_entry_pathname(entry);
    if (*path == NULL && errno == ENOMEM)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read an archive");
    if (*path == NULL)
        return err_at(e, ST_FORMAT, "archive", "archive-name", ERR_NO_OFFSET,
                      "an entry has no name that is UTF-8");
    if (archive_entry_hardlink(entry) != NULL)
        return refuse(e, *path, "archive-link", "a link");
    if (archive_entry_is_encrypted(entry))
        return refuse(e, *path, "archive-encrypted", "encrypted");
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG: break;
    case AE_IFDIR: return ST_OK;
    case AE_IFLNK: return refuse(e, *path, "archive-link", "a symbolic link");
    default: return refuse(e, *path, "archive-device", "neither a file nor a folder");
    }
    if (archive_entry_sparse_count(entry) > 0)
        return refuse(e, *path, "archive-sparse", "a sparse file");
    if (archive_entry_size(entry) > IMPORT_BYTES) /* 0 where a zip does not tell */
        return refuse(e, *path, "archive-bytes", "larger than 4 TiB");
    return ST_OK;
}

static enum status pass_data(struct import *m, const char *path, struct err *e)
{
    uint64_t at = 0;
    for (;;) {
        const void *bytes = NULL;
        size_t n = 0;
        la_int64_t offset = 0;
        int got = archive_read_data_block(m->a, &bytes, &n, &offset);
        if (got == ARCHIVE_EOF)
            return ST_OK;
        if (got != ARCHIVE_OK)
            return damaged(m, "archive-damaged", path, e);
        if (offset < 0 || (uint64_t)offset != at)
            return refuse(e, path, "archive-sparse", "a file with holes");
        enum status st = n == 0 ? ST_OK : m->calls->data(m->calls->ctx, SPAN(bytes, n), e);
        if (st != ST_OK)
            return st;
        at += n;
    }
}

static enum status pass_entry(struct import *m, struct archive_entry *entry, struct err *e)
{
    /* libarchive's own goes with the next call. Cut, it is longer still than unpack takes any. */
    char name[1024];
    const char *path = NULL;
    enum status st = judge(entry, &path, e);
    if (st != ST_OK)
        return st;
    text_fmt(name, sizeof name, "%s", path);
    bool folder = archive_entry_filetype(entry) == AE_IFDIR;
    st = m->calls->entry(m->calls->ctx, name, folder, e);
    return st == ST_OK && !folder ? pass_data(m, name, e) : st;
}

/* A tar ends with blocks of zeros. For libarchive the end of the bytes will do, so that an archive
 * cut between two entries would be one that has fewer. It reads entries with the bytes behind them
 * up to a whole block, and of the end at least one block when there is one. */
static enum status judge_end(const struct import *m, enum import_kind kind, struct err *e)
{
    if (kind == IMPORT_ZIP || archive_filter_bytes(m->a, 0) - m->end >= TAR_BLOCK)
        return ST_OK;
    return err_at(e, ST_FORMAT, "archive", "archive-damaged", m->at,
                  "the archive is cut: it ends without the blocks of zeros that end a tar");
}

/* Right behind a header: where the entry's bytes end. Sizes beyond IMPORT_BYTES are refused. */
static int64_t entry_end(const struct import *m, struct archive_entry *entry)
{
    int64_t size = archive_entry_size(entry);
    if (size < 0 || size > IMPORT_BYTES)
        size = 0;
    return archive_filter_bytes(m->a, 0) + size + (int64_t)tar_padding((uint64_t)size);
}

static enum status pass_all(struct import *m, enum import_kind kind, struct err *e)
{
    for (;;) {
        struct archive_entry *entry = NULL;
        int got = archive_read_next_header(m->a, &entry);
        if (got == ARCHIVE_EOF)
            return judge_end(m, kind, e);
        if (got != ARCHIVE_OK)
            return damaged(m, "archive-damaged", NULL, e);
        m->end = entry_end(m, entry);
        enum status st = pass_entry(m, entry, e);
        if (st != ST_OK)
            return st;
    }
}

enum status import_archive(enum import_kind kind, const struct import_source *from,
                           const struct import_calls *calls, struct err *e)
{
    static struct import m; /* one at a time: the block is large, and the child has one thread */
    m = (struct import){.from = from, .calls = calls, .failed = ERR_NONE};
    m.a = archive_read_new();
    if (m.a == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read an archive");
    enum status st = set_up(&m, kind, e);
    if (st == ST_OK && archive_read_open1(m.a) != ARCHIVE_OK)
        st = damaged(&m, "archive-format", NULL, e);
    if (st == ST_OK)
        st = pass_all(&m, kind, e);
    (void)archive_read_free(m.a);
    return st;
}
