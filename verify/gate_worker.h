/* A gate in a process of its own, so that several run side by side: each has its own store handle,
 * its own children, and nothing of another's.
 *
 *     parent                                  worker
 *     gate_worker_start ── fork ────────────→ opens the store again, gate_run (its sandboxes below
 * it) gate_worker_hear  ←── frames ────────── 'p' done, total … then 'r' result, 'c' cases; or 'e'
 * error gate_worker_finish                      ends
 *
 * A frame is a letter, a length (u32 LE) and so many bytes. The worker is this program, forked: it
 * judges what hostile children say as gate_run does anywhere, and a struct err of its is one of
 * ours. It signs nothing; keys are not in its memory (store/key.c). When its parent ends or lets it
 * go, it stops its children, removes its folders and ends. Start workers before threads. */
#ifndef VERIFY_GATE_WORKER_H
#define VERIFY_GATE_WORKER_H

#include "verify/gate.h"

/* Borrowed until the worker was started. */
struct gate_job {
    enum gate gate;
    const char *store; /* path */
    const struct artifact *artifact;
    const struct gate_against *against; /* NULL: none */
    struct span section;
    struct clock clock;
    unsigned cores; /* as in gate_means */
};

struct gate_worker;
enum status gate_worker_start(const struct gate_job *job, struct gate_worker **out,
                              struct err *e) MUST_CHECK;
/* Readable when it has said something, or ended. */
int gate_worker_fd(const struct gate_worker *w);
/* Takes what it has said. *ended: go on to finish. */
enum status gate_worker_hear(struct gate_worker *w, bool *ended, struct err *e) MUST_CHECK;
/* Cases asked so far and in all; 0 in all: not known. */
void gate_worker_progress(const struct gate_worker *w, uint64_t *done, uint64_t *total);
/* As gate_run: the result, or the error that kept it from having one. ST_HARNESS, code
 * "gate-worker": it ended without either. */
enum status gate_worker_finish(struct gate_worker *w, struct gate_result *out,
                               struct err *e) MUST_CHECK;
/* Stops what still runs. */
void gate_worker_free(struct gate_worker *w);
SCOPE_OF(gate_worker, struct gate_worker, gate_worker_free)

#endif
