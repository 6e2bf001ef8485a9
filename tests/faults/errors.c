/* The n-th system call fails, once or from then on; reads and writes come short. */
#include "tests/faults/campaign.h"
#include "tests/faults/naps.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* From then on EINTR would be no fault but a machine that never works, and so would every second
 * call in a retry of two (LMDB seeks and writes): every third one. Reads of
 * one byte from then on only take time, since the program hashes itself: every seventh. */
static const struct way {
    int sys;
    unsigned every;
    size_t bytes; /* 0: an error */
} ways[] = {{EIO, 0, 0},    {EIO, 1, 0},    {ENOSPC, 0, 0}, {ENOSPC, 1, 0}, {EDQUOT, 0, 0},
            {EDQUOT, 1, 0}, {EINTR, 0, 0},  {EINTR, 3, 0},  {EAGAIN, 0, 0}, {EAGAIN, 1, 0},
            {EMFILE, 0, 0}, {EMFILE, 1, 0}, {EACCES, 0, 0}, {EACCES, 1, 0}, {EROFS, 0, 0},
            {EROFS, 1, 0},  {0, 0, 1},      {0, 7, 1},      {0, 1, 511}};
enum {
    WAYS = sizeof ways / sizeof ways[0],
    LIMIT_MS = 60000 /* at this a run hangs; so long because the machine may be loaded */
};

static uint64_t errors_count(struct run *r, struct unit *u)
{
    tree_put(&u->state->tree, r->stage->live);
    struct trace_job job = stage_job(r->stage, u->try->line);
    job.set = TRACE_ALL;
    return WAYS * stage_run(r->stage, &job).calls;
}

static bool said_why(struct stage *s, const struct trace_end *end, char why[WHY])
{
    if (end->hung) {
        size_t n = (size_t)snprintf(why, WHY, "hangs, at");
        for (unsigned i = 0; i < TRACE_LAST; i++)
            n += (size_t)snprintf(why + n, WHY - n, " %s",
                                  trace_name(end->last[(end->calls + i) % TRACE_LAST]));
    } else if (end->signal != 0)
        (void)snprintf(why, WHY, "crashes: signal %d: %.300s", end->signal, stage_said(s, true));
    else if (end->exit > 9 && end->exit != 130)
        (void)snprintf(why, WHY, "exit %d is not one of ours: %.300s", end->exit,
                       stage_said(s, true));
    return why[0] == '\0';
}

static enum verdict errors_point(struct run *r, struct unit *u, uint64_t i, char why[WHY])
{
    const struct way *way = &ways[i % WAYS];
    tree_put(&u->state->tree, r->stage->live);
    struct trace_job job = stage_job(r->stage, u->try->line);
    job.set = TRACE_ALL;
    job.fault = way->bytes > 0 ? FAULT_SHORT : FAULT_ERROR;
    job.at = i / WAYS + 1;
    job.every = way->every;
    job.sys = way->sys;
    job.bytes = way->bytes;
    job.limit_ms = LIMIT_MS;
    naps_begin(way->sys == EAGAIN ? 100 : 1); /* a lock that stays taken is waited for */
    struct trace_end end = stage_run(r->stage, &job);
    naps_begin(1);
    if (!end.injected)
        return VERDICT_NONE; /* no read or write that could come short; or one call fewer this time
                              */
    why[0] = '\0';
    campaign_said(r, &end);
    struct promise promise = promise_of(r->stage, u);
    if (end.exit == 0 && u->exit == 0) /* whatever it said: success is a promise too */
        promise = (struct promise){.entries = u->added, .files = true};
    bool ok = said_why(r->stage, &end, why);
    if (ok && promise.entries > 0 && promise.entries == u->added && end.exit == u->exit &&
        trace_is_sync(end.hit) && way->sys != EINTR && way->sys != 0) {
        (void)snprintf(why, WHY, "%s failed and yet it was acknowledged", trace_name(end.hit));
        ok = false;
    }
    char answer[WHY] = "";
    if (ok && !judge_all(r->stage, u, promise, &end, answer)) {
        (void)snprintf(why, WHY, "%.200s after %s failed with errno %d (exit %d)", answer,
                       trace_name(end.hit), way->sys, end.exit);
        ok = false;
    }
    return ok ? VERDICT_GOOD : VERDICT_BAD;
}

const struct campaign campaign_errors = {.name = "errors",
                                         .what = "failing and short system calls",
                                         .also = {"trees"},
                                         .trees = true,
                                         .count = errors_count,
                                         .point = errors_point};
