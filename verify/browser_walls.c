#include "verify/browser_walls.h"
#include "base/files.h"
#include "base/text.h"
#include "verify/browser.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPACES      (CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC)
#define FOLDER_ROOM "mode=700,size=512m"

static void note(char *level, size_t cap, const char *wall)
{
    size_t n = strlen(level);
    text_fmt(level + n, cap - n, "%s%s", n > 0 ? "+" : "", wall);
}

/* ---- namespaces --------------------------------------------------------------------------- */

static bool put(const char *path, const char *text)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    return io_open(AT_FDCWD, path, O_WRONLY, 0, &fd, &e) == ST_OK &&
           io_write(fd, span_text(text), &e) == ST_OK;
}

static bool map_user(unsigned uid, unsigned gid)
{
    char line[64];
    text_fmt(line, sizeof line, "%u %u 1", uid, uid);
    bool fine = put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", line);
    text_fmt(line, sizeof line, "%u %u 1", gid, gid);
    return fine && put("/proc/self/gid_map", line);
}

static void loopback_up(void)
{
    struct ifreq lo = {.ifr_flags = IFF_UP | IFF_RUNNING};
    SCOPED(fd_release) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    text_fmt(lo.ifr_name, sizeof lo.ifr_name, "lo");
    if (fd >= 0)
        (void)ioctl(fd, SIOCSIFFLAGS, &lo);
}

void browser_walls_spaces(char *level, size_t cap)
{
    unsigned uid = geteuid(), gid = getegid();
    bool apart = unshare(SPACES) == 0;
    if (!apart)
        apart = unshare(CLONE_NEWUSER | SPACES) == 0 && map_user(uid, gid);
    if (apart) {
        loopback_up();
        note(level, cap, "netns+pidns+mntns");
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        note(level, cap, "nonewprivs");
}

void browser_walls_mounts(const char *folder, char *level, size_t cap)
{
    if (getpid() != 1)
        return;
    /* In a chroot the root may be no mount, and cannot be made private; then only /proc is. */
    bool root = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (!root && mount(NULL, "/proc", NULL, MS_PRIVATE, NULL) != 0)
        return;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 || !root)
        return;
    if (mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, FOLDER_ROOM) == 0)
        note(level, cap, "tmpfs");
}

/* ---- processes ---------------------------------------------------------------------------- */

static bool slurp(const char *path, struct buf *out)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    size_t got = 1;
    if (io_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e) != ST_OK)
        return false;
    while (got > 0 && out->n < 1u << 20) {
        uint8_t part[4096];
        if (io_read(fd, part, sizeof part, &got, &e) != ST_OK)
            return false;
        buf_append(out, SPAN(part, got));
    }
    buf_byte(out, 0);
    return buf_status(out) == ST_OK;
}

void browser_walls_sweep(void)
{
    char path[64];
    text_fmt(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (;;) {
        SCOPED(buf_release) struct buf list = BUF_EMPTY;
        if (slurp(path, &list))
            for (const char *at = (const char *)list.p; *at != '\0';) {
                uint64_t pid = 0;
                size_t n = strspn(at, "0123456789");
                if (text_u64(SPAN(at, n), &pid) && pid > 1)
                    (void)kill((pid_t)pid, SIGKILL);
                at += n;
                at += *at != '\0';
            }
        if (waitpid(-1, NULL, 0) < 0 && errno != EINTR)
            return; /* ECHILD */
    }
}

/* Pss: a page that five processes share counts as a fifth in each. */
static enum status add_memory(void *ctx, const char *name, struct err *e)
{
    uint64_t *sum = ctx, kilobytes = 0;
    char path[64];
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    (void)e;
    if (name[strspn(name, "0123456789")] != '\0')
        return ST_OK;
    text_fmt(path, sizeof path, "/proc/%.20s/smaps_rollup", name);
    if (!slurp(path, &text))
        return ST_OK;
    const char *line = strstr((const char *)text.p, "\nPss:");
    if (line == NULL)
        return ST_OK;
    line += strlen("\nPss:");
    line += strspn(line, " ");
    if (text_u64(SPAN(line, strspn(line, "0123456789")), &kilobytes))
        *sum += kilobytes * 1024;
    return ST_OK;
}

uint64_t browser_memory(void)
{
    uint64_t sum = 0;
    struct err e = ERR_NONE;
    if (getpid() != 1)
        return 0; /* who belongs to it cannot be told here */
    return folder_each(AT_FDCWD, "/proc", add_memory, &sum, &e) == ST_OK ? sum : 0;
}
