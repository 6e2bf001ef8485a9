#include "tests/faults/trace.h"
#include "tests/faults/tree.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* -- the calls ----------------------------------------------------------------------------------
 */

static const struct {
    long nr;
    const char *name;
    bool mutating;
} calls[] = {
#define M(n)              \
    {                     \
        SYS_##n, #n, true \
    }
#define R(n)               \
    {                      \
        SYS_##n, #n, false \
    }
    M(write),     M(writev),      M(pwrite64),   M(pwritev),   M(pwritev2),        M(fsync),
    M(fdatasync), M(msync),       M(ftruncate),  M(truncate),  M(sync_file_range), M(fallocate),
    M(rename),    M(renameat),    M(renameat2),  M(unlink),    M(unlinkat),        M(rmdir),
    M(link),      M(linkat),      M(symlink),    M(symlinkat), M(mkdir),           M(mkdirat),
    M(chmod),     M(fchmod),      M(fchmodat),   M(openat),    M(copy_file_range), M(sendfile),
    R(read),      R(readv),       R(pread64),    R(preadv),    R(close),           R(mmap),
    R(flock),     R(fstat),       R(newfstatat), R(lseek),     R(getdents64),      R(fcntl),
    R(statfs),    R(memfd_create)
#undef M
#undef R
};
enum { CALLS = sizeof calls / sizeof calls[0], TRACEES = 64 };

const char *trace_name(long nr)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].nr == nr)
            return calls[i].name;
    }
    return "?";
}

bool trace_is_mutating(long nr)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].nr == nr)
            return calls[i].mutating;
    }
    return false;
}

bool trace_is_sync(long nr)
{
    return nr == SYS_fsync || nr == SYS_fdatasync || nr == SYS_msync;
}

/* Stops at the calls of a set; opening counts as a change only where it may make or cut a file. */
static void install_filter(enum trace_set set, bool opens)
{
    struct sock_filter code[2 * CALLS + 8];
    unsigned short n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].nr == SYS_openat || (set == TRACE_MUTATING && !calls[i].mutating))
            continue;
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].nr, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16 + 8 * 2);
    code[n++] = (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JSET | BPF_K, opens ? 0xffffffffu : (uint32_t)(O_CREAT | O_TRUNC), 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog prog = {.len = n, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) != 0)
        _exit(125);
}

static void child(const struct trace_job *job)
{
    if (job->out >= 0)
        (void)dup2(job->out, 1);
    if (job->err >= 0)
        (void)dup2(job->err, 2);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (job->set != TRACE_NOTHING) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(125);
        (void)raise(SIGSTOP);
        install_filter(job->set, job->set == TRACE_ALL);
    }
    _exit(job->body(job->ctx));
}

/* -- the parent ---------------------------------------------------------------------------------
 */

struct tracee {
    pid_t pid;
    bool inside; /* between enter and leave */
    bool kill_after;
    bool fail_after; /* the call is made, its result replaced */
    struct trace_call call;
};

struct tracer {
    const struct trace_job *job;
    struct trace_end *end;
    pid_t root;
    bool root_over;
    struct tracee tracee[TRACEES];
    size_t n;
};

static volatile sig_atomic_t alarmed;

static void on_alarm(int sig)
{
    (void)sig;
    alarmed = 1;
}

static void set_alarm(unsigned ms)
{
    struct sigaction a = {.sa_handler = on_alarm};
    struct itimerval t = {.it_value = {ms / 1000, (suseconds_t)(ms % 1000) * 1000},
                          .it_interval = {ms > 0 ? 1 : 0, 0}};
    alarmed = 0;
    (void)sigaction(SIGALRM, &a, NULL);
    (void)setitimer(ITIMER_REAL, &t, NULL);
}

static struct tracee *tracee_of(struct tracer *t, pid_t pid)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->tracee[i].pid == pid)
            return &t->tracee[i];
    }
    if (t->n == TRACEES)
        die("too many processes");
    t->tracee[t->n] = (struct tracee){.pid = pid};
    return &t->tracee[t->n++];
}

static void forget(struct tracer *t, pid_t pid)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->tracee[i].pid == pid)
            t->tracee[i] = t->tracee[--t->n];
    }
}

static void kill_all(struct tracer *t)
{
    (void)kill(t->root, SIGKILL);
    for (size_t i = 0; i < t->n; i++)
        (void)kill(t->tracee[i].pid, SIGKILL);
}

static bool is_transfer(long nr)
{
    return nr == SYS_write || nr == SYS_pwrite64 || nr == SYS_read || nr == SYS_pread64;
}

static void hit(struct tracer *t, const struct tracee *e)
{
    t->end->injected = true;
    t->end->injections++;
    if (t->end->hit < 0) {
        t->end->hit = e->call.nr;
        t->end->hit_fd = (int)e->call.arg[0];
    }
}

