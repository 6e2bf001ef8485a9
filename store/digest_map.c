#include "store/digest_map.h"

#include "base/heap.h"

#define FIRST_CAP 256u

struct digest_slot {
    struct digest key;
    uint32_t value;
    bool used;
};

static size_t home(const struct digest_map *m, const struct digest *d)
{
    return (size_t)get_le64(d->b) & (m->cap - 1);
}

/* The slot of d, or the free one where it belongs. There is always a free one. */
static size_t locate(const struct digest_map *m, const struct digest *d)
{
    size_t at = home(m, d);
    while (m->slots[at].used && !digest_equal(&m->slots[at].key, d))
        at = (at + 1) & (m->cap - 1);
    return at;
}

static bool grow(struct digest_map *m)
{
    struct digest_map larger = {.cap = m->cap == 0 ? FIRST_CAP : m->cap * 2, .count = m->count};
    larger.slots = heap_zero(larger.cap, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].used)
            larger.slots[locate(&larger, &m->slots[i].key)] = m->slots[i];
    }
    heap_free(m->slots);
    *m = larger;
    return true;
}

bool digest_map_put(struct digest_map *m, const struct digest *d, uint32_t value)
{
    if ((m->count + 1) * 4 > m->cap * 3 && !grow(m))
        return false;
    struct digest_slot *slot = &m->slots[locate(m, d)];
    m->count += slot->used ? 0 : 1;
    *slot = (struct digest_slot){.key = *d, .value = value, .used = true};
    return true;
}

bool digest_map_get(const struct digest_map *m, const struct digest *d, uint32_t *value)
{
    if (m->count == 0)
        return false;
    const struct digest_slot *slot = &m->slots[locate(m, d)];
    if (slot->used && value != NULL)
        *value = slot->value;
    return slot->used;
}

void digest_map_remove(struct digest_map *m, const struct digest *d)
{
    if (m->count == 0)
        return;
    size_t hole = locate(m, d);
    if (!m->slots[hole].used)
        return;
    m->slots[hole].used = false;
    m->count--;
    /* Whoever was pushed past the hole moves back into it, so that no search ends there too early.
     */
    for (size_t at = (hole + 1) & (m->cap - 1); m->slots[at].used; at = (at + 1) & (m->cap - 1)) {
        size_t from_home = (at - home(m, &m->slots[at].key)) & (m->cap - 1);
        size_t from_hole = (at - hole) & (m->cap - 1);
        if (from_home < from_hole)
            continue;
        m->slots[hole] = m->slots[at];
        m->slots[at].used = false;
        hole = at;
    }
}

void digest_map_release(struct digest_map *m)
{
    heap_free(m->slots);
    *m = DIGEST_MAP_EMPTY;
}
