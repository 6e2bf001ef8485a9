#include "cli/bench_store.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/pending.h"
#include "base/process.h"
#include "base/text.h"
#include "store/change.h"
#include "store/check.h"
#include "store/chunker.h"
#include "store/codec.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB     (1u << 20)
#define SAMPLE  (48u * MIB) /* of the file, for the stages; a multiple of three segments */
#define SEGMENT (8u * MIB)
#define STEP    (4u * MIB)
#define CHUNKS  (SAMPLE / CHUNK_MIN + 2)

struct piece {
    size_t at, n, stored_at, stored;
    enum encoding how;
    struct digest digest;
};

struct bench {
    struct bench_result *out;
    char path[4096];
    int dir;
    uint8_t *sample; /* [SAMPLE] */
    uint8_t *other;  /* [SAMPLE] */
    struct piece *pieces;
    size_t count;
    struct codec *codec;
    struct signer *log;
    struct store *store;
    struct digest content;
};

static void bench_release(struct bench *b)
{
    struct err ignored = ERR_NONE;
    heap_free(b->sample);
    heap_free(b->other);
    heap_free(b->pieces);
    codec_scope(&b->codec);
    signer_scope(&b->log);
    store_scope(&b->store);
    fd_release(&b->dir);
    if (b->path[0] != '\0' && folder_remove(AT_FDCWD, b->path, &ignored) != ST_OK)
        return; /* what stays is called assay-bench.… and nobody's store */
}

/* ---- what is measured --------------------------------------------------------------------- */

static uint64_t state;

