/* A child that runs one program or one function of ours, with a deadline, killed as a group. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/err.h"
#include "base/stream.h"
#include <sys/types.h>

/* How a child ended. */
struct process_end {
    int exit_code;    /* ≥ 0 when it exited by itself, −1 otherwise */
    int signal;       /* the signal that killed it, 0 when none */
    bool deadline;    /* we killed it because its time was over */
    uint64_t wall_ns; /* since it began to be collected */
    uint64_t cpu_ns;
    uint64_t peak_bytes; /* its greatest resident size */
};

/* Forks; the child becomes the leader of its own process group, dies with its parent, and runs
 * body(ctx), whose return value is its exit code. Only async-signal-safe state of other threads may
 * be relied on: fork before threads are started. */
enum status process_fork(int (*body)(void *ctx), void *ctx, pid_t *pid, struct err *e) MUST_CHECK;

/* Reads what the child writes to `fd` into `out` (at most `limit` bytes; a flood is a deadline-like
 * kill with end->deadline false and signal SIGKILL, and ST_OUTPUT_EXCEEDED), waits for the end or
 * the deadline in milliseconds, then kills the whole group and reaps. */
enum status process_collect(pid_t pid, int fd, size_t limit, unsigned deadline_ms, struct buf *out,
                            struct process_end *end, struct err *e) MUST_CHECK;

/* Ends a child of process_fork that nobody wants any more: asked with SIGTERM, so that it can put
 * away what it has; after grace_ms its whole group is killed. It is reaped. */
void process_stop(pid_t pid, unsigned grace_ms);

/* For a child of process_fork that has something to put away: the end of its parent and a request
 * to end reach it as a signal that process_interrupted tells, as they reach the parent. False: the
 * parent has ended already. */
bool process_heed(pid_t parent);

/* True once SIGINT, SIGTERM or SIGHUP came; process_catch installs the handlers, for SIGHUP unless
 * it is ignored. Long loops ask. SIGQUIT stays what ends a process at once. */
void process_catch(void);
bool process_interrupted(void);

#endif
