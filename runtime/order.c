#include "runtime/order.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

struct heap_of {
    uint8_t *items;
    size_t size;
    bool (*before)(const void *a, const void *b);
};

static void swap(const struct heap_of *h, size_t i, size_t j)
{
    uint8_t tmp[ORDER_ELEMENT_MAX];
    memcpy(tmp, h->items + i * h->size, h->size);
    memcpy(h->items + i * h->size, h->items + j * h->size, h->size);
    memcpy(h->items + j * h->size, tmp, h->size);
}

static bool before(const struct heap_of *h, size_t i, size_t j)
{
    return h->before(h->items + i * h->size, h->items + j * h->size);
}

/* Lets item i sink until no child of it comes later. */
static void sink_down(const struct heap_of *h, size_t i, size_t count)
{
    while (i < count / 2) {
        size_t child = 2 * i + 1;
        if (child + 1 < count && before(h, child, child + 1))
            child++;
        if (!before(h, i, child))
            return;
        swap(h, i, child);
        i = child;
    }
}

void order_sort(void *items, size_t count, size_t size,
                bool (*is_before)(const void *a, const void *b))
{
    assert(size <= ORDER_ELEMENT_MAX);
    struct heap_of h = {.items = items, .size = size, .before = is_before};
    for (size_t i = count / 2; i-- > 0;)
        sink_down(&h, i, count);
    for (size_t end = count; end > 1; end--) {
        swap(&h, 0, end - 1);
        sink_down(&h, 0, end - 1);
    }
}
