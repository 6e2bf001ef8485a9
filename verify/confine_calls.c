#include "verify/confine.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
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
enum { ALLOWED = sizeof allowed / sizeof allowed[0], STEPS = 3 * ALLOWED + 40 };

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
    only_if(p, SYS_tgkill, 5);
    load(p, argument(0, true));
    only_if(p, 0, 3);
    load(p, argument(0, false));
    only_if(p, (uint32_t)getpid(), 1);
    finish(p, SECCOMP_RET_ALLOW);
}

static void build(struct program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, OURS);
    finish(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
#ifdef X32
    add(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32);
    finish(p, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < ALLOWED; i++) {
        only_if(p, allowed[i], 1);
        finish(p, SECCOMP_RET_ALLOW);
    }
    allow_data(p, SYS_mmap);
    allow_data(p, SYS_mprotect);
    allow_abort(p); /* last, since it loads over the call's number */
    finish(p, SECCOMP_RET_KILL_PROCESS);
}

bool confine_calls(void)
{
    struct program p = {.n = 0};
    build(&p);
    const struct sock_fprog filter = {p.n, p.step};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

#else

bool confine_calls(void)
{
    return false;
}

#endif
