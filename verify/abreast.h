/* Gates abreast: several gates of one artifact at once, within what the machine has.
 *
 *     waiting ── fits beside what runs (or nothing runs) ──→ running ──→ measured ──→ settled
 *
 * Each runs in a worker (verify/gate_worker.h). A waiting gate starts as soon as its cores and
 * memory fit into what the running ones leave; one that is larger than the machine runs alone.
 * Results are settled in the order of the jobs, whichever ends first, so that the same run leaves
 * the same ledger; when it is interrupted, those that are measured are settled, and the rest is
 * stopped. */
#ifndef VERIFY_ABREAST_H
#define VERIFY_ABREAST_H

#include "verify/gate_cost.h"
#include "verify/gate_worker.h"

struct abreast_job {
    struct gate_job job;
    struct gate_cost cost;
};

enum abreast_step { ABREAST_WAITS, ABREAST_STARTED, ABREAST_RUNS, ABREAST_ENDED };

struct abreast_news {
    enum abreast_step step;
    uint64_t ms;          /* since it started */
    uint64_t done, total; /* cases; total 0: not known */
    enum verdict verdict; /* ENDED; VERDICT_NONE: it had none */
};

struct abreast {
    const struct abreast_job *jobs; /* [n] of at most GATE_COUNT */
    size_t n;
    struct gate_cost machine;
    /* One gate's end: its result (to be taken or left), or with st not ST_OK why there is none.
     * What it returns ends the run unless it is ST_OK. */
    enum status (*settle)(void *ctx, size_t i, enum status st, struct gate_result *r,
                          const struct err *why, struct err *e);
    void (*tell)(void *ctx, size_t i, const struct abreast_news *news); /* NULL: nobody listens */
    void *ctx;
};

/* ST_INTERRUPTED, or what settle returned. Nothing of it runs any more afterwards. */
enum status abreast_run(const struct abreast *a, struct err *e) MUST_CHECK;

#endif
