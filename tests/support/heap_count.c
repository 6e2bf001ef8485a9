#include "tests/support/heap_count.h"
#include "base/heap.h"
#include <assert.h>
#include <string.h>

/* Open addressing; a block that went leaves its address with no bytes. */
enum { SLOTS = 1 << 16 };
static struct {
    void *p;
    size_t n;
} slots[SLOTS];
static uint64_t live;

static size_t slot_of(const void *p)
{
    size_t i = (size_t)((uintptr_t)p >> 4) * 2654435761u % SLOTS;
    for (size_t tried = 0; slots[i].p != NULL && slots[i].p != p; tried++, i = (i + 1) % SLOTS)
        assert(tried < SLOTS / 2);
    return i;
}

static void watch(void *ctx, void *p, size_t n)
{
    (void)ctx;
    size_t i = slot_of(p);
    live -= slots[i].p == p ? slots[i].n : 0;
    slots[i].p = p;
    slots[i].n = n;
    live += n;
}

void heap_count_start(void)
{
    memset(slots, 0, sizeof slots);
    live = 0;
    heap_watch(watch, NULL);
}

uint64_t heap_count_live(void)
{
    return live;
}

void heap_count_stop(void)
{
    heap_watch(NULL, NULL);
}