/* At the entry of a counted call; true: look at its exit as well. */
static bool strike(struct tracer *t, struct tracee *e, struct user_regs_struct *r)
{
    const struct trace_job *job = t->job;
    uint64_t n = t->end->calls;
    bool now = n == job->at || (job->every > 0 && n > job->at && (n - job->at) % job->every == 0);
    if (job->fault == FAULT_NONE || !now)
        return false;
    switch (job->fault) {
    case FAULT_NONE: break;
    case FAULT_KILL_BEFORE:
        hit(t, e);
        kill_all(t);
        return false;
    case FAULT_KILL_AFTER: hit(t, e); return e->kill_after = true;
    case FAULT_TORN:
    case FAULT_SHORT:
        if (!is_transfer(e->call.nr) || r->rdx <= job->bytes)
            return false;
        r->rdx = job->bytes;
        (void)ptrace(PTRACE_SETREGS, e->pid, NULL, r);
        hit(t, e);
        return e->kill_after = job->fault == FAULT_TORN;
    case FAULT_ERROR:
        hit(t, e);
        if (e->call.nr == SYS_close) /* the descriptor is gone whatever close answers */
            return e->fail_after = true;
        r->orig_rax = (unsigned long long)-1;
        r->rax = (unsigned long long)-(long long)job->sys;
        (void)ptrace(PTRACE_SETREGS, e->pid, NULL, r);
        return false;
    }
    return false;
}

static bool counted(const struct trace_job *job, const struct trace_call *c)
{
    if (c->nr == SYS_mmap)
        return (int)c->arg[4] >= 0; /* memory is another campaign's */
    return job->set == TRACE_ALL || trace_is_mutating(c->nr);
}

/* True: the next stop wanted is the call's exit. */
static bool at_entry(struct tracer *t, struct tracee *e)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, e->pid, NULL, &r) != 0)
        return false;
    e->call = (struct trace_call){
        .pid = e->pid, .nr = (long)r.orig_rax, .arg = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9}};
    if (!counted(t->job, &e->call))
        return false;
    t->end->last[t->end->calls++ % TRACE_LAST] = e->call.nr;
    bool exit = strike(t, e, &r);
    if (t->job->watcher != NULL) {
        t->job->watcher->enter(t->job->watcher->ctx, &e->call);
        exit = true;
    }
    e->inside = exit;
    return exit;
}

static void at_exit_of(struct tracer *t, struct tracee *e)
{
    struct user_regs_struct r;
    e->inside = false;
    if (ptrace(PTRACE_GETREGS, e->pid, NULL, &r) != 0)
        return;
    e->call.result = (int64_t)r.rax;
    if (e->fail_after) {
        e->fail_after = false;
        r.rax = (unsigned long long)-(long long)t->job->sys;
        (void)ptrace(PTRACE_SETREGS, e->pid, NULL, &r);
    }
    if (t->job->watcher != NULL)
        t->job->watcher->leave(t->job->watcher->ctx, &e->call);
    if (e->kill_after)
        kill_all(t);
}

static void stopped(struct tracer *t, pid_t pid, int status)
{
    struct tracee *e = tracee_of(t, pid);
    int sig = WSTOPSIG(status), event = status >> 16;
    enum __ptrace_request go = PTRACE_CONT;
    int deliver = 0;
    if (event == PTRACE_EVENT_SECCOMP)
        go = at_entry(t, e) ? PTRACE_SYSCALL : PTRACE_CONT;
    else if (sig == (SIGTRAP | 0x80) && e->inside)
        at_exit_of(t, e);
    else if (event == 0 && sig != SIGTRAP && sig != (SIGTRAP | 0x80) && sig != SIGSTOP)
        deliver = sig;
    if (e->inside && sig != (SIGTRAP | 0x80))
        go = PTRACE_SYSCALL;
    (void)ptrace(go, pid, NULL, (void *)(intptr_t)deliver);
}

static void ended(struct tracer *t, pid_t pid, int status)
{
    forget(t, pid);
    if (pid != t->root)
        return;
    t->root_over = true;
    t->end->exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    t->end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void follow(struct tracer *t)
{
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR && alarmed) {
            t->end->hung = true;
            kill_all(t);
            alarmed = 0;
            continue;
        }
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        if (WIFSTOPPED(status))
            stopped(t, pid, status);
        else
            ended(t, pid, status);
    }
}

static bool attach(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
        return false;
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
                   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options) != 0)
        return false;
    return ptrace(PTRACE_CONT, pid, NULL, NULL) == 0;
}

struct trace_end trace_run(const struct trace_job *job)
{
    struct trace_end end = {.exit = -1, .hit = -1};
    struct timespec a, b;
    (void)fflush(NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        child(job);
    end.pid = pid;
    struct tracer *t = must_alloc(sizeof *t);
    *t = (struct tracer){.job = job, .end = &end, .root = pid};
    if (job->set != TRACE_NOTHING && !attach(pid))
        die("ptrace is not allowed here");
    (void)tracee_of(t, pid);
    set_alarm(job->limit_ms);
    follow(t);
    set_alarm(0);
    free(t);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    end.ns =
        (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000u + (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
    return end;
}
