/* A file that has to stay as it was while it is read: what stands between two looks at it.
 *
 *     steady_of → read to the end → steady_check
 *
 * Size, time of the last write and time of the last change of anything (which nobody can set) of
 * the open file. The kernel's clock for both moves in steps of some milliseconds: a write within
 * the same step as the look, that keeps the size, is not seen. What is no regular file passes. */
#ifndef BASE_STEADY_H
#define BASE_STEADY_H

#include "base/io.h"

struct steady {
    bool regular; /* else there is nothing to compare */
    int64_t size;
    struct timespec written, changed;
};

struct steady steady_of(const struct stat *facts);
/* ST_MISMATCH, code "source-changed", when fd's file is not as it was. */
enum status steady_check(const struct steady *was, int fd, struct err *e) MUST_CHECK;

#endif
