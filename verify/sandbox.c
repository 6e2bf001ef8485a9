#include "verify/sandbox.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The child's first byte says which walls stand; only then its function runs. */
enum wall {
    WALL_SECCOMP = 1,
    WALL_LANDLOCK = 2,
    WALL_NETNS = 4,
    WALL_NOCAPS = 8,
    WALL_RLIMITS = 16,
    WALL_READY = 128
};

#define PROGRAM_FILES 64u /* descriptors that a program may have open */

struct sandbox {
    struct sandbox_limits limits;
    sandbox_body body;
    void *ctx;
    int given;      /* the caller's descriptor, −1: fed */
    int feed[2];    /* parent's and child's end, −1 */
    int answer[2];  /* read and write end, −1 */
    pid_t pid;      /* 0: none, or reaped */
    uint64_t start; /* ticks */
    bool flooded;
    int deaf;          /* errno of a read of its answer that failed: our trouble */
    struct buf heard;  /* what the child wrote so far */
    uint64_t streamed; /* bytes of its answer that sandbox_read handed out */
};

/* ---- the child ---------------------------------------------------------------------------- */

/* No handler of the parent's runs in the child: a crash is a crash, reported by nobody but the
 * kernel. */
static void forget_handlers(void)
{
    for (int sig = 1; sig < SIGRTMIN; sig++)
        (void)signal(sig, SIG_DFL);
}

/* The walls without which nothing runs. A program of somebody else's could read every file without
 * Landlock. */
static uint8_t least_walls(const struct sandbox *s)
{
    return s->limits.program != NULL ? WALL_SECCOMP | WALL_LANDLOCK : WALL_SECCOMP;
}

/* Each wall in the order in which the next can still be built. */
static uint8_t walls(const struct sandbox *s)
{
    unsigned up = 0;
    uint64_t space = 0;
    forget_handlers();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !confine_memory(&space) ||
        !checked_add(space, s->limits.memory_bytes, &space))
        return 0;
    if (confine_network())
        up |= WALL_NETNS;
    /* A new user namespace forgets the signal that ties us to the parent's life. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return 0;
    const struct sandbox_program *p = s->limits.program;
    const int in = s->given >= 0 ? s->given : s->feed[1];
    if (p != NULL && !confine_descriptors_keep(in, s->answer[1], p->keep, p->count))
        return (uint8_t)up;
    if (p != NULL ? confine_view() : confine_files())
        up |= WALL_LANDLOCK;
    if (confine_privileges())
        up |= WALL_NOCAPS;
    if ((p == NULL && !confine_descriptors(in, s->answer[1])) ||
        !confine_limits(space, s->limits.cpu_seconds, p != NULL ? PROGRAM_FILES : 0))
        return (uint8_t)up;
    up |= WALL_RLIMITS;
    if (confine_calls(p != NULL))
        up |= WALL_SECCOMP;
    return (uint8_t)up;
}

static int child(void *ctx)
{
    const struct sandbox *s = ctx;
    const uint8_t up = walls(s) | WALL_READY, least = least_walls(s);
    if (write(1, &up, 1) != 1 || (up & least) != least)
        return 125;
    return s->body(s->ctx, 0, 1);
}

/* ---- the parent --------------------------------------------------------------------------- */

void sandbox_outcome_release(struct sandbox_outcome *o)
{
    buf_release(&o->answer);
}

const char *sandbox_ending_name(enum sandbox_ending ending)
{
    switch (ending) {
    case SANDBOX_RETURNED: return "returned";
    case SANDBOX_FAILED: return "failed";
    case SANDBOX_CRASHED: return "crash";
    case SANDBOX_FORBIDDEN: return "forbidden";
    case SANDBOX_DEADLINE: return "deadline";
    case SANDBOX_CPU: return "cpu";
    case SANDBOX_FLOOD: return "flood";
    case SANDBOX_NONE: break;
    }
    return "none";
}

static void end_release(int *fd)
{
    fd_release(fd);
    *fd = -1;
}

void sandbox_free(struct sandbox *s)
{
    if (s == NULL)
        return;
    end_release(&s->feed[0]);
    end_release(&s->feed[1]);
    if (s->pid > 0) {
        struct err quiet = ERR_NONE;
        struct process_end end;
        SCOPED(buf_release) struct buf rest = BUF_EMPTY;
        (void)kill(-s->pid, SIGKILL);
        enum status st = process_collect(s->pid, s->answer[0], 0, 0, &rest, &end, &quiet);
        (void)st; /* it is gone either way */
    }
    end_release(&s->answer[0]);
    end_release(&s->answer[1]);
    buf_release(&s->heard);
    heap_free(s);
}

