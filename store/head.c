#include "store/head.h"
#include "base/pending.h"
#include <fcntl.h>
#include <string.h>

static bool is_damage(enum status st)
{
    return st == ST_CORRUPT || st == ST_FORMAT || st == ST_INVALID_LENGTH;
}

enum status head_damaged(struct err *e, const char *why)
{
    (void)err_at(e, ST_CORRUPT, "ledger", "ledger-head", ERR_NO_OFFSET,
                 "%s; `assay fsck --repair` makes it again from the proven ledger", why);
    return err_subject(e, STORE_HEAD);
}

/* out->seq stays 0 when there is none. */
static enum status read_entry(struct store *s, struct ledger_entry *out, struct err *e)
{
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    struct err why = ERR_NONE;
    enum status st = file_read(s->dir, STORE_HEAD, LEDGER_LINE_MAX + 1, &line, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK && (line.n == 0 || line.p[line.n - 1] != '\n'))
        return head_damaged(e, "the ledger's head has no end of line");
    if (st == ST_OK)
        st = ledger_parse(SPAN(line.p, line.n - 1), out, &why);
    if (is_damage(st))
        return head_damaged(e, "the ledger's head is no entry");
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    if (!ledger_signed_by(out, &s->charter.log_key))
        return head_damaged(e, "the ledger's head is not signed by the store's log key");
    return ST_OK;
}

enum status head_read(struct store *s, uint64_t *seq, struct digest *hash, struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    *seq = 0;
    *hash = (struct digest){0};
    enum status st = read_entry(s, &entry, e);
    if (st != ST_OK)
        return st;
    *seq = entry.seq;
    *hash = entry.hash;
    return ST_OK;
}

enum status store_seen(struct store *s, int64_t *when, struct err *e)
{
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    enum status st = read_entry(s, &entry, e);
    if (st != ST_OK)
        return st;
    return entry.seq > 0 && time_parse(entry.time, when)
               ? ST_OK
               : head_damaged(e, "the ledger's head says no time");
}

enum status head_prepare(struct store *s, struct span line, struct pending *out, struct err *e)
{
    enum status st = pending_open(s->dir, 0600, out, e);
    if (st == ST_OK)
        st = io_write(out->fd, line, e);
    return st == ST_OK ? st : err_subject(e, STORE_HEAD);
}

enum status head_turn(struct pending *prepared, struct err *e)
{
    return pending_publish(prepared, STORE_HEAD, true, e);
}

enum status head_publish(struct store *s, uint64_t from, uint64_t to, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    SCOPED(pending_release) struct pending head = PENDING_NONE;
    const uint64_t n = to - from;
    uint8_t *p = n <= LEDGER_LINE_MAX + 1 ? buf_space(&line, (size_t)n) : NULL;
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "publishing the ledger's head");
    enum status st = io_open(s->dir, STORE_LEDGER, IO_FILE, 0, &fd, e);
    if (st == ST_OK)
        st = io_read_at(fd, p, (size_t)n, from, e);
    if (st != ST_OK)
        return st;
    st = head_prepare(s, buf_span(&line), &head, e);
    return store_poison(s, st == ST_OK ? head_turn(&head, e) : st);
}

enum status head_copies(struct store *s, int ledger, uint64_t end, struct err *e)
{
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    enum status st = file_read(s->dir, STORE_HEAD, LEDGER_LINE_MAX + 1, &head, e);
    uint8_t *p = st == ST_OK && head.n <= end ? buf_space(&line, head.n) : NULL;
    if (st != ST_OK)
        return err_subject(e, STORE_HEAD);
    if (p == NULL)
        return head.n > end ? head_damaged(e, "the ledger's head is longer than the ledger")
                            : err_set(e, ST_NO_MEMORY, NULL, "reading the ledger");
    st = io_read_at(ledger, p, head.n, end - head.n, e);
    if (st != ST_OK || span_equal(buf_span(&line), buf_span(&head)))
        return st;
    (void)err_at(e, ST_CORRUPT, "ledger", "ledger-line", end - head.n,
                 "the ledger's last line is not what ledger.head, its copy, says; "
                 "`assay fsck --repair` puts it back");
    return err_subject(e, STORE_LEDGER);
}

/* Is [offset, end of file) one line, or the beginning of one? */
static enum status is_last_line(struct store *s, uint64_t offset, bool *last, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    uint64_t size = 0;
    *last = false;
    enum status st = io_open(s->dir, STORE_LEDGER, IO_FILE, 0, &fd, e);
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st != ST_OK || size <= offset || size - offset > LEDGER_LINE_MAX + 1)
        return st;
    size_t n = (size_t)(size - offset);
    uint8_t *p = buf_space(&line, n);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "reading the ledger");
    st = io_read_at(fd, p, n, offset, e);
    *last = st == ST_OK && memchr(p, '\n', n - 1) == NULL;
    return st;
}

enum status head_tears(struct store *s, uint64_t offset, uint64_t seq, const struct err *why,
                       bool *torn, struct err *e)
{
    uint64_t head = 0;
    struct digest hash;
    *torn = false;
    if (why->status != ST_CORRUPT || strcmp(err_code(why), "ledger-entry") != 0)
        return ST_OK;
    enum status st = head_read(s, &head, &hash, e);
    return st == ST_OK && head <= seq ? is_last_line(s, offset, torn, e) : st;
}

/* Bytes of the file, 0 when it is gone. */
static uint64_t size_of(struct store *s, const char *name)
{
    SCOPED(fd_release) int fd = -1;
    struct err ignored = ERR_NONE;
    uint64_t n = 0;
    enum status st = io_open(s->dir, name, IO_FILE, 0, &fd, &ignored);
    if (st == ST_OK)
        st = io_size(fd, &n, &ignored);
    return st == ST_OK ? n : 0;
}

enum status head_lost(struct store *s, uint64_t end, uint64_t seq, uint64_t known, struct err *e)
{
    uint64_t ledger = size_of(s, STORE_LEDGER), line = size_of(s, STORE_HEAD);
    if (known == seq + 1 && ledger >= end && ledger - end >= line && line > 0)
        (void)err_at(
            e, ST_CORRUPT, "ledger", "ledger-entry", end,
            "the ledger is damaged at entry %llu, its last; ledger.head is a copy of that line",
            (unsigned long long)known);
    else
        (void)err_at(e, ST_SET_BACK, "ledger", "ledger-cut", ERR_NO_OFFSET,
                     "the ledger ends with entry %llu, but entry %llu was acknowledged; bring it "
                     "back from a copy",
                     (unsigned long long)seq, (unsigned long long)known);
    return err_subject(e, STORE_LEDGER);
}
