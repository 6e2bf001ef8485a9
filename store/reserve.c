#include "store/reserve.h"
#include "store/quota.h"
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

uint64_t reserve_for(const struct store *s, uint64_t pack)
{
    struct statvfs v;
    const uint64_t block = fstatvfs(s->dir, &v) == 0 && v.f_frsize > 0 ? v.f_frsize : 4096;
    return (pack + RESERVE_MORE + block - 1) / block * block;
}

/* The gate is held until it is made: nobody else gets its room promised meanwhile. */
enum status reserve_keep(struct store *s, uint64_t pack, struct err *e)
{
    SCOPED(fd_release) int gate = -1, fd = -1;
    const uint64_t want = reserve_for(s, pack), size = reserve_size(s);
    uint64_t spare = 0;
    if (size >= want)
        return ST_OK;
    enum status st = lease_gate(s, &gate, e);
    if (st == ST_OK)
        st = quota_spare(s, &spare, e);
    if (st != ST_OK || want - size > spare)
        return st;
    st = io_open(s->dir, STORE_RESERVE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd, e);
    if (st == ST_OK)
        st = io_reserve(fd, want, e);
    return st == ST_OK ? st : err_subject(e, "%s/" STORE_RESERVE, s->path);
}

static enum status give(struct store *s, bool needed, struct reserve_use *out, struct err *e)
{
    struct err why = ERR_NONE;
    *out = (struct reserve_use){.s = s};
    const uint64_t size = reserve_size(s);
    if (size == 0 || !needed)
        return ST_OK;
    enum status st = io_unlink(s->dir, STORE_RESERVE, false, &why);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        *e = why;
        return st;
    }
    out->size = size;
    return ST_OK;
}

enum status reserve_use(struct store *s, uint64_t bytes, struct reserve_use *out, struct err *e)
{
    return give(s, reserve_free(s) < bytes, out, e);
}

enum status reserve_use_packs(struct store *s, uint64_t bytes, struct reserve_use *out,
                              struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    uint64_t spare = 0;
    enum status st = lease_gate(s, &gate, e);
    if (st == ST_OK)
        st = quota_spare(s, &spare, e);
    return st == ST_OK ? give(s, reserve_free(s) < bytes || spare < bytes, out, e) : st;
}

void reserve_use_release(struct reserve_use *u)
{
    struct err ignored = ERR_NONE; /* where there is no room yet, the next pack asks for it again */
    if (u->s != NULL && u->size > RESERVE_MORE &&
        reserve_keep(u->s, u->size - RESERVE_MORE, &ignored) != ST_OK)
        u->size = 0;
}
