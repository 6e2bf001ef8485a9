#include "verify/confine.h"
#include "base/files.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A sanitizer's shadow memory needs terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MAPS_MAX (4u << 20) /* bytes of /proc/self/maps */

/* Landlock by its numbers: older kernel headers know only the first versions (landlock(7)). */
#define LANDLOCK_CREATE       444
#define LANDLOCK_ADD_RULE     445
#define LANDLOCK_RESTRICT     446
#define LANDLOCK_BENEATH      1u
#define LANDLOCK_EXECUTE      1u
#define LANDLOCK_READ_FILE    4u
#define LANDLOCK_READ_FOLDER  8u
#define LANDLOCK_VERSION_FLAG 1u

struct landlock_attr {
    uint64_t fs, net, scoped;
};

/* A file of /proc, whose size is not known beforehand. */
static bool read_proc(const char *path, struct buf *out)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    if (io_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e) != ST_OK)
        return false;
    for (;;) {
        uint8_t block[4096];
        size_t got = 0;
        if (io_read(fd, block, sizeof block, &got, &e) != ST_OK || out->n + got > MAPS_MAX)
            return false;
        if (got == 0)
            return buf_status(out) == ST_OK;
        buf_append(out, SPAN(block, got));
    }
}

/* Hexadecimal digits at *at, which moves past them. */
static uintptr_t take_hex(struct span in, size_t *at)
{
    uintptr_t v = 0;
    for (; *at < in.n; ++*at) {
        uint8_t c = in.p[*at];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uintptr_t)(c - 'a' + 10);
        else
            break;
    }
    return v;
}

/* Lines read "START-END rwxs …"; the fourth letter is s for what is shared. */
bool confine_memory(uint64_t *mapped)
{
    *mapped = 0;
    SCOPED(buf_release) struct buf maps = BUF_EMPTY;
    if (!read_proc("/proc/self/maps", &maps))
        return false;
    struct span in = buf_span(&maps);
    size_t at = 0;
    while (at < in.n) {
        uintptr_t start = take_hex(in, &at);
        at++;
        uintptr_t end = take_hex(in, &at);
        if (at + 5 > in.n || end <= start)
            return false;
        if (in.p[at + 4] != 's')
            *mapped += end - start;
        else if (syscall(SYS_munmap, start, end - start) != 0)
            return false;
        while (at < in.n && in.p[at] != '\n')
            at++;
        at++;
    }
    return true;
}

bool confine_network(void)
{
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

struct landlock_path {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

/* Everything is forbidden; −1 where there is no Landlock. */
static int ruleset(void)
{
    long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (abi < 1)
        return -1;
    struct landlock_attr attr = {.fs = 0x1fff};
    size_t size = sizeof attr.fs;
    if (abi >= 2)
        attr.fs |= 1u << 13; /* link and rename across folders */
    if (abi >= 3)
        attr.fs |= 1u << 14; /* truncate */
    if (abi >= 5)
        attr.fs |= 1u << 15; /* ioctl on devices */
    if (abi >= 4) {
        attr.net = 3; /* bind and connect, TCP */
        size = 2 * sizeof attr.fs;
    }
    if (abi >= 6) {
        attr.scoped = 3; /* abstract sockets, signals */
        size = sizeof attr;
    }
    return (int)syscall(LANDLOCK_CREATE, &attr, size, 0);
}

bool confine_files(void)
{
    SCOPED(fd_release) int fd = ruleset();
    return fd >= 0 && syscall(LANDLOCK_RESTRICT, fd, 0) == 0;
}

/* What is not there needs no rule. */
static bool permit(int rules, const char *path, uint64_t access)
{
    struct err absent = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    enum status st = io_open(AT_FDCWD, path, O_PATH, 0, &fd, &absent);
    const struct landlock_path rule = {.access = access, .fd = fd};
    return st != ST_OK || syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_BENEATH, &rule, 0) == 0;
}

bool confine_view(void)
{
    static const char *const folders[] = {"/usr", "/lib", "/lib64", "/bin"};
    static const char *const files[] = {"/etc/ld.so.cache", "/dev/null", "/dev/urandom"};
    SCOPED(fd_release) int fd = ruleset();
    bool fine = fd >= 0;
    for (size_t i = 0; fine && i < sizeof folders / sizeof *folders; i++)
        fine = permit(fd, folders[i], LANDLOCK_EXECUTE | LANDLOCK_READ_FILE | LANDLOCK_READ_FOLDER);
    for (size_t i = 0; fine && i < sizeof files / sizeof *files; i++)
        fine = permit(fd, files[i], LANDLOCK_READ_FILE);
    return fine && syscall(LANDLOCK_RESTRICT, fd, 0) == 0;
}

bool confine_privileges(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &head, none) == 0;
}

bool confine_descriptors(int in, int out)
{
    /* Out of the way first: either may lie where the other has to go. */
    int far_in = in < 0 ? -1 : fcntl(in, F_DUPFD_CLOEXEC, 16);
    int far_out = fcntl(out, F_DUPFD_CLOEXEC, 16);
    if (far_out < 0 || (in >= 0 && far_in < 0))
        return false;
    if (in < 0)
        (void)close(0);
    else if (dup2(far_in, 0) != 0)
        return false;
    return dup2(far_out, 1) == 1 && syscall(SYS_close_range, 2u, ~0u, 0u) == 0;
}

bool confine_descriptors_keep(int in, int out, const int *keep, size_t count)
{
    struct err absent = ERR_NONE;
    int far[CONFINE_KEEP], nowhere = -1;
    if (count > CONFINE_KEEP ||
        io_open(AT_FDCWD, "/dev/null", O_RDWR, 0, &nowhere, &absent) != ST_OK ||
        (nowhere = fcntl(nowhere, F_DUPFD, 32)) < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if ((far[i] = fcntl(keep[i], F_DUPFD, 32)) < 0)
            return false;
    int far_in = fcntl(in, F_DUPFD, 32), far_out = fcntl(out, F_DUPFD, 32);
    if (far_in < 0 || far_out < 0 || dup2(far_in, 0) != 0 || dup2(far_out, 1) != 1 ||
        dup2(nowhere, 2) != 2)
        return false;
    for (size_t i = 0; i < count; i++)
        if (dup2(far[i], 3 + (int)i) != 3 + (int)i)
            return false;
    return syscall(SYS_close_range, 3u + (unsigned)count, ~0u, 0u) == 0;
}

/* A limit that is tighter already stays: nobody without privileges may widen it. */
static bool limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
    struct rlimit had, l = {.rlim_cur = soft, .rlim_max = hard};
    if (getrlimit(what, &had) != 0)
        return false;
    if (l.rlim_max > had.rlim_max)
        l.rlim_max = had.rlim_max;
    if (l.rlim_cur > had.rlim_max)
        l.rlim_cur = had.rlim_max;
    return setrlimit(what, &l) == 0;
}

bool confine_limits(uint64_t space, unsigned cpu, unsigned open)
{
    if (!SANITIZED && !limit(RLIMIT_AS, space, space))
        return false;
    return limit(RLIMIT_CPU, cpu, (uint64_t)cpu + 1) && limit(RLIMIT_FSIZE, 0, 0) &&
           limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_NPROC, 0, 0) &&
           limit(RLIMIT_NOFILE, open, open);
}
