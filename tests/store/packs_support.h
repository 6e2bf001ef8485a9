/* What the tests of packs, ingest and fetch share: a folder of its own, data by seed, and the
 * smallest index that can work. */
#ifndef TESTS_STORE_PACKS_SUPPORT_H
#define TESTS_STORE_PACKS_SUPPORT_H

#include "base/heap.h"
#include "base/text.h"
#include "store/digest_map.h"
#include "store/fetch.h"
#include "store/ingest.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct yard {
    char path[64];
    int staging, packs;
    /* the index, which one thread asks while another adds to it */
    pthread_mutex_t lock;
    struct digest_map map;
    struct pack_entry *entries;
    size_t count, room;
    uint64_t published; /* packs so far; ids count from 1 */
    /* the recipe of the last stream */
    struct fetch_item *recipe;
    size_t recipe_count, recipe_room, given;
    uint64_t length;
    struct ingest *ingest;
    const uint64_t *cuts; /* [cut_count] advice for the streams to come */
    size_t cut_count;
};

__attribute__((unused)) static void yard_open(struct yard *y)
{
    memset(y, 0, sizeof *y);
    pthread_mutex_init(&y->lock, NULL);
    text_fmt(y->path, sizeof y->path, "/tmp/assay-packs-XXXXXX");
    cr_assert_not_null(mkdtemp(y->path));
    int root = open(y->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(mkdirat(root, "staging", 0700), 0);
    cr_assert_eq(mkdirat(root, "packs", 0700), 0);
    y->staging = openat(root, "staging", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    y->packs = openat(root, "packs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(root);
}

__attribute__((unused)) static void yard_close(struct yard *y)
{
    struct err e = ERR_NONE;
    if (y->ingest != NULL)
        ingest_close(y->ingest);
    close(y->staging);
    close(y->packs);
    digest_map_release(&y->map);
    heap_free(y->entries);
    heap_free(y->recipe);
    enum status st = folder_remove(AT_FDCWD, y->path, &e);
    cr_expect_eq(st, ST_OK);
}

__attribute__((unused)) static void yard_index(struct yard *y, const struct pack_entry *entry)
{
    if (y->count == y->room) {
        y->room = y->room * 2 + 64;
        y->entries = heap_grow(y->entries, y->room * sizeof *y->entries);
    }
    cr_assert(digest_map_put(&y->map, &entry->digest, (uint32_t)y->count));
    y->entries[y->count++] = *entry;
}

__attribute__((unused)) static enum status yard_find(void *ctx, enum pack_kind kind,
                                                     const struct digest *d, bool *found,
                                                     struct pack_location *at, struct err *e)
{
    (void)e;
    struct yard *y = ctx;
    uint32_t i = 0;
    pthread_mutex_lock(&y->lock);
    *found = digest_map_get(&y->map, d, &i) && y->entries[i].at.kind == kind;
    if (*found)
        *at = y->entries[i].at;
    pthread_mutex_unlock(&y->lock);
    return ST_OK;
}

__attribute__((unused)) static enum status yard_sealed(void *ctx, struct pack_writer *pack,
                                                       struct err *e)
{
    struct yard *y = ctx;
    enum status st = pack_publish(pack, y->packs, y->published + 1, e);
    if (st != ST_OK)
        return st;
    y->published++;
    size_t count;
    const struct pack_entry *entries = pack_writer_entries(pack, &count);
    pthread_mutex_lock(&y->lock);
    for (size_t i = 0; i < count; i++)
        yard_index(y, &entries[i]);
    pthread_mutex_unlock(&y->lock);
    return ST_OK;
}

__attribute__((unused)) static enum status yard_chunk(void *ctx, const struct digest *d,
                                                      uint32_t length, struct err *e)
{
    (void)e;
    struct yard *y = ctx;
    if (y->recipe_count == y->recipe_room) {
        y->recipe_room = y->recipe_room * 2 + 64;
        y->recipe = heap_grow(y->recipe, y->recipe_room * sizeof *y->recipe);
    }
    y->recipe[y->recipe_count++] = (struct fetch_item){
        .entry = {.digest = *d, .at = {.length = length}}, .position = y->length};
    y->length += length;
    return ST_OK;
}

__attribute__((unused)) static enum status yard_ingest_open(struct yard *y, struct err *e)
{
    struct ingest_calls calls = {
        .find = yard_find, .sealed = yard_sealed, .chunk = yard_chunk, .ctx = y};
    return ingest_open(y->staging, y->packs, &calls, &y->ingest, e);
}

/* Reads memory, in pieces of odd sizes. */
struct memory_source {
    struct span left;
    size_t step;
};

__attribute__((unused)) static enum status memory_read(void *ctx, uint8_t *p, size_t cap,
                                                       size_t *got, struct err *e)
{
    (void)e;
    struct memory_source *m = ctx;
    size_t n = cap < m->left.n ? cap : m->left.n;
    if (m->step > 0 && n > m->step)
        n = m->step;
    if (n > 0)
        memcpy(p, m->left.p, n);
    m->left.p += n;
    m->left.n -= n;
    *got = n;
    return ST_OK;
}

/* One stream through an ingest of its own, flushed. */
__attribute__((unused)) static enum status yard_add(struct yard *y, struct span bytes,
                                                    struct ingest_result *out, struct err *e)
{
    struct memory_source m = {bytes, 100003};
    y->recipe_count = 0;
    y->length = 0;
    enum status st = yard_ingest_open(y, e);
    if (st == ST_OK)
        ingest_cuts(y->ingest, y->cuts, y->cut_count);
    if (st == ST_OK)
        st = ingest_content(y->ingest, (struct source){memory_read, &m}, NULL, out, e);
    if (st == ST_OK)
        st = ingest_flush(y->ingest, e);
    if (y->ingest != NULL)
        ingest_close(y->ingest);
    y->ingest = NULL;
    return st;
}

/* The plan of the last stream, from its beginning. */
__attribute__((unused)) static enum status yard_next(void *ctx, struct fetch_item *items,
                                                     size_t cap, size_t *got, struct err *e)
{
    struct yard *y = ctx;
    size_t n = 0;
    for (; n < cap && n < 7 && y->given < y->recipe_count; n++, y->given++) {
        items[n] = y->recipe[y->given];
        bool found;
        enum status st =
            yard_find(y, PACK_CHUNK, &items[n].entry.digest, &found, &items[n].entry.at, e);
        cr_assert(st == ST_OK && found);
    }
    *got = n;
    return ST_OK;
}

__attribute__((unused)) static struct fetch_plan yard_plan(struct yard *y)
{
    y->given = 0;
    return (struct fetch_plan){.next = yard_next, .ctx = y};
}

/* The same bytes for the same seed, for ever. */
__attribute__((unused)) static void fill_random(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        p[i] = (uint8_t)(seed >> 56);
    }
}

/* Looks like tensors of width-byte floats: the last byte of an element has few values. */
__attribute__((unused)) static void fill_floats(uint8_t *p, size_t n, unsigned width, uint64_t seed)
{
    fill_random(p, n, seed);
    for (size_t i = width - 1; i < n; i += width)
        p[i] = (uint8_t)(0x38 + (p[i] & 3));
}

__attribute__((unused)) static uint8_t *fresh(size_t n)
{
    uint8_t *p = heap_alloc(n + 1);
    cr_assert_not_null(p);
    return p;
}

/* Flips bit `bit` of byte `at` of a published pack, which is read-only to everybody else. */
__attribute__((unused)) static void flip(const struct yard *y, uint64_t pack, uint64_t at,
                                         unsigned bit)
{
    char name[PACK_NAME];
    pack_name(pack, name);
    cr_assert_eq(fchmodat(y->packs, name, 0600, 0), 0);
    int fd = openat(y->packs, name, O_RDWR);
    uint8_t b;
    cr_assert(fd >= 0 && pread(fd, &b, 1, (off_t)at) == 1);
    b = (uint8_t)(b ^ 1u << bit);
    cr_assert_eq(pwrite(fd, &b, 1, (off_t)at), 1);
    close(fd);
}

#endif
