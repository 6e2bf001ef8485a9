#include "base/steady.h"
#include "base/io_seam.h"
#include <errno.h>

struct steady steady_of(const struct stat *facts)
{
    return (struct steady){.regular = S_ISREG(facts->st_mode),
                           .size = facts->st_size,
                           .written = facts->st_mtim,
                           .changed = facts->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

enum status steady_check(const struct steady *was, int fd, struct err *e)
{
    struct stat facts;
    if (!was->regular)
        return ST_OK;
    int sys = io_seam("fstat", NULL, fd, 0);
    if (sys == 0 && fstat(fd, &facts) != 0)
        sys = errno;
    if (sys != 0)
        return err_sys(e, sys, "fstat", NULL);
    const struct steady is = steady_of(&facts);
    if (is.size == was->size && same_time(&is.written, &was->written) &&
        same_time(&is.changed, &was->changed))
        return ST_OK;
    *e = ERR_NONE;
    return err_set(e, ST_MISMATCH, "source-changed",
                   "it changed while it was read (%lld bytes before, %lld now): nothing was taken; "
                   "add it again when nobody writes it",
                   (long long)was->size, (long long)is.size);
}
