#include "verify/confine.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The filter, written out:
 *
 *     another architecture, or the x32 calls of x86-64    → killed
 *     a call of `allowed`                                 → allowed
 *     mmap, mprotect without PROT_EXEC                    → allowed
 *     tgkill of itself                                    → allowed
 *     anything else                                       → killed
 *
 * For a program that is not ours:
 *
 *     also a call of `starting`                           → allowed
 *     a call of `deadly`                                  → killed
 *     open, openat for reading                            → allowed, else EACCES
 *     clone of a thread                                   → allowed, else killed
 *     ioctl that asks whether this is a terminal          → allowed, else ENOTTY
 *     anything else                                       → ENOSYS (clone3 too: its flags cannot be
 *                                                           seen, and the C library then calls
 * clone)
 *
 * Nothing is allocated for it: libseccomp, when memory fails half way, loads what it has of a
 * filter and reports success. */

#if defined(__x86_64__)
#define OURS AUDIT_ARCH_X86_64
#define X32  0x40000000u
#elif defined(__aarch64__)
#define OURS AUDIT_ARCH_AARCH64
#endif

#ifdef OURS

/* Calls that compute, move bytes over open descriptors, and end. */
static const unsigned allowed[] = {
    SYS_read,
    SYS_write,
    SYS_writev,
    SYS_pread64,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_munmap,
    SYS_mremap,
    SYS_brk,
    SYS_madvise,
    SYS_futex,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_sigaltstack,
    SYS_rt_sigprocmask,
    SYS_restart_syscall,
    SYS_getpid,
    SYS_gettid,
    SYS_clock_gettime,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_sched_yield,
    SYS_getrusage,
    SYS_set_robust_list,
    SYS_rseq,
};
/* What a program calls beside those to become one, to load its libraries and to look around. */
static const unsigned starting[] = {
#ifdef SYS_open
    SYS_arch_prctl,
    SYS_stat,
    SYS_lstat,
    SYS_readlink,
    SYS_access,
    SYS_dup2,
    SYS_poll,
    SYS_time,
#endif
    SYS_execve,
    SYS_execveat,
    SYS_set_tid_address,
    SYS_newfstatat,
    SYS_statx,
    SYS_readlinkat,
    SYS_getdents64,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readv,
    SYS_preadv,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_getcwd,
    SYS_uname,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getppid,
    SYS_sysinfo,
    SYS_sched_getaffinity,
    SYS_ppoll,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_getres,
    SYS_membarrier,
    SYS_mmap,
    SYS_mprotect,
};

/* What no gate's program has any business with. */
static const unsigned deadly[] = {
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
#endif
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_sendto,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_kill,
    SYS_tkill,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setuid,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_io_uring_setup,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_shmget,
    SYS_memfd_create,
    SYS_open_by_handle_at,
    SYS_init_module,
    SYS_finit_module,
};

/* Asking whether something is a terminal, and marking a descriptor as not to be passed on. */
static const unsigned asked[] = {TCGETS, TIOCGWINSZ, FIOCLEX, FIONCLEX};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
enum { STEPS = 2 * (COUNT(allowed) + COUNT(starting) + COUNT(deadly) + COUNT(asked)) + 60 };
#define REFUSE(sys) (SECCOMP_RET_ERRNO | (uint32_t)(sys))

struct program {
    struct sock_filter step[STEPS];
    unsigned short n;
};

static void add(struct program *p, unsigned code, unsigned char yes, unsigned char no, uint32_t k)
{
    p->step[p->n++] = (struct sock_filter){(unsigned short)code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* If what was loaded is k, the next `steps` are done, else passed over. */
static void only_if(struct program *p, uint32_t k, unsigned char steps)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, steps, k);
}

static void finish(struct program *p, uint32_t verdict)
{
    add(p, BPF_RET | BPF_K, 0, 0, verdict);
}

static size_t argument(unsigned i, bool high)
{
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return offsetof(struct seccomp_data, args) + 8 * i + (high == little ? 4u : 0u);
}

/* Memory, but none that can be executed. */
static void allow_data(struct program *p, unsigned call)
{
    only_if(p, call, 4);
    load(p, argument(2, false));
    add(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
    finish(p, SECCOMP_RET_ALLOW);
    finish(p, SECCOMP_RET_KILL_PROCESS);
}

/* abort() signals itself, but nobody else. */
static void allow_abort(struct program *p)
{
    only_if(p, SYS_tgkill, 6);
    load(p, argument(0, true));
    only_if(p, 0, 3);
    load(p, argument(0, false));
    only_if(p, (uint32_t)getpid(), 1);
    finish(p, SECCOMP_RET_ALLOW);
    finish(p, SECCOMP_RET_KILL_PROCESS);
}

static void each(struct program *p, const unsigned *calls, size_t n, uint32_t verdict)
{
    for (size_t i = 0; i < n; i++) {
        only_if(p, calls[i], 1);
        finish(p, verdict);
    }
}

/* One verdict for a call whose argument has any bit of `bits`, another for one that has none. */
static void by_bits(struct program *p, unsigned call, unsigned arg, uint32_t bits, uint32_t any,
                    uint32_t none)
{
    only_if(p, call, 4);
    load(p, argument(arg, false));
    add(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
    finish(p, any);
    finish(p, none);
}

static void allow_questions(struct program *p)
{
    only_if(p, SYS_ioctl, 2 + 2 * COUNT(asked));
    load(p, argument(1, false));
    each(p, asked, COUNT(asked), SECCOMP_RET_ALLOW);
    finish(p, REFUSE(ENOTTY));
}

static void for_program(struct program *p)
{
    const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    each(p, starting, COUNT(starting), SECCOMP_RET_ALLOW);
    each(p, deadly, COUNT(deadly), SECCOMP_RET_KILL_PROCESS);
    by_bits(p, SYS_openat, 2, writing, REFUSE(EACCES), SECCOMP_RET_ALLOW);
#ifdef SYS_open
    by_bits(p, SYS_open, 1, writing, REFUSE(EACCES), SECCOMP_RET_ALLOW);
#endif
    by_bits(p, SYS_clone, 0, CLONE_THREAD, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
    allow_questions(p);
}

static void build(struct program *p, bool program)
{
    load(p, offsetof(struct seccomp_data, arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, OURS);
    finish(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
#ifdef X32
    add(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32);
    finish(p, SECCOMP_RET_KILL_PROCESS);
#endif
    each(p, allowed, COUNT(allowed), SECCOMP_RET_ALLOW);
    if (program) {
        for_program(p);
    } else {
        allow_data(p, SYS_mmap);
        allow_data(p, SYS_mprotect);
    }
    allow_abort(p);
    finish(p, program ? REFUSE(ENOSYS) : SECCOMP_RET_KILL_PROCESS);
}

bool confine_calls(bool program)
{
    struct program p = {.n = 0};
    build(&p, program);
    const struct sock_fprog filter = {p.n, p.step};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

#else

bool confine_calls(bool program)
{
    (void)program;
    return false;
}

#endif
