#include "base/process.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/io_seam.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_LOST = 127 }; /* the exit code of a child that could not be set up */

static volatile sig_atomic_t interrupted;

static void note_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

void process_catch(void)
{
    /* No SA_RESTART: a call that waits comes back, and its loop asks process_interrupted. */
    struct sigaction act = {.sa_handler = note_signal};
    (void)sigemptyset(&act.sa_mask);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    struct sigaction was; /* whoever started us with nohup means it */
    if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
        (void)sigaction(SIGHUP, &act, NULL);
}

bool process_interrupted(void)
{
    return interrupted != 0;
}

_Noreturn static void live(pid_t parent, int (*body)(void *ctx), void *ctx)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    struct sigaction was;
    if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler == note_signal)
        (void)signal(SIGHUP, SIG_DFL);
    /* The parent may have died before the death signal was asked for: then nobody would tell us. */
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(CHILD_LOST);
    _exit(body(ctx));
}

enum status process_fork(int (*body)(void *ctx), void *ctx, pid_t *pid, struct err *e)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return err_sys(e, errno, "fork", NULL);
    if (child == 0)
        live(parent, body, ctx);
    /* Both sides do it, so that neither runs on before it is done. */
    (void)setpgid(child, child);
    *pid = child;
    return ST_OK;
}

/* What is being collected. */
struct watch {
    pid_t pid;
    int fd;   /* the child's output, −1 once it ended */
    int life; /* pidfd: readable when the child has ended */
    size_t limit, taken;
    struct buf *out;
    uint64_t until; /* clock_ticks of the deadline */
    bool ended, late, flood;
};

/* Reads what is there now; the descriptor does not block. */
static enum status drain(struct watch *w, struct err *e)
{
    uint8_t piece[16384];
    while (w->fd >= 0 && !w->flood) {
        errno = io_seam("read", NULL, w->fd, sizeof piece);
        ssize_t n = errno == 0 ? read(w->fd, piece, sizeof piece) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return ST_OK;
        if (n < 0)
            return err_sys(e, errno, "read from the child", NULL);
        if (n == 0)
            w->fd = -1;
        w->flood = (size_t)n > w->limit - w->taken;
        size_t kept = w->flood ? w->limit - w->taken : (size_t)n;
        buf_append(w->out, SPAN(piece, kept));
        w->taken += kept;
        if (buf_status(w->out) != ST_OK)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory for the child's output");
    }
    return ST_OK;
}

/* Waits for output, the end or the deadline, once. */
static enum status turn(struct watch *w, struct err *e)
{
    uint64_t now = clock_ticks();
    w->late = now >= w->until;
    if (w->late)
        return ST_OK;
    if (process_interrupted())
        return err_set(e, ST_INTERRUPTED, NULL, "interrupted while a child was running");
    struct timespec left = {.tv_sec = (time_t)((w->until - now) / 1000000000),
                            .tv_nsec = (long)((w->until - now) % 1000000000)};
    struct pollfd on[2] = {{.fd = w->life, .events = POLLIN}, {.fd = w->fd, .events = POLLIN}};
    if (ppoll(on, 2, &left, NULL) < 0)
        return errno == EINTR ? ST_OK : err_sys(e, errno, "poll", NULL);
    const bool gone = on[0].revents != 0, said = (on[1].revents & POLLIN) != 0;
    const size_t before = w->taken;
    if (gone) /* nobody of its group says more */
        (void)kill(-w->pid, SIGKILL);
    enum status st = drain(w, e);
    w->ended = gone && (!said || w->fd < 0); /* and nothing is left in the pipe */
    if (st == ST_OK && said && w->fd >= 0 && w->taken == before && !w->flood)
        return err_sys(e, EAGAIN, "read from the child", NULL);
    return st;
}

static enum status follow(struct watch *w, struct err *e)
{
    int flags = w->fd >= 0 ? fcntl(w->fd, F_GETFL) : 0;
    if (w->fd >= 0 && (flags < 0 || fcntl(w->fd, F_SETFL, flags | O_NONBLOCK) != 0))
        return err_sys(e, errno, "set the child's output to non-blocking", NULL);
    enum status st = ST_OK;
    while (st == ST_OK && !w->ended && !w->late && !w->flood)
        st = turn(w, e);
    return st;
}

static uint64_t nanoseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

/* Kills whatever is left of the group and takes the child's end. The group's number stays its own
 * until the child is reaped, so the kill can hit nobody else. */
static enum status reap(pid_t pid, struct process_end *end, struct err *e)
{
    int how = 0;
    struct rusage used;
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL);
    while (wait4(pid, &how, 0, &used) < 0)
        if (errno != EINTR)
            return err_sys(e, errno, "wait for the child", NULL);
    end->exit_code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    end->signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    end->cpu_ns = nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
    end->peak_bytes = (uint64_t)used.ru_maxrss * 1024;
    return ST_OK;
}

void process_stop(pid_t pid, unsigned grace_ms)
{
    struct process_end end;
    struct err quiet = ERR_NONE;
    SCOPED(fd_release) int life = pidfd_open(pid, 0);
    struct pollfd on = {.fd = life, .events = POLLIN};
    const uint64_t until = clock_ticks() + (uint64_t)grace_ms * 1000000;
    (void)kill(pid, SIGTERM);
    for (uint64_t now = clock_ticks(); life >= 0 && now < until; now = clock_ticks())
        if (poll(&on, 1, (int)((until - now) / 1000000) + 1) > 0)
            break;
    enum status st = reap(pid, &end, &quiet);
    (void)st; /* it is gone either way */
}

bool process_heed(pid_t parent)
{
    process_catch();
    return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

enum status process_collect(pid_t pid, int fd, size_t limit, unsigned deadline_ms, struct buf *out,
                            struct process_end *end, struct err *e)
{
    uint64_t began = clock_ticks();
    SCOPED(fd_release) int life = pidfd_open(pid, 0);
    struct watch w = {.pid = pid,
                      .fd = fd,
                      .life = life,
                      .limit = limit,
                      .out = out,
                      .until = began + (uint64_t)deadline_ms * 1000000};
    *end = (struct process_end){.exit_code = -1};
    enum status st = life < 0 ? err_sys(e, errno, "pidfd_open", NULL) : follow(&w, e);
    struct err second = ERR_NONE;
    enum status reaped = reap(pid, end, &second);
    end->wall_ns = clock_ticks() - began;
    end->deadline = w.late;
    if (st == ST_OK && reaped != ST_OK) {
        if (e != NULL)
            *e = second;
        return reaped;
    }
    if (st == ST_OK && w.flood)
        return err_set(e, ST_OUTPUT_EXCEEDED, "child-flood", "the child wrote more than %zu bytes",
                       limit);
    return st;
}
