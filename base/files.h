/* What is built on io: whole files, folders, descriptors that close themselves. */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include "base/io.h"

/* Closes *fd if it is ≥ 0, ignoring errors: for reads, and for the way out after a failure. */
void fd_release(int *fd);
int fd_take(int *fd);

/* What lies at the path, links not followed; all zero where nothing does, and after a failure. Only
 * what is known not to be there is not there: any other failure is one. */
enum status file_look(int dir, const char *path, struct stat *out, struct err *e) MUST_CHECK;
/* The whole of a regular file of at most `limit` bytes (ST_INVALID_LENGTH beyond, naming both). */
enum status file_read(int dir, const char *path, uint64_t limit, struct buf *out,
                      struct err *e) MUST_CHECK;
/* One call a name in byte order, without "." and "..". At most a million names. */
enum status folder_each(int dir, const char *path,
                        enum status (*each)(void *ctx, const char *name, struct err *e), void *ctx,
                        struct err *e) MUST_CHECK;
/* mkdir -p with mode 0700; what exists is fine. */
enum status folder_make(const char *path, struct err *e) MUST_CHECK;
/* Is dir that folder, or below it? Asked of what the folders are, not of how their paths read. */
enum status folder_within(int dir, const struct stat *above, bool *within,
                          struct err *e) MUST_CHECK;
/* Removes a tree below dir, links not followed; an absent one is fine. */
enum status folder_remove(int dir, const char *path, struct err *e) MUST_CHECK;

/* A source that reads fd to its end, a sink that writes to fd; fd stays the caller's. The struct
 * int at `fd` must outlive it. */
struct source source_fd(int *fd);
struct sink sink_fd(int *fd);
struct sink sink_buf(struct buf *b);

/* An anonymous memory file (memfd), and its sealing: afterwards nobody can write or resize it. */
enum status memory_file(const char *label, int *fd, struct err *e) MUST_CHECK;
enum status memory_seal(int fd, struct err *e) MUST_CHECK;

#endif
