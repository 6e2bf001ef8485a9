/* How fast the rooms below the index are: bench_packs FOLDER FILE [FILE2]
 *
 * In a fresh FOLDER: adds FILE, checks every record, gets it back, adds it again and adds FILE2,
 * all synced as the store does it, with an index in memory. One line a step. */
#include "base/clock.h"
#include "base/heap.h"
#include "store/digest_map.h"
#include "store/fetch.h"
#include "store/ingest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ITEMS_MAX (1u << 20)

struct bench {
    int staging, packs;
    struct digest_map map;
    struct pack_entry *entries; /* [ITEMS_MAX] */
    size_t count;
    uint64_t published, length;
    struct fetch_item *recipe; /* [ITEMS_MAX] */
    size_t recipe_count, given;
};

static void must(enum status st, const struct err *e)
{
    if (st == ST_OK)
        return;
    fprintf(stderr, "%s: %s %s\n", err_code(e), e->subject, e->detail);
    exit(1);
}

static enum status find(void *ctx, enum pack_kind kind, const struct digest *d, bool *found,
                        struct pack_location *at, struct err *e)
{
    (void)kind, (void)e;
    struct bench *b = ctx;
    uint32_t i = 0;
    *found = digest_map_get(&b->map, d, &i);
    if (*found)
        *at = b->entries[i].at;
    return ST_OK;
}

static enum status sealed(void *ctx, struct pack_writer *pack, struct err *e)
{
    struct bench *b = ctx;
    enum status st = pack_publish(pack, b->packs, ++b->published, e);
    size_t count;
    const struct pack_entry *entries = pack_writer_entries(pack, &count);
    for (size_t i = 0; st == ST_OK && i < count && b->count < ITEMS_MAX; i++) {
        if (!digest_map_put(&b->map, &entries[i].digest, (uint32_t)b->count))
            return err_set(e, ST_NO_MEMORY, NULL, "no memory");
        b->entries[b->count++] = entries[i];
    }
    return st;
}

static enum status chunk(void *ctx, const struct digest *d, uint32_t length, struct err *e)
{
    (void)e;
    struct bench *b = ctx;
    if (b->recipe_count < ITEMS_MAX) {
        b->recipe[b->recipe_count] = (struct fetch_item){.position = b->length};
        b->recipe[b->recipe_count++].entry.digest = *d;
    }
    b->length += length;
    return ST_OK;
}

static enum status next(void *ctx, struct fetch_item *items, size_t cap, size_t *got, struct err *e)
{
    struct bench *b = ctx;
    size_t n = 0;
    for (; n < cap && b->given < b->recipe_count; n++, b->given++) {
        bool found;
        items[n] = b->recipe[b->given];
        enum status st = find(b, PACK_CHUNK, &items[n].entry.digest, &found, &items[n].entry.at, e);
        if (st != ST_OK || !found)
            return err_set(e, ST_NOT_FOUND, "bench-lost", "a chunk is not in the index");
    }
    *got = n;
    return ST_OK;
}

static enum status judge(void *ctx, const struct fetch_item *item, const struct err *verdict,
                         struct err *e)
{
    (void)ctx, (void)item;
    if (verdict != NULL)
        *e = *verdict;
    return verdict == NULL ? ST_OK : verdict->status;
}

static void line(const char *what, uint64_t bytes, uint64_t begun, const struct ingest_result *r)
{
    double s = (double)(clock_ticks() - begun) / 1e9;
    static double before; /* processor time until the step began */
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double user = (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
    double kernel = (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
    printf("%-10s %7.3f s %8.1f MB/s, %6.3f s of processor", what, s, (double)bytes / 1e6 / s,
           user + kernel - before);
    before = user + kernel;
    if (r != NULL)
        printf("  %llu chunks, %.2f MB new, %.2f MB stored, %llu healed",
               (unsigned long long)r->chunks, (double)r->new_bytes / 1e6,
               (double)r->stored_bytes / 1e6, (unsigned long long)r->healed);
    printf("  (%ld MiB resident at most)\n", u.ru_maxrss / 1024);
}

static void add(struct bench *b, const char *what, const char *path)
{
    struct err e = ERR_NONE;
    SCOPED(ingest_scope) struct ingest *g = NULL;
    SCOPED(fd_release) int fd = -1;
    struct ingest_calls calls = {.find = find, .sealed = sealed, .chunk = chunk, .ctx = b};
    struct ingest_result r;
    uint64_t begun = clock_ticks();
    b->recipe_count = 0;
    b->length = 0;
    must(io_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &e), &e);
    must(ingest_open(b->staging, b->packs, &calls, &g, &e), &e);
    must(ingest_content(g, source_fd(&fd), NULL, &r, &e), &e);
    must(ingest_flush(g, &e), &e);
    line(what, r.bytes, begun, &r);
}

static void check(struct bench *b)
{
    struct err e = ERR_NONE;
    uint64_t begun = clock_ticks();
    b->given = 0;
    must(fetch_check(b->packs, (struct fetch_plan){.next = next, .ctx = b}, judge, NULL, NULL, &e),
         &e);
    line("check", b->length, begun, NULL);
}

static void get(struct bench *b, bool with_whole)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int fd = -1;
    struct digest whole;
    uint64_t begun = clock_ticks();
    b->given = 0;
    must(io_open(b->staging, "out", O_RDWR | O_CREAT | O_EXCL, 0600, &fd, &e), &e);
    must(io_reserve(fd, b->length, &e), &e);
    must(fetch_file(b->packs, (struct fetch_plan){.next = next, .ctx = b},
                    (struct fetch_target){fd, -1}, NULL, with_whole ? &whole : NULL, &e),
         &e);
    must(io_sync_data(fd, &e), &e);
    line(with_whole ? "get+whole" : "get", b->length, begun, NULL);
    must(io_unlink(b->staging, "out", false, &e), &e);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct err e = ERR_NONE;
    int root = -1;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_packs FOLDER FILE [FILE2]\n");
        return 2;
    }
    b.entries = heap_zero(ITEMS_MAX, sizeof *b.entries);
    b.recipe = heap_zero(ITEMS_MAX, sizeof *b.recipe);
    if (b.entries == NULL || b.recipe == NULL)
        return 3;
    must(folder_make(argv[1], &e), &e);
    must(io_open(AT_FDCWD, argv[1], O_RDONLY | O_DIRECTORY, 0, &root, &e), &e);
    must(io_mkdir(root, "staging", 0700, &e), &e);
    must(io_mkdir(root, "packs", 0700, &e), &e);
    must(io_open(root, "staging", O_RDONLY | O_DIRECTORY, 0, &b.staging, &e), &e);
    must(io_open(root, "packs", O_RDONLY | O_DIRECTORY, 0, &b.packs, &e), &e);
    add(&b, "add", argv[2]);
    check(&b);
    get(&b, false);
    get(&b, true);
    add(&b, "add again", argv[2]);
    if (argc > 3)
        add(&b, "add second", argv[3]);
    return 0;
}
