#include "store/store.h"
#include "base/heap.h"
#include "base/text.h"
#include "store/check.h"
#include "store/move.h"
#include "store/recover.h"
#include "store/reserve.h"
#include "store/seat.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* -- what the rooms share ------------------------------------------------------------------------
 */

enum status store_lock(struct store *s, unsigned wait_ms, int *fd, struct err *e)
{
    SCOPED(fd_release) int lock = -1;
    enum status st = io_open(s->dir, STORE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &lock, e);
    if (st == ST_OK)
        st = io_lock(lock, wait_ms, e);
    if (st != ST_OK)
        return err_subject(e, "%s/%s", s->path, STORE_LOCK);
    *fd = fd_take(&lock);
    return ST_OK;
}

enum status store_fence(struct store *s, bool *fenced, struct err *e)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    char to[4096], time[TIME_TEXT_MAX];
    struct err why = ERR_NONE;
    *fenced = false;
    enum status st = s->index == NULL ? ST_OK : move_fence(s, fenced, &value, to, time, &why);
    if (st != ST_OK && e != NULL)
        *e = why;
    if (st != ST_OK || !*fenced || e == NULL)
        return st;
    (void)err_set(e, ST_CONFLICT, "store-moved", "the store moved to %s at %s; use it there", to,
                  time);
    return err_subject(e, "%s", s->path);
}

enum status store_usable(const struct store *s, struct err *e)
{
    if (s->unfolded.status != ST_OK) {
        *e = s->unfolded;
        return e->status;
    }
    if (s->poisoned)
        return err_set(e, ST_IO, "store-poisoned",
                       "an earlier write to the store failed half-way; open it again to go on");
    if (s->index != NULL && index_read_only(s->index)) {
        (void)err_set(e, ST_IO, "store-read-only", "the store may only be read here");
        return err_subject(e, "%s", s->path);
    }
    return ST_OK;
}

enum status store_writable(struct store *s, struct err *e)
{
    bool fenced = false;
    enum status st = store_usable(s, e);
    return st == ST_OK ? store_fence(s, &fenced, e) : st;
}

enum status store_poison(struct store *s, enum status st)
{
    if (st != ST_OK)
        s->poisoned = true;
    return st;
}

void store_index_path(const struct store *s, const char *name, char out[4096 + 64])
{
    text_fmt(out, 4096 + 64, "%s/%s", s->path, name);
}

static enum status open_folder(struct store *s, const char *name, int *fd, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = io_open(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd, &why);
    if (st == ST_NOT_FOUND)
        return err_set(e, ST_CORRUPT, "store-folder", "the store lacks its folder %s", name);
    if (st != ST_OK)
        *e = why;
    return st;
}

/* A folder that may be empty may be lost by a copy; −1 then. */
static enum status open_spare(struct store *s, const char *name, int *fd, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = open_folder(s, name, fd, &why);
    if (st == ST_OK || (st == ST_CORRUPT && text_equal(err_code(&why), "store-folder")))
        return ST_OK;
    *e = why;
    return st;
}

enum status store_open_folders(struct store *s, struct err *e)
{
    enum status st = open_folder(s, STORE_PACKS, &s->packs, e);
    if (st == ST_OK)
        st = open_spare(s, STORE_STAGING, &s->staging, e);
    if (st == ST_OK)
        st = open_spare(s, STORE_QUARANTINE, &s->quarantine, e);
    if (st == ST_OK)
        st = open_spare(s, STORE_LEASES, &s->leases, e);
    return st == ST_OK ? st : err_subject(e, "%s", s->path);
}

static enum status make_folder(struct store *s, const char *name, int *fd, struct err *e)
{
    struct err why = ERR_NONE;
    if (*fd >= 0)
        return ST_OK;
    enum status st = io_mkdir(s->dir, name, 0700, &why);
    if (st == ST_OK || st == ST_EXISTS) /* another process may be mending it too */
        st = io_sync(s->dir, &why);
    if (st == ST_OK)
        st = open_folder(s, name, fd, &why);
    if (st != ST_OK)
        *e = why;
    return st;
}

