#include "tests/independent/chk_needs.h"
#include "tests/independent/chk_json.h"
#include <stdlib.h>
#include <string.h>

void chk_needs_free(struct chk_needs *n)
{
    struct chk_map *all[] = {&n->refs,    &n->content_refs, &n->live,    &n->names, &n->chunks,
                             &n->records, &n->packs,        &n->recipes, &n->meta};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        chk_map_free(all[i]);
}

static uint64_t number(const struct chk_map *m, const void *key, size_t n)
{
    const struct chk_pair *p = chk_map_get(m, key, n);
    return p == NULL ? 0 : chk_le64(p->value);
}

static uint64_t more(struct chk_map *m, const void *key, size_t n, uint64_t by)
{
    uint8_t v[8];
    uint64_t now = number(m, key, n) + by;
    chk_put64(v, now);
    chk_map_put(m, key, n, v, 8);
    return now;
}

static uint64_t refer(struct chk_needs *n, uint8_t kind, const uint8_t digest[32])
{
    uint8_t key[33];
    key[0] = kind;
    memcpy(key + 1, digest, 32);
    return more(&n->refs, key, sizeof key, 1);
}

/* -- counting -----------------------------------------------------------------------------------
 */

static void page(struct chk *c, struct chk_needs *n, const uint8_t digest[32])
{
    size_t size = 0;
    if (refer(n, 2, digest) > 1)
        return;
    uint8_t *p = chk_record(c, 2, digest, &size);
    uint32_t count = p != NULL && size >= 8 ? chk_le32(p + 4) : 0;
    for (uint32_t i = 0; i < count && 8 + (size_t)(i + 1) * 36 <= size; i++)
        (void)refer(n, 1, p + 8 + (size_t)i * 36);
    free(p);
}

static void content(struct chk *c, struct chk_needs *n, const uint8_t digest[32])
{
    size_t size = 0;
    const struct chk_pair *recipe = chk_map_get(&c->recipes, digest, 32);
    if (more(&n->content_refs, digest, 32, 1) > 1 || recipe == NULL)
        return;
    uint8_t root[32];
    memcpy(root, recipe->value, 32);
    (void)refer(n, 3, root);
    uint8_t *p = chk_record(c, 3, root, &size);
    uint32_t pages = p != NULL && size >= 56 ? chk_le32(p + 4) : 0;
    for (uint32_t i = 0; i < pages && 56 + (size_t)(i + 1) * 40 <= size; i++)
        page(c, n, p + 56 + (size_t)i * 40);
    free(p);
}

struct sums {
    uint64_t installed, installed_bytes, quarantined, quarantined_bytes, next_pack;
};

static void name_sum(struct chk_needs *n, struct chk_view name, uint64_t bytes)
{
    uint8_t key[300] = "name/", v[16] = {0};
    size_t size = 0;
    uint8_t *text = chk_json_string(name, &size);
    if (text != NULL && size < sizeof key - 5) {
        memcpy(key + 5, text, size);
        const struct chk_pair *p = chk_map_get(&n->names, key, size + 5);
        chk_put64(v, p == NULL ? 1 : chk_le64(p->value) + 1);
        chk_put64(v + 8, p == NULL ? bytes : chk_le64(p->value + 8) + bytes);
        chk_map_put(&n->names, key, size + 5, v, sizeof v);
    }
    free(text);
}

static void installed(struct chk *c, struct chk_needs *n, struct chk_view value, struct sums *s)
{
    size_t text_n = 0, list_n = 0;
    uint64_t bytes = chk_json_number(chk_json_member(value, "bytes"));
    uint8_t *text = chk_json_string(chk_json_member(value, "contents"), &text_n);
    uint8_t *list = text == NULL ? NULL : chk_base64(text, text_n, &list_n);
    s->installed++;
    s->installed_bytes += bytes;
    name_sum(n, chk_json_member(value, "name"), bytes);
    for (size_t at = 0; list != NULL && at + 32 <= list_n; at += 32)
        content(c, n, list + at);
    free(text);
    free(list);
}

static void state(struct chk *c, struct chk_needs *n, struct sums *s)
{
    for (size_t i = 0; i < c->state.n; i++) {
        const struct chk_pair *p = &c->state.pair[i];
        struct chk_view value = {p->value + 9, p->value_n - 9};
        if (p->value[8] == 0)
            continue;
        if (p->key_n > 10 && memcmp(p->key, "installed/", 10) == 0)
            installed(c, n, value, s);
        if (p->key_n > 11 && memcmp(p->key, "quarantine/", 11) == 0) {
            s->quarantined++;
            s->quarantined_bytes += chk_json_number(chk_json_member(value, "bytes"));
        }
        if (p->key_n == 10 && memcmp(p->key, "packs/next", 10) == 0)
            s->next_pack = chk_json_number(value);
    }
}

