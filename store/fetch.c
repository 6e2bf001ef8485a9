#include "store/fetch.h"

#include "base/heap.h"
#include "base/process.h"
#include "store/chunker.h"
#include "store/ring.h"
#include <assert.h>
#include <string.h>

/* Eight batches of 2 MiB go round; each of two workers has a buffer for what it reads. */
#define BATCHES     8
#define WORKERS     2
#define BATCH_BYTES (2u << 20)
#define BATCH_ITEMS 256
#define READ_BYTES  (BATCH_BYTES + BATCH_ITEMS * PACK_RECORD)
#define OUT_BYTES   (BATCH_BYTES + IO_DIRECT)
#define GAP_MAX \
    (16u << 10) /* unwanted bytes between two records that are read rather than skipped */

/* Memory that is used again and again, and not cleared in between. */
struct area {
    uint8_t *p;
    size_t cap;
};

struct batch {
    struct fetch_item items[BATCH_ITEMS];
    struct err verdicts[BATCH_ITEMS]; /* ST_OK: sound. Only when checking */
    uint32_t count;
    size_t bytes;    /* decoded, of all items */
    struct area out; /* the decoded bytes, one item behind the other; not when checking */
};

/* What a worker needs for itself. */
struct reader {
    struct pack_set *set;
    struct codec *codec;
    struct area stored;        /* records as they lie in the pack */
    struct area scratch[2];    /* decoded records, when checking */
    struct digest_queue queue; /* of decoded items, their tags the places in the batch */
};

struct fetch {
    struct fetch_plan plan;
    struct progress *progress;
    bool checking;          /* every item gets a verdict; else the first bad one ends it */
    struct hasher *whole;   /* of all the bytes in order; not when checking */
    bool in_step;           /* records are hashed with the whole, not when they are decoded */
    struct fetch_target to; /* fd ≥ 0: the bytes are written there */
    struct batch batches[BATCHES];
    struct reader readers[WORKERS];
    /* Items planned, but not yet in a batch. */
    struct fetch_item next[BATCH_ITEMS];
    size_t next_at, next_count;
    bool plan_ended;
};

#define NOWHERE ((struct fetch_target){.fd = -1, .direct = -1})

static void fetch_close(struct fetch *f)
{
    hasher_scope(&f->whole);
    for (unsigned i = 0; i < WORKERS; i++) {
        pack_set_scope(&f->readers[i].set);
        codec_scope(&f->readers[i].codec);
        heap_free(f->readers[i].stored.p);
        heap_free(f->readers[i].scratch[0].p);
        heap_free(f->readers[i].scratch[1].p);
    }
    for (unsigned i = 0; i < BATCHES; i++)
        heap_free(f->batches[i].out.p);
    heap_free(f);
}
SCOPE_OF(fetch, struct fetch, fetch_close)

