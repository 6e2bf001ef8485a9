#include "runtime/team.h"

#include "base/ensure.h"

#if defined(__wasm__)

enum status team_open(unsigned threads, struct team **out, struct err *e)
{
    *out = NULL;
    return threads == 1 ? ST_OK
                        : err_set(e, ST_INVALID_LENGTH, "threads", "there is one thread here");
}

void team_close(struct team *t)
{
    (void)t;
}

unsigned team_size(const struct team *t)
{
    (void)t;
    return 1;
}

void team_run(struct team *t, void (*work)(void *ctx, size_t chunk, unsigned who), void *ctx,
              size_t chunks)
{
    (void)t;
    for (size_t i = 0; i < chunks; i++)
        work(ctx, i, 0);
}

#else

#include "base/heap.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#define CACHE_LINE 64
#define LOOKS      4000u /* at the ticket before a thread sleeps or yields: tens of microseconds */

struct member {
    struct team *team;
    unsigned who;
    pthread_t thread;
};

struct team {
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket;
    _Alignas(CACHE_LINE) _Atomic uint32_t done;
    _Alignas(CACHE_LINE) _Atomic unsigned asleep;
    _Atomic bool ends;
    /* The job: written before its ticket, unchanged until all of its chunks are done. */
    void (*work)(void *ctx, size_t chunk, unsigned who);
    void *ctx;
    size_t chunks;
    unsigned threads, started;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct member members[TEAM_MAX];
};

static uint32_t left_of(uint64_t ticket)
{
    return (uint32_t)ticket;
}

static void pause_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Takes one chunk and does it; false when there is none. Success of the exchange says that the job
 * of this ticket is still on, so its fields may be read. */
static bool do_one(struct team *t, unsigned who)
{
    uint64_t ticket = atomic_load_explicit(&t->ticket, memory_order_relaxed);
    do
        if (left_of(ticket) == 0)
            return false;
    while (!atomic_compare_exchange_weak_explicit(&t->ticket, &ticket, ticket - 1,
                                                  memory_order_acquire, memory_order_relaxed));
    t->work(t->ctx, t->chunks - left_of(ticket), who);
    atomic_fetch_add_explicit(&t->done, 1, memory_order_release);
    return true;
}

static bool idle(struct team *t)
{
    return left_of(atomic_load(&t->ticket)) == 0 && !atomic_load(&t->ends);
}

static void sleep_until_needed(struct team *t)
{
    pthread_mutex_lock(&t->mutex);
    atomic_fetch_add(&t->asleep, 1);
    while (idle(t))
        pthread_cond_wait(&t->wake, &t->mutex);
    atomic_fetch_sub(&t->asleep, 1);
    pthread_mutex_unlock(&t->mutex);
}

static void *member_main(void *arg)
{
    struct member *m = arg;
    struct team *t = m->team;
    unsigned looked = 0;
    while (!atomic_load_explicit(&t->ends, memory_order_relaxed)) {
        if (do_one(t, m->who)) {
            looked = 0;
        } else if (++looked < LOOKS) {
            pause_a_little();
        } else {
            sleep_until_needed(t);
            looked = 0;
        }
    }
    return NULL;
}

static void wake_all(struct team *t)
{
    if (atomic_load(&t->asleep) == 0)
        return;
    pthread_mutex_lock(&t->mutex);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

enum status team_open(unsigned threads, struct team **out, struct err *e)
{
    if (threads == 0 || threads > TEAM_MAX)
        return err_set(e, ST_INVALID_LENGTH, "threads", "threads must be 1 to %u, not %u", TEAM_MAX,
                       threads);
    SCOPED(team_scope) struct team *t = heap_aligned(CACHE_LINE, sizeof *t);
    if (t == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %u threads", threads);
    *t = (struct team){.threads = threads};
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->wake, NULL);
    for (unsigned i = 1; i < threads; i++) {
        struct member *m = &t->members[i];
        *m = (struct member){.team = t, .who = i};
        if (pthread_create(&m->thread, NULL, member_main, m) != 0)
            return err_set(e, ST_NO_MEMORY, "threads", "the system gives no %u threads", threads);
        t->started = i;
    }
    *out = team_take(&t);
    return ST_OK;
}

void team_close(struct team *t)
{
    if (t == NULL)
        return;
    atomic_store(&t->ends, true);
    wake_all(t);
    for (unsigned i = 1; i <= t->started; i++)
        pthread_join(t->members[i].thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
    heap_free(t);
}

unsigned team_size(const struct team *t)
{
    return t != NULL ? t->threads : 1;
}

void team_run(struct team *t, void (*work)(void *ctx, size_t chunk, unsigned who), void *ctx,
              size_t chunks)
{
    if (t == NULL || t->threads == 1 || chunks < 2) {
        for (size_t i = 0; i < chunks; i++)
            work(ctx, i, 0);
        return;
    }
    ENSURE(chunks <= UINT32_MAX && left_of(atomic_load(&t->ticket)) == 0);
    t->work = work;
    t->ctx = ctx;
    t->chunks = chunks;
    atomic_store_explicit(&t->done, 0, memory_order_relaxed);
    const uint64_t generation = (atomic_load_explicit(&t->ticket, memory_order_relaxed) >> 32) + 1;
    atomic_store(&t->ticket, generation << 32 | (uint32_t)chunks);
    wake_all(t);
    while (do_one(t, 0))
        continue;
    for (unsigned looked = 0; atomic_load_explicit(&t->done, memory_order_acquire) < chunks;
         looked++)
        if (looked < LOOKS)
            pause_a_little();
        else
            (void)sched_yield(); /* whoever has the last chunk may need this processor */
}

#endif
