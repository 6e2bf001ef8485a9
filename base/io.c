#include "base/io.h"
#include "base/io_seam.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* Linux moves at most 2^31 − 4096 bytes a call; smaller steps keep signals prompt. */
#define STEP_MAX ((size_t)1 << 30)

static io_watcher watching;
static void *watching_ctx;

void io_watch(io_watcher watcher, void *ctx)
{
    watching = watcher;
    watching_ctx = ctx;
}

int io_seam(const char *call, const char *path, int fd, uint64_t bytes)
{
    return watching == NULL ? 0 : watching(watching_ctx, call, path, fd, bytes);
}

/* One system call through the seam, again after EINTR: leaves its value in `value` and its errno, 0
 * when it worked, in `sys`. */
#define CALL(sys, value, name, path, fd, bytes, expression) \
    do {                                                    \
        (sys) = io_seam((name), (path), (fd), (bytes));     \
        if ((sys) == 0) {                                   \
            (value) = (expression);                         \
            (sys) = (value) < 0 ? errno : 0;                \
        }                                                   \
    } while ((sys) == EINTR)

static enum status result(int sys, const char *name, const char *path, struct err *e)
{
    return sys == 0 ? ST_OK : err_sys(e, sys, name, path);
}

enum status io_open(int dir, const char *path, int flags, unsigned mode, int *fd, struct err *e)
{
    int sys, got = -1;
    CALL(sys, got, "open", path, dir, 0, openat(dir, path, flags | O_CLOEXEC, (mode_t)mode));
    *fd = sys == 0 ? got : -1;
    return result(sys, "open", path, e);
}

enum status io_close(int fd, struct err *e)
{
    /* The descriptor is gone whatever close answers, so an injected failure closes too, and EINTR
     * is not tried again. */
    int sys = io_seam("close", NULL, fd, 0);
    if (close(fd) != 0 && sys == 0 && errno != EINTR)
        sys = errno;
    return result(sys, "close", NULL, e);
}

enum status io_read(int fd, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    int sys;
    ssize_t n = 0;
    size_t want = cap < STEP_MAX ? cap : STEP_MAX;
    CALL(sys, n, "read", NULL, fd, want, read(fd, p, want));
    *got = sys == 0 ? (size_t)n : 0;
    return result(sys, "read", NULL, e);
}

enum status io_read_at(int fd, uint8_t *p, size_t n, uint64_t offset, struct err *e)
{
    while (n > 0) {
        int sys;
        ssize_t got = 0;
        size_t want = n < STEP_MAX ? n : STEP_MAX;
        CALL(sys, got, "pread", NULL, fd, want, pread(fd, p, want, (off_t)offset));
        if (sys != 0)
            return err_sys(e, sys, "pread", NULL);
        if (got == 0)
            return err_at(e, ST_CORRUPT, NULL, "short-read", offset,
                          "the file ends %zu bytes too early", n);
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ST_OK;
}

enum status io_write(int fd, struct span bytes, struct err *e)
{
    while (bytes.n > 0) {
        int sys;
        ssize_t put = 0;
        size_t want = bytes.n < STEP_MAX ? bytes.n : STEP_MAX;
        CALL(sys, put, "write", NULL, fd, want, write(fd, bytes.p, want));
        if (sys != 0)
            return err_sys(e, sys, "write", NULL);
        bytes.p += put;
        bytes.n -= (size_t)put;
    }
    return ST_OK;
}

enum status io_write_at(int fd, struct span bytes, uint64_t offset, struct err *e)
{
    while (bytes.n > 0) {
        int sys;
        ssize_t put = 0;
        size_t want = bytes.n < STEP_MAX ? bytes.n : STEP_MAX;
        CALL(sys, put, "pwrite", NULL, fd, want, pwrite(fd, bytes.p, want, (off_t)offset));
        if (sys != 0)
            return err_sys(e, sys, "pwrite", NULL);
        bytes.p += put;
        bytes.n -= (size_t)put;
        offset += (uint64_t)put;
    }
    return ST_OK;
}

/* Told apart from every other want of room: what was written before may be gone. */
static enum status sync_result(int sys, const char *call, struct err *e)
{
    enum status st = result(sys, call, NULL, e);
    if (st != ST_OK && e != NULL)
        e->code = IO_SYNC_FAILED;
    return st;
}

enum status io_sync(int fd, struct err *e)
{
    int sys, done = 0;
    CALL(sys, done, "fsync", NULL, fd, 0, fsync(fd));
    return sync_result(sys, "fsync", e);
}

enum status io_sync_data(int fd, struct err *e)
{
    int sys, done = 0;
    CALL(sys, done, "fdatasync", NULL, fd, 0, fdatasync(fd));
    return sync_result(sys, "fdatasync", e);
}

void io_write_behind(int fd, uint64_t offset, uint64_t n)
{
    int sys, done = 0;
    CALL(sys, done, "sync_file_range", NULL, fd, n,
         sync_file_range(fd, (off_t)offset, (off_t)n, SYNC_FILE_RANGE_WRITE));
    (void)done;
}

int io_open_direct(int fd)
{
    char path[32];
    int sys, direct = -1;
    text_fmt(path, sizeof path, "/proc/self/fd/%d", fd);
    CALL(sys, direct, "open", path, fd, 0, open(path, O_WRONLY | O_DIRECT | O_CLOEXEC));
    return sys == 0 ? direct : -1;
}

/* Where the file system cannot, nothing is done. */
static enum status allocate(int fd, int mode, uint64_t from, uint64_t to, struct err *e)
{
    int sys, done = 0;
    if (to <= from)
        return ST_OK;
    if (to > INT64_MAX)
        return err_sys(e, EFBIG, "fallocate", NULL);
    CALL(sys, done, "fallocate", NULL, fd, to - from,
         fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)));
    if (sys == EOPNOTSUPP || sys == ENOSYS)
        return ST_OK;
    return result(sys, "fallocate", NULL, e);
}

