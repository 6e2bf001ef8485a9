/* Reading the ledger.
 *
 *     this thread        block up to its last newline ─▶ slot ─▶ … ─▶ chain, numbers, each()
 *     two more threads            parse every line, verify every signature
 *
 * Parsing and signatures take nearly all the time and depend on nothing but the line, so blocks of
 * lines go round a ring; what depends on the order stays here. A ledger of one block starts no
 * thread. */
#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include "store/ledger.h"
#include "store/ring.h"
#include <fcntl.h>
#include <string.h>

#define LEDGER_FILE "ledger"
#define BLOCK       (2 * LEDGER_LINE_MAX)
#define SLOTS       4
#define WORKERS     2

/* A block of whole lines and what came of them. */
struct slot {
    struct buf bytes;
    struct ledger_entry *entries; /* [count], the first `parsed` of them filled */
    size_t count, parsed;
    struct err why; /* of the line behind the parsed ones; ST_OK: there is none */
};

struct reader {
    int fd;
    uint64_t size; /* of the file, when reading began */
    uint64_t next; /* offset of the next block */
    const struct public_key *log_key;
    struct ledger_place *at;
    ledger_each each;
    void *ctx;
    struct slot slots[SLOTS];
    bool ended, torn, long_line; /* nothing more to submit, and why */
};

static void slot_empty(struct slot *s)
{
    for (size_t i = 0; i < s->parsed; i++)
        ledger_entry_release(&s->entries[i]);
    heap_free(s->entries);
    s->entries = NULL;
    s->count = s->parsed = 0;
}

static void reader_release(struct reader *r)
{
    for (size_t i = 0; i < SLOTS; i++) {
        slot_empty(&r->slots[i]);
        buf_release(&r->slots[i].bytes);
    }
    fd_release(&r->fd);
}

/* ---- in any thread ---- */

static enum status work(void *ctx, unsigned worker, void *slot, struct err *e)
{
    const struct reader *r = ctx;
    struct slot *s = slot;
    struct span left = buf_span(&s->bytes);
    (void)worker;
    (void)e;
    while (left.n > 0 && s->parsed < s->count) {
        const uint8_t *end = memchr(left.p, '\n', left.n);
        size_t n = (size_t)(end - left.p); /* a block ends with a newline */
        struct ledger_entry *entry = &s->entries[s->parsed];
        if (ledger_parse(SPAN(left.p, n), entry, &s->why) != ST_OK)
            break;
        entry->verified = r->log_key != NULL && ledger_signed_by(entry, r->log_key);
        entry->end = n + 1; /* of the line alone: where it stands is known in order */
        s->parsed++;
        left = SPAN(left.p + n + 1, left.n - n - 1);
    }
    return ST_OK;
}

/* ---- in order ---- */

static enum status damaged(const struct reader *r, const char *code, const char *why, struct err *e)
{
    *e = ERR_NONE;
    return err_at(e, ST_CORRUPT, "ledger", code, r->at->offset,
                  "the ledger is damaged at entry %llu: %s", (unsigned long long)r->at->seq + 1,
                  why);
}

static enum status take(struct reader *r, struct ledger_entry *entry, struct err *e)
{
    if (entry->seq != r->at->seq + 1)
        return damaged(r, "ledger-seq",
                       "its number is another: an entry was dropped, added or moved", e);
    if (!digest_equal(&entry->prev, &r->at->hash))
        return damaged(r, "ledger-chain", "it does not follow from the entry before it", e);
    if (strcmp(entry->time, r->at->time) < 0)
        return damaged(r, "ledger-time", "it is older than the entry before it", e);
    entry->end += r->at->offset;
    enum status st = r->each(r->ctx, entry, e);
    if (st != ST_OK)
        return st;
    r->at->seq = entry->seq;
    r->at->hash = entry->hash;
    r->at->offset = entry->end;
    text_fmt(r->at->time, sizeof r->at->time, "%s", entry->time);
    return ST_OK;
}

