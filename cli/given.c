#include "cli/given.h"
#include "base/files.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>

enum status given_read(const char *path, uint64_t most, struct buf *out, struct err *e)
{
    enum status st = file_read(AT_FDCWD, path, most, out, e);
    if (st == ST_IO && text_equal(err_code(e), "not-a-file")) {
        *e = ERR_NONE;
        st = err_set(e, ST_USAGE, "not-a-file", "%s is no regular file", path);
    }
    return st == ST_OK ? ST_OK : err_subject(e, "%s", path);
}
