#include "runtime/arena.h"

#include <criterion/criterion.h>
#include <string.h>

#define REGION (1 << 20)

static _Alignas(ARENA_ALIGN) uint8_t region[REGION];
static size_t granted;

static size_t more(void *ctx, size_t n)
{
    (void)ctx;
    size_t step = (n + 4095) / 4096 * 4096;
    if (step > REGION - granted)
        return 0;
    granted += step;
    return step;
}

static struct arena fresh(void)
{
    granted = 8192;
    return (struct arena){.start = region, .size = granted, .more = more};
}

Test(arena, payloads_are_aligned_and_apart)
{
    struct arena a = fresh();
    uint8_t *p[20];
    for (size_t i = 0; i < 20; i++) {
        p[i] = arena_alloc(&a, i * 37);
        cr_assert_not_null(p[i]);
        cr_assert_eq((uintptr_t)p[i] % ARENA_ALIGN, 0);
        memset(p[i], (int)i, i * 37);
    }
    for (size_t i = 0; i < 20; i++)
        for (size_t k = 0; k < i * 37; k++)
            cr_assert_eq(p[i][k], i);
}

Test(arena, freed_neighbours_are_joined_and_used_again)
{
    struct arena a = fresh();
    void *first = arena_alloc(&a, 1000), *second = arena_alloc(&a, 1000),
         *third = arena_alloc(&a, 1000);
    void *last = arena_alloc(&a, 1000);
    size_t used = a.used;
    arena_free(&a, first);
    arena_free(&a, third);
    arena_free(&a, second);
    cr_assert_eq(arena_alloc(&a, 3000), first);
    cr_assert_eq(a.used, used);
    arena_free(&a, last);
}

Test(arena, the_free_end_grows_in_place)
{
    struct arena a = fresh();
    void *p = arena_alloc(&a, 600000);
    cr_assert_not_null(p);
    arena_free(&a, p);
    cr_assert_eq(arena_alloc(&a, 900000), p, "700,000 more would not fit behind it");
}

Test(arena, ends_with_null_and_stays_whole)
{
    struct arena a = fresh();
    cr_assert_null(arena_alloc(&a, REGION));
    cr_assert_null(arena_alloc(&a, SIZE_MAX));
    cr_assert_null(arena_alloc(&a, SIZE_MAX - 64));
    void *p = arena_alloc(&a, 100);
    cr_assert_not_null(p);
    cr_assert_null(arena_grow(&a, p, REGION));
    arena_free(&a, p);
    arena_free(&a, NULL);
}

Test(arena, growing_keeps_the_bytes)
{
    struct arena a = fresh();
    uint8_t *p = arena_grow(&a, NULL, 10);
    memcpy(p, "0123456789", 10);
    cr_assert_eq(arena_grow(&a, p, 40), p, "there was room");
    (void)arena_alloc(&a, 1);
    p = arena_grow(&a, p, 5000);
    cr_assert_arr_eq(p, "0123456789", 10);
}

Test(arena, survives_a_long_random_life)
{
    struct arena a = fresh();
    uint8_t *p[64] = {NULL};
    size_t n[64] = {0};
    uint32_t x = 12345;
    for (int round = 0; round < 20000; round++) {
        x = x * 1664525u + 1013904223u;
        size_t i = x >> 26;
        for (size_t k = 0; p[i] != NULL && k < n[i]; k++)
            cr_assert_eq(p[i][k], (uint8_t)i);
        arena_free(&a, p[i]);
        n[i] = x >> 8 & 0xfff;
        p[i] = arena_alloc(&a, n[i]);
        cr_assert_not_null(p[i]);
        memset(p[i], (int)i, n[i]);
    }
    cr_assert_leq(a.used, 700000, "no creeping growth");
}
