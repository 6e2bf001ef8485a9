/* One entry of the ledger, found by its number: the file is halved until the line is near. */
#include "base/files.h"
#include "store/ledger.h"
#include <fcntl.h>
#include <string.h>

#define LEDGER_FILE "ledger"
#define STEP        (8u << 10) /* most lines are shorter */

struct finder {
    int fd;
    uint64_t size;    /* of whole lines: a torn tail is none */
    struct buf bytes; /* from `from` on */
    uint64_t from;
};

static void finder_release(struct finder *f)
{
    fd_release(&f->fd);
    buf_release(&f->bytes);
}

/* Whole lines end where the last newline stands. */
static enum status cut_tail(struct finder *f, struct err *e)
{
    uint8_t tail[STEP];
    for (uint64_t end = f->size; end > 0;) {
        size_t n = end < STEP ? (size_t)end : STEP;
        enum status st = io_read_at(f->fd, tail, n, end - n, e);
        if (st != ST_OK)
            return st;
        const uint8_t *last = memrchr(tail, '\n', n);
        end -= n;
        f->size = last != NULL ? end + (size_t)(last - tail) + 1 : end;
        if (last != NULL)
            break;
    }
    return ST_OK;
}

static enum status finder_open(int dir, struct finder *f, struct err *e)
{
    enum status st = io_open(dir, LEDGER_FILE, IO_FILE, 0, &f->fd, e);
    if (st == ST_OK)
        st = io_size(f->fd, &f->size, e);
    return st == ST_OK ? cut_tail(f, e) : st;
}

static enum status no_line(struct err *e, uint64_t offset)
{
    return err_at(e, ST_CORRUPT, "ledger", "ledger-line", offset,
                  "no entry of the ledger stands there; see assay log --verify");
}

/* Reads on from `offset` until a newline is among the bytes; *n: how many stand before it. */
static enum status read_line(struct finder *f, uint64_t offset, size_t *n, struct err *e)
{
    f->bytes.n = 0;
    f->from = offset;
    for (;;) {
        uint64_t at = offset + f->bytes.n;
        size_t more = f->size - at < STEP ? (size_t)(f->size - at) : STEP;
        uint8_t *p = more > 0 ? buf_space(&f->bytes, more) : NULL;
        if (p == NULL)
            return more > 0 ? err_set(e, ST_NO_MEMORY, NULL, "no memory to read the ledger")
                            : no_line(e, offset);
        enum status st = io_read_at(f->fd, p, more, at, e);
        if (st != ST_OK)
            return st;
        const uint8_t *end = memchr(p, '\n', more);
        if (end != NULL) {
            *n = (size_t)(end - f->bytes.p);
            return ST_OK;
        }
        if (f->bytes.n > LEDGER_LINE_MAX)
            return no_line(e, offset);
    }
}

/* The entry whose line begins at `offset`; out->end is where it ends. */
static enum status parse_at(struct finder *f, uint64_t offset, struct ledger_entry *out,
                            struct err *e)
{
    size_t n = 0;
    struct err why = ERR_NONE;
    enum status st = read_line(f, offset, &n, e);
    if (st != ST_OK)
        return st;
    st = ledger_parse(SPAN(f->bytes.p, n), out, &why);
    out->end = offset + n + 1;
    if (st == ST_OK || st == ST_NO_MEMORY) {
        *e = st == ST_OK ? *e : why;
        return st;
    }
    return no_line(e, offset);
}

/* Where the first line behind `offset` begins; the end when there is none. */
static enum status next_line(struct finder *f, uint64_t offset, uint64_t *out, struct err *e)
{
    size_t n = 0;
    enum status st = read_line(f, offset, &n, e);
    *out = offset + n + 1;
    return st;
}

/* Between lo, where a line begins whose number is at most `seq`, and hi, behind it. */
static enum status halve(struct finder *f, uint64_t seq, uint64_t lo, struct ledger_entry *out,
                         struct err *e)
{
    uint64_t hi = f->size;
    enum status st = ST_OK;
    while (st == ST_OK && hi - lo > STEP) {
        SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
        uint64_t middle = lo + (hi - lo) / 2, at = 0;
        st = next_line(f, middle, &at, e);
        if (st == ST_OK && at >= hi) {
            hi = middle;
            continue;
        }
        if (st == ST_OK)
            st = parse_at(f, at, &entry, e);
        if (entry.seq <= seq)
            lo = at;
        else
            hi = at;
    }
    while (st == ST_OK && lo < f->size) {
        st = parse_at(f, lo, out, e);
        if (st == ST_OK && out->seq >= seq)
            break;
        lo = out->end;
        ledger_entry_release(out);
    }
    return st;
}

enum status ledger_find(int dir, const struct public_key *log_key, uint64_t seq,
                        struct ledger_entry *out, struct err *e)
{
    SCOPED(finder_release) struct finder f = {.fd = -1};
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    enum status st = finder_open(dir, &f, e);
    if (st == ST_OK)
        st = halve(&f, seq, 0, &entry, e);
    if (st != ST_OK)
        return st;
    if (entry.seq != seq || seq == 0)
        return err_set(e, ST_NOT_FOUND, "no-entry", "the ledger has no entry %llu",
                       (unsigned long long)seq);
    entry.verified = log_key != NULL && ledger_signed_by(&entry, log_key);
    *out = entry;
    entry = (struct ledger_entry){0};
    return ST_OK;
}

enum status ledger_line_at(int dir, uint64_t offset, struct ledger_entry *out, struct err *e)
{
    SCOPED(finder_release) struct finder f = {.fd = -1};
    enum status st = finder_open(dir, &f, e);
    return st == ST_OK ? parse_at(&f, offset, out, e) : st;
}