static enum status channels(struct sandbox *s, struct err *e)
{
    if (pipe2(s->answer, O_CLOEXEC) != 0)
        return err_sys(e, errno, "pipe", "sandbox");
    if (s->given >= 0)
        return ST_OK;
    /* A socket, because writing to one whose reader died can be told not to raise a signal. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->feed) != 0)
        return err_sys(e, errno, "socketpair", "sandbox");
    (void)shutdown(s->feed[0], SHUT_RD);
    return ST_OK;
}

enum status sandbox_start(const struct sandbox_limits *limits, sandbox_body body, void *ctx,
                          int given, struct sandbox **out, struct err *e)
{
    assert(limits->wall_ms > 0 && limits->cpu_seconds > 0 && limits->output_bytes > 0);
    SCOPED(sandbox_scope) struct sandbox *s = heap_zero(1, sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a sandbox");
    *s = (struct sandbox){.limits = *limits,
                          .body = body,
                          .ctx = ctx,
                          .given = given,
                          .feed = {-1, -1},
                          .answer = {-1, -1},
                          .start = clock_ticks()};
    enum status st = channels(s, e);
    if (st != ST_OK)
        return st;
    st = process_fork(child, s, &s->pid, e);
    if (st != ST_OK) {
        s->pid = 0;
        return err_stage(e, "sandbox");
    }
    end_release(&s->feed[1]);
    end_release(&s->answer[1]);
    *out = sandbox_take(&s);
    return ST_OK;
}

static unsigned time_left(const struct sandbox *s)
{
    uint64_t past = (clock_ticks() - s->start) / 1000000u;
    return past >= s->limits.wall_ms ? 0 : s->limits.wall_ms - (unsigned)past;
}

/* Takes what the child says while it is being fed, so that neither waits for the other. False when
 * it has nothing more to say or said too much. */
static bool listen_to(struct sandbox *s)
{
    uint8_t block[4096];
    ssize_t got = read(s->answer[0], block, sizeof block);
    if (got < 0 && errno != EINTR)
        s->deaf = errno;
    if (got <= 0)
        return got < 0 && s->deaf == 0;
    if (s->heard.n + (uint64_t)got > s->limits.output_bytes + 1) {
        s->flooded = true;
        return false;
    }
    buf_append(&s->heard, SPAN(block, (size_t)got));
    return true;
}

static enum status gone(struct err *e)
{
    return err_set(e, ST_CANCELLED, "sandbox-gone", "the sandboxed child does not listen any more");
}

enum status sandbox_feed(struct sandbox *s, struct span bytes, struct err *e)
{
    assert(s->feed[0] >= 0);
    while (bytes.n > 0) {
        struct pollfd both[2] = {{.fd = s->feed[0], .events = POLLOUT},
                                 {.fd = s->answer[0], .events = POLLIN}};
        unsigned left = time_left(s);
        int ready = left == 0 ? 0 : poll(both, 2, (int)left);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || (both[1].revents != 0 && !listen_to(s)))
            return gone(e);
        if ((both[0].revents & (POLLERR | POLLHUP)) != 0)
            return gone(e);
        if ((both[0].revents & POLLOUT) == 0)
            continue;
        ssize_t sent = send(s->feed[0], bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return gone(e);
        if (sent > 0)
            bytes = SPAN(bytes.p + sent, bytes.n - (size_t)sent);
    }
    return ST_OK;
}

#define GATHER_TURN 100 /* ms: how often a deadline or a signal is looked for */

enum status sandbox_gather(struct sandbox *const *s, size_t n,
                           void (*heard)(void *ctx, struct span bytes), void *ctx, struct err *e)
{
    bool done[SANDBOX_GATHER] = {false};
    size_t left = n;
    assert(n <= SANDBOX_GATHER);
    while (left > 0) {
        struct pollfd on[SANDBOX_GATHER];
        for (size_t i = 0; i < n; i++) {
            if (!done[i] && time_left(s[i]) == 0) {
                done[i] = true;
                left--;
            }
            on[i] = (struct pollfd){.fd = done[i] ? -1 : s[i]->answer[0], .events = POLLIN};
        }
        if (process_interrupted())
            return err_set(e, ST_INTERRUPTED, NULL, "interrupted while children were running");
        if (poll(on, n, GATHER_TURN) <= 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            const size_t before = s[i]->heard.n;
            if (done[i] || on[i].revents == 0)
                continue;
            if (!listen_to(s[i])) {
                done[i] = true;
                left--;
            }
            if (heard != NULL && s[i]->heard.n > before)
                heard(ctx, SPAN(s[i]->heard.p + before, s[i]->heard.n - before));
        }
    }
    return ST_OK;
}

/* Waits until the child says something or its time is over. */
static enum status await(struct sandbox *s, bool *heard, struct err *e)
{
    struct pollfd one = {.fd = s->answer[0], .events = POLLIN};
    for (;;) {
        unsigned left = time_left(s);
        int ready = left == 0 ? 0 : poll(&one, 1, (int)(left < 500 ? left : 500));
        *heard = ready > 0;
        if (process_interrupted())
            return err_set(e, ST_INTERRUPTED, NULL, "interrupted while a sandboxed child works");
        if (*heard || left == 0 || (ready < 0 && errno != EINTR))
            return ST_OK;
    }
}

enum status sandbox_read(struct sandbox *s, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    uint8_t up;
    *got = 0;
    for (;;) {
        bool heard = false;
        bool first = s->heard.n == 0; /* which walls stand comes before the answer */
        enum status st = await(s, &heard, e);
        if (st != ST_OK || !heard)
            return st;
        ssize_t n = read(s->answer[0], first ? &up : p, first ? 1 : cap);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, errno, "read a sandboxed child's answer", NULL);
        if (n == 0)
            return ST_OK;
        if (first) {
            buf_byte(&s->heard, up);
            if (buf_status(&s->heard) != ST_OK)
                return err_set(e, ST_NO_MEMORY, NULL, "no memory for a sandboxed child's answer");
            continue;
        }
        s->streamed += (uint64_t)n;
        s->flooded = s->streamed > s->limits.output_bytes;
        *got = s->flooded ? 0 : (size_t)n;
        return ST_OK;
    }
}

