/* base/heap.h for the bulk driver: blocks are cut from one arena, which an input leaves as it found
 * it. Around each block lie bytes that ASan guards, a block that was freed stays guarded until the
 * input's end, and a block that is still held then is a leak: what ASan's own allocator looks for,
 * at a tenth of its time. Large blocks are left to that one. */
#include "base/ensure.h"
#include "base/heap.h"
#include "tests/fuzz/bulk.h"
#include <sanitizer/asan_interface.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOM    (UINT64_C(64) << 20)
#define LARGE   (UINT64_C(64) << 10)
#define ONE_MAX (UINT64_C(1) << 40)
#define GUARD   16u /* before and after each block; before it stands how long it is */
#define FREED   UINT64_MAX

static alignas(4096) uint8_t room[ROOM];
static size_t top, mark;
static uint64_t held, held_mark, asked;

__attribute__((no_sanitize("address"))) static uint64_t length_of(const uint8_t *p)
{
    return *(const uint64_t *)(const void *)(p - GUARD);
}

__attribute__((no_sanitize("address"))) static void set_length(uint8_t *p, uint64_t n)
{
    *(uint64_t *)(void *)(p - GUARD) = n;
}

static bool is_ours(const void *p)
{
    return (uintptr_t)p >= (uintptr_t)room && (uintptr_t)p < (uintptr_t)(room + ROOM);
}

/* NULL: not from the arena. */
static uint8_t *cut(size_t align, size_t n)
{
    size_t at = (top + GUARD + align - 1) & ~(align - 1);
    if (n > LARGE || at + n + GUARD > ROOM)
        return NULL;
    uint8_t *p = room + at;
    if (top == 0)
        ASAN_POISON_MEMORY_REGION(room, ROOM);
    top = (at + n + GUARD + 7) & ~(size_t)7;
    set_length(p, n);
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}

static void *had(void *p)
{
    held += p != NULL;
    return p;
}

void *heap_alloc(size_t n)
{
    asked++;
    if (n > ONE_MAX)
        return NULL;
    uint8_t *p = cut(16, n);
    if (p == NULL)
        return had(malloc(n));
    memset(p, 0xbe, n);
    return had(p);
}

void *heap_zero(size_t count, size_t size)
{
    size_t n;
    asked++;
    if (__builtin_mul_overflow(count, size, &n) || n > ONE_MAX)
        return NULL;
    uint8_t *p = cut(16, n);
    if (p == NULL)
        return had(calloc(1, n));
    memset(p, 0, n);
    return had(p);
}

void *heap_aligned(size_t align, size_t n)
{
    ENSURE(align >= 16 && (align & (align - 1)) == 0);
    asked++;
    if (n > ONE_MAX)
        return NULL;
    uint8_t *p = align <= 4096 ? cut(align, n) : NULL;
    return had(p != NULL ? p : aligned_alloc(align, (n + align - 1) & ~(align - 1)));
}

void *heap_large(size_t n)
{
    return heap_aligned(64, n);
}

void heap_free(void *p)
{
    if (p == NULL)
        return;
    held--;
    if (!is_ours(p)) {
        free(p);
        return;
    }
    uint64_t n = length_of(p);
    ENSURE(n != FREED); /* twice */
    ASAN_POISON_MEMORY_REGION(p, n);
    set_length(p, FREED);
}

void *heap_grow(void *p, size_t n)
{
    if (p != NULL && !is_ours(p)) {
        asked++;
        return n > ONE_MAX ? NULL : realloc(p, n > 0 ? n : 1);
    }
    uint8_t *more = heap_alloc(n);
    if (p == NULL || more == NULL)
        return more;
    uint64_t was = length_of(p);
    ENSURE(was != FREED);
    memcpy(more, p, was < n ? was : n);
    heap_free(p);
    return more;
}

void heap_fail_at(uint64_t n, int sticky)
{
    ENSURE(n == 0 && sticky == 0); /* no target asks for failures */
}

uint64_t heap_count(void)
{
    return asked;
}

void heap_watch(heap_watcher w, void *ctx)
{
    ENSURE(w == NULL && ctx == NULL);
}

void bulk_heap_keep(void)
{
    mark = top;
    held_mark = held;
}

void bulk_heap_reset(void)
{
    ENSURE(held == held_mark); /* leaked */
    ASAN_POISON_MEMORY_REGION(room + mark, top - mark);
    top = mark;
}
