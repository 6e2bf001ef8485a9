/* Escape attempts: each is seen to work, or to get as far as the kernel's own checks, in a free
 * child, and is then killed in the sandbox. */
#include "base/text.h"
#include "verify/sandbox.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sandbox_limits small = {
    .memory_bytes = 64u << 20, .cpu_seconds = 2, .wall_ms = 4000, .output_bytes = 4096};

/* An attack returns true when it got what it wanted. What each may do in a free process is
 * harmless. */
typedef bool (*attack)(void);

static pid_t victim; /* the parent */
static char target[64];

static bool open_file(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}
static bool open_legacy(void)
{
    return syscall(SYS_open, "/etc/passwd", O_RDONLY) >= 0;
}
static bool write_file(void)
{
    return open(target, O_WRONLY | O_CREAT, 0600) >= 0;
}
static bool make_folder(void)
{
    char path[80];
    text_fmt(path, sizeof path, "%s.d", target);
    return mkdir(path, 0700) == 0 && rmdir(path) == 0;
}
static bool remove_file(void)
{
    return unlink("/tmp/assay-no-such-file") == 0 || errno == ENOENT;
}
static bool look_at_file(void)
{
    struct stat st;
    return stat("/etc/passwd", &st) == 0;
}
static bool list_link(void)
{
    char to[64];
    return readlink("/proc/self/exe", to, sizeof to) > 0;
}
static bool make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}
static bool make_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}
static bool connect_out(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}
static bool fork_child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 && waitpid(pid, NULL, 0) == pid;
}
static bool vfork_child(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0;
}
static bool run_program(void)
{
    char *const argv[] = {(char *)"true", NULL};
    char *const envp[] = {NULL};
    execve("/bin/true", argv, envp);
    return false;
}
static bool trace_parent(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}
static bool read_parent(void)
{
    char byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1};
    struct iovec there = {.iov_base = &victim, .iov_len = 1};
    return process_vm_readv(victim, &here, 1, &there, 1, 0) == 1;
}
static bool signal_parent(void)
{
    return kill(victim, 0) == 0;
}
static bool signal_parent_thread(void)
{
    return syscall(SYS_tgkill, victim, victim, 0) == 0;
}
static bool stop_itself(void)
{
    return kill(getpid(), 0) == 0;
}
static bool leave_group(void)
{
    return setsid() >= 0 || setpgid(0, victim) == 0 || errno == EPERM;
}
static bool raise_limits(void)
{
    struct rlimit l;
    return getrlimit(RLIMIT_AS, &l) == 0 && l.rlim_cur == RLIM_INFINITY;
}
static bool mount_something(void)
{
    return mount("none", "/tmp/assay-no-such-folder", "tmpfs", 0, NULL) == 0 || errno == ENOENT;
}
static bool new_user_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0 || errno == ENOSPC || errno == EPERM;
}
static bool io_uring(void)
{
    uint8_t params[120] = {0};
    long fd = syscall(425, 4, params);
    return fd >= 0 || errno == EPERM || errno == ENOSYS;
}
static bool load_bpf(void)
{
    uint8_t attr[128] = {0};
    return syscall(SYS_bpf, 5, attr, sizeof attr) >= 0 || errno == EINVAL || errno == EPERM ||
           errno == E2BIG || errno == EFAULT;
}
static bool use_keyring(void)
{
    return syscall(SYS_keyctl, 0, -3, 1) >= 0 || errno == ENOSYS || errno == EPERM;
}
static bool userfaultfd(void)
{
    return syscall(SYS_userfaultfd, 1) >= 0 || errno == EPERM || errno == ENOSYS;
}
static bool perf_events(void)
{
    uint8_t attr[128] = {0};
    return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0) >= 0 || errno != EBADF;
}
static bool change_identity(void)
{
    return setuid(getuid()) == 0;
}
static bool change_root(void)
{
    return chroot("/tmp/assay-no-such-folder") == 0 || errno == ENOENT || errno == EPERM;
}
static bool memory_file_exec(void)
{
    return syscall(SYS_memfd_create, "x", 0) >= 0;
}
static bool make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}
static bool turn_data_to_code(void)
{
    static _Alignas(4096) uint8_t page[4096];
    return mprotect(page, sizeof page, PROT_READ | PROT_EXEC) == 0;
}
static bool thread(void)
{
    return syscall(SYS_unshare, CLONE_FILES) == 0;
}
static bool duplicate(void)
{
    return dup(1) >= 0;
}
static bool timer_bomb(void)
{
    return syscall(SYS_timer_create, 0, NULL, &(int){0}) == 0;
}
static bool message_queue(void)
{
    return syscall(SYS_shmget, 0, 4096, 01600) >= 0;
}

