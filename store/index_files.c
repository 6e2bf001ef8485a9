#include "store/index_files.h"
#include "base/files.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#define PATH_BYTES 4096u
/* Of LMDB's lock file: 64 a reader, and its head. */
#define LOCK_BYTES ((INDEX_READERS + 4) * 64u)

/* The first of LMDB's two meta pages, as 0.9 writes it on a 64-bit machine; the second lies one
 * page further. Only what tells whether the file was cut is looked at.
 *
 *     16 magic u32 · 20 version u32 · 24 address u64 · 32 map u64 · 40 page size u32 · 44 flags u16
 * · 136 last page u64 · 144 transaction u64
 *
 * What stands at 24 to 45 never changes and is the same in both; LMDB believes the newer one's. */
#define META_BYTES   152u
#define META_STEADY  22u
#define META_MAGIC   0xBEEFC0DEu
#define META_VERSION 1u

static enum status refuse_network(const char *folder, struct err *e)
{
    static const unsigned long remote[] = {
        0x6969,     /* NFS */
        0x517B,     /* SMB */
        0xFF534D42, /* CIFS */
        0xFE534D42, /* SMB2 */
        0x01021997, /* 9P */
        0x00C36400, /* Ceph */
        0x5346414F, /* AFS */
        0x73757245, /* Coda */
        0x0BD00BD0, /* Lustre */
        0x7461636F, /* OCFS2 */
        0x01161970, /* GFS2 */
    };
    struct statfs f;
    if (statfs(folder, &f) != 0)
        return err_sys(e, errno, "statfs", folder);
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        if (((unsigned long)f.f_type & 0xFFFFFFFFul) != remote[i])
            continue;
        (void)err_set(e, ST_UNSUPPORTED, "network-file-system",
                      "locks and maps are not sound on a network file system; keep the store on a "
                      "local disk");
        return err_subject(e, "%s", folder);
    }
    return ST_OK;
}

static enum status cut_short(struct err *e, const char *folder, const char *why)
{
    (void)err_set(e, ST_CORRUPT, "index-cut", "data.mdb %s; delete the folder, it is folded again",
                  why);
    return err_subject(e, "%s", folder);
}

/* A map over a file that was cut ends in SIGBUS, so the size is compared beforehand: as it is after
 * the meta pages were read, since a writer lengthens the file first. */
static enum status check_size(const char *folder, struct err *e)
{
    char path[PATH_BYTES];
    text_fmt(path, sizeof path, "%s/data.mdb", folder);
    SCOPED(fd_release) int fd = -1;
    uint64_t size = 0, newest = 0, last = 0;
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st != ST_OK)
        return st;
    uint32_t page = 0;
    uint8_t steady[META_STEADY] = {0};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t m[META_BYTES];
        uint64_t at = (uint64_t)i * page;
        if (size < at + META_BYTES)
            return cut_short(e, folder, "ends within its meta pages");
        st = io_read_at(fd, m, sizeof m, at, e);
        if (st != ST_OK)
            return st;
        if (get_le32(m + 16) != META_MAGIC || get_le32(m + 20) != META_VERSION)
            return cut_short(e, folder, "has a damaged meta page");
        if (i == 0) {
            page = get_le32(m + 40);
            memcpy(steady, m + 24, sizeof steady);
        }
        if (memcmp(steady, m + 24, sizeof steady) != 0)
            return cut_short(e, folder, "has meta pages that contradict each other");
        if (page < 512 || page > 65536 || (page & (page - 1)) != 0)
            return cut_short(e, folder, "has a damaged page size");
        if (get_le64(m + 144) >= newest) {
            newest = get_le64(m + 144);
            last = get_le64(m + 136);
        }
    }
    st = io_size(fd, &size, e);
    if (st == ST_OK && last >= size / page)
        return cut_short(e, folder, "is shorter than its pages");
    return st;
}

/* LMDB writes into its lock file through a map: a block that the disk has no room for would end the
 * process there (SIGBUS). So the file has its blocks before; its first suffices for the first
 * readers. Whatever else is wrong with it, LMDB says. */
static enum status hold_locks(const char *folder, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    struct err why = ERR_NONE;
    struct stat at;
    char path[PATH_BYTES];
    text_fmt(path, sizeof path, "%s/lock.mdb", folder);
    enum status st =
        io_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600, &fd, &why);
    if (st == ST_OK &&
        (fstat(fd, &at) != 0 || !S_ISREG(at.st_mode) || (uint64_t)at.st_blocks * 512 >= LOCK_BYTES))
        return ST_OK;
    if (st == ST_OK)
        st = io_reserve(fd, LOCK_BYTES, &why);
    if (st != ST_NO_SPACE || (fd >= 0 && at.st_blocks > 0))
        return ST_OK;
    *e = why;
    return err_subject(e, "%s", path);
}

enum status index_files_check(const char *folder, bool create, struct err *e)
{
    enum status st = refuse_network(folder, e);
    if (st == ST_OK && !create)
        st = check_size(folder, e);
    return st == ST_OK ? hold_locks(folder, e) : st;
}
