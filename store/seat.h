/* What lies in the places of a store's names: a file where a file belongs, a folder where a folder
 * does, owned by whoever runs us, and writable by nobody else. What else lies there is a slip or a
 * trap: it is never followed, never deleted, and named with its way out.
 *
 *     store-place   ST_CORRUPT    a link, a pipe, a device; a folder for a file or the reverse
 *     store-owner   ST_UNTRUSTED  others may write to it, or it belongs to another user */
#ifndef STORE_SEAT_H
#define STORE_SEAT_H

#include "base/files.h"

#define SEAT_WRONG "store-place"

/* As io_open, for a regular file: no link is followed, nobody waits at a pipe; ST_CORRUPT,
 * SEAT_WRONG. */
enum status seat_open(int dir, const char *name, int flags, unsigned mode, int *fd,
                      struct err *e) MUST_CHECK;

/* The store's own names, one look each and no walk: the first defect, its subject the name. */
enum status seat_check(int dir, struct err *e) MUST_CHECK;

/* Is it one of the names in the store's folder? */
bool seat_ours(const char *name);
/* `name` is relative to the store's folder. */
typedef void (*seat_told)(void *ctx, const char *name, const struct err *why);
/* Every name of the store, those in its folders too: one call a defect. */
enum status seat_each(int dir, seat_told told, void *ctx, struct err *e) MUST_CHECK;
/* Renames to NAME.aside what lies in the wrong place and can be made again, or is lost with or
 * without it; one call for each, its err's subject the new name. */
enum status seat_aside(int dir, seat_told told, void *ctx, struct err *e) MUST_CHECK;

#endif
