/* Runs a body in a forked child and stands at its system calls: counts them, kills at one, fails
 * one, shortens one, or shows each to a watcher. Threads and children of the child are followed.
 *
 * x86-64 Linux. A filter in the child stops only at the calls that matter, so the rest run at full
 * speed. Every fault says whether it was injected: a run without injection proves nothing. */
#ifndef TESTS_FAULTS_TRACE_H
#define TESTS_FAULTS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum trace_set {
    TRACE_NOTHING,  /* a plain fork */
    TRACE_MUTATING, /* what changes files, syncs included */
    TRACE_ALL       /* and what opens, reads, maps, locks and closes them */
};

enum trace_fault {
    FAULT_NONE,
    FAULT_KILL_BEFORE,
    FAULT_KILL_AFTER,
    FAULT_TORN,  /* a write of `bytes` bytes only, then a kill; other calls pass */
    FAULT_SHORT, /* a read or write of at most `bytes` bytes */
    FAULT_ERROR  /* errno `sys` instead of the call */
};

struct trace_call {
    pid_t pid;
    long nr;
    uint64_t arg[6];
    int64_t result; /* at leave */
    void *own;      /* the watcher's, from enter to leave */
};

struct trace_watcher {
    void (*enter)(void *ctx, struct trace_call *call);
    void (*leave)(void *ctx, struct trace_call *call); /* NULL own and no result: killed in it */
    void *ctx;
};

struct trace_job {
    int (*body)(void *ctx); /* runs in the child; its value is the exit code */
    void *ctx;
    enum trace_set set;
    enum trace_fault fault;
    uint64_t at;    /* the call to hit, counted from 1 */
    unsigned every; /* 0: once; 1: from then on; 2: every second one from then on */
    int sys;
    size_t bytes;
    unsigned limit_ms; /* killed and `hung` after that */
    int out, err;      /* become its descriptors 1 and 2 */
    const struct trace_watcher *watcher;
};

enum { TRACE_LAST = 8 };

struct trace_end {
    pid_t pid;
    int exit;   /* −1: a signal */
    int signal; /* that ended it */
    bool hung, injected;
    uint64_t calls; /* counted */
    uint64_t injections;
    long hit;   /* the system call that was hit first, −1 none */
    int hit_fd; /* and its first argument */
    uint64_t ns;
    long last[TRACE_LAST]; /* the newest calls counted, in a ring: calls % TRACE_LAST is the next */
};

struct trace_end trace_run(const struct trace_job *job);
const char *trace_name(long nr); /* "pwrite64" */
bool trace_is_sync(long nr);
bool trace_is_mutating(long nr);

#endif
