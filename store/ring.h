/* Slots that go round through stages, each stage with its own threads; memory is what the slots
 * are.
 *
 *     caller fills a vacant slot → submit → stage 0 → stage 1 … → wait hands it back, in order
 *
 * A stage with one thread sees the slots in order; one with several takes them as they come, and
 * wait still hands them back in order. Between submit and wait a slot belongs to the stages.
 * Threads start with the first submit that says more will come: a single slot is worked on by the
 * caller itself. After a
 * failure no later slot is begun; wait hands back the slots before it, then the failure for ever.
 */
#ifndef STORE_RING_H
#define STORE_RING_H

#include "base/err.h"
#include "base/scope.h"
#include <stdbool.h>

#define RING_SLOTS   8
#define RING_STAGES  3
#define RING_THREADS 4

struct ring_stage {
    /* worker: 0 … threads − 1, for scratch that is not shared. */
    enum status (*work)(void *ctx, unsigned worker, void *slot, struct err *e);
    unsigned threads;
};

struct ring;
/* The slots are the caller's and outlive the ring. At most the numbers above. */
enum status ring_open(void *const *slots, unsigned slot_count, const struct ring_stage *stages,
                      unsigned stage_count, void *ctx, struct ring **out, struct err *e) MUST_CHECK;
/* Stops and joins the threads; slots in flight are dropped where they are. */
void ring_close(struct ring *r);
SCOPE_OF(ring, struct ring, ring_close)

/* The slot to fill next; NULL when all are in flight (then wait). */
void *ring_vacant(struct ring *r);
/* Sends off the slot that ring_vacant gave. last: no other will follow. */
enum status ring_submit(struct ring *r, bool last, struct err *e) MUST_CHECK;
/* Waits for the oldest slot in flight to be through; NULL when none is in flight. */
enum status ring_wait(struct ring *r, void **slot, struct err *e) MUST_CHECK;

#endif
