/* An archive taken apart: libarchive in a sandboxed child, its files handed out one by one.
 *
 *     unpack_start → unpack_next → read to its end → unpack_next → … → no more
 *
 * What comes out of the child is hostile: names are judged here again, files are counted, and their
 * bytes are weighed against the archive's, so that a bomb ends early. Refusals are ST_FORMAT, stage
 * "archive", and name the entry; unpack_refused tells them from failures. */
#ifndef VERIFY_UNPACK_H
#define VERIFY_UNPACK_H

#include "base/io.h"
#include "store/import.h"
#include "verify/admit.h"

#define UNPACK_ENTRIES    65536 /* files and folders */
#define UNPACK_DEPTH      32    /* folders above a file */
#define UNPACK_RATIO      256u  /* bytes out for a byte in, beyond … */
#define UNPACK_RATIO_FREE (64u << 20)
#define UNPACK_BYTES      ((uint64_t)IMPORT_BYTES) /* of all files together */

struct unpack;
/* fd: a regular file, the caller's, with its facts; its position is not used. */
enum status unpack_start(int fd, const struct stat *facts, enum import_kind kind,
                         struct unpack **out, struct err *e) MUST_CHECK;
void unpack_free(struct unpack *u);
SCOPE_OF(unpack, struct unpack, unpack_free)

/* For admit_request.stream. A file that was not read to its end is passed over. */
struct admit_stream unpack_stream(struct unpack *u);
/* Was the archive refused, and not this machine at fault? */
bool unpack_refused(const struct unpack *u);
uint64_t unpack_bytes(const struct unpack *u); /* of the files so far */

/* May a file in an archive be called so: relative, UTF-8 without controls and backslashes, no empty
 * part, no "." or "..", at most UNPACK_DEPTH folders, and shorter than a manifest's path? */
bool unpack_name_safe(const char *path);

#endif
