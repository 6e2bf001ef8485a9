/* Durable publish, the only place that renames a file into view.
 *
 *     pending_open → write to p.fd → pending_publish:  fsync file → rename → fsync folder
 *
 * A pending file that is released without being published is removed, as if it had never been.
 * Names of pending files start with ".pending." and carry the pid; pending_sweep removes those
 * whose owner is dead. After a crash the target has its old bytes or its new ones, never a mixture.
 */
#ifndef BASE_PENDING_H
#define BASE_PENDING_H

#include "base/files.h"

struct pending {
    int dir; /* borrowed folder descriptor; must outlive this */
    int fd;  /* open for reading and writing, −1 when none */
    char name[64];
};

#define PENDING_NONE ((struct pending){.dir = -1, .fd = -1})

enum status pending_open(int dir, unsigned mode, struct pending *out, struct err *e) MUST_CHECK;
/* Makes it durable under `name`; with replace = false ST_EXISTS when taken. Closes the file. */
enum status pending_publish(struct pending *p, const char *name, bool replace,
                            struct err *e) MUST_CHECK;
/* The same into another folder of the same file system, for files that are written in one place and
 * live in another; nothing is replaced. On ST_EXISTS the file stays pending, so that another name
 * may be tried; after any other failure it is released. */
enum status pending_publish_to(struct pending *p, int to, const char *name,
                               struct err *e) MUST_CHECK;
void pending_release(struct pending *p);
/* Open, write all of `bytes`, publish. */
enum status pending_file(int dir, const char *name, unsigned mode, struct span bytes, bool replace,
                         struct err *e) MUST_CHECK;
enum status pending_sweep(int dir, struct err *e) MUST_CHECK;

#endif