static void level_text(uint8_t up, char *out, size_t cap)
{
    static const struct {
        enum wall wall;
        const char *name;
    } names[] = {{WALL_SECCOMP, "seccomp"},
                 {WALL_LANDLOCK, "landlock"},
                 {WALL_NETNS, "netns"},
                 {WALL_NOCAPS, "nocaps"},
                 {WALL_RLIMITS, "rlimits"}};
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((up & names[i].wall) != 0 && n < cap)
            n += text_fmt(out + n, cap - n, "%s%s", n > 0 ? "+" : "", names[i].name);
}

static enum sandbox_ending ending_of(const struct sandbox *s, const struct process_end *end)
{
    if (s->flooded)
        return SANDBOX_FLOOD;
    if (end->deadline)
        return SANDBOX_DEADLINE;
    if (end->signal == SIGSYS)
        return SANDBOX_FORBIDDEN;
    if (end->signal == SIGXCPU)
        return SANDBOX_CPU;
    if (end->signal != 0)
        return SANDBOX_CRASHED;
    return end->exit_code == 0 ? SANDBOX_RETURNED : SANDBOX_FAILED;
}

static void explain(const struct sandbox_limits *limits, struct sandbox_outcome *out)
{
    char *to = out->message;
    const size_t cap = sizeof out->message;
    const char *name = sigabbrev_np(out->end.signal);
    switch (out->ending) {
    case SANDBOX_NONE:
    case SANDBOX_RETURNED: text_fmt(to, cap, "came back"); break;
    case SANDBOX_FAILED: text_fmt(to, cap, "ended with code %d", out->end.exit_code); break;
    case SANDBOX_CRASHED:
        text_fmt(to, cap, "was killed by signal %d (SIG%s)", out->end.signal, name ? name : "?");
        break;
    case SANDBOX_FORBIDDEN: text_fmt(to, cap, "made a forbidden system call (SIGSYS)"); break;
    case SANDBOX_DEADLINE: text_fmt(to, cap, "was not done after %u ms", limits->wall_ms); break;
    case SANDBOX_CPU:
        text_fmt(to, cap, "used more than %u s of processor time (SIGXCPU)", limits->cpu_seconds);
        break;
    case SANDBOX_FLOOD:
        text_fmt(to, cap, "answered more than %llu bytes",
                 (unsigned long long)limits->output_bytes);
        break;
    }
}

enum status sandbox_finish(struct sandbox *s, struct sandbox_outcome *out, struct err *e)
{
    assert(s->pid > 0);
    end_release(&s->feed[0]);
    if (s->flooded)
        (void)kill(-s->pid, SIGKILL);
    uint64_t left = s->limits.output_bytes + 1 - s->heard.n;
    size_t room = s->streamed > 0 ? 0 : left < SIZE_MAX ? (size_t)left : SIZE_MAX;
    enum status st =
        process_collect(s->pid, s->answer[0], room, time_left(s), &s->heard, &out->end, e);
    s->pid = 0;
    if (st == ST_OK && s->deaf != 0)
        st = err_sys(e, s->deaf, "read a sandboxed child's answer", NULL);
    if (st == ST_OUTPUT_EXCEEDED)
        s->flooded = true;
    else if (st != ST_OK)
        return err_stage(e, "sandbox");
    if (s->heard.n == 0 && s->heard.failed)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a sandboxed child's answer");
    uint8_t up = s->heard.n > 0 ? s->heard.p[0] : 0;
    if ((up & WALL_SECCOMP) == 0 || (up & least_walls(s)) != least_walls(s))
        return err_at(e, ST_UNSUPPORTED, "sandbox", "sandbox-unavailable", ERR_NO_OFFSET,
                      "the sandbox could not be built (no %s); nothing was run",
                      (up & WALL_SECCOMP) == 0 ? "system call filter" : "Landlock");
    level_text(up, out->level, sizeof out->level);
    out->ending = ending_of(s, &out->end);
    explain(&s->limits, out);
    buf_append(&out->answer, SPAN(s->heard.p + 1, s->heard.n - 1));
    return buf_status(&out->answer) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for a sandboxed child's answer");
}
