#include "store/recover.h"
#include "base/pending.h"
#include "base/text.h"
#include "store/drop.h"
#include "store/fold.h"
#include "store/head.h"
#include "store/reserve.h"
#include "store/seat.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define INDEX_NEW "index.new."
#define INDEX_OLD "index.old."

/* -- head ----------------------------------------------------------------------------------------
 */

static enum status compare_head(struct store *s, const struct catalog_mark *m, uint64_t seq,
                                const struct digest *hash, struct err *e)
{
    if (seq > m->seq)
        return head_lost(s, m->ledger_offset, m->seq, seq, e);
    if (seq == 0 && m->seq > 0)
        return head_damaged(e, "the ledger's head is gone");
    if (seq == m->seq && seq > 0 && !digest_equal(hash, &m->head))
        return head_damaged(e, "the ledger's head is not its last entry");
    return ST_OK;
}

/* -- the calls -----------------------------------------------------------------------------------
 */

static enum status fold_all(struct fold *f, struct err *e)
{
    uint64_t seq = 0;
    struct digest hash;
    enum status st = fold_ledger(f, e);
    if (st == ST_OK)
        st = head_read(f->s, &seq, &hash, e);
    if (st == ST_OK)
        st = compare_head(f->s, &f->mark, seq, &hash, e);
    /* The head may be one step behind: the process died before it was published. Head before index,
     * as a commit does it. */
    if (st == ST_OK && seq < f->mark.seq)
        st = head_publish(f->s, f->mark.ledger_line, f->mark.ledger_offset, e);
    return st == ST_OK ? fold_settle(f, true, e) : st;
}

static enum status fold_once(struct store *s, struct err *e)
{
    SCOPED(fold_release) struct fold f = {0};
    enum status st = fold_begin(&f, s, s->index, NULL, e);
    if (st == ST_OK)
        st = fold_packs(&f, e);
    return st == ST_OK ? fold_all(&f, e) : st;
}

enum status recover_fold(struct store *s, struct err *e)
{
    struct catalog_mark mark;
    struct err why = ERR_NONE;
    enum status st = fold_once(s, &why);
    if (st == ST_NO_SPACE && text_equal(err_code(&why), "index-full")) { /* held by the dead? */
        st = index_clear_readers(s->index, e);
        if (st == ST_OK)
            st = fold_once(s, &why);
    }
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    st = store_mark(s, &mark, e);
    return st == ST_OK && mark.drops > 0 ? drop_finish(s, e) : st;
}

static enum status pass(void *ctx, const struct ledger_entry *entry, struct err *e)
{
    (void)ctx;
    (void)entry;
    (void)e;
    return ST_OK;
}

/* The ledger is shorter than what was folded: how far does it go still? */
static enum status ledger_cut(struct store *s, uint64_t known, struct err *e)
{
    struct ledger_place at = {.offset = 0};
    struct err ignored = ERR_NONE; /* whatever ends the reading, whole entries end there */
    enum status st = ledger_read(s->dir, NULL, &at, pass, NULL, &ignored);
    return st == ST_NO_MEMORY ? err_set(e, st, NULL, "reading the ledger")
                              : head_lost(s, UINT64_MAX, at.seq, known, e);
}

/* Is there a pack or a part of the ledger beyond the mark? */
static enum status unfolded(struct store *s, const struct catalog_mark *m, bool *more,
                            struct err *e)
{
    SCOPED(fd_release) int pack = -1;
    SCOPED(fd_release) int ledger = -1;
    char name[PACK_NAME];
    uint64_t size = 0;
    struct err why = ERR_NONE;
    pack_name(m->next_pack, name);
    enum status st = io_open(s->dir, STORE_LEDGER, IO_FILE, 0, &ledger, &why);
    if (st == ST_OK)
        st = io_size(ledger, &size, &why);
    if (st == ST_NOT_FOUND || (st == ST_OK && size < m->ledger_offset))
        return ledger_cut(s, m->seq, e);
    if (st == ST_OK) {
        st = seat_open(s->packs, name, O_RDONLY, 0, &pack, &why);
        *more = st == ST_OK || size > m->ledger_offset || m->drops > 0;
        st = st == ST_NOT_FOUND || st == ST_CORRUPT ? ST_OK : st;
    }
    if (st != ST_OK)
        *e = why;
    return st;
}

enum status recover_open(struct store *s, struct err *e)
{
    SCOPED(fd_release) int lock = -1;
    struct catalog_mark mark;
    struct digest hash;
    uint64_t seq = 0;
    bool more = false;
    /* In this order: whoever commits writes ledger, head, mark, so an older head than the mark's is
     * never mistaken for a cut ledger. */
    enum status st = head_read(s, &seq, &hash, e);
    if (st == ST_OK)
        st = store_mark(s, &mark, e);
    if (st == ST_OK)
        st = unfolded(s, &mark, &more, e);
    more = more || (seq > 0 && seq < mark.seq);
    if (st != ST_OK || !more)
        return st == ST_OK ? compare_head(s, &mark, seq, &hash, e) : st;
    if (index_read_only(s->index))
        return ST_OK; /* what is folded is served; the rest waits for a writer */
    SCOPED(reserve_use_release) struct reserve_use reserve = {0};
    struct err why = ERR_NONE;
    st = reserve_use(s, RESERVE_ENTRY, &reserve, e);
    if (st != ST_OK)
        return st;
    st = store_lock(s, 0, &lock, &why);
    if (st == ST_BUSY)
        return ST_OK; /* its owner is about to fold it */
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    st = recover_fold(s, &why);
    if (st == ST_NO_SPACE || st == ST_QUOTA) {
        s->unfolded = why; /* what is folded is served; the rest waits for room */
        return ST_OK;
    }
    if (st != ST_OK)
        *e = why;
    return st;
}