static uint64_t draw(void)
{
    state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = (state ^ (state >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A sum of uniform draws is normal enough: exponents cluster, mantissas do not. */
static float normal(void)
{
    uint64_t r = draw();
    int32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (int32_t)((r >> (16 * i)) & 0xffff) - 32768;
    return (float)sum * 1e-6f;
}

static uint16_t half(float f)
{
    uint32_t x;
    memcpy(&x, &f, sizeof x);
    int e = (int)(x >> 23 & 255) - 112;
    uint32_t sign = x >> 16 & 0x8000;
    return (uint16_t)(e <= 0 ? sign : sign | (uint32_t)e << 10 | (x >> 13 & 0x3ff));
}

static void fill_segment(uint8_t *p, size_t n, uint64_t number)
{
    state = number;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t word = (uint32_t)draw();
        float f = normal();
        if (number % 3 == 1)
            word = half(f) | (uint32_t)half(normal()) << 16;
        else if (number % 3 == 2)
            memcpy(&word, &f, sizeof word);
        put_le32(p + i, word);
    }
}

static enum status write_source(struct bench *b, uint64_t bytes, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    enum status st = io_open(b->dir, "source", O_RDWR | O_CREAT | O_EXCL, 0600, &fd, e);
    for (uint64_t at = 0; st == ST_OK && at < bytes; at += SEGMENT) {
        fill_segment(b->other, SEGMENT, at / SEGMENT);
        if (at + SEGMENT <= SAMPLE)
            memcpy(b->sample + at, b->other, SEGMENT);
        st = io_write(fd, SPAN(b->other, SEGMENT), e);
        if (st == ST_OK && process_interrupted())
            st = err_set(e, ST_INTERRUPTED, NULL, "interrupted");
    }
    return st == ST_OK ? io_sync(fd, e) : st;
}

/* ---- the machine's limits ----------------------------------------------------------------- */

static enum status do_sha(struct bench *b, struct err *e)
{
    (void)e;
    struct digest d = digest_of(SPAN(b->sample, SAMPLE));
    b->content = d;
    return ST_OK;
}

static enum status do_sha_two(struct bench *b, struct err *e)
{
    struct digest_queue q = {0};
    (void)e;
    for (size_t i = 0; i < SAMPLE; i += STEP / 4) {
        uint32_t tag;
        struct digest d;
        (void)digest_queue_put(&q, 0, SPAN(b->sample + i, STEP / 4), &tag, &d);
    }
    return ST_OK;
}

static enum status do_copy(struct bench *b, struct err *e)
{
    (void)e;
    memcpy(b->other, b->sample, SAMPLE);
    return ST_OK;
}

/* Writing with the store's own pace: what is written is on its way at once. */
static enum status write_file(struct bench *b, bool past_cache, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(fd_release) int direct = -1;
    enum status st = io_open(b->dir, "disk", O_RDWR | O_CREAT | O_TRUNC, 0600, &fd, e);
    if (st == ST_OK && past_cache) {
        st = io_truncate(fd, SAMPLE, e);
        direct = io_open_direct(fd);
        if (st == ST_OK && direct < 0)
            return ST_CANCELLED;
    }
    for (size_t at = 0; st == ST_OK && at < SAMPLE; at += STEP) {
        st = io_write_at(past_cache ? direct : fd, SPAN(b->sample + at, STEP), at, e);
        if (!past_cache)
            io_write_behind(fd, at, STEP);
    }
    return st == ST_OK ? io_sync_data(fd, e) : st;
}

static enum status do_write(struct bench *b, struct err *e)
{
    return write_file(b, false, e);
}

static enum status do_write_direct(struct bench *b, struct err *e)
{
    return write_file(b, true, e);
}

static enum status read_file(struct bench *b, int flags, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    struct err why = ERR_NONE;
    if (io_open(b->dir, "source", O_RDONLY | flags, 0, &fd, &why) != ST_OK)
        return ST_CANCELLED; /* a file system without direct reads */
    enum status st = ST_OK;
    for (size_t at = 0; st == ST_OK && at < SAMPLE; at += STEP)
        st = io_read_at(fd, b->other, STEP, at, e);
    return st;
}

static enum status do_read_disk(struct bench *b, struct err *e)
{
    return read_file(b, O_DIRECT, e);
}

/* ---- stages ------------------------------------------------------------------------------- */

static enum status do_read(struct bench *b, struct err *e)
{
    return read_file(b, 0, e);
}

static enum status do_cut(struct bench *b, struct err *e)
{
    (void)e;
    b->count = 0;
    for (size_t at = 0; at < SAMPLE; b->count++) {
        size_t n = chunker_cut(SPAN(b->sample + at, SAMPLE - at));
        b->pieces[b->count] = (struct piece){.at = at, .n = n};
        at += n;
    }
    return ST_OK;
}

static enum status do_hash(struct bench *b, struct err *e)
{
    SCOPED(hasher_scope) struct hasher *h = NULL;
    enum status st = hasher_open(&h, e);
    for (size_t i = 0; st == ST_OK && i < b->count; i++)
        b->pieces[i].digest =
            hasher_add_piece(h, SPAN(b->sample + b->pieces[i].at, b->pieces[i].n));
    return st;
}

static enum status do_encode(struct bench *b, struct err *e)
{
    size_t at = 0;
    (void)e;
    for (size_t i = 0; i < b->count; i++) {
        struct piece *p = &b->pieces[i];
        p->stored_at = at;
        p->how = codec_encode(b->codec, SPAN(b->sample + p->at, p->n), b->other + at, &p->stored);
        at += p->stored;
    }
    return ST_OK;
}

static enum status do_decode(struct bench *b, struct err *e)
{
    static uint8_t scratch[CHUNK_MAX];
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < b->count; i++) {
        const struct piece *p = &b->pieces[i];
        if (p->how != ENCODING_RAW)
            st = codec_decode(b->codec, p->how, SPAN(b->other + p->stored_at, p->stored), scratch,
                              p->n, e);
    }
    return st;
}

static enum status do_check(struct bench *b, struct err *e)
{
    struct digest_queue q = {0};
    (void)e;
    for (size_t i = 0; i < b->count; i++) {
        uint32_t tag;
        struct digest d;
        (void)digest_queue_put(&q, 0, SPAN(b->sample + b->pieces[i].at, b->pieces[i].n), &tag, &d);
    }
    return ST_OK;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static enum status fresh_store(struct bench *b, struct err *e)
{
    char path[4096 + 16];
    const struct store_birth birth = {.log = b->log};
    text_fmt(path, sizeof path, "%s/store", b->path);
    store_scope(&b->store);
    b->store = NULL;
    enum status st = folder_remove(AT_FDCWD, path, e);
    if (st == ST_OK)
        st = store_create(path, &birth, &b->store, e);
    if (st == ST_OK)
        st = store_publish(b->store, e);
    b->store = NULL; /* closed either way */
    return st == ST_OK ? store_open(path, &b->store, e) : st;
}

static enum status do_add(struct bench *b, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    SCOPED(fd_release) int fd = -1;
    struct content content = {0};
    uint64_t seq = 0;
    const struct change_entry entry = {.type = "bench", .log = b->log};
    enum status st = io_open(b->dir, "source", O_RDONLY, 0, &fd, e);
    if (st == ST_OK)
        st = change_begin(b->store, &c, e);
    if (st == ST_OK)
        st = change_content(c, source_fd(&fd), NULL, &content, e);
    if (st == ST_OK)
        st = change_commit(c, &entry, &seq, e);
    b->content = content.sha256;
    return st;
}

static void count_finding(void *ctx, const struct finding *f)
{
    (void)f;
    ++*(uint64_t *)ctx;
}

static enum status do_verify(struct bench *b, struct err *e)
{
    struct check_report report = {0};
    uint64_t findings = 0;
    enum status st = check_store(b->store, NULL, count_finding, &findings, &report, e);
    return st == ST_OK && findings > 0
               ? err_set(e, ST_CORRUPT, "bench", "the temporary store was damaged")
               : st;
}

static enum status do_get(struct bench *b, struct err *e)
{
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    enum status st = pending_open(b->dir, 0600, &p, e);
    if (st == ST_OK)
        st = store_content_write(b->store, &b->content, p.fd, NULL, e);
    return st == ST_OK ? pending_publish(&p, "back", true, e) : st;
}

/* ---- measuring ---------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

typedef enum status (*bench_step)(struct bench *b, struct err *e);

/* `before`, unmeasured, is called ahead of each round. ST_CANCELLED from a step: not here. */
static enum status measure(struct bench *b, enum bench_kind kind, const char *name, uint64_t bytes,
                           bench_step before, bench_step step, struct err *e)
{
    double seconds[BENCH_ROUNDS] = {0};
    struct bench_line *line = &b->out->lines[b->out->count++];
    *line = (struct bench_line){.kind = kind, .name = name};
    for (unsigned i = 0; i < BENCH_ROUNDS; i++) {
        enum status st = before != NULL ? before(b, e) : ST_OK;
        if (st == ST_OK && process_interrupted())
            st = err_set(e, ST_INTERRUPTED, NULL, "interrupted");
        uint64_t began = clock_ticks();
        if (st == ST_OK)
            st = step(b, e);
        if (st == ST_CANCELLED)
            return ST_OK;
        if (st != ST_OK)
            return err_subject(e, "%s", name);
        seconds[i] = (double)(clock_ticks() - began) * 1e-9;
    }
    qsort(seconds, BENCH_ROUNDS, sizeof *seconds, by_size);
    line->rate = (double)bytes / seconds[BENCH_ROUNDS / 2];
    line->best = (double)bytes / seconds[0];
    return ST_OK;
}

static double rate(const struct bench *b, const char *name)
{
    for (size_t i = 0; i < b->out->count; i++) {
        if (text_equal(b->out->lines[i].name, name))
            return b->out->lines[i].rate;
    }
    return 0;
}

static double least(double a, double b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* All cores at work all the time on stages that each byte goes through. */
static double together(const struct bench *b, const char *const *stages)
{
    double seconds = 0;
    for (; *stages != NULL; stages++)
        seconds += rate(b, *stages) > 0 ? 1 / rate(b, *stages) : 0;
    return seconds > 0 ? b->out->cores / seconds : 0;
}

static void set_limit(struct bench *b, const char *name, double limit)
{
    for (size_t i = 0; i < b->out->count; i++) {
        if (text_equal(b->out->lines[i].name, name))
            b->out->lines[i].limit = limit;
    }
}

static void set_limits(struct bench *b)
{
    static const char *const add[] = {"read, cached", "cut", "hash, chunk and whole",
                                      "encode, proven", NULL};
    static const char *const verify[] = {"read, cached", "decode", "hash, two chunks", NULL};
    static const char *const get[] = {"read, cached", "decode", "hash, chunk and whole", NULL};
    /* One stream has one SHA-256, and that one thread. */
    const double whole = rate(b, "hash, chunk and whole");
    double disk = most(rate(b, "disk write, synced"), rate(b, "disk write past the cache, synced"));
    set_limit(b, "add", least(least(together(b, add), whole), disk));
    set_limit(b, "verify", together(b, verify));
    set_limit(b, "get", least(least(together(b, get), whole), disk));
}

struct plan {
    enum bench_kind kind;
    const char *name;
    bench_step before, step;
};

static const struct plan plans[] = {
    {BENCH_LIMIT, "SHA-256, one message", NULL, do_sha},
    {BENCH_LIMIT, "SHA-256, two side by side", NULL, do_sha_two},
    {BENCH_LIMIT, "memcpy", NULL, do_copy},
    {BENCH_LIMIT, "disk write, synced", NULL, do_write},
    {BENCH_LIMIT, "disk write past the cache, synced", NULL, do_write_direct},
    {BENCH_LIMIT, "disk read past the cache", NULL, do_read_disk},
    {BENCH_STAGE, "read, cached", NULL, do_read},
    {BENCH_STAGE, "cut", NULL, do_cut},
    {BENCH_STAGE, "hash, chunk and whole", NULL, do_hash},
    {BENCH_STAGE, "encode, proven", NULL, do_encode},
    {BENCH_STAGE, "decode", NULL, do_decode},
    {BENCH_STAGE, "hash, two chunks", NULL, do_check},
    {BENCH_WHOLE, "add", fresh_store, do_add},
    {BENCH_WHOLE, "verify", NULL, do_verify},
    {BENCH_WHOLE, "get", NULL, do_get},
};

static enum status set_up(struct bench *b, const char *dir, struct err *e)
{
    struct public_key key;
    b->sample = heap_aligned(IO_DIRECT, SAMPLE);
    b->other = heap_aligned(IO_DIRECT, SAMPLE + CHUNK_MAX);
    b->pieces = heap_alloc(CHUNKS * sizeof *b->pieces);
    if (b->sample == NULL || b->other == NULL || b->pieces == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to measure with");
    text_fmt(b->path, sizeof b->path, "%s/assay-bench.%d", dir, (int)getpid());
    enum status st = io_mkdir(AT_FDCWD, b->path, 0700, e);
    if (st != ST_OK) {
        b->path[0] = '\0';
        return st;
    }
    st = io_open(AT_FDCWD, b->path, O_RDONLY | O_DIRECTORY, 0, &b->dir, e);
    if (st == ST_OK)
        st = key_generate(b->dir, "log", NULL, &key, e);
    if (st == ST_OK)
        st = signer_open_file(b->dir, "log.key", NULL, NULL, &b->log, e);
    return st == ST_OK ? codec_open(&b->codec, e) : st;
}

enum status bench_store(const char *dir, uint64_t mib, struct bench_result *out, struct err *e)
{
    SCOPED(bench_release) struct bench b = {.out = out, .dir = -1};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const uint64_t segments = (mib * MIB + SEGMENT - 1) / SEGMENT;
    *out = (struct bench_result){.cores = cores > 0 ? (unsigned)cores : 1,
                                 .bytes = segments * SEGMENT};
    if (out->bytes < SAMPLE)
        out->bytes = SAMPLE;
    enum status st = set_up(&b, dir, e);
    if (st == ST_OK)
        st = write_source(&b, out->bytes, e);
    for (size_t i = 0; st == ST_OK && i < sizeof plans / sizeof *plans; i++) {
        const struct plan *p = &plans[i];
        st = measure(&b, p->kind, p->name, p->kind == BENCH_WHOLE ? out->bytes : SAMPLE, p->before,
                     p->step, e);
    }
    if (st == ST_OK)
        set_limits(&b);
    return st;
}