static enum status take_slot(struct reader *r, struct slot *s, struct err *e)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < s->parsed; i++)
        st = take(r, &s->entries[i], e);
    if (st == ST_OK && s->why.status == ST_NO_MEMORY) {
        *e = s->why;
        return ST_NO_MEMORY;
    }
    if (st == ST_OK && s->why.status != ST_OK)
        st = damaged(r, "ledger-entry", s->why.detail, e);
    slot_empty(s);
    return st;
}

static size_t lines_in(struct span block)
{
    size_t n = 0;
    for (const uint8_t *p = block.p, *end = block.p + block.n;
         (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        n++;
    return n;
}

/* The next block, cut after its last newline. */
static enum status fill(struct reader *r, struct slot *s, struct err *e)
{
    size_t n = r->size - r->next < BLOCK ? (size_t)(r->size - r->next) : BLOCK;
    s->bytes.n = 0;
    s->why = ERR_NONE;
    uint8_t *p = buf_space(&s->bytes, n);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory to read the ledger");
    enum status st = io_read_at(r->fd, p, n, r->next, e);
    if (st != ST_OK)
        return st;
    const uint8_t *last = memrchr(p, '\n', n);
    s->bytes.n = last != NULL ? (size_t)(last - p) + 1 : 0;
    size_t rest = n - s->bytes.n;
    r->next += s->bytes.n;
    r->long_line = rest > LEDGER_LINE_MAX;
    r->torn = !r->long_line && rest > 0 && r->next + rest == r->size;
    r->ended = r->long_line || r->torn || r->next == r->size;
    s->count = lines_in(buf_span(&s->bytes));
    if (s->count == 0)
        return ST_OK;
    s->entries = heap_zero(s->count, sizeof *s->entries);
    return s->entries != NULL ? ST_OK
                              : err_set(e, ST_NO_MEMORY, NULL, "no memory to read the ledger");
}

static enum status submit(struct reader *r, struct ring *ring, struct err *e)
{
    struct slot *s = NULL;
    enum status st = ST_OK;
    while (st == ST_OK && !r->ended && (s = ring_vacant(ring)) != NULL) {
        st = fill(r, s, e);
        if (st == ST_OK)
            st = ring_submit(ring, r->ended, e);
    }
    return st;
}

static enum status read_blocks(struct reader *r, struct err *e)
{
    static const struct ring_stage stage = {work, WORKERS};
    SCOPED(ring_scope) struct ring *ring = NULL;
    void *slots[SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = &r->slots[i];
    r->ended = r->next == r->size;
    enum status st = ring_open(slots, SLOTS, &stage, 1, r, &ring, e);
    while (st == ST_OK) {
        void *through = NULL;
        st = submit(r, ring, e);
        if (st == ST_OK)
            st = ring_wait(ring, &through, e);
        if (st != ST_OK || through == NULL)
            break;
        st = take_slot(r, through, e);
    }
    if (st == ST_OK && r->long_line)
        return damaged(r, "ledger-line", "its line is longer than any entry", e);
    r->at->torn = st == ST_OK && r->torn;
    return st;
}

enum status ledger_read(int dir, const struct public_key *log_key, struct ledger_place *at,
                        ledger_each each, void *ctx, struct err *e)
{
    SCOPED(reader_release)
    struct reader r = {.fd = -1, .log_key = log_key, .at = at, .each = each, .ctx = ctx};
    at->torn = false;
    enum status st = io_open(dir, LEDGER_FILE, O_RDONLY | O_NONBLOCK, 0, &r.fd, e);
    if (st != ST_OK || (st = io_size(r.fd, &r.size, e)) != ST_OK)
        return st;
    if (r.size < at->offset)
        return err_at(e, ST_SET_BACK, "ledger", "ledger-cut", r.size,
                      "the ledger ends at byte %llu; it was seen with %llu",
                      (unsigned long long)r.size, (unsigned long long)at->offset);
    r.next = at->offset;
    return read_blocks(&r, e);
}
