/* Archives as a stream of files: tar, tar.zst and zip, through libarchive.
 *
 *     entry → data … data → entry → …       folders come as entries without data
 *
 * Only regular files and folders pass: links, devices, pipes, sparse files, encrypted entries and
 * whatever libarchive complains about are refused and the entry named (ST_FORMAT, stage "archive",
 * code "archive-…"). Names, counts and what comes out in all are for the caller to judge.
 * libarchive is large and reads hostile bytes: call import_archive in a sandboxed child only
 * (verify/unpack.h), where it opens nothing and needs no more than pread. */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "base/bytes.h"
#include "base/err.h"

#define IMPORT_BYTES (INT64_C(1) << 42) /* a file that says it has more is not even begun */

enum import_kind { IMPORT_NONE, IMPORT_TAR, IMPORT_TAR_ZSTD, IMPORT_ZIP };

/* By the name's ending: .tar, .tar.zst, .tzst, .zip. */
enum import_kind import_kind_of(const char *name);

/* How long that ending is; 0 for other names. n: the name's length. */
size_t import_ending(const char *name, size_t n);

/* The archive's bytes. */
struct import_source {
    /* At most cap bytes at offset; *got = 0 at the end only. */
    enum status (*read)(void *ctx, uint64_t offset, uint8_t *p, size_t cap, size_t *got,
                        struct err *e);
    uint64_t size;
    void *ctx;
};

/* What comes out. A failure ends the import with it. */
struct import_calls {
    enum status (*entry)(void *ctx, const char *path, bool folder, struct err *e);
    enum status (*data)(void *ctx, struct span bytes, struct err *e);
    void *ctx;
};

/* Before the fork, while there is one thread: reads the files that libarchive would ask for in the
 * child, of the locale that names are read with and of the time zone. import_unready gives both
 * back. */
enum status import_ready(struct err *e) MUST_CHECK;
void import_unready(void);

enum status import_archive(enum import_kind kind, const struct import_source *from,
                           const struct import_calls *calls, struct err *e) MUST_CHECK;

#endif