/* Where there is nothing to lose, a lost folder is made again before anything is written. */
static enum status mend_folders(struct store *s, struct err *e)
{
    if (index_read_only(s->index))
        return ST_OK;
    enum status st = make_folder(s, STORE_STAGING, &s->staging, e);
    if (st == ST_OK)
        st = make_folder(s, STORE_LEASES, &s->leases, e);
    return st == ST_OK ? make_folder(s, STORE_QUARANTINE, &s->quarantine, e) : st;
}

enum status store_mark(struct store *s, struct catalog_mark *out, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    enum status st = index_view_open(s->index, &v, e);
    return st == ST_OK ? catalog_mark_get(v, out, e) : st;
}

/* -- opening -------------------------------------------------------------------------------------
 */

static enum status no_store(struct err *e, const char *path)
{
    (void)err_set(e, ST_NOT_FOUND, "no-store", "there is no store; `assay init` makes one");
    return err_subject(e, "%s", path);
}

/* A folder without the file that makes it a store: never was one, or has lost it. */
static enum status no_charter(const struct store *s, struct err *e)
{
    if (faccessat(s->dir, STORE_LEDGER, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return no_store(e, s->path);
    (void)err_set(e, ST_CORRUPT, "no-format",
                  "the store's file %s is gone; bring it back from a copy of the store",
                  CHARTER_FILE);
    return err_subject(e, "%s", s->path);
}

/* Whoever else may write here could put anything in place of anything. */
static enum status check_owner(const struct store *s, struct err *e)
{
    struct stat st;
    if (fstat(s->dir, &st) != 0)
        return err_sys(e, errno, "fstat", s->path);
    if (st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return ST_OK;
    (void)err_set(e, ST_UNTRUSTED, "store-owner",
                  st.st_uid == geteuid() ? "others may write to the store's folder; `chmod go-w` it"
                                         : "the store's folder belongs to another user");
    return err_subject(e, "%s", s->path);
}

/* Where no format file is, there is no store whose places could be wrong. */
static enum status check_names(const struct store *s, struct err *e)
{
    struct stat charter;
    enum status bad = file_look(s->dir, CHARTER_FILE, &charter, e);
    if (bad == ST_OK && charter.st_mode == 0)
        return no_charter(s, e);
    if (bad != ST_OK)
        return bad;
    struct err why = ERR_NONE;
    bad = seat_check(s->dir, &why);
    if (bad == ST_OK)
        return bad;
    *e = why;
    text_fmt(e->subject, sizeof e->subject, "%s/%s", s->path, why.subject);
    return bad;
}

static enum status read_charter(struct store *s, struct err *e)
{
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    struct err why = ERR_NONE;
    enum status st = file_read(s->dir, CHARTER_FILE, CHARTER_MAX, &bytes, &why);
    if (st == ST_NOT_FOUND)
        return no_store(e, s->path);
    if (st == ST_OK)
        st = charter_decode(buf_span(&bytes), &s->charter, &why);
    if (st != ST_OK)
        *e = why;
    return st;
}

/* All but the index. */
static enum status open_base(const char *path, struct store **out, struct err *e)
{
    SCOPED(store_scope) struct store *s = heap_alloc(sizeof *s);
    if (s == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "opening the store");
    *s = STORE_NONE;
    if (text_fmt(s->path, sizeof s->path, "%s", path) >= sizeof s->path)
        return err_set(e, ST_USAGE, "path-length", "the path of the store is too long");
    struct err why = ERR_NONE;
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &s->dir, &why);
    if (st == ST_NOT_FOUND || why.sys == ENOTDIR)
        return no_store(e, path);
    if (st == ST_OK)
        st = check_names(s, &why);
    if (st == ST_OK)
        st = read_charter(s, &why);
    if (st == ST_OK)
        st = check_owner(s, &why);
    if (st == ST_OK)
        st = store_open_folders(s, &why);
    if (st != ST_OK) {
        *e = why;
        return st;
    }
    *out = store_take(&s);
    return ST_OK;
}

static enum status rebuild(struct store *s, struct progress *progress, struct err *e)
{
    SCOPED(reserve_use_release) struct reserve_use reserve = {0};
    SCOPED(fd_release) int lock = -1;
    enum status st = reserve_use(s, RESERVE_ENTRY, &reserve, e);
    if (st == ST_OK)
        st = store_lock(s, STORE_LOCK_WAIT, &lock, e);
    if (st == ST_OK)
        st = recover_rebuild(s, progress, e);
    if (s->index ==
        NULL) /* nobody knows what the quota leaves: the next who writes makes it again */
        reserve.s = NULL;
    return st;
}

/* Opens the index that is there. *usable is false when it has to be folded again. */
static enum status open_index(struct store *s, bool *usable, struct err *e)
{
    char path[4096 + 64];
    struct catalog_mark mark;
    struct err why = ERR_NONE;
    store_index_path(s, STORE_INDEX, path);
    enum status st = index_open(path, false, &s->index, &why);
    if (st == ST_OK)
        st = store_mark(s, &mark, &why);
    *usable = st == ST_OK && digest_equal(&mark.charter, &s->charter.digest);
    if (st == ST_OK || st == ST_NOT_FOUND || st == ST_CORRUPT)
        return ST_OK;
    *e = why;
    return st;
}

enum status store_open_bare(const char *path, struct store **out, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    bool usable = false;
    enum status st = open_base(path, &s, e);
    if (st == ST_OK)
        st = open_index(s, &usable, e);
    if (st != ST_OK)
        return st;
    if (!usable) {
        index_close(s->index);
        s->index = NULL;
    }
    *out = store_take(&s);
    return ST_OK;
}

enum status store_open(const char *path, struct store **out, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    bool usable = false;
    enum status st = open_base(path, &s, e);
    if (st == ST_OK)
        st = open_index(s, &usable, e);
    if (st == ST_OK)
        st = usable ? recover_open(s, e) : rebuild(s, NULL, e);
    if (st == ST_OK)
        st = mend_folders(s, e);
    if (st == ST_OK)
        *out = store_take(&s);
    return st;
}

enum status index_rebuild(const char *path, struct progress *progress, struct err *e)
{
    SCOPED(store_scope) struct store *s = NULL;
    enum status st = open_base(path, &s, e);
    if (st == ST_OK)
        st = rebuild(s, progress, e);
    if (st == ST_OK)
        reserve_refill(s);
    return st;
}

void store_refill(struct store *s)
{
    reserve_refill(s);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    index_close(s->index);
    pack_set_scope(&s->set);
    if (s->aside[0] != '\0') {
        struct err ignored = ERR_NONE; /* what stays is swept by the next who makes a store here */
        enum status st = folder_remove(s->parent, s->aside, &ignored);
        (void)st;
    }
    fd_release(&s->packs);
    fd_release(&s->staging);
    fd_release(&s->quarantine);
    fd_release(&s->leases);
    fd_release(&s->dir);
    fd_release(&s->parent);
    heap_free(s);
}

/* -- asking --------------------------------------------------------------------------------------
 */

enum status store_facts(struct store *s, struct store_facts *out, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct catalog_mark mark;
    *out = (struct store_facts){
        .lab = s->charter.lab, .log_key = s->charter.log_key, .trust = s->charter.trust};
    text_fmt(out->id, sizeof out->id, "%s", s->charter.id);
    text_fmt(out->path, sizeof out->path, "%s", s->path);
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_mark_get(v, &mark, e);
    if (st == ST_OK)
        st = index_view_count(v, INDEX_CHUNKS, &out->chunks, e);
    if (st == ST_OK)
        st = index_view_count(v, INDEX_PACKS, &out->packs, e);
    if (st != ST_OK)
        return st;
    out->seq = mark.seq;
    out->head = mark.head;
    out->stored_bytes = mark.stored_bytes;
    return ST_OK;
}

void store_charter(const struct store *s, struct charter *out)
{
    *out = s->charter;
}

enum status store_entry(struct store *s, uint64_t seq, struct ledger_entry *out, struct err *e)
{
    enum status st = ledger_find(s->dir, &s->charter.log_key, seq, out, e);
    if (st != ST_OK || out->verified)
        return st;
    ledger_entry_release(out);
    return err_at(e, ST_CORRUPT, "ledger", "ledger-signature", ERR_NO_OFFSET,
                  "entry %llu is not signed by the store's log key", (unsigned long long)seq);
}

enum status store_entries(struct store *s, bool prove, ledger_each each, void *ctx, struct err *e)
{
    struct ledger_place at = {.offset = 0};
    return ledger_read(s->dir, prove ? &s->charter.log_key : NULL, &at, each, ctx, e);
}

enum status store_get(struct store *s, const char *key, struct buf *out, struct err *e)
{
    uint64_t seq = 0;
    return store_get_seq(s, key, out, &seq, e);
}

enum status store_get_seq(struct store *s, const char *key, struct buf *out, uint64_t *seq,
                          struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    bool found = false;
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = catalog_state(v, key, out, &found, seq, e);
    if (st != ST_OK || found)
        return st;
    (void)err_set(e, ST_NOT_FOUND, "no-state", "the store's state has no such key");
    return err_subject(e, "%s", key);
}

struct scan {
    const char *prefix;
    enum status (*each)(void *ctx, const char *key, struct span value, struct err *e);
    void *ctx;
};

static enum status scan_one(void *ctx, struct span key, struct span record, struct err *e)
{
    const struct scan *scan = ctx;
    const size_t n = strlen(scan->prefix);
    char text[STORE_KEY_MAX + 1];
    struct span value = {0};
    bool found = false;
    uint64_t seq = 0;
    if (key.n < n || (n > 0 && memcmp(key.p, scan->prefix, n) != 0))
        return ST_CANCELLED;
    enum status st = catalog_state_decode(record, &value, &found, &seq, e);
    if (st != ST_OK || !found)
        return st;
    text_fmt(text, sizeof text, "%.*s", (int)key.n, (const char *)key.p);
    return scan->each(scan->ctx, text, value, e);
}

enum status store_scan(struct store *s, const char *prefix,
                       enum status (*each)(void *ctx, const char *key, struct span value,
                                           struct err *e),
                       void *ctx, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct scan scan = {.prefix = prefix, .each = each, .ctx = ctx};
    if (strlen(prefix) > STORE_KEY_MAX)
        return ST_OK;
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = index_view_from(v, INDEX_STATE, span_text(prefix), scan_one, &scan, e);
    return st == ST_CANCELLED ? ST_OK : st;
}

enum status store_scan_after(struct store *s, const char *prefix, const char *after,
                             enum status (*each)(void *ctx, const char *key, struct span value,
                                                 struct err *e),
                             void *ctx, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    struct scan scan = {.prefix = prefix, .each = each, .ctx = ctx};
    char from[STORE_KEY_MAX + 2];
    const size_t n = text_fmt(from, sizeof from, "%s", after) + 1; /* with its NUL: just behind */
    if (n > STORE_KEY_MAX || strncmp(after, prefix, strlen(prefix)) < 0)
        return store_scan(s, prefix, each, ctx, e);
    enum status st = index_view_open(s->index, &v, e);
    if (st == ST_OK)
        st = index_view_from(v, INDEX_STATE, SPAN(from, n), scan_one, &scan, e);
    return st == ST_CANCELLED ? ST_OK : st;
}
