/* The half of err.h that knows errno, and so is no part of the freestanding core. */
#include "base/err.h"
#include "base/text.h"
#include <errno.h>
#include <string.h>

static enum status status_of(int sys)
{
    switch (sys) {
    case ENOENT: return ST_NOT_FOUND;
    case EEXIST: return ST_EXISTS;
    case ENOSPC: return ST_NO_SPACE;
    case EDQUOT: return ST_QUOTA;
    case ENOMEM: return ST_NO_MEMORY;
    case EAGAIN:
    case EBUSY:
    case ETXTBSY: return ST_BUSY;
    case ENOSYS:
    case EOPNOTSUPP: return ST_UNSUPPORTED;
    case EINTR: return ST_INTERRUPTED;
    default: return ST_IO;
    }
}

enum status err_sys(struct err *e, int sys, const char *what, const char *subject)
{
    const char *why = strerrordesc_np(sys);
    enum status st =
        err_set(e, status_of(sys), NULL, "%s: %s", what, why != NULL ? why : "unknown error");
    if (e == NULL)
        return st;
    e->sys = sys;
    if (subject != NULL)
        text_fmt(e->subject, sizeof e->subject, "%s", subject);
    return st;
}