enum status io_reserve(int fd, uint64_t size, struct err *e)
{
    return allocate(fd, 0, 0, size, e);
}

enum status io_give_back(int fd, uint64_t from, uint64_t to, struct err *e)
{
    return allocate(fd, FALLOC_FL_PUNCH_HOLE, from, to, e);
}

enum status io_truncate(int fd, uint64_t size, struct err *e)
{
    int sys, done = 0;
    if (size > INT64_MAX)
        return err_sys(e, EFBIG, "ftruncate", NULL);
    CALL(sys, done, "ftruncate", NULL, fd, size, ftruncate(fd, (off_t)size));
    return result(sys, "ftruncate", NULL, e);
}

enum status io_size(int fd, uint64_t *size, struct err *e)
{
    struct stat st = {0};
    int sys, done = 0;
    CALL(sys, done, "fstat", NULL, fd, 0, fstat(fd, &st));
    *size = sys == 0 ? (uint64_t)st.st_size : 0;
    return result(sys, "fstat", NULL, e);
}

enum status io_rename(int from_dir, const char *from, int to_dir, const char *to, bool replace,
                      struct err *e)
{
    int sys, done = 0;
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    CALL(sys, done, "rename", to, to_dir, 0, renameat2(from_dir, from, to_dir, to, flags));
    return result(sys, "rename", to, e);
}

enum status io_unlink(int dir, const char *path, bool folder, struct err *e)
{
    int sys, done = 0;
    const char *name = folder ? "rmdir" : "unlink";
    CALL(sys, done, name, path, dir, 0, unlinkat(dir, path, folder ? AT_REMOVEDIR : 0));
    return result(sys, name, path, e);
}

enum status io_mkdir(int dir, const char *path, unsigned mode, struct err *e)
{
    int sys, done = 0;
    CALL(sys, done, "mkdir", path, dir, 0, mkdirat(dir, path, (mode_t)mode));
    return result(sys, "mkdir", path, e);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#define NAP_FIRST 50000 /* nanoseconds; doubled each time up to the longest */
#define NAP_MOST  2000000

/* flock rather than fcntl's record locks, which any close of the same file by this process drops.
 * There is no call that waits for a bounded time, hence the short naps. */
enum status io_lock(int fd, unsigned wait_ms, struct err *e)
{
    uint64_t until = now_ms() + wait_ms;
    struct timespec nap = {.tv_nsec = NAP_FIRST};
    for (;;) {
        int sys, done = 0;
        CALL(sys, done, "lock", NULL, fd, 0, flock(fd, LOCK_EX | LOCK_NB));
        if (sys != EWOULDBLOCK)
            return result(sys, "lock", NULL, e);
        if (now_ms() >= until)
            return err_set(e, ST_BUSY, "locked", "another process holds the lock; waited %u ms",
                           wait_ms);
        (void)nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec < NAP_MOST / 2 ? nap.tv_nsec * 2 : NAP_MOST;
    }
}
