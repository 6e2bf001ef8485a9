#include "runtime/spellings.h"
#include "runtime/order.h"
#include <string.h>

#define FEW   18u       /* at most so many are sorted by insertion; nine of more can be looked at */
#define SPACE 0xe29681u /* the three bytes of U+2581 */

/* Up to n bytes from `at` on as a number that sorts as they do; behind the end there are zeros. */
static uint32_t number_of(struct span text, size_t at, size_t n)
{
    uint32_t v = 0;
    for (size_t i = at; i < at + n; i++)
        v = v << 8 | (i < text.n ? text.p[i] : 0u);
    return v;
}

/* The first thirty bits, behind two that tell what sorts before, begins with and sorts after a
 * space: half of a vocabulary begins with one, and differs behind it. */
static uint32_t head_of(struct span text)
{
    const uint32_t first = number_of(text, 0, 3);
    const uint32_t place = first < SPACE ? 0 : first == SPACE ? 1 : 2;
    return place << 30 | number_of(text, place == 1 ? 3 : 0, 4) >> 2;
}

static struct spelled spelled_of(struct span text, uint32_t id)
{
    return (struct spelled){.text = text, .id = id, .head = head_of(text)};
}

void spellings_add(struct spellings *s, struct span text, uint32_t id)
{
    s->at[s->count++] = spelled_of(text, id);
}

static bool before(const struct spelled *x, const struct spelled *y)
{
    if (x->head != y->head)
        return x->head < y->head;
    size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    int order = n > 0 ? memcmp(x->text.p, y->text.p, n) : 0;
    if (order != 0)
        return order < 0;
    return x->text.n != y->text.n ? x->text.n < y->text.n : x->id < y->id;
}

/* -- sorting -------------------------------------------------------------------------------------
 */

static bool is_before(const void *a, const void *b)
{
    return before(a, b);
}

static void sort_few(struct spelled *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct spelled one = at[i];
        uint32_t k = i;
        for (; k > 0 && before(&one, &at[k - 1]); k--)
            at[k] = at[k - 1];
        at[k] = one;
    }
}

static const struct spelled *median(const struct spelled *a, const struct spelled *b,
                                    const struct spelled *c)
{
    if (before(b, a)) {
        const struct spelled *t = a;
        a = b;
        b = t;
    }
    if (before(c, b))
        b = before(c, a) ? a : c;
    return b;
}

/* How many come first (Hoare): none of them comes after any of the others, and there are both. */
static uint32_t part(struct spelled *at, uint32_t count)
{
    const uint32_t step = count / 9;
    const struct spelled *a = at + step / 2,
                         by = *median(median(a, a + step, a + 2 * step),
                                      median(a + 3 * step, a + 4 * step, a + 5 * step),
                                      median(a + 6 * step, a + 7 * step, a + 8 * step));
    uint32_t i = 0, j = count - 1;
    for (;;) {
        while (before(&at[i], &by))
            i++;
        while (before(&by, &at[j]))
            j--;
        if (i >= j)
            return j + 1;
        const struct spelled t = at[i];
        at[i++] = at[j];
        at[j--] = t;
    }
}

void spellings_sort(struct spellings *s)
{
    struct {
        struct spelled *at;
        uint32_t count, depth;               /* how often it may still be parted */
    } later[32], now = {s->at, s->count, 0}; /* the larger part waits, so halves at most are here */
    unsigned waiting = 0;
    for (uint32_t n = s->count; n > 1; n /= 2)
        now.depth++;
    for (;;) {
        while (now.count > FEW && now.depth > 0) {
            const uint32_t first = part(now.at, now.count), rest = now.count - first;
            now.depth--;
            later[waiting] = now;
            if (first < rest) {
                later[waiting].at += first;
                later[waiting].count = rest;
                now.count = first;
            } else {
                later[waiting].count = first;
                now.at += first;
                now.count = rest;
            }
            waiting++;
        }
        if (now.count > FEW)
            order_sort(now.at, now.count, sizeof *now.at, is_before);
        else
            sort_few(now.at, now.count);
        if (waiting == 0)
            return;
        now = later[--waiting];
    }
}

/* -- finding -------------------------------------------------------------------------------------
 */

/* The first from `low` on that does not come before `text`. */
static uint32_t lower_bound(const struct spellings *s, struct span text, uint32_t low)
{
    const struct spelled want = spelled_of(text, 0);
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
