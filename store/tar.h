/* What stands before a file's bytes in a tar (POSIX.1-2001, "pax"): a ustar header, and ahead of
 * it, where that cannot say the name or the size, an extended header that does. Mode 0644, no
 * owner, time 0: it depends on name and size alone. Names are UTF-8 in both, byte for byte.
 *
 *     ┌───────────┬────────┬───────┬───────┬─────────┬─────────┬───────┬────────┬───────────┐
 *     │ name  100 │ mode 8 │ uid 8 │ gid 8 │ size 12 │ time 12 │ sum 8 │ type 1 │ link  100 │
 *     ├───────────┼────────┴──┬────┴──────┬┴─────────┼─────────┼───────┴─┬──────┴──────┬────┤
 *     │ "ustar" 6 │ "00"    2 │ owner  32 │ group 32 │ major 8 │ minor 8 │ prefix  155 │ 12 │
 *     └───────────┴───────────┴───────────┴──────────┴─────────┴─────────┴─────────────┴────┘
 *
 * Numbers are octal digits and a space, with a NUL behind it in the fields of eight (before it in
 * the sum, which is of all bytes with spaces where it stands). */
#ifndef STORE_TAR_H
#define STORE_TAR_H

#include "base/bytes.h"

#define TAR_BLOCK    512u
#define TAR_PATH_MAX 1023u /* bytes of a name, its '/' included */
/* At most before one file, and the zeros that end a tar. */
#define TAR_HEAD_MAX (5u * TAR_BLOCK)
#define TAR_END      (2u * TAR_BLOCK)

/* Appends the heads of a regular file; the path is UTF-8, of 1 … TAR_PATH_MAX bytes. */
void tar_head(struct buf *out, const char *path, uint64_t bytes);
/* Zeros that follow so many bytes of a file. */
size_t tar_padding(uint64_t bytes);

#endif
