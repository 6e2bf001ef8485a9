#include "base/bytes.h"
#include "base/heap.h"

enum { FIRST_CAPACITY = 64 };

struct span span_text(const char *s)
{
    return (struct span){.p = (const uint8_t *)s, .n = __builtin_strlen(s)};
}

bool span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || __builtin_memcmp(a.p, b.p, a.n) == 0);
}

struct buf buf_over(void *array, size_t size)
{
    return (struct buf){.p = array, .cap = size, .fixed = true};
}

/* Room for n more bytes; grows by doubling, so that appending is linear in the end. */
static bool reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return false;
    if (n <= b->cap - b->n)
        return true;
    if (b->fixed || n > SIZE_MAX / 2 - b->n) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap < FIRST_CAPACITY ? FIRST_CAPACITY : b->cap;
    while (cap - b->n < n)
        cap = cap > SIZE_MAX / 2 ? b->n + n : cap * 2;
    uint8_t *p = heap_grow(b->p, cap);
    if (p == NULL) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_append(struct buf *b, struct span s)
{
    if (s.n == 0 || !reserve(b, s.n))
        return;
    __builtin_memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_text(struct buf *b, const char *s)
{
    buf_append(b, span_text(s));
}

void buf_byte(struct buf *b, uint8_t v)
{
    if (reserve(b, 1))
        b->p[b->n++] = v;
}

uint8_t *buf_space(struct buf *b, size_t n)
{
    if (!reserve(b, n > 0 ? n : 1))
        return NULL;
    uint8_t *p = b->p + b->n;
    __builtin_memset(p, 0, n);
    b->n += n;
    return p;
}

enum status buf_status(const struct buf *b)
{
    if (!b->failed)
        return ST_OK;
    return b->fixed ? ST_OUTPUT_EXCEEDED : ST_NO_MEMORY;
}

struct span buf_span(const struct buf *b)
{
    return (struct span){.p = b->p, .n = b->n};
}

void buf_release(struct buf *b)
{
    if (b->fixed) {
        b->n = 0;
        b->failed = false;
        return;
    }
    heap_free(b->p);
    *b = BUF_EMPTY;
}