static int attacker(void *ctx, int in, int out)
{
    (void)in;
    const attack *how = ctx;
    const char *said = (*how)() ? "escaped" : "held";
    return write(out, said, strlen(said)) > 0 ? 0 : 1;
}

static int free_attacker(void *ctx)
{
    const attack *how = ctx;
    return (*how)() ? 0 : 1;
}

/* Does the attack work in a child without a sandbox? A program that was run ends with 0 as well. */
static bool works_freely(attack how)
{
    struct err e = ERR_NONE;
    struct process_end end = {0};
    struct buf none = BUF_EMPTY;
    pid_t pid = 0;
    cr_assert_eq(process_fork(free_attacker, &how, &pid, &e), ST_OK);
    cr_assert_eq(process_collect(pid, -1, 0, 5000, &none, &end, &e), ST_OK);
    return end.exit_code == 0;
}

static void hold(attack how)
{
    struct sandbox_outcome o = {0};
    victim = getpid();
    text_fmt(target, sizeof target, "/tmp/assay-escape-%d", (int)victim);
    cr_expect(works_freely(how), "the attack does not even work without a sandbox");
    (void)unlink(target);
    struct err e = ERR_NONE;
    struct sandbox *s = NULL;
    cr_assert_eq(sandbox_start(&small, attacker, &how, -1, &s, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(sandbox_finish(s, &o, &e), ST_OK, "%s", e.detail);
    sandbox_free(s);
    cr_expect_neq(o.ending, SANDBOX_RETURNED, "it came back and said %.*s", (int)o.answer.n,
                  (const char *)o.answer.p);
    cr_expect_eq(o.ending, SANDBOX_FORBIDDEN, "%s", o.message);
    cr_expect_neq(access(target, F_OK), 0, "a file was made");
    sandbox_outcome_release(&o);
}

#define HELD(name, how)        \
    Test(sandbox_escape, name) \
    {                          \
        hold(how);             \
    }
HELD(no_file_is_opened, open_file)
HELD(no_file_is_opened_by_the_old_call, open_legacy)
HELD(no_file_is_written, write_file)
HELD(no_folder_is_made, make_folder)
HELD(no_file_is_removed, remove_file)
HELD(no_file_is_looked_at, look_at_file)
HELD(no_link_is_read, list_link)
HELD(no_socket_is_made, make_socket)
HELD(no_local_socket_is_made, make_unix_socket)
HELD(nothing_is_connected, connect_out)
HELD(no_child_is_forked, fork_child)
HELD(no_child_is_cloned, vfork_child)
HELD(no_program_is_run, run_program)
HELD(nothing_is_traced, trace_parent)
HELD(no_memory_of_the_parent_is_read, read_parent)
HELD(the_parent_is_not_signalled, signal_parent)
HELD(the_parents_thread_is_not_signalled, signal_parent_thread)
HELD(it_does_not_stop_itself, stop_itself)
HELD(it_stays_in_its_group, leave_group)
HELD(limits_are_not_asked_for, raise_limits)
HELD(nothing_is_mounted, mount_something)
HELD(no_user_namespace_is_made, new_user_namespace)
HELD(no_io_uring_is_set_up, io_uring)
HELD(no_bpf_is_loaded, load_bpf)
HELD(no_keyring_is_used, use_keyring)
HELD(no_userfaultfd_is_had, userfaultfd)
HELD(no_performance_counter_is_opened, perf_events)
HELD(no_identity_is_changed, change_identity)
HELD(no_root_is_changed, change_root)
HELD(no_memory_file_is_made, memory_file_exec)
HELD(no_code_is_made, make_code)
HELD(no_data_becomes_code, turn_data_to_code)
HELD(nothing_is_unshared, thread)
HELD(no_descriptor_is_duplicated, duplicate)
HELD(no_timer_is_made, timer_bomb)
HELD(no_shared_memory_is_made, message_queue)
