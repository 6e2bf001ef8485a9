#include "base/heap.h"
#include <criterion/criterion.h>

Test(heap, the_nth_allocation_fails_once)
{
    heap_fail_at(2, 0);
    void *a = heap_alloc(8), *b = heap_alloc(8), *c = heap_alloc(8);
    cr_expect(a != NULL && b == NULL && c != NULL);
    heap_free(a);
    heap_free(c);
}

Test(heap, sticky_failure_lasts_until_it_is_lifted)
{
    heap_fail_at(1, 1);
    cr_expect_null(heap_alloc(8));
    cr_expect_null(heap_zero(1, 8));
    cr_expect_null(heap_aligned(64, 8));
    cr_expect_null(heap_grow(NULL, 8));
    heap_fail_at(0, 0);
    void *p = heap_alloc(8);
    cr_expect_not_null(p);
    heap_free(p);
}

Test(heap, allocations_are_counted)
{
    uint64_t before = heap_count();
    heap_free(heap_alloc(1));
    heap_free(heap_zero(1, 1));
    cr_expect_eq(heap_count() - before, 2u);
}

Test(heap, a_product_that_does_not_fit_is_refused)
{
    cr_expect_null(heap_zero(SIZE_MAX / 2, 3));
    cr_expect_null(heap_aligned(64, SIZE_MAX - 10));
}

Test(heap, a_failed_growth_leaves_the_old_bytes)
{
    char *p = heap_alloc(4);
    p[0] = 'x';
    heap_fail_at(1, 0);
    cr_expect_null(heap_grow(p, 1 << 20));
    cr_expect_eq(p[0], 'x');
    heap_free(p);
}

Test(heap, aligned_memory_is_aligned)
{
    void *p = heap_aligned(4096, 5);
    cr_expect(p != NULL && (uintptr_t)p % 4096 == 0);
    heap_free(p);
}
