/* Attempts to get out of the sandbox, each by a system call that a compromised child might make.
 * Either the filter kills it, or the call fails: none succeeds. */
#include "verify/sandbox.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct sandbox_limits small = {
    .memory_bytes = 64u << 20, .cpu_seconds = 2, .wall_ms = 6000, .output_bytes = 4096};

static pid_t parent;    /* ours, as the child knows it */
static char room[4096]; /* for calls that want memory */
static char program[] = "/bin/true", text[] = "x", file[] = "/tmp/assay-escape";

/* One attempt: a raw call. Numbers that only the running child knows are put in by name. */
enum argument { PLAIN, PARENT };
struct attempt {
    const char *what;
    long nr;
    long a, b, c, d;
    enum argument first;
};

#define AT(x) ((long)(x))

static const struct attempt attempts[] = {
    {"read a file", SYS_openat, AT_FDCWD, AT("/etc/passwd"), O_RDONLY, 0, PLAIN},
    {"read a file the old way", SYS_open, AT("/etc/passwd"), O_RDONLY, 0, 0, PLAIN},
    {"create a file", SYS_openat, AT_FDCWD, AT(file), O_CREAT | O_WRONLY, 0600, PLAIN},
    {"open by openat2", SYS_openat2, AT_FDCWD, AT("/etc/passwd"), AT(room), 24, PLAIN},
    {"open its own descriptor again", SYS_openat, AT_FDCWD, AT("/proc/self/fd/0"), O_RDWR, 0,
     PLAIN},
    {"write the parent's memory", SYS_openat, AT_FDCWD, AT("/proc/self/mem"), O_RDWR, 0, PLAIN},
    {"remove a file", SYS_unlink, AT("/tmp/x"), 0, 0, 0, PLAIN},
    {"rename a file", SYS_rename, AT("/tmp/x"), AT("/tmp/y"), 0, 0, PLAIN},
    {"make a link", SYS_symlink, AT("/etc/passwd"), AT(file), 0, 0, PLAIN},
    {"change a mode", SYS_chmod, AT("/tmp"), 0777, 0, 0, PLAIN},
    {"look into a folder", SYS_getdents64, 0, AT(room), sizeof room, 0, PLAIN},
    {"start a program", SYS_execve, AT(program), 0, 0, 0, PLAIN},
    {"start a program by descriptor", SYS_execveat, 0, AT(""), 0, 0, PLAIN},
    {"fork", SYS_fork, 0, 0, 0, 0, PLAIN},
    {"clone", SYS_clone, SIGCHLD, 0, 0, 0, PLAIN},
    {"clone3", SYS_clone3, AT(room), 88, 0, 0, PLAIN},
    {"open a socket", SYS_socket, AF_INET, SOCK_STREAM, 0, 0, PLAIN},
    {"open a local socket", SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, PLAIN},
    {"pass a descriptor", SYS_sendmsg, 1, AT(room), 0, 0, PLAIN},
    {"kill the parent", SYS_kill, 0, SIGKILL, 0, 0, PARENT},
    {"kill everybody", SYS_kill, -1, SIGKILL, 0, 0, PLAIN},
    {"stop the parent's thread", SYS_tkill, 0, SIGSTOP, 0, 0, PARENT},
    {"signal through tgkill", SYS_tgkill, 0, 1, SIGKILL, 0, PARENT},
    {"trace the parent", SYS_ptrace, PTRACE_ATTACH, 0, 0, 0, PLAIN},
    {"read the parent's memory", SYS_process_vm_readv, 0, AT(room), 1, AT(room), PARENT},
    {"get the parent's descriptor", SYS_pidfd_getfd, 0, 0, 0, 0, PLAIN},
    {"become root", SYS_setuid, 0, 0, 0, 0, PLAIN},
    {"get capabilities back", SYS_capset, AT(room), AT(room + 64), 0, 0, PLAIN},
    {"leave the namespaces", SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS, 0, 0, 0, PLAIN},
    {"enter another namespace", SYS_setns, 0, 0, 0, 0, PLAIN},
    {"mount", SYS_mount, AT("none"), AT("/tmp"), AT("tmpfs"), 0, PLAIN},
    {"change the root", SYS_chroot, AT("/"), 0, 0, 0, PLAIN},
    {"raise a limit", SYS_prlimit64, 0, RLIMIT_AS, AT(room), 0, PLAIN},
    {"load a filter of its own", SYS_seccomp, 1, 0, AT(room), 0, PLAIN},
    {"loosen its own process", SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, PLAIN},
    {"load a bpf program", SYS_bpf, 5, AT(room), 64, 0, PLAIN},
    {"queue work for the kernel", SYS_io_uring_setup, 4, AT(room), 0, 0, PLAIN},
    {"handle page faults", SYS_userfaultfd, 0, 0, 0, 0, PLAIN},
    {"use the key ring", SYS_keyctl, 0, -3, 1, 0, PLAIN},
    {"watch performance counters", SYS_perf_event_open, AT(room), 0, -1, -1, PLAIN},
    {"share memory", SYS_shmget, 42, 4096, 01600, 0, PLAIN},
    {"make a memory file", SYS_memfd_create, AT(text), 0, 0, 0, PLAIN},
    {"type into the terminal", SYS_ioctl, 0, 0x5412, AT(text), 0, PLAIN},
    {"splice between descriptors", SYS_splice, 0, 0, 1, 0, PLAIN},
    {"map memory that can be run", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC,
     MAP_PRIVATE | MAP_ANONYMOUS, PLAIN},
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

static int escape(void *ctx, int in, int out)
{
    const struct attempt *a = ctx;
    (void)in;
    long first = a->first == PARENT ? (long)parent : a->a;
    long got = syscall(a->nr, first, a->b, a->c, a->d, 0, 0);
    /* Still alive: did it work? */
    const char *said = got < 0 ? "failed" : "ESCAPED";
    return write(out, said, strlen(said)) > 0 ? 0 : 1;
}

Test(escape, none_of_the_attempts_succeeds)
{
    size_t killed = 0;
    parent = getpid();
    for (size_t i = 0; i < ATTEMPTS; i++) {
        struct err e = ERR_NONE;
        struct sandbox *s = NULL;
        struct attempt a = attempts[i];
        SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
        cr_assert_eq(sandbox_start(&small, escape, &a, -1, &s, &e), ST_OK, "%s", e.detail);
        cr_assert_eq(sandbox_finish(s, &o, &e), ST_OK, "%s", e.detail);
        sandbox_free(s);
        bool fell = o.ending == SANDBOX_FORBIDDEN;
        bool failed =
            o.ending == SANDBOX_RETURNED && o.answer.n == 6 && memcmp(o.answer.p, "failed", 6) == 0;
        cr_expect(fell || failed, "%s: %s", a.what, o.message);
        killed += fell;
    }
    cr_expect_geq(ATTEMPTS, 30);
    cr_expect_geq(killed, 30, "the filter killed %zu", killed);
    cr_expect_eq(access(file, F_OK), -1);
}