/* -- the tables ---------------------------------------------------------------------------------
 */

static void places(const struct chk *c, const struct chk_map *dropped, struct chk_needs *n,
                   uint64_t *live)
{
    for (size_t i = 0; i < c->records.n; i++) {
        const struct chk_pair *p = &c->records.pair[i];
        uint8_t row[30];
        uint64_t refs = number(&n->refs, p->key, p->key_n);
        uint64_t bytes = 64 + chk_le32(p->value + 16);
        if (chk_map_get(dropped, p->value, 8) != NULL)
            continue;
        memcpy(row, p->value, 25);
        chk_put32(row + 25, (uint32_t)refs);
        row[29] = refs > 0 && (p->key[0] == 2 || p->key[0] == 3);
        chk_map_put(p->key[0] == 1 ? &n->chunks : &n->records, p->key, p->key_n, row, sizeof row);
        if (refs == 0 && p->key[0] != 4)
            continue;
        (void)more(&n->live, p->value, 8, bytes);
        *live += bytes;
    }
}

static void packs(const struct chk *c, const struct chk_map *dropped, struct chk_needs *n,
                  uint64_t *stored)
{
    for (size_t i = 0; i < c->packs.n; i++) {
        const struct chk_pair *p = &c->packs.pair[i];
        uint8_t row[24], id[8];
        for (unsigned k = 0; k < 8; k++)
            id[k] = p->key[7 - k];
        if (chk_map_get(dropped, id, 8) != NULL)
            continue;
        memcpy(row, p->value, 16);
        chk_put64(row + 16, number(&n->live, id, 8));
        chk_map_put(&n->packs, p->key, 8, row, sizeof row);
        *stored += chk_le64(p->value);
    }
}

static void recipes(const struct chk *c, const struct chk_map *dropped, struct chk_needs *n)
{
    for (size_t i = 0; i < c->recipes.n; i++) {
        const struct chk_pair *p = &c->recipes.pair[i];
        uint8_t row[44], key[33] = {3};
        memcpy(key + 1, p->value, 32);
        const struct chk_pair *root = chk_map_get(&c->records, key, sizeof key);
        if (root == NULL || chk_map_get(dropped, root->value, 8) != NULL)
            continue;
        memcpy(row, p->value, 40);
        chk_put32(row + 40, (uint32_t)number(&n->content_refs, p->key, 32));
        chk_map_put(&n->recipes, p->key, 32, row, sizeof row);
    }
}

static void mark(const struct chk *c, struct chk_needs *n, const uint64_t numbers[17])
{
    uint8_t row[200] = {0};
    chk_sha256(c->format.p, c->format.n, row);
    if (c->entries > 0)
        memcpy(row + 32, c->entry[c->entries - 1].hash, 32);
    for (size_t i = 0; i < 17; i++)
        chk_put64(row + 64 + 8 * i, numbers[i]);
    chk_map_put(&n->meta, "mark", 4, row, sizeof row);
    for (size_t i = 0; i < n->names.n; i++) {
        const struct chk_pair *p = &n->names.pair[i];
        chk_map_put(&n->meta, p->key, p->key_n, p->value, p->value_n);
    }
}

bool chk_needs(struct chk *c, const struct chk_map *dropped, struct chk_needs *n)
{
    struct sums s = {0};
    uint64_t live = 0, stored = 0, drop_bytes = 0;
    const struct chk_entry *last = c->entries > 0 ? &c->entry[c->entries - 1] : NULL;
    state(c, n, &s);
    places(c, dropped, n, &live);
    packs(c, dropped, n, &stored);
    recipes(c, dropped, n);
    for (size_t i = 0; i < dropped->n; i++) {
        uint8_t key[12] = "drop";
        memcpy(key + 4, dropped->pair[i].key, 8);
        drop_bytes += chk_le64(dropped->pair[i].value);
        chk_map_put(&n->meta, key, sizeof key, dropped->pair[i].value, 8);
    }
    const uint64_t numbers[17] = {c->next_pack > s.next_pack ? c->next_pack : s.next_pack,
                                  stored,
                                  last == NULL ? 0 : last->at,
                                  last == NULL ? 0 : last->end,
                                  c->entries,
                                  0,
                                  0,
                                  dropped->n,
                                  drop_bytes,
                                  0,
                                  0,
                                  0,
                                  s.installed,
                                  s.installed_bytes,
                                  s.quarantined,
                                  s.quarantined_bytes,
                                  live};
    mark(c, n, numbers);
    return !c->bad;
}
