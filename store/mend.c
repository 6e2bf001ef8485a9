/* Mending the ledger's last line and ledger.head, its copy, each from the other. */
#include "base/text.h"
#include "store/check.h"
#include "store/head.h"
#include "store/recover.h"
#include <fcntl.h>
#include <string.h>

struct proof {
    struct store *s;
    struct catalog_mark mark; /* of the index: the witness */
    uint64_t line, end;       /* of the last entry */
    bool witnessed;           /* the mark's entry went by */
};

static enum status prove(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    struct proof *p = ctx;
    if (!entry->verified)
        return err_at(e, ST_CORRUPT, "ledger", "ledger-signature", p->end,
                      "entry %llu is not signed by the store's log key",
                      (unsigned long long)entry->seq);
    p->line = p->end;
    p->end = entry->end;
    if (entry->seq == p->mark.seq)
        p->witnessed = digest_equal(&entry->hash, &p->mark.head);
    return ST_OK;
}

static enum status publish_last(const struct proof *p, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    enum status st = io_open(p->s->dir, STORE_LEDGER, IO_FILE, 0, &fd, e);
    if (st == ST_OK)
        st = io_sync(fd, e);
    return st == ST_OK ? head_publish(p->s, p->line, p->end, e) : st;
}

static enum status mend(struct store *s, struct err *e)
{
    struct proof p = {.s = s};
    struct ledger_place at = {.offset = 0};
    enum status st = s->index != NULL ? store_mark(s, &p.mark, e) : ST_OK;
    if (st == ST_OK && (s->index == NULL || p.mark.seq == 0))
        return err_set(e, ST_SET_BACK, "no-witness",
                       "without head and index nobody knows where the ledger ended; bring one of "
                       "them back from a copy");
    if (st == ST_OK)
        st = ledger_read(s->dir, &s->charter.log_key, &at, prove, &p, e);
    if (st != ST_OK)
        return st;
    if (at.seq < p.mark.seq || !p.witnessed)
        return err_set(
            e, ST_SET_BACK, "ledger-cut",
            "the ledger ends with entry %llu, but the index folded entry %llu; bring the "
            "ledger back from a copy",
            (unsigned long long)at.seq, (unsigned long long)p.mark.seq);
    return publish_last(&p, e);
}

/* The head is whole: does the ledger have its line? By the index it lies in [ledger_line,
 * ledger_offset). */
static enum status put_back(struct store *s, uint64_t seq, const struct digest *hash, bool *mended,
                            struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    struct catalog_mark mark;
    struct err why = ERR_NONE;
    uint64_t size = 0;
    enum status st = store_mark(s, &mark, e);
    if (st != ST_OK || mark.seq != seq || !digest_equal(&mark.head, hash))
        return st; /* whoever opens the store judges that */
    st = io_open(s->dir, STORE_LEDGER, O_RDWR | O_NOFOLLOW, 0, &fd, e);
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    if (st != ST_OK || size < mark.ledger_line)
        return st;
    if (size >= mark.ledger_offset)
        st = head_copies(s, fd, mark.ledger_offset, &why);
    if (size >= mark.ledger_offset && st != ST_CORRUPT) {
        *e = why;
        return st;
    }
    st = file_read(s->dir, STORE_HEAD, LEDGER_LINE_MAX + 1, &line, e);
    if (st == ST_OK && line.n != mark.ledger_offset - mark.ledger_line)
        return ST_OK;
    if (st == ST_OK)
        st = io_write_at(fd, buf_span(&line), mark.ledger_line, e);
    if (st == ST_OK)
        st = io_sync(fd, e);
    *mended = st == ST_OK;
    return st;
}

enum status ledger_mend(const char *path, enum ledger_mended *mended, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    SCOPED(fd_release) int lock = -1;
    struct digest hash;
    uint64_t seq = 0;
    bool back = false;
    struct err why = ERR_NONE;
    *mended = LEDGER_AS_IT_WAS;
    enum status st = store_open_bare(path, &s, e);
    if (st == ST_OK)
        st = store_lock(s, STORE_LOCK_WAIT, &lock, e);
    if (st != ST_OK)
        return st;
    st = head_read(s, &seq, &hash, &why);
    if (st == ST_OK && seq > 0) {
        st = s->index != NULL ? put_back(s, seq, &hash, &back, e) : ST_OK;
        *mended = back ? LEDGER_LINE : LEDGER_AS_IT_WAS;
        return st;
    }
    if (st != ST_OK && st != ST_CORRUPT) {
        *e = why;
        return st;
    }
    st = mend(s, e);
    *mended = st == ST_OK ? LEDGER_HEAD : LEDGER_AS_IT_WAS;
    return st;
}
