#include "verify/abreast.h"
#include "base/process.h"
#include <assert.h>
#include <poll.h>
#include <stdlib.h>

#define TURN_MS 200 /* how often a display is told, and a signal looked for */

enum lane_state { LANE_WAITS, LANE_RUNS, LANE_MEASURED, LANE_SETTLED };

struct lane {
    enum lane_state state;
    struct gate_worker *worker; /* NULL unless it runs */
    uint64_t began;
    enum status st; /* of the measurement */
    struct err why;
    struct gate_result result;
};

struct run {
    const struct abreast *a;
    struct lane lane[GATE_COUNT];
    struct gate_cost taken;
    size_t running;
};

static void run_release(struct run *r)
{
    for (size_t i = 0; i < r->a->n; i++) {
        gate_worker_free(r->lane[i].worker);
        gate_result_release(&r->lane[i].result);
    }
}

static void tell(const struct run *r, size_t i, enum abreast_step step)
{
    const struct lane *l = &r->lane[i];
    struct abreast_news news = {.step = step, .verdict = VERDICT_NONE};
    if (r->a->tell == NULL)
        return;
    if (step != ABREAST_WAITS)
        news.ms = (clock_ticks() - l->began) / 1000000;
    if (l->worker != NULL)
        gate_worker_progress(l->worker, &news.done, &news.total);
    if (step == ABREAST_ENDED && l->st == ST_OK)
        news.verdict = l->result.verdict;
    r->a->tell(r->a->ctx, i, &news);
}

/* ---- starting ----------------------------------------------------------------------------- */

static bool fits(const struct run *r, const struct gate_cost *c)
{
    const struct gate_cost *m = &r->a->machine;
    return r->running == 0 ||
           (r->taken.cores <= m->cores && c->cores <= m->cores - r->taken.cores &&
            r->taken.memory <= m->memory && c->memory <= m->memory - r->taken.memory);
}

static enum status start_some(struct run *r, struct err *e)
{
    for (size_t i = 0; i < r->a->n; i++) {
        const struct gate_cost *c = &r->a->jobs[i].cost;
        struct lane *l = &r->lane[i];
        if (l->state != LANE_WAITS || !fits(r, c))
            continue;
        enum status st = gate_worker_start(&r->a->jobs[i].job, &l->worker, e);
        if (st != ST_OK)
            return st;
        l->state = LANE_RUNS;
        l->began = clock_ticks();
        r->taken.cores += c->cores;
        r->taken.memory += c->memory;
        r->running++;
        tell(r, i, ABREAST_STARTED);
    }
    return ST_OK;
}

/* ---- listening ---------------------------------------------------------------------------- */

static void end_lane(struct run *r, size_t i)
{
    struct lane *l = &r->lane[i];
    l->why = ERR_NONE;
    l->st = gate_worker_finish(l->worker, &l->result, &l->why);
    tell(r, i, ABREAST_ENDED);
    gate_worker_free(l->worker);
    l->worker = NULL;
    l->state = LANE_MEASURED;
    r->running--;
    r->taken.cores -= r->a->jobs[i].cost.cores;
    r->taken.memory -= r->a->jobs[i].cost.memory;
}

static enum status listen_once(struct run *r, struct err *e)
{
    struct pollfd on[GATE_COUNT];
    for (size_t i = 0; i < r->a->n; i++)
        on[i] = (struct pollfd){.fd = r->lane[i].worker != NULL ? gate_worker_fd(r->lane[i].worker)
                                                                : -1,
                                .events = POLLIN};
    int ready = poll(on, r->a->n, TURN_MS);
    for (size_t i = 0; i < r->a->n; i++) {
        bool ended = false;
        if (r->lane[i].worker == NULL)
            continue;
        if (ready > 0 && on[i].revents != 0) {
            enum status st = gate_worker_hear(r->lane[i].worker, &ended, e);
            if (st != ST_OK)
                return st;
        }
        if (ended)
            end_lane(r, i);
        else
            tell(r, i, ABREAST_RUNS);
    }
    return ST_OK;
}

/* ---- settling ----------------------------------------------------------------------------- */

/* In the jobs' order, or all that is measured. */
static enum status settle(struct run *r, bool all, struct err *e)
{
    for (size_t i = 0; i < r->a->n; i++) {
        struct lane *l = &r->lane[i];
        if (l->state != LANE_MEASURED && l->state != LANE_SETTLED && !all)
            return ST_OK;
        if (l->state != LANE_MEASURED)
            continue;
        l->state = LANE_SETTLED;
        enum status st = r->a->settle(r->a->ctx, i, l->st, &l->result, &l->why, e);
        gate_result_release(&l->result);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static bool waits(const struct run *r)
{
    for (size_t i = 0; i < r->a->n; i++)
        if (r->lane[i].state == LANE_WAITS)
            return true;
    return false;
}

enum status abreast_run(const struct abreast *a, struct err *e)
{
    SCOPED(run_release) struct run r = {.a = a};
    enum status st = ST_OK;
    assert(a->n <= GATE_COUNT);
    for (size_t i = 0; i < a->n; i++)
        tell(&r, i, ABREAST_WAITS);
    while (st == ST_OK && (r.running > 0 || waits(&r))) {
        if (process_interrupted())
            st = err_set(e, ST_INTERRUPTED, NULL, "interrupted while gates were running");
        if (st == ST_OK)
            st = start_some(&r, e);
        if (st == ST_OK)
            st = listen_once(&r, e);
        if (st == ST_OK)
            st = settle(&r, false, e);
    }
    if (st != ST_INTERRUPTED)
        return st;
    /* What is measured is kept: the next run goes on from there. */
    struct err later = ERR_NONE;
    enum status kept = settle(&r, true, &later);
    (void)kept;
    return st;
}
