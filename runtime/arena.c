#include "runtime/arena.h"

#include "base/ensure.h"

/* Before each payload; as wide as the alignment, so payloads stay aligned. */
struct head {
    size_t size; /* of head and payload, a multiple of ARENA_ALIGN */
    size_t free; /* 0 or 1 */
    uint8_t pad[ARENA_ALIGN - 2 * sizeof(size_t)];
};

static struct head *head_at(const struct arena *a, size_t offset)
{
    return (struct head *)(void *)(a->start + offset);
}

static struct head *head_of(const struct arena *a, void *p)
{
    const size_t offset = (size_t)((uint8_t *)p - a->start) - sizeof(struct head);
    ENSURE(offset < a->used && offset % ARENA_ALIGN == 0);
    struct head *h = head_at(a, offset);
    ENSURE(h->free == 0);
    return h;
}

/* Joins the free blocks that follow the free one at `offset`. */
static void join(const struct arena *a, size_t offset)
{
    struct head *h = head_at(a, offset);
    while (offset + h->size < a->used && head_at(a, offset + h->size)->free != 0)
        h->size += head_at(a, offset + h->size)->size;
}

/* Cuts what is beyond `need` off into a free block of its own. */
static void split(const struct arena *a, size_t offset, size_t need)
{
    struct head *h = head_at(a, offset);
    if (h->size - need < 2 * ARENA_ALIGN)
        return;
    struct head *rest = head_at(a, offset + need);
    rest->size = h->size - need;
    rest->free = 1;
    h->size = need;
}

/* The offset of the free block of `need` bytes or more that wastes least, or a->used. */
static size_t find(const struct arena *a, size_t need)
{
    size_t best = a->used;
    for (size_t at = 0; at < a->used; at += head_at(a, at)->size) {
        if (head_at(a, at)->free == 0)
            continue;
        join(a, at);
        const size_t size = head_at(a, at)->size;
        if (size >= need && (best == a->used || size < head_at(a, best)->size))
            best = at;
    }
    return best;
}

/* Gives back a free block at the very end, so that the end can grow from there. */
static void trim(struct arena *a)
{
    for (size_t at = 0; at < a->used; at += head_at(a, at)->size) {
        if (head_at(a, at)->free != 0 && at + head_at(a, at)->size == a->used) {
            a->used = at;
            return;
        }
    }
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - 2 * ARENA_ALIGN)
        return NULL;
    const size_t need = (n + 2 * ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    size_t at = find(a, need);
    if (at == a->used) {
        trim(a);
        at = a->used;
        if (a->size - at < need)
            a->size += a->more(a->ctx, need - (a->size - at));
        if (a->size - at < need)
            return NULL;
        a->used += need;
        head_at(a, at)->size = need;
    } else {
        split(a, at, need);
    }
    head_at(a, at)->free = 0;
    return head_at(a, at) + 1;
}

void *arena_grow(struct arena *a, void *p, size_t n)
{
    if (p == NULL)
        return arena_alloc(a, n);
    const size_t have = head_of(a, p)->size - sizeof(struct head);
    if (n <= have)
        return p;
    void *wider = arena_alloc(a, n);
    if (wider == NULL)
        return NULL;
    __builtin_memcpy(wider, p, have);
    arena_free(a, p);
    return wider;
}

void arena_free(struct arena *a, void *p)
{
    if (p != NULL)
        head_of(a, p)->free = 1;
}
