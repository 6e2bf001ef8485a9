/* An allocator over one stretch of memory that can only grow at its end, as WASM's does.
 *
 *     | head | payload | head | payload … | head | payload |  ← grows here
 *
 * Blocks lie end to end; sizes lead from one to the next. A freed block is joined with its free
 * neighbours when the next search walks past, so the smallest run that fits is always found whole.
 * Searches walk all blocks: meant for the few hundred allocations of a model, not for millions.
 * Every payload is 64-byte aligned. */
#ifndef RUNTIME_ARENA_H
#define RUNTIME_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN 64

struct arena {
    uint8_t *start; /* ARENA_ALIGN-aligned */
    size_t used;    /* bytes that blocks cover */
    size_t size;    /* bytes there are */
    /* Makes at least n more bytes follow and returns how many, 0 when there are none. */
    size_t (*more)(void *ctx, size_t n);
    void *ctx;
};

void *arena_alloc(struct arena *a, size_t n); /* NULL when memory ends */
void *arena_grow(struct arena *a, void *p, size_t n);
void arena_free(struct arena *a, void *p);

#endif
