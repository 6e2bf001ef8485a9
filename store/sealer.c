#include "store/sealer.h"

#include "base/heap.h"
#include <assert.h>
#include <pthread.h>
#include <string.h>

struct sealer {
    sealer_sealed sealed;
    void *ctx;
    pthread_t thread;
    bool running; /* the thread; only put changes it */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t turn;
    struct pack_writer *work; /* in work, NULL: none */
    struct pack_writer *done[SEALER_DONE];
    unsigned done_count;
    bool stopping;
    struct err failure; /* the first one; ST_OK: none */
};

/* The lock is held, but not while the pack is in work. */
static void work(struct sealer *p)
{
    struct pack_writer *pack = p->work;
    struct err e = ERR_NONE;
    (void)pthread_mutex_unlock(&p->lock);
    enum status st = pack_seal(pack, &e);
    if (st == ST_OK)
        st = p->sealed(p->ctx, pack, &e);
    (void)pthread_mutex_lock(&p->lock);
    if (st == ST_OK) {
        assert(p->done_count < SEALER_DONE);
        p->done[p->done_count++] = pack;
    } else {
        p->failure = e;
        p->failure.status = st;
        pack_writer_close(pack);
    }
    p->work = NULL;
    (void)pthread_cond_broadcast(&p->turn);
}

static void *run(void *arg)
{
    struct sealer *p = arg;
    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stopping && p->work == NULL)
            (void)pthread_cond_wait(&p->turn, &p->lock);
        if (p->stopping)
            break;
        work(p);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum status sealer_open(sealer_sealed sealed, void *ctx, struct sealer **out, struct err *e)
{
    struct sealer *p = heap_zero(1, sizeof *p);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to seal packs");
    p->sealed = sealed;
    p->ctx = ctx;
    int lock = pthread_mutex_init(&p->lock, NULL), turn = pthread_cond_init(&p->turn, NULL);
    assert(lock == 0 && turn == 0); /* with default attributes they cannot fail here */
    *out = p;
    return ST_OK;
}

void sealer_close(struct sealer *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->stopping = true;
    (void)pthread_cond_broadcast(&p->turn);
    (void)pthread_mutex_unlock(&p->lock);
    if (p->running)
        (void)pthread_join(p->thread, NULL);
    pack_writer_scope(&p->work);
    for (unsigned i = 0; i < p->done_count; i++)
        pack_writer_close(p->done[i]);
    (void)pthread_cond_destroy(&p->turn);
    (void)pthread_mutex_destroy(&p->lock);
    heap_free(p);
}

/* The lock is held. */
static enum status idle(struct sealer *p, struct err *e)
{
    while (p->work != NULL)
        (void)pthread_cond_wait(&p->turn, &p->lock);
    if (p->failure.status != ST_OK)
        *e = p->failure;
    return p->failure.status;
}

static enum status start(struct sealer *p, struct err *e)
{
    int sys = p->running ? 0 : pthread_create(&p->thread, NULL, run, p);
    if (sys != 0)
        return err_sys(e, sys, "pthread_create", NULL);
    p->running = true;
    return ST_OK;
}

enum status sealer_put(struct sealer *p, struct pack_writer *pack, struct err *e)
{
    SCOPED(pack_writer_scope) struct pack_writer *mine = pack;
    enum status st = start(p, e);
    if (st != ST_OK)
        return st;
    (void)pthread_mutex_lock(&p->lock);
    st = idle(p, e);
    if (st == ST_OK) {
        p->work = pack_writer_take(&mine);
        (void)pthread_cond_broadcast(&p->turn);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return st;
}

enum status sealer_wait(struct sealer *p, struct err *e)
{
    (void)pthread_mutex_lock(&p->lock);
    enum status st = idle(p, e);
    (void)pthread_mutex_unlock(&p->lock);
    return st;
}

struct pack_writer *sealer_collect(struct sealer *p)
{
    struct pack_writer *pack = NULL;
    (void)pthread_mutex_lock(&p->lock);
    if (p->done_count > 0) {
        pack = p->done[0];
        p->done_count--;
        memmove(&p->done[0], &p->done[1], p->done_count * sizeof p->done[0]);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return pack;
}