static enum status fetch_open(int packs, struct fetch_plan plan, struct progress *progress,
                              struct fetch **out, struct err *e)
{
    SCOPED(fetch_scope) struct fetch *f = heap_zero(1, sizeof *f);
    if (f == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to fetch content");
    f->plan = plan;
    f->progress = progress;
    f->to = NOWHERE;
    for (unsigned i = 0; i < WORKERS; i++) {
        enum status st = pack_set_open(packs, &f->readers[i].set, e);
        if (st == ST_OK)
            st = codec_open(&f->readers[i].codec, e);
        if (st != ST_OK)
            return st;
    }
    *out = fetch_take(&f);
    return ST_OK;
}

/* Makes room for n bytes. Memory beyond the usual is given back when it is no longer needed. */
static enum status room(struct area *a, size_t n, size_t usual, struct err *e)
{
    size_t want = n > usual ? n : usual;
    if (a->cap == want)
        return ST_OK;
    heap_free(a->p);
    *a = (struct area){.p = heap_aligned(IO_DIRECT, want)};
    if (a->p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %zu bytes", want);
    a->cap = want;
    return ST_OK;
}

/* -- the workers -- */

static uint64_t record_end(const struct fetch_item *i)
{
    return i->entry.at.offset + PACK_RECORD + i->entry.at.stored;
}

/* How many items from `first` lie so close behind one another that one read gets them. */
static uint32_t neighbours(const struct batch *b, uint32_t first)
{
    uint64_t begin = b->items[first].entry.at.offset;
    uint32_t i = first + 1;
    for (; i < b->count; i++) {
        const struct pack_location *at = &b->items[i].entry.at;
        uint64_t end = record_end(&b->items[i - 1]);
        if (at->pack != b->items[first].entry.at.pack || at->offset < end ||
            at->offset - end > GAP_MAX || record_end(&b->items[i]) - begin > READ_BYTES)
            break;
    }
    return i - first;
}

/* Reads `count` neighbours at once. */
static enum status read_run(struct reader *r, const struct batch *b, uint32_t first, uint32_t count,
                            struct err *e)
{
    const struct pack_location *at = &b->items[first].entry.at;
    size_t n = (size_t)(record_end(&b->items[first + count - 1]) - at->offset);
    int fd = -1;
    enum status st = pack_set_get(r->set, at->pack, &fd, e);
    if (st == ST_OK)
        st = room(&r->stored, n, READ_BYTES, e);
    if (st == ST_OK)
        st = io_read_at(fd, r->stored.p, n, at->offset, e);
    return st;
}

static void judge(struct batch *b, uint32_t i, const struct digest *found)
{
    const struct pack_entry *entry = &b->items[i].entry;
    enum status st = pack_judge(&entry->at, &entry->digest, found, &b->verdicts[i]);
    (void)st; /* the verdict has it */
}

/* Decodes item i of the run in r->stored: to `out`, or wherever suits when checking. */
static enum status decode_item(const struct fetch *f, struct reader *r, struct batch *b, uint32_t i,
                               uint64_t run_offset, uint8_t *out, struct err *e)
{
    const struct pack_entry *entry = &b->items[i].entry;
    const struct pack_location *at = &entry->at;
    struct span record =
        SPAN(r->stored.p + (at->offset - run_offset), PACK_RECORD + (size_t)at->stored);
    struct span bytes;
    struct area *scratch = &r->scratch[digest_queue_vacant(&r->queue)];
    enum status st = f->checking ? room(scratch, at->length, CHUNK_MAX, e) : ST_OK;
    if (st == ST_OK)
        st = pack_decode(r->codec, record, at, &entry->digest, f->checking ? scratch->p : out,
                         &bytes, e);
    if (st != ST_OK)
        return st;
    if (!f->checking && bytes.p != out && bytes.n > 0)
        memcpy(out, bytes.p, bytes.n);
    uint32_t through;
    struct digest found;
    if (!f->in_step && digest_queue_put(&r->queue, i, bytes, &through, &found))
        judge(b, through, &found);
    return ST_OK;
}

static enum status read_entry(const struct fetch *f, struct reader *r,
                              const struct pack_entry *entry, uint8_t *out, struct err *e)
{
    if (!f->checking)
        return pack_read(r->set, &entry->at, &entry->digest, out, e);
    enum status st = room(&r->scratch[0], entry->at.length, CHUNK_MAX, e);
    return st != ST_OK ? st : pack_read(r->set, &entry->at, &entry->digest, r->scratch[0].p, e);
}

/* One item by itself, for the right verdict when a run could not be read. A sweep may have moved it
 * since it was planned, and again. */
static enum status read_alone(const struct fetch *f, struct reader *r,
                              const struct fetch_item *item, uint8_t *out, struct err *e)
{
    struct pack_entry entry = item->entry;
    for (;;) {
        bool moved = false;
        struct err why = ERR_NONE;
        enum status st = read_entry(f, r, &entry, out, &why);
        if (st == ST_NOT_FOUND && f->plan.relocate != NULL) {
            enum status asked = f->plan.relocate(f->plan.ctx, &entry, &moved, e);
            if (asked != ST_OK)
                return asked;
        }
        if (moved && entry.at.length == item->entry.at.length)
            continue;
        if (st != ST_OK)
            *e = why;
        return st;
    }
}

/* The items of one run. While checking, what is wrong with an item becomes its verdict. */
static enum status work_run(const struct fetch *f, struct reader *r, struct batch *b,
                            uint32_t first, uint32_t count, size_t *done, struct err *e)
{
    struct err ignored = ERR_NONE;
    const uint64_t run_offset = b->items[first].entry.at.offset;
    bool together = read_run(r, b, first, count, &ignored) == ST_OK;
    for (uint32_t i = first; i < first + count; i++) {
        uint8_t *out = f->checking ? NULL : b->out.p + *done;
        b->verdicts[i] = ERR_NONE;
        enum status st = together ? decode_item(f, r, b, i, run_offset, out, &b->verdicts[i])
                                  : read_alone(f, r, &b->items[i], out, &b->verdicts[i]);
        (void)st; /* the verdict has it */
        *done += b->items[i].entry.at.length;
    }
    uint32_t through;
    struct digest found;
    if (digest_queue_end(&r->queue, &through, &found))
        judge(b, through, &found);
    for (uint32_t i = first; i < first + count; i++) {
        enum status st = b->verdicts[i].status;
        if (st != ST_OK && (!f->checking || st == ST_NO_MEMORY)) {
            *e = b->verdicts[i];
            return st;
        }
    }
    return ST_OK;
}

/* Where the batch's first byte lies in b->out: memory and file are aligned alike, for direct
 * writes.
 */
static size_t skew(const struct batch *b)
{
    return b->items[0].position % IO_DIRECT;
}

static enum status hash_batch(void *ctx, unsigned worker, void *slot, struct err *e)
{
    (void)worker;
    struct fetch *f = ctx;
    const struct batch *b = slot;
    size_t at = skew(b);
    if (!f->in_step) {
        hasher_add(f->whole, SPAN(b->out.p + at, b->bytes));
        return ST_OK;
    }
    for (uint32_t i = 0; i < b->count; i++) {
        const struct pack_entry *entry = &b->items[i].entry;
        struct digest found = hasher_add_piece(f->whole, SPAN(b->out.p + at, entry->at.length));
        enum status st = pack_judge(&entry->at, &entry->digest, &found, e);
        if (st != ST_OK)
            return st;
        at += entry->at.length;
    }
    return ST_OK;
}

/* Whole blocks of the bytes straight to the disk, the edges through the page cache; they share
 * their blocks with the neighbours'. */
static enum status write_piece(const struct fetch *f, const uint8_t *p, size_t n, uint64_t position,
                               struct err *e)
{
    struct err ignored = ERR_NONE;
    size_t head = (IO_DIRECT - position % IO_DIRECT) % IO_DIRECT;
    size_t whole = n > head ? (n - head) / IO_DIRECT * IO_DIRECT : 0;
    bool direct =
        f->to.direct >= 0 && whole > 0 && (uintptr_t)(p + head) % IO_DIRECT == 0 &&
        io_write_at(f->to.direct, SPAN(p + head, whole), position + head, &ignored) == ST_OK;
    if (!direct) {
        enum status st = io_write_at(f->to.fd, SPAN(p, n), position, e);
        if (st == ST_OK)
            io_write_behind(f->to.fd, position, n);
        return st;
    }
    size_t behind = head + whole;
    enum status st = io_write_at(f->to.fd, SPAN(p, head), position, e);
    return st == ST_OK ? io_write_at(f->to.fd, SPAN(p + behind, n - behind), position + behind, e)
                       : st;
}

/* Writes the batch to its places, neighbours with one call. */
static enum status write_batch(void *ctx, unsigned worker, void *slot, struct err *e)
{
    (void)worker;
    const struct fetch *f = ctx;
    const struct batch *b = slot;
    size_t at = skew(b);
    for (uint32_t i = 0; i < b->count;) {
        size_t n = 0;
        uint64_t position = b->items[i].position;
        for (; i < b->count && b->items[i].position == position + n; i++)
            n += b->items[i].entry.at.length;
        enum status st = write_piece(f, b->out.p + at, n, position, e);
        if (st != ST_OK)
            return st;
        at += n;
    }
    return ST_OK;
}

/* Places come from the index, which may be damaged. */
static bool sane(const struct fetch_item *item)
{
    const struct pack_location *at = &item->entry.at;
    return at->length <= CODEC_LENGTH_MAX && at->stored <= at->length &&
           at->offset < PACK_BYTES_MAX;
}

/* An item whose place cannot be: alone in its batch, and nothing is allocated for it. */
static enum status refuse(const struct fetch *f, struct batch *b, struct err *e)
{
    const struct pack_location *at = &b->items[0].entry.at;
    struct err why = ERR_NONE;
    (void)err_at(&why, ST_CORRUPT, "record", "pack-place", at->offset,
                 "no record of %u bytes stored as %u can be there", at->length, at->stored);
    (void)err_subject(&why, "pack %016llx", (unsigned long long)at->pack);
    b->verdicts[0] = why;
    if (f->checking)
        return ST_OK;
    *e = why;
    return why.status;
}

static enum status work_batch(void *ctx, unsigned worker, void *slot, struct err *e)
{
    struct fetch *f = ctx;
    struct batch *b = slot;
    size_t done = skew(b);
    if (!sane(&b->items[0]))
        return refuse(f, b, e);
    enum status st = f->checking ? ST_OK : room(&b->out, done + b->bytes, OUT_BYTES, e);
    for (uint32_t i = 0; st == ST_OK && i < b->count;) {
        uint32_t count = neighbours(b, i);
        st = work_run(f, &f->readers[worker], b, i, count, &done, e);
        i += count;
    }
    if (st == ST_OK)
        progress_add(f->progress, b->bytes);
    return st;
}

/* -- the caller's thread -- */

/* Looks at the next item of the plan; NULL at its end. */
static enum status peek(struct fetch *f, const struct fetch_item **item, struct err *e)
{
    *item = NULL;
    if (f->next_at == f->next_count && !f->plan_ended) {
        f->next_at = 0;
        f->next_count = 0;
        enum status st = f->plan.next(f->plan.ctx, f->next, BATCH_ITEMS, &f->next_count, e);
        if (st != ST_OK)
            return st;
        assert(f->next_count <= BATCH_ITEMS);
        f->plan_ended = f->next_count == 0;
    }
    if (f->next_at < f->next_count)
        *item = &f->next[f->next_at];
    return ST_OK;
}

/* Fills a batch; it stays empty at the end of the plan. An item too long for any batch gets its
 * own. */
static enum status fill(struct fetch *f, struct batch *b, struct err *e)
{
    b->count = 0;
    b->bytes = 0;
    while (b->count < BATCH_ITEMS) {
        const struct fetch_item *item;
        enum status st = peek(f, &item, e);
        if (st != ST_OK)
            return st;
        if (item == NULL || (b->count > 0 && item->entry.at.length > BATCH_BYTES - b->bytes))
            break;
        if (!sane(item) && b->count > 0)
            break;
        b->items[b->count++] = *item;
        f->next_at++;
        if (!sane(item))
            break;
        b->bytes += item->entry.at.length;
        if (b->bytes >= BATCH_BYTES)
            break;
    }
    return ST_OK;
}

/* What the caller's thread does with a batch that is through. */
struct taker {
    enum status (*take)(void *ctx, const struct batch *b, struct err *e);
    void *ctx;
};

static enum status send_off(struct fetch *f, struct ring *ring, bool *ended, struct err *e)
{
    struct batch *b;
    while (!*ended && (b = ring_vacant(ring)) != NULL) {
        enum status st = fill(f, b, e);
        const struct fetch_item *more = NULL;
        if (st == ST_OK)
            st = peek(f, &more, e);
        *ended = more == NULL;
        if (st == ST_OK && b->count > 0)
            st = ring_submit(ring, *ended, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status run(struct fetch *f, struct taker taker, struct err *e)
{
    static const struct ring_stage stages[] = {
        {work_batch, WORKERS}, {hash_batch, 1}, {write_batch, 1}};
    const unsigned count = f->checking ? 1 : f->to.fd < 0 ? 2 : 3;
    SCOPED(ring_scope) struct ring *ring = NULL;
    void *slots[BATCHES];
    for (unsigned i = 0; i < BATCHES; i++)
        slots[i] = &f->batches[i];
    enum status st = ring_open(slots, BATCHES, stages, count, f, &ring, e);
    bool ended = false;
    while (st == ST_OK) {
        void *through = NULL;
        if (process_interrupted())
            return err_set(e, ST_INTERRUPTED, NULL, "interrupted while reading content");
        st = send_off(f, ring, &ended, e);
        if (st == ST_OK)
            st = ring_wait(ring, &through, e);
        if (st != ST_OK || through == NULL)
            return st;
        st = taker.take(taker.ctx, through, e);
    }
    return st;
}

static enum status deliver(void *ctx, const struct batch *b, struct err *e)
{
    const struct sink *to = ctx;
    struct span bytes = SPAN(b->out.p + skew(b), b->bytes);
    return to->write == NULL || bytes.n == 0 ? ST_OK : to->write(to->ctx, bytes, e);
}

static enum status fetch(int packs, struct fetch_plan plan, struct sink to,
                         struct fetch_target file, struct progress *progress, struct digest *whole,
                         struct err *e)
{
    SCOPED(fetch_scope) struct fetch *f = NULL;
    enum status st = fetch_open(packs, plan, progress, &f, e);
    if (st == ST_OK)
        st = hasher_open(&f->whole, e);
    if (st != ST_OK)
        return st;
    f->to = file;
    f->in_step = hasher_in_step();
    st = run(f, (struct taker){deliver, &to}, e);
    if (st == ST_OK && whole != NULL)
        *whole = hasher_end(f->whole);
    return st;
}

enum status fetch_stream(int packs, struct fetch_plan plan, struct sink to,
                         struct progress *progress, struct digest *whole, struct err *e)
{
    return fetch(packs, plan, to, NOWHERE, progress, whole, e);
}

enum status fetch_file(int packs, struct fetch_plan plan, struct fetch_target to,
                       struct progress *progress, struct digest *whole, struct err *e)
{
    assert(to.fd >= 0);
    return fetch(packs, plan, (struct sink){0}, to, progress, whole, e);
}

struct verdicts {
    enum status (*each)(void *ctx, const struct fetch_item *item, const struct err *verdict,
                        struct err *e);
    void *ctx;
};

static enum status tell(void *ctx, const struct batch *b, struct err *e)
{
    const struct verdicts *v = ctx;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct err *verdict = b->verdicts[i].status == ST_OK ? NULL : &b->verdicts[i];
        enum status st = v->each(v->ctx, &b->items[i], verdict, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

enum status fetch_check(int packs, struct fetch_plan plan,
                        enum status (*each)(void *ctx, const struct fetch_item *item,
                                            const struct err *verdict, struct err *e),
                        void *ctx, struct progress *progress, struct err *e)
{
    SCOPED(fetch_scope) struct fetch *f = NULL;
    enum status st = fetch_open(packs, plan, progress, &f, e);
    if (st != ST_OK)
        return st;
    assert(f != NULL);
    f->checking = true;
    struct verdicts v = {each, ctx};
    return run(f, (struct taker){tell, &v}, e);
}