enum status recover_blank(struct store *s, const char *folder, struct index **out, struct err *e)
{
    SCOPED(index_scope) struct index *x = NULL;
    SCOPED(index_write_scope) struct index_write *w = NULL;
    struct catalog_mark mark = {.charter = s->charter.digest, .next_pack = 1};
    char path[4096 + 64];
    store_index_path(s, folder, path);
    enum status st = io_mkdir(s->dir, folder, 0700, e);
    if (st == ST_OK)
        st = index_open(path, true, &x, e);
    if (st == ST_OK)
        st = index_begin(x, &w, e);
    if (st == ST_OK)
        st = catalog_mark_put(w, &mark, e);
    if (st != ST_OK)
        return st;
    st = index_commit(index_write_take(&w), e);
    if (st == ST_OK)
        *out = index_take(&x);
    return st;
}

/* -- a fresh index -------------------------------------------------------------------------------
 */

/* Under the lock nobody else builds, so what an earlier rebuild left is dead. */
static bool is_aside(const char *name)
{
    return strncmp(name, INDEX_NEW, strlen(INDEX_NEW)) == 0 ||
           strncmp(name, INDEX_OLD, strlen(INDEX_OLD)) == 0;
}

static enum status sweep_index(void *ctx, const char *name, struct err *e)
{
    struct store *s = ctx;
    return is_aside(name) ? folder_remove(s->dir, name, e) : ST_OK;
}

static enum status fold_everything(struct store *s, struct index *x, struct progress *progress,
                                   struct err *e)
{
    SCOPED(fold_release) struct fold f = {0};
    enum status st = fold_begin(&f, s, x, progress, e);
    if (st == ST_OK)
        st = store_poison(s, io_sync(s->packs, e));
    if (st == ST_OK)
        st = folder_each(s->packs, ".", fold_named, &f, e);
    return st == ST_OK ? fold_all(&f, e) : st;
}

/* LMDB syncs its file when it commits, but neither the name nor the first pages. */
enum status recover_sync_index(struct store *s, const char *folder, struct err *e)
{
    SCOPED(fd_release) int dir = -1;
    SCOPED(fd_release) int data = -1;
    enum status st = io_open(s->dir, folder, O_RDONLY | O_DIRECTORY, 0, &dir, e);
    if (st == ST_OK)
        st = io_open(dir, "data.mdb", O_RDWR, 0, &data, e);
    if (st == ST_OK)
        st = io_sync(data, e);
    return st == ST_OK ? io_sync(dir, e) : st;
}

static enum status swap_index(struct store *s, const char *fresh, struct err *e)
{
    char old[64];
    struct err why = ERR_NONE;
    text_fmt(old, sizeof old, INDEX_OLD "%ld", (long)getpid());
    enum status st = io_rename(s->dir, STORE_INDEX, s->dir, old, false, &why);
    if (st == ST_OK || st == ST_NOT_FOUND)
        st = io_rename(s->dir, fresh, s->dir, STORE_INDEX, false, &why);
    if (st == ST_OK)
        st = io_sync(s->dir, &why);
    if (st == ST_OK)
        st = folder_remove(s->dir, old, &why);
    if (st != ST_OK)
        *e = why;
    return st;
}

static enum status build(struct store *s, const char *fresh, struct progress *progress,
                         struct err *e)
{
    SCOPED(index_scope) struct index *x = NULL;
    enum status st = recover_blank(s, fresh, &x, e);
    if (st == ST_OK)
        st = fold_everything(s, x, progress, e);
    index_close(index_take(&x));
    if (st == ST_OK)
        st = recover_sync_index(s, fresh, e);
    return st == ST_OK ? swap_index(s, fresh, e) : st;
}

enum status recover_rebuild(struct store *s, struct progress *progress, struct err *e)
{
    char fresh[64], path[4096 + 64];
    text_fmt(fresh, sizeof fresh, INDEX_NEW "%ld", (long)getpid());
    index_close(s->index);
    s->index = NULL;
    enum status st = folder_each(s->dir, ".", sweep_index, s, e);
    if (st == ST_OK)
        st = build(s, fresh, progress, e);
    if (st != ST_OK) {
        struct err ignored = ERR_NONE; /* whoever writes next sweeps what is left */
        enum status swept = folder_remove(s->dir, fresh, &ignored);
        (void)swept;
        return st;
    }
    store_index_path(s, STORE_INDEX, path);
    return index_open(path, false, &s->index, e);
}

/* -- leftovers -----------------------------------------------------------------------------------
 */

static enum status find_index(void *ctx, const char *name, struct err *e)
{
    bool *found = ctx;
    (void)e;
    *found = *found || is_aside(name);
    return ST_OK;
}

enum status recover_sweep(struct store *s, struct err *e)
{
    SCOPED(fd_release) int lock = -1;
    struct err why = ERR_NONE;
    bool found = false;
    enum status st = pending_sweep(s->dir, e);
    if (st == ST_OK)
        st = folder_each(s->dir, ".", find_index, &found, e);
    if (st != ST_OK || !found)
        return st;
    st = store_lock(s, 0, &lock, &why);
    if (st == ST_BUSY)
        return ST_OK; /* it may be what its owner is building */
    if (st == ST_OK)
        st = folder_each(s->dir, ".", sweep_index, s, &why);
    if (st != ST_OK)
        *e = why;
    return st;
}
