#include "base/heap.h"
#include "base/ensure.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Nothing of ours is larger: more is a size that went wrong. */
#define ONE_MAX   (UINT64_C(1) << 40)

#define HUGE_PAGE (UINT64_C(2) << 20) /* where a system has another size, nothing is lost */

static _Atomic uint64_t asked;
static _Atomic uint64_t fail_from; /* number of the allocation that fails, 0 = none */
static _Atomic bool fail_on;       /* every later one too */

static heap_watcher watcher; /* set by tests before anything is watched */
static void *watcher_ctx;

static void *had(void *p, size_t n)
{
    if (watcher != NULL && p != NULL)
        watcher(watcher_ctx, p, n);
    return p;
}

static void gone(void *p)
{
    if (watcher != NULL && p != NULL)
        watcher(watcher_ctx, p, 0);
}

static bool denied(size_t n)
{
    uint64_t number = atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed) + 1;
    uint64_t from = atomic_load_explicit(&fail_from, memory_order_relaxed);
    return n > ONE_MAX ||
           (from != 0 && (number == from || (number > from && atomic_load(&fail_on))));
}

void *heap_alloc(size_t n)
{
    return denied(n) ? NULL : had(malloc(n), n);
}

void *heap_zero(size_t count, size_t size)
{
    size_t n;
    bool fits = !__builtin_mul_overflow(count, size, &n);
    return denied(fits ? n : SIZE_MAX) ? NULL : had(calloc(count, size), n);
}

void *heap_grow(void *p, size_t n)
{
    if (denied(n))
        return NULL;
    gone(
        p); /* should there really be no memory, the watcher misses p: a test that is over anyway */
    return had(realloc(p, n > 0 ? n : 1), n); /* realloc(p, 0) may free p */
}

void *heap_aligned(size_t align, size_t n)
{
    ENSURE(align >= 16 && (align & (align - 1)) == 0);
    if (denied(n))
        return NULL;
    return had(aligned_alloc(align, (n + align - 1) & ~(align - 1)), n);
}

/* Hardly any page faults, and hardly any address that a processor has to look up. */
void *heap_large(size_t n)
{
    void *p = heap_aligned(n < HUGE_PAGE ? 64 : HUGE_PAGE, n);
    if (p != NULL && n >= HUGE_PAGE)
        (void)madvise(p, n, MADV_HUGEPAGE); /* advice: pages come in either size */
    return p;
}

void heap_free(void *p)
{
    gone(p);
    free(p);
}

void heap_fail_at(uint64_t n, int sticky)
{
    atomic_store(&fail_on, sticky != 0);
    atomic_store(&fail_from, n == 0 ? 0 : atomic_load(&asked) + n);
}

uint64_t heap_count(void)
{
    return atomic_load(&asked);
}

void heap_watch(heap_watcher w, void *ctx)
{
    watcher = w;
    watcher_ctx = ctx;
}
