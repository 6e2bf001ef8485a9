#include "runtime/merge.h"
#include "runtime/order.h"
#include <criterion/criterion.h>

static bool less(const void *a, const void *b)
{
    return *(const unsigned *)a < *(const unsigned *)b;
}

Test(order, any_order_becomes_sorted)
{
    for (unsigned n = 0; n < 130; n++) {
        unsigned x[130];
        for (unsigned how = 0; how < 3; how++) {
            for (unsigned i = 0; i < n; i++)
                x[i] = how == 0 ? i : how == 1 ? n - i : (i * 2654435761u) % 17;
            order_sort(x, n, sizeof x[0], less);
            for (unsigned i = 1; i < n; i++)
                cr_assert_leq(x[i - 1], x[i]);
        }
    }
}

/* Equal neighbours join; the sum of their ids says when. */
static bool equal_pair(const void *ctx, const struct symbol *left, const struct symbol *right,
                       uint32_t *order, uint32_t *id)
{
    (void)ctx;
    *order = left->id;
    *id = left->id + 1;
    return left->id == right->id;
}

Test(order, neighbours_merge_lowest_first_and_leftmost_of_equals)
{
    static const uint32_t ids[] = {1, 1, 1, 0, 0, 2};
    struct symbol s[6];
    for (size_t i = 0; i < 6; i++)
        s[i] = (struct symbol){.id = ids[i], .at = (uint32_t)i, .n = 1};
    struct merge_rule rule = {.pair = equal_pair};
    struct err e = ERR_NONE;
    cr_assert_eq(merge_all(s, 6, &rule, &e), ST_OK);
    /* 1 1 1 0 0 2 → 1 1 1 1 2 → 2 1 1 2 → 2 2 2 → 3 2 */
    cr_expect_eq(s[0].id, 3);
    cr_expect_eq(s[0].n, 5);
    cr_assert_eq(s[0].next, 5);
    cr_expect_eq(s[5].id, 2);
    cr_expect_eq(s[5].next, MERGE_NONE);
}
