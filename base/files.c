#include "base/files.h"
#include "base/io_seam.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

void fd_release(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

enum status file_look(int dir, const char *path, struct stat *out, struct err *e)
{
    int sys = io_seam("fstatat", path, dir, 0);
    if (sys == 0 && fstatat(dir, path, out, AT_SYMLINK_NOFOLLOW) != 0)
        sys = errno;
    if (sys == 0)
        return ST_OK;
    *out = (struct stat){.st_mode = 0};
    return sys == ENOENT || sys == ENOTDIR ? ST_OK : err_sys(e, sys, "fstatat", path);
}

/* The size of a regular file within the limit. */
static enum status regular_size(int fd, uint64_t limit, uint64_t *size, struct err *e)
{
    struct stat st;
    int sys = io_seam("fstat", NULL, fd, 0);
    if (sys == 0 && fstat(fd, &st) != 0)
        sys = errno;
    if (sys != 0)
        return err_sys(e, sys, "fstat", NULL);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ST_IO, "not-a-file", "it is not a regular file");
    *size = (uint64_t)st.st_size;
    if (*size > limit)
        return err_set(e, ST_INVALID_LENGTH, "too-large",
                       "the file has %llu bytes; at most %llu are allowed",
                       (unsigned long long)*size, (unsigned long long)limit);
    return ST_OK;
}

/* Reads to the end, so that a file in /proc, whose size says 0, works; one byte over the limit
 * shows a file that grew meanwhile. */
static enum status read_all(int fd, uint64_t limit, struct buf *out, struct err *e)
{
    uint8_t piece[16384];
    uint64_t total = 0;
    for (;;) {
        size_t got;
        enum status st = io_read(fd, piece, sizeof piece, &got, e);
        if (st != ST_OK || got == 0)
            return st;
        total += got;
        if (total > limit)
            return err_set(e, ST_INVALID_LENGTH, "too-large",
                           "the file has more than the %llu bytes allowed",
                           (unsigned long long)limit);
        buf_append(out, SPAN(piece, got));
        if (buf_status(out) != ST_OK)
            return err_set(e, buf_status(out), NULL, "no room for the file after %llu bytes",
                           (unsigned long long)total);
    }
}

enum status file_read(int dir, const char *path, uint64_t limit, struct buf *out, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    uint64_t size;
    /* Non-blocking, or opening a FIFO would wait for a writer before we see that it is one. */
    enum status st = io_open(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, e);
    if (st == ST_OK)
        st = regular_size(fd, limit, &size, e);
    if (st == ST_OK)
        st = read_all(fd, limit, out, e);
    if (st != ST_OK)
        (void)err_subject(e, "%s", path);
    return st;
}

static enum status read_fd(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    const int *fd = ctx;
    return io_read(*fd, p, cap, got, e);
}

static enum status write_fd(void *ctx, struct span bytes, struct err *e)
{
    const int *fd = ctx;
    return io_write(*fd, bytes, e);
}

static enum status write_buf(void *ctx, struct span bytes, struct err *e)
{
    struct buf *b = ctx;
    buf_append(b, bytes);
    enum status st = buf_status(b);
    return st == ST_OK ? st : err_set(e, st, NULL, "no room for %zu bytes more", bytes.n);
}

struct source source_fd(int *fd)
{
    return (struct source){.read = read_fd, .ctx = fd};
}

struct sink sink_fd(int *fd)
{
    return (struct sink){.write = write_fd, .ctx = fd};
}

struct sink sink_buf(struct buf *b)
{
    return (struct sink){.write = write_buf, .ctx = b};
}

enum status memory_file(const char *label, int *fd, struct err *e)
{
    int sys = io_seam("memfd", label, -1, 0);
    *fd = -1;
    if (sys == 0) {
        *fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        sys = *fd < 0 ? errno : 0;
    }
    return sys == 0 ? ST_OK : err_sys(e, sys, "memfd_create", label);
}

enum status memory_seal(int fd, struct err *e)
{
    int sys = io_seam("seal", NULL, fd, 0);
    if (sys == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        sys = errno;
    return sys == 0 ? ST_OK : err_sys(e, sys, "seal", NULL);
}
