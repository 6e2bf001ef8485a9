#include "tests/models/ngram.h"
#include "base/hash64.h"
#include "base/heap.h"
#include <math.h>
#include <string.h>

/* A context of `order` bytes, or a context and the byte after it (order | 8). */
struct cell {
    uint64_t key; /* order in the top byte, the bytes below; 0: free */
    uint32_t count, types;
};

struct ngram {
    struct cell *cells; /* [size], open addressing */
    size_t size, used;
};

static uint64_t key_of(const uint8_t *end, size_t order, bool with_next)
{
    uint64_t key = (uint64_t)(order + 1 + (with_next ? 8 : 0)) << 56;
    for (size_t i = 0; i < order; i++)
        key |= (uint64_t)end[-1 - (ptrdiff_t)i] << (8 * i);
    return with_next ? key | (uint64_t)*end << 40 : key;
}

static struct cell *find(const struct ngram *g, uint64_t key)
{
    uint8_t bytes[8];
    put_le64(bytes, key);
    size_t i = (size_t)hash64(SPAN(bytes, sizeof bytes), 0) & (g->size - 1);
    while (g->cells[i].key != 0 && g->cells[i].key != key)
        i = (i + 1) & (g->size - 1);
    return &g->cells[i];
}

static bool grow(struct ngram *g)
{
    struct ngram wider = {.size = g->size * 2, .used = g->used};
    wider.cells = heap_zero(wider.size, sizeof *wider.cells);
    if (wider.cells == NULL)
        return false;
    for (size_t i = 0; i < g->size; i++)
        if (g->cells[i].key != 0)
            *find(&wider, g->cells[i].key) = g->cells[i];
    heap_free(g->cells);
    *g = wider;
    return true;
}

static struct cell *at(struct ngram *g, uint64_t key)
{
    if (g->used * 2 >= g->size && !grow(g))
        return NULL;
    struct cell *c = find(g, key);
    if (c->key == 0) {
        c->key = key;
        g->used++;
    }
    return c;
}

struct ngram *ngram_open(void)
{
    struct ngram *g = heap_zero(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->size = 1u << 16;
    g->cells = heap_zero(g->size, sizeof *g->cells);
    if (g->cells == NULL) {
        heap_free(g);
        return NULL;
    }
    return g;
}

void ngram_close(struct ngram *g)
{
    heap_free(g->cells);
    heap_free(g);
}

bool ngram_learn(struct ngram *g, struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        for (size_t order = 0; order < NGRAM_ORDER && order <= i; order++) {
            struct cell *pair = at(g, key_of(text.p + i, order, true));
            if (pair == NULL)
                return false;
            bool first = pair->count++ == 0;
            struct cell *context = at(g, key_of(text.p + i, order, false));
            if (context == NULL)
                return false;
            context->count++;
            context->types += first;
        }
    return true;
}

double ngram_bits(const struct ngram *g, struct span text)
{
    double bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        double p = 1.0 / 256;
        for (size_t order = 0; order < NGRAM_ORDER && order <= i; order++) {
            const struct cell *context = find(g, key_of(text.p + i, order, false));
            if (context->key == 0)
                break;
            const struct cell *pair = find(g, key_of(text.p + i, order, true));
            p = (pair->count + context->types * p) / ((double)context->count + context->types);
        }
        bits -= log2(p);
    }
    return bits;
}
