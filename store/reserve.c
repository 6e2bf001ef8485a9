#include "store/reserve.h"
#include "store/quota.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

/* -- how much ------------------------------------------------------------------------------------
 */

static uint64_t on_disk(const struct stat *about)
{
    return about->st_blocks > 0 ? (uint64_t)about->st_blocks * 512 : 0;
}

static enum status size_of(int fd, uint64_t *out, struct err *e)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return err_sys(e, errno, "fstat", STORE_RESERVE);
    *out = on_disk(&about);
    return ST_OK;
}

uint64_t reserve_size(const struct store *s)
{
    struct stat about;
    struct err ignored = ERR_NONE;
    return file_look(s->dir, STORE_RESERVE, &about, &ignored) == ST_OK ? on_disk(&about) : 0;
}

uint64_t reserve_free(const struct store *s)
{
    struct statvfs v;
    return fstatvfs(s->dir, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX;
}

static uint64_t block(int dir)
{
    struct statvfs v;
    return fstatvfs(dir, &v) == 0 && v.f_frsize > 0 ? v.f_frsize : 4096;
}

static uint64_t whole(uint64_t bytes, uint64_t of)
{
    return (bytes + of - 1) / of * of;
}

/* For one that is not there. */
static enum status largest_pack(struct store *s, uint64_t *out, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    enum status st = index_view_open(s->index, &v, e);
    *out = 0;
    return st == ST_OK ? catalog_largest(v, out, e) : st;
}

/* What a file system counts among a file's blocks beside its bytes: ext4's blocks of extents, 340
 * in one, should each block of it lie by itself. */
static uint64_t beside(uint64_t bytes, uint64_t unit)
{
    return (bytes / unit / 340 + 2) * unit;
}

/* Its length is what it had, lent or not. */
enum status reserve_for(struct store *s, uint64_t pack, uint64_t *out, struct err *e)
{
    struct stat about;
    uint64_t largest = 0;
    const uint64_t unit = block(s->dir);
    enum status st = file_look(s->dir, STORE_RESERVE, &about, e);
    const uint64_t size = on_disk(&about);
    const uint64_t length = about.st_size > 0 ? (uint64_t)about.st_size : 0;
    if (st == ST_OK && about.st_mode == 0)
        st = largest_pack(s, &largest, e);
    *out = whole((largest > pack ? largest : pack) + RESERVE_MORE, unit);
    if (length == 0) /* whole */
        *out = *out > size ? *out : size;
    *out = *out > length ? *out : length;
    return st;
}

/* -- filling -------------------------------------------------------------------------------------
 */

/* While some of it is missing, its length says how much it ought to have. Whole it is one without a
 * length: whoever copies a store copies no zeros. Both keep what blocks it has, or it is filled
 * again at once. */
static enum status settle(int fd, uint64_t all, struct err *e)
{
    struct err ignored = ERR_NONE;
    uint64_t size = 0, length = 0;
    enum status st = size_of(fd, &size, e);
    if (st == ST_OK)
        st = io_size(fd, &length, e);
    const bool missing = size < all;
    if (st != ST_OK || length == (missing ? all : 0))
        return st;
    st = io_truncate(fd, missing ? all : 0, e);
    if (st == ST_OK && !missing && io_reserve(fd, all, &ignored) != ST_OK)
        st = io_truncate(fd, all, e); /* somebody was quicker: the next fills it */
    return st;
}

/* To `want` bytes, of `all`. Where the disk has less, what it has, found by halves. */
static enum status grow(int dir, uint64_t want, uint64_t all, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    struct statvfs v;
    const uint64_t unit = block(dir);
    const uint64_t open = fstatvfs(dir, &v) == 0 ? (uint64_t)v.f_bfree * unit : want;
    uint64_t size = 0;
    enum status st = io_open(dir, STORE_RESERVE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd, e);
    if (st == ST_OK)
        st = size_of(fd, &size, e);
    uint64_t step = want <= size ? 0 : want - size < open ? want - size : open;
    while (st == ST_OK && step > 0 && size < want) {
        struct err why = ERR_NONE;
        uint64_t now = size + step;
        st = io_reserve(fd, now, &why);
        if (st == ST_NO_SPACE) {
            st = size_of(fd, &now, e);
        } else if (st != ST_OK) {
            *e = why;
            return st;
        }
        size = now > size ? now : size;
        step = step / 2 / unit * unit;
    }
    if (st == ST_OK)
        st = settle(fd, all, e);
    return st != ST_OK || size >= want
               ? st
               : err_set(e, ST_NO_SPACE, "disk-full",
                         "the disk has no room for all of sweeping's reserve: free some with "
                         "`assay evict --bytes N` and `assay gc`");
}

/* Bytes of the file that the quota lets it have, at most all. With the gate held, so that nobody
 * else gets its room promised meanwhile. */
static enum status allowed(struct store *s, uint64_t all, uint64_t *want, struct err *e)
{
    struct stat about;
    uint64_t spare = 0;
    enum status st = file_look(s->dir, STORE_RESERVE, &about, e);
    const uint64_t size = on_disk(&about), unit = block(s->dir), more = beside(all, unit);
    if (st == ST_OK && size < all)
        st = quota_spare(s, &spare, e);
    const uint64_t bound = spare > UINT64_MAX - size ? UINT64_MAX : size + spare;
    const uint64_t most = bound > more ? (bound - more) / unit * unit : 0;
    *want = size < all && most < all ? most : all;
    return st;
}

enum status reserve_keep(struct store *s, uint64_t pack, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    uint64_t want = 0, all = 0;
    enum status st = reserve_for(s, pack, &all, e);
    if (st != ST_OK || reserve_size(s) >= all)
        return st;
    st = lease_gate(s, &gate, e);
    if (st == ST_OK)
        st = allowed(s, all, &want, e);
    if (st == ST_OK)
        st = grow(s->dir, want, all, e);
    return st == ST_OK ? st : err_subject(e, "%s/" STORE_RESERVE, s->path);
}

void reserve_refill(struct store *s)
{
    struct err ignored = ERR_NONE;
    enum status st = index_read_only(s->index) ? ST_OK : reserve_keep(s, 0, &ignored);
    (void)st;
}

enum status reserve_copy(struct store *s, int dir, struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    SCOPED(fd_release) int fd = -1;
    uint64_t want = 0, all = 0;
    enum status st = reserve_for(s, 0, &all, e);
    if (st == ST_OK)
        st = lease_gate(s, &gate, e);
    if (st == ST_OK)
        st = allowed(s, all, &want, e);
    fd_release(&gate);
    if (st == ST_OK)
        st = grow(dir, want, all, e);
    if (st == ST_OK)
        st = io_open(dir, STORE_RESERVE, O_RDWR | O_NOFOLLOW, 0, &fd, e);
    return st == ST_OK ? io_sync(fd, e) : st;
}

/* -- lending -------------------------------------------------------------------------------------
 */

static enum status lend(struct store *s, uint64_t bytes, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    const uint64_t size = reserve_size(s), lent = whole(bytes, block(s->dir));
    uint64_t all = 0;
    if (size == 0 || bytes == 0)
        return ST_OK;
    enum status st = reserve_for(s, 0, &all, e);
    if (st == ST_OK)
        st = io_open(s->dir, STORE_RESERVE, O_RDWR | O_NOFOLLOW, 0, &fd, e);
    if (st == ST_OK) /* there are no holes behind a file's end */
        st = io_truncate(fd, all, e);
    return st == ST_OK ? io_give_back(fd, lent < size ? size - lent : 0, all, e) : st;
}

static enum status missing(struct store *s, uint64_t bytes, bool packs, uint64_t *out,
                           struct err *e)
{
    uint64_t spare = UINT64_MAX;
    enum status st = packs ? quota_spare(s, &spare, e) : ST_OK;
    const uint64_t open = reserve_free(s), room = open < spare ? open : spare;
    *out = room < bytes ? bytes - room : 0;
    return st;
}

/* What is given up need not be free for us: a disk that root filled owes some first. So it is asked
 * again, as long as the reserve becomes less. */
static enum status use(struct store *s, uint64_t bytes, bool packs, struct reserve_use *out,
                       struct err *e)
{
    SCOPED(fd_release) int gate = -1;
    uint64_t more = 0, before = UINT64_MAX;
    *out = (struct reserve_use){.s = s};
    if (!packs && reserve_free(s) >= bytes)
        return ST_OK;
    enum status st = lease_gate(s, &gate, e);
    if (st == ST_OK)
        st = missing(s, bytes, packs, &more, e);
    while (st == ST_OK && more > 0 && reserve_size(s) < before) {
        before = reserve_size(s);
        st = lend(s, more, e);
        if (st == ST_OK)
            st = missing(s, bytes, packs, &more, e);
    }
    return st;
}

enum status reserve_use(struct store *s, uint64_t bytes, struct reserve_use *out, struct err *e)
{
    return use(s, bytes, false, out, e);
}

enum status reserve_use_packs(struct store *s, uint64_t bytes, struct reserve_use *out,
                              struct err *e)
{
    return use(s, bytes, true, out, e);
}

void reserve_use_release(struct reserve_use *u)
{
    if (u->s != NULL)
        reserve_refill(u->s);
}
