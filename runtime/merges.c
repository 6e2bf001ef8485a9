/* A vocabulary's merges, sorted by pair: lookups then cost the same whatever a hostile file chose.
 */
#include "runtime/order.h"
#include "runtime/tokenizer_kinds.h"

static bool merge_before(const void *a, const void *b)
{
    const struct merge *x = a, *y = b;
    if (x->left != y->left)
        return x->left < y->left;
    return x->right != y->right ? x->right < y->right : x->at < y->at;
}

const struct merge *merges_sort(struct tokenizer *t)
{
    order_sort(t->merges, t->merge_count, sizeof *t->merges, merge_before);
    for (uint32_t i = 1; i < t->merge_count; i++) {
        const struct merge *m = &t->merges[i];
        if (m[-1].left == m->left && m[-1].right == m->right)
            return m;
    }
    return NULL;
}

const struct merge *merges_find(const struct tokenizer *t, uint32_t left, uint32_t right)
{
    uint64_t want = (uint64_t)left << 32 | right;
    uint32_t low = 0, high = t->merge_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct merge *m = &t->merges[mid];
        uint64_t have = (uint64_t)m->left << 32 | m->right;
        if (have == want)
            return m;
        if (have < want)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
