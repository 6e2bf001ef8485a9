#include "runtime/spellings.h"
#include "runtime/order.h"
#include <string.h>

void spellings_add(struct spellings *s, struct span text, uint32_t id)
{
    s->at[s->count++] = (struct spelled){.text = text, .id = id};
}

static bool before(const void *a, const void *b)
{
    const struct spelled *x = a, *y = b;
    size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    int order = n > 0 ? memcmp(x->text.p, y->text.p, n) : 0;
    if (order != 0)
        return order < 0;
    return x->text.n != y->text.n ? x->text.n < y->text.n : x->id < y->id;
}

void spellings_sort(struct spellings *s)
{
    order_sort(s->at, s->count, sizeof *s->at, before);
}

/* The first from `low` on that does not come before `text`. */
static uint32_t lower_bound(const struct spellings *s, struct span text, uint32_t low)
{
    struct spelled want = {.text = text, .id = 0};
    uint32_t high = s->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (before(&s->at[mid], &want))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t spellings_find(const struct spellings *s, struct span text)
{
    uint32_t i = lower_bound(s, text, 0);
    return i < s->count && span_equal(s->at[i].text, text) ? s->at[i].id : NO_TOKEN;
}

uint32_t spellings_longest(const struct spellings *s, struct span text, size_t *bytes)
{
    uint32_t found = NO_TOKEN, i = 0;
    for (size_t n = 1; n <= text.n; n++) {
        struct span front = SPAN(text.p, n);
        i = lower_bound(s, front, i); /* longer fronts sort later */
        if (i == s->count || s->at[i].text.n < n || memcmp(s->at[i].text.p, front.p, n) != 0)
            break; /* nothing begins like this */
        if (s->at[i].text.n == n) {
            found = s->at[i].id;
            *bytes = n;
        }
    }
    return found;
}
