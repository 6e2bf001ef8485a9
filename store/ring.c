#include "store/ring.h"

#include "base/heap.h"
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct worker {
    struct ring *ring;
    unsigned stage, number;
    pthread_t thread;
};

struct ring {
    void *slots[RING_SLOTS];
    unsigned slot_count, stage_count;
    struct ring_stage stages[RING_STAGES];
    void *ctx;

    pthread_mutex_t lock;             /* guards all below */
    pthread_cond_t turn[RING_STAGES]; /* of each stage: it may begin a slot */
    pthread_cond_t back;              /* a slot is through, or one failed */
    uint64_t submitted, returned; /* slots so far; slot number n lies in slots[n % slot_count] */
    uint64_t taken[RING_STAGES];  /* slots a stage has begun */
    unsigned passed[RING_SLOTS];  /* stages a slot is through */
    bool stopping;
    uint64_t failed_at; /* number of the first slot that failed, UINT64_MAX: none */
    struct err failure; /* its failure */

    struct worker workers[RING_THREADS];
    unsigned running; /* threads started */
};

/* Several slots may fail at a time: the first one in order counts, so that the outcome does not
 * depend on who was faster. */
static void fail(struct ring *r, uint64_t number, const struct err *why)
{
    if (number >= r->failed_at)
        return;
    r->failed_at = number;
    r->failure = *why;
}

/* A slot is through all stages before this one. */
static void pass_on(struct ring *r, unsigned stage)
{
    (void)pthread_cond_broadcast(stage < r->stage_count ? &r->turn[stage] : &r->back);
}

/* May the stage begin its next slot? Those before a failed one still go all the way. */
static bool ready(const struct ring *r, unsigned stage)
{
    uint64_t next = r->taken[stage];
    return next < r->submitted && next < r->failed_at && r->passed[next % r->slot_count] == stage;
}

static void *work(void *arg)
{
    const struct worker *w = arg;
    struct ring *r = w->ring;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->stopping && !ready(r, w->stage))
            pthread_cond_wait(&r->turn[w->stage], &r->lock);
        if (r->stopping)
            break;
        uint64_t number = r->taken[w->stage]++;
        unsigned slot = (unsigned)(number % r->slot_count);
        pthread_mutex_unlock(&r->lock);
        struct err e = ERR_NONE;
        enum status st = r->stages[w->stage].work(r->ctx, w->number, r->slots[slot], &e);
        pthread_mutex_lock(&r->lock);
        r->passed[slot] = w->stage + 1;
        if (st != ST_OK)
            fail(r, number, &e);
        pass_on(r, st == ST_OK ? w->stage + 1 : r->stage_count);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

enum status ring_open(void *const *slots, unsigned slot_count, const struct ring_stage *stages,
                      unsigned stage_count, void *ctx, struct ring **out, struct err *e)
{
    assert(slot_count >= 1 && slot_count <= RING_SLOTS && stage_count >= 1 &&
           stage_count <= RING_STAGES);
    struct ring *r = heap_zero(1, sizeof *r);
    if (r == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a ring of slots");
    memcpy(r->slots, slots, slot_count * sizeof *slots);
    memcpy(r->stages, stages, stage_count * sizeof *stages);
    r->slot_count = slot_count;
    r->stage_count = stage_count;
    r->ctx = ctx;
    r->failed_at = UINT64_MAX;
    int failed = pthread_mutex_init(&r->lock, NULL) | pthread_cond_init(&r->back, NULL);
    for (unsigned i = 0; i < RING_STAGES; i++)
        failed |= pthread_cond_init(&r->turn[i], NULL);
    assert(failed == 0); /* with default attributes they cannot fail here */
    *out = r;
    return ST_OK;
}

void ring_close(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    for (unsigned i = 0; i < r->stage_count; i++)
        pass_on(r, i);
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < r->running; i++)
        (void)pthread_join(r->workers[i].thread, NULL);
    for (unsigned i = 0; i < RING_STAGES; i++)
        (void)pthread_cond_destroy(&r->turn[i]);
    (void)pthread_cond_destroy(&r->back);
    (void)pthread_mutex_destroy(&r->lock);
    heap_free(r);
}

void *ring_vacant(struct ring *r)
{
    /* Only the caller's thread changes these two. */
    return r->submitted - r->returned == r->slot_count ? NULL
                                                       : r->slots[r->submitted % r->slot_count];
}

static enum status start(struct ring *r, struct err *e)
{
    for (unsigned stage = 0; stage < r->stage_count; stage++) {
        for (unsigned i = 0; i < r->stages[stage].threads; i++) {
            assert(r->running < RING_THREADS);
            struct worker *w = &r->workers[r->running];
            *w = (struct worker){.ring = r, .stage = stage, .number = i};
            int sys = pthread_create(&w->thread, NULL, work, w);
            if (sys != 0)
                return err_sys(e, sys, "pthread_create", NULL);
            r->running++;
        }
    }
    return ST_OK;
}

/* The caller does every stage itself. */
static enum status work_here(struct ring *r, unsigned slot, struct err *e)
{
    for (unsigned stage = 0; stage < r->stage_count; stage++) {
        enum status st = r->stages[stage].work(r->ctx, 0, r->slots[slot], e);
        if (st != ST_OK) {
            fail(r, r->submitted - 1, e);
            return st;
        }
        r->taken[stage]++;
    }
    r->passed[slot] = r->stage_count;
    return ST_OK;
}

enum status ring_submit(struct ring *r, bool last, struct err *e)
{
    assert(r->submitted - r->returned < r->slot_count);
    unsigned slot = (unsigned)(r->submitted % r->slot_count);
    if (r->running == 0 && last) {
        r->submitted++;
        return work_here(r, slot, e);
    }
    if (r->running == 0) {
        enum status st = start(r, e);
        if (st != ST_OK)
            return st;
    }
    pthread_mutex_lock(&r->lock);
    r->passed[slot] = 0;
    r->submitted++;
    pass_on(r, 0);
    pthread_mutex_unlock(&r->lock);
    return ST_OK;
}

enum status ring_wait(struct ring *r, void **slot, struct err *e)
{
    *slot = NULL;
    pthread_mutex_lock(&r->lock);
    unsigned oldest = (unsigned)(r->returned % r->slot_count);
    bool flying = r->returned < r->submitted;
    while (flying && r->returned < r->failed_at && r->passed[oldest] != r->stage_count)
        pthread_cond_wait(&r->back, &r->lock);
    enum status st = ST_OK;
    if (flying && r->returned >= r->failed_at) {
        st = r->failure.status;
        if (e != NULL)
            *e = r->failure;
    } else if (flying) {
        *slot = r->slots[oldest];
        r->returned++;
    }
    pthread_mutex_unlock(&r->lock);
    return st;
}
