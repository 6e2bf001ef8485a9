#include "store/reserve.h"
#include <fcntl.h>
#include <sys/statvfs.h>

uint64_t reserve_size(const struct store *s)
{
    struct stat st;
    if (fstatat(s->dir, STORE_RESERVE, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_blocks < 0)
        return 0;
    return (uint64_t)st.st_blocks * 512;
}

uint64_t reserve_free(const struct store *s)
{
    struct statvfs v;
    return fstatvfs(s->dir, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX;
}

enum status reserve_keep(struct store *s, uint64_t pack, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    const uint64_t want = pack + RESERVE_MORE;
    if (reserve_size(s) >= want)
        return ST_OK;
    enum status st = io_open(s->dir, STORE_RESERVE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd, e);
    if (st == ST_OK)
        st = io_reserve(fd, want, e);
    return st == ST_OK ? st : err_subject(e, "%s/" STORE_RESERVE, s->path);
}

enum status reserve_use(struct store *s, uint64_t bytes, struct reserve_use *out, struct err *e)
{
    struct err why = ERR_NONE;
    *out = (struct reserve_use){.s = s};
    const uint64_t size = reserve_size(s);
    if (size == 0 || reserve_free(s) >= bytes)
        return ST_OK;
    enum status st = io_unlink(s->dir, STORE_RESERVE, false, &why);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    out->size = size;
    return ST_OK;
}

void reserve_use_release(struct reserve_use *u)
{
    struct err ignored = ERR_NONE; /* where there is no room yet, the next pack asks for it again */
    if (u->s != NULL && u->size > RESERVE_MORE &&
        reserve_keep(u->s, u->size - RESERVE_MORE, &ignored) != ST_OK)
        u->size = 0;
}
