#include "store/ring.h"
#include <criterion/criterion.h>
#include <time.h>

#define SLOTS 4

struct cell {
    unsigned number, seen;
    unsigned fail; /* the stage that fails it, 0 none, else stage + 1 */
};

struct trial {
    struct cell cells[SLOTS];
    unsigned in_order; /* slots stage 1 has seen, each in its turn */
    bool disorder;
};

static enum status first(void *ctx, unsigned worker, void *slot, struct err *e)
{
    (void)ctx;
    struct cell *c = slot;
    cr_assert(worker < 2);
    /* Odd ones dawdle, so that the even one behind is through before. */
    struct timespec nap = {.tv_nsec = c->number % 2 == 1 ? 3000000 : 0};
    nanosleep(&nap, NULL);
    c->seen++;
    return c->fail == 1 ? err_set(e, ST_CORRUPT, "test-first", "slot %u", c->number) : ST_OK;
}

static enum status second(void *ctx, unsigned worker, void *slot, struct err *e)
{
    struct trial *t = ctx;
    struct cell *c = slot;
    t->disorder = t->disorder || worker != 0 || c->number != t->in_order;
    t->in_order++;
    c->seen++;
    return c->fail == 2 ? err_set(e, ST_IO, "test-second", "slot %u", c->number) : ST_OK;
}

/* Sends `count` slots round; `fails` and `also` fail in stage 0. Returns how many came back. */
static unsigned go(struct trial *t, unsigned count, unsigned fails, unsigned also, struct err *e)
{
    static const struct ring_stage stages[] = {{first, 2}, {second, 1}};
    void *slots[SLOTS];
    for (unsigned i = 0; i < SLOTS; i++)
        slots[i] = &t->cells[i];
    SCOPED(ring_scope) struct ring *r = NULL;
    cr_assert_eq(ring_open(slots, SLOTS, stages, 2, t, &r, e), ST_OK);
    unsigned sent = 0, back = 0;
    for (;;) {
        struct cell *c;
        while (sent < count && (c = ring_vacant(r)) != NULL) {
            *c = (struct cell){.number = sent, .fail = sent == fails || sent == also ? 1 : 0};
            sent++;
            if (ring_submit(r, sent == count, e) != ST_OK)
                return back;
        }
        void *through;
        if (ring_wait(r, &through, e) != ST_OK) {
            struct err again = ERR_NONE;
            cr_expect_eq(ring_wait(r, &through, &again), e->status, "a failure stays");
            return back;
        }
        if (through == NULL)
            return back;
        c = through;
        cr_expect(c->number == back && c->seen == 2);
        back++;
    }
}

Test(ring, slots_come_back_in_order_whoever_was_faster)
{
    struct trial t = {0};
    struct err e = ERR_NONE;
    cr_expect_eq(go(&t, 25, 99, 99, &e), 25);
    cr_expect(!t.disorder && t.in_order == 25);
}

Test(ring, one_slot_needs_no_thread)
{
    struct trial t = {0};
    struct err e = ERR_NONE;
    cr_expect_eq(go(&t, 1, 99, 99, &e), 1);
    cr_expect_eq(go(&t, 0, 99, 99, &e), 0);
}

Test(ring, the_first_failure_in_order_is_the_one_told)
{
    for (unsigned round = 0; round < 20; round++) {
        struct trial t = {0};
        struct err e = ERR_NONE;
        /* 5 dawdles and 6 does not: 6 fails earlier in time. */
        cr_expect_eq(go(&t, 25, 5, 6, &e), 5);
        cr_expect_str_eq(e.detail, "slot 5");
        cr_expect_eq(t.in_order, 5, "what stood before went all the way");
    }
}

Test(ring, a_failure_in_the_only_slot_is_told_at_once)
{
    struct trial t = {0};
    struct err e = ERR_NONE;
    cr_expect_eq(go(&t, 1, 0, 99, &e), 0);
    cr_expect_str_eq(err_code(&e), "test-first");
}
