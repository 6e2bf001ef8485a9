/* A sandbox: one function of ours over hostile bytes, in a child that can compute and answer, no
 * more.
 *
 *     parent                                child
 *     sandbox_start ── fork ──────────────→ no new privileges, shared memory unmapped, empty
 * network namespace, Landlock, no capabilities, descriptors 0 and 1 only, limits, system call
 * filter sandbox_feed ─── bytes ─────────────→ 0 sandbox_finish ←──── bounded answer ─ 1 (deadline,
 * flood: the whole group is killed)
 *
 * What it does to us at worst is a wrong answer: everything that comes back is hostile and to be
 * parsed as such. Without the system call filter nothing is run (ST_UNSUPPORTED); the other walls
 * are taken where the machine has them, and `level` says which. The child has a copy of the
 * parent's private memory, its secret keys excepted (store/key.c). Start before threads. */
#ifndef VERIFY_SANDBOX_H
#define VERIFY_SANDBOX_H

#include "base/process.h"
#include "verify/confine.h"

/* For a body that becomes somebody else's program: what it is given beside 0 and 1, as descriptors
 * 3, 4 … (2 leads nowhere). It may also read what the system itself has (confine_view), call what a
 * program calls to start and to read, and have threads; never a second process, a socket or a
 * signal for another. Here Landlock is a must, too. */
struct sandbox_program {
    const int *keep; /* [count] */
    size_t count;    /* at most CONFINE_KEEP */
};

struct sandbox_limits {
    uint64_t memory_bytes;                 /* address space beyond what was mapped at the start */
    unsigned cpu_seconds;                  /* processor time */
    unsigned wall_ms;                      /* from start to end */
    uint64_t output_bytes;                 /* of its answer */
    const struct sandbox_program *program; /* NULL: the body is all that runs */
};

/* How it ended. Only SANDBOX_RETURNED has an answer worth looking at. */
enum sandbox_ending {
    SANDBOX_NONE,
    SANDBOX_RETURNED,  /* the function returned 0 */
    SANDBOX_FAILED,    /* it returned something else */
    SANDBOX_CRASHED,   /* a signal, named in message */
    SANDBOX_FORBIDDEN, /* killed by the filter for a system call */
    SANDBOX_DEADLINE,  /* wall time over */
    SANDBOX_CPU,       /* processor time over */
    SANDBOX_FLOOD      /* answered more than it may */
};

struct sandbox_outcome {
    enum sandbox_ending ending;
    struct process_end end;
    char level[64];    /* "seccomp+landlock+netns+nocaps+rlimits" */
    char message[160]; /* a phrase: "was killed by signal 11 (SIGSEGV)" */
    struct buf answer; /* what it wrote; hostile */
};
void sandbox_outcome_release(struct sandbox_outcome *o);
/* A stable word for an ending: "crash", "forbidden", "deadline" … */
const char *sandbox_ending_name(enum sandbox_ending ending);

/* Runs in the child. in: what it was given, −1 for nothing; out: for its answer. Its return value
 * is the exit code. Neither may be asked for its size (fstat by path is forbidden): pass that in
 * ctx. */
typedef int (*sandbox_body)(void *ctx, int in, int out);

struct sandbox;
/* Given a descriptor (stays the caller's), the child reads or maps that; with −1 it is fed. */
enum status sandbox_start(const struct sandbox_limits *limits, sandbox_body body, void *ctx,
                          int given, struct sandbox **out, struct err *e) MUST_CHECK;
/* ST_CANCELLED (code "sandbox-gone") once the child does not listen any more: go on to finish. */
enum status sandbox_feed(struct sandbox *s, struct span bytes, struct err *e) MUST_CHECK;
/* Takes what several children say side by side until each has said all it will or its time is over,
 * so that none waits for another; `heard` (may be NULL) is told how many bytes came. Then finish
 * each. ST_INTERRUPTED. */
#define SANDBOX_GATHER 16 /* children at most */
enum status sandbox_gather(struct sandbox *const *s, size_t n,
                           void (*heard)(void *ctx, struct span bytes), void *ctx,
                           struct err *e) MUST_CHECK;
/* For a child that answers in a stream: some of its bytes as they come, hostile. *got = 0: it has
 * ended, or is over its limits; sandbox_finish tells. What was read is no part of the outcome's
 * answer. */
enum status sandbox_read(struct sandbox *s, uint8_t *p, size_t cap, size_t *got,
                         struct err *e) MUST_CHECK;
/* Ends the feed, collects the answer, reaps. ST_OK whatever the ending. */
enum status sandbox_finish(struct sandbox *s, struct sandbox_outcome *out,
                           struct err *e) MUST_CHECK;
/* Kills what still runs. */
void sandbox_free(struct sandbox *s);
SCOPE_OF(sandbox, struct sandbox, sandbox_free)

#endif
