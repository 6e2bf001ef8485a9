/* Where memory comes from: malloc on a host, the module's own allocator in WASM. One door, so that
 * allocations can be counted and made to fail. Contents of fresh memory are undefined unless said.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* All return NULL when memory cannot be had; n may be 0 (a unique or NULL pointer comes back). */
void *heap_alloc(size_t n);
void *heap_zero(size_t count, size_t size); /* checked product, zeroed */
void *heap_grow(void *p, size_t n);         /* p may be NULL; on failure p is untouched */
void *heap_aligned(size_t align, size_t n); /* align: power of two ≥ 16; freed with heap_free */
void *heap_large(size_t n); /* 64-byte aligned; in huge pages where the system has them: much that
                               is all filled at once and read again and again */
void heap_free(void *p);    /* NULL is fine */

/* For SCOPED on a pointer of any type: frees what it points to. */
__attribute__((unused)) static inline void heap_scope(void *pointer_to_pointer)
{
    heap_free(*(void **)pointer_to_pointer);
}

/* Host only: the n-th allocation from now fails (0 = none), and every later one too if sticky. */
void heap_fail_at(uint64_t n, int sticky);
/* Host only, for tests: told of each block that was had (and how many bytes were asked for) and of
 * each that went (n = 0). One watcher; not for threads. */
typedef void (*heap_watcher)(void *ctx, void *p, size_t n);
void heap_watch(heap_watcher watcher, void *ctx);
/* Allocations asked for since the program began. */
uint64_t heap_count(void);

#endif
