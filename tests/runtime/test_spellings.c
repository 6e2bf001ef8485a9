#include "runtime/spellings.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 5000, LONG = 12 };

static uint8_t texts[MOST][LONG];
static struct spelled room[MOST];

/* Texts out of few bytes, so that many are equal, begin alike, or begin with a part of a space. */
static uint8_t some_byte(uint32_t *seed)
{
    static const uint8_t few[] = {0, 'a', 'b', 0xe2, 0x96, 0x81, 0x80, 0x82, 0x97, 0xe3, 0xff};
    *seed = *seed * 1664525u + 1013904223u;
    return few[(*seed >> 16) % sizeof few];
}

static struct spellings some(uint32_t count, uint32_t seed)
{
    struct spellings s = {.at = room};
    for (uint32_t i = 0; i < count; i++) {
        size_t n = 0, far = (seed >> 3) % 9;
        if (some_byte(&seed) > 0x90)
            for (; n < 3; n++)
                texts[i][n] = (const uint8_t[]){0xe2, 0x96, 0x81}[n];
        for (; n < far; n++)
            texts[i][n] = some_byte(&seed);
        spellings_add(&s, SPAN(texts[i], n), i);
    }
    return s;
}

static bool in_order(const struct spelled *a, const struct spelled *b)
{
    const size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
    const int order = memcmp(a->text.p, b->text.p, n);
    if (order != 0 || a->text.n != b->text.n)
        return order < 0 || (order == 0 && a->text.n < b->text.n);
    return a->id < b->id;
}

Test(spellings, any_set_is_sorted_by_its_bytes_and_then_by_number)
{
    for (uint32_t count = 0; count <= MOST; count = count < 60 ? count + 1 : 3 * count) {
        for (uint32_t seed = 1; seed < 20; seed++) {
            struct spellings s = some(count, seed * 7919);
            spellings_sort(&s);
            for (uint32_t i = 1; i < s.count; i++)
                cr_assert(in_order(&s.at[i - 1], &s.at[i]), "%u of %u, seed %u", i, count, seed);
        }
    }
}

Test(spellings, of_equal_ones_the_lowest_number_is_found)
{
    struct spellings s = some(MOST, 4711);
    spellings_sort(&s);
    for (uint32_t i = 0; i < s.count; i++) {
        const uint32_t id = spellings_find(&s, s.at[i].text);
        cr_assert_leq(id, s.at[i].id);
        cr_assert(i > 0 && span_equal(s.at[i - 1].text, s.at[i].text) ? id < s.at[i].id
                                                                      : id == s.at[i].id);
    }
}

/* Pivots that look like the middle and are not: runs up and down, and numbers in words. */
Test(spellings, runs_and_numbers_are_sorted_too)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct spellings s = {.at = room};
        for (uint32_t i = 0; i < MOST; i++) {
            const uint32_t v = kind == 0 ? i : kind == 1 ? MOST - i : kind == 2 ? i ^ 1 : i % 71;
            texts[i][0] = 'w';
            for (unsigned k = 0; k < 4; k++)
                texts[i][4 - k] = (uint8_t)('0' + v / (const uint32_t[]){1, 10, 100, 1000}[k] % 10);
            spellings_add(&s, SPAN(texts[i], 5), i);
        }
        spellings_sort(&s);
        for (uint32_t i = 1; i < s.count; i++)
            cr_assert(in_order(&s.at[i - 1], &s.at[i]), "%u, kind %u", i, kind);
    }
}
