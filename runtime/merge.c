#include "runtime/merge.h"
#include "base/heap.h"
#include <assert.h>

struct candidate {
    uint64_t key; /* order, then position */
    uint32_t left, right, n, id;
};

/* A binary heap, the least key on top. Each merge takes one candidate out and puts at most two in,
 * so 2 × symbols always suffice. */
struct queue {
    struct candidate *at;
    size_t count, cap;
};

static void queue_push(struct queue *q, struct candidate c)
{
    assert(q->count < q->cap);
    size_t i = q->count++;
    while (i > 0 && q->at[(i - 1) / 2].key > c.key) {
        q->at[i] = q->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->at[i] = c;
}

static struct candidate queue_pop(struct queue *q)
{
    struct candidate top = q->at[0], last = q->at[--q->count];
    size_t i = 0;
    while (2 * i + 1 < q->count) {
        size_t child = 2 * i + 1;
        if (child + 1 < q->count && q->at[child + 1].key < q->at[child].key)
            child++;
        if (last.key <= q->at[child].key)
            break;
        q->at[i] = q->at[child];
        i = child;
    }
    q->at[i] = last;
    return top;
}

static void consider(struct queue *q, const struct symbol *s, uint32_t left, uint32_t right,
                     const struct merge_rule *rule)
{
    if (left == MERGE_NONE || right == MERGE_NONE)
        return;
    uint32_t order, id;
    if (rule->pair(rule->ctx, &s[left], &s[right], &order, &id))
        queue_push(q, (struct candidate){.key = (uint64_t)order << 32 | left,
                                         .left = left,
                                         .right = right,
                                         .n = s[left].n + s[right].n,
                                         .id = id});
}

enum status merge_all(struct symbol *s, size_t count, const struct merge_rule *rule, struct err *e)
{
    assert(count < MERGE_NONE);
    for (size_t i = 0; i < count; i++) {
        s[i].prev = i == 0 ? MERGE_NONE : (uint32_t)i - 1;
        s[i].next = i + 1 == count ? MERGE_NONE : (uint32_t)i + 1;
    }
    if (count < 2)
        return ST_OK;
    SCOPED(heap_scope) struct candidate *room = heap_zero(2 * count, sizeof *room);
    if (room == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to merge %zu symbols", count);
    struct queue q = {.at = room, .cap = 2 * count};
    for (size_t i = 1; i < count; i++)
        consider(&q, s, (uint32_t)i - 1, (uint32_t)i, rule);
    while (q.count > 0) {
        struct candidate c = queue_pop(&q);
        struct symbol *left = &s[c.left], *right = &s[c.right];
        /* One of them has grown or is gone since: the pair is no more. */
        if (left->n == 0 || right->n == 0 || left->n + right->n != c.n)
            continue;
        left->n = c.n;
        left->id = c.id;
        left->next = right->next;
        right->n = 0;
        if (left->next != MERGE_NONE)
            s[left->next].prev = c.left;
        consider(&q, s, left->prev, c.left, rule);
        consider(&q, s, c.left, left->next, rule);
    }
    return ST_OK;
}
