/* Files that somebody named on the command line: what is wrong with the name is the
 * command's fault (ST_USAGE), not the disk's. */
#ifndef CLI_GIVEN_H
#define CLI_GIVEN_H

#include "base/bytes.h"
#include "base/err.h"

/* The whole file, at most `most` bytes. ST_USAGE when it is no regular file; the path is the
 * subject. */
enum status given_read(const char *path, uint64_t most, struct buf *out, struct err *e) MUST_CHECK;

#endif
