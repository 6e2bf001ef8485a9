#include "store/index.h"
#include "base/files.h"
#include "base/hash64.h"
#include "base/heap.h"
#include "base/text.h"
#include "store/index_files.h"
#include "store/index_walk.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAP_BYTES   ((size_t)64 << 30) /* sparse: costs address space only */
#define HASH_BYTES  8u
#define PATH_BYTES  4096u
#define WALK_WHOLE  (4u << 20) /* bytes of data.mdb up to which each opening looks at every page */
#define WALK_TRIES  200 /* a writer commits twice between two of our calls, at a loaded machine */
#define BLOCK_BITS  16u /* the kernel maps so much around a page of the map that is looked at */
#define BLOCKS_HELD 64u /* blocks looked at after which all are let go */

struct index {
    MDB_env *env;
    MDB_dbi table[INDEX_TABLES];
    pid_t owner; /* LMDB does not survive a fork */
    bool read_only, no_lock;
    char folder[PATH_BYTES];
    /* Where in the map readers met values, in how many blocks since the last were let go, and in
     * which of late: any thread. */
    _Atomic uintptr_t first, last, late[BLOCKS_HELD];
    _Atomic unsigned blocks;
};

struct index_view {
    struct index *x;
    MDB_txn *txn;
};

struct index_write {
    struct index *x;
    MDB_txn *txn;
    struct buf value;
};

static const char *const table_names[INDEX_TABLES] = {"chunks",  "records", "packs",
                                                      "recipes", "state",   "meta"};

static bool disk_is_full(const char *folder)
{
    struct statvfs v;
    return statvfs(folder, &v) == 0 && v.f_bavail < 64;
}

/* LMDB's result as a status. A full disk reaches us as EIO, since a partial write is all it sees.
 */
static enum status index_error(struct err *e, const struct index *x, int rc, const char *what)
{
    if (rc == EIO && disk_is_full(x->folder))
        rc = ENOSPC;
    if (rc == MDB_MAP_FULL)
        return err_set(e, ST_NO_SPACE, "index-full", "%s: the index holds its 64 GiB", what);
    if (rc == ENOMEM)
        (void)err_set(e, ST_NO_MEMORY, "index-map",
                      "%s: no memory, or no address space for its 64 GiB: raise `ulimit -v`", what);
    else if (rc > 0)
        return err_sys(e, rc, what, x->folder);
    else
        (void)err_set(e, ST_CORRUPT, "index-lmdb", "%s: %s; delete the folder, it is folded again",
                      what, mdb_strerror(rc));
    return err_subject(e, "%s", x->folder);
}

/* -- opening -------------------------------------------------------------------------------------
 */

static int open_env(struct index *x, bool create)
{
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
    int rc = mdb_env_create(&x->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(x->env, MAP_BYTES);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(x->env, INDEX_READERS);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(x->env, INDEX_TABLES);
    if (rc == 0)
        rc = mdb_env_open(x->env, x->folder,
                          flags | (x->read_only ? MDB_RDONLY : 0u) | (x->no_lock ? MDB_NOLOCK : 0u),
                          0600);
    if ((rc == EACCES || rc == EROFS) && !create && !x->no_lock) {
        mdb_env_close(x->env);
        x->env = NULL;
        x->no_lock = x->read_only; /* not even the lock file may be written: nobody writes here */
        x->read_only = true;
        return EAGAIN;
    }
    return rc;
}

static void txn_scope(MDB_txn **txn)
{
    if (*txn != NULL)
        mdb_txn_abort(*txn);
}

/* What LMDB is about to believe. While the reader holds its transaction, none of its pages is
 * written anew. */
static enum status walk(struct index *x, bool whole, bool *again, struct err *e)
{
    SCOPED(txn_scope) MDB_txn *txn = NULL;
    SCOPED(fd_release) int fd = -1;
    char path[PATH_BYTES];
    uint64_t size = 0;
    text_fmt(path, sizeof path, "%s/data.mdb", x->folder);
    int rc = mdb_txn_begin(x->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return index_error(e, x, rc, "read the index");
    enum status st = io_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);
    if (st == ST_OK)
        st = io_size(fd, &size, e);
    return st == ST_OK ? index_walk(fd, mdb_txn_id(txn), whole || size <= WALK_WHOLE, again, e)
                       : st;
}

enum status index_sound(struct index *x, bool whole, struct err *e)
{
    struct err why = ERR_NONE;
    bool again = true;
    enum status st = ST_OK;
    for (unsigned i = 0; again && i < WALK_TRIES; i++) {
        again = false;
        why = ERR_NONE;
        st = walk(x, whole, &again, &why);
    }
    if (st != ST_OK)
        *e = why;
    return st;
}

static int open_tables(struct index *x, bool create)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(x->env, NULL, create ? 0u : (unsigned)MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    for (int t = 0; t < INDEX_TABLES && rc == 0; t++)
        rc = mdb_dbi_open(txn, table_names[t], create ? (unsigned)MDB_CREATE : 0u, &x->table[t]);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static enum status map_open(struct index *x, bool create, struct err *e)
{
    int rc = open_env(x, create);
    for (int i = 0; rc == EAGAIN && i < 2; i++)
        rc = open_env(x, create);
    enum status st = rc == 0 && !create ? index_sound(x, false, e) : ST_OK;
    if (st != ST_OK)
        return st;
    if (rc == 0)
        rc = open_tables(x, create);
    return rc == 0 ? index_clear_readers(x, e) : index_error(e, x, rc, "open the index");
}

enum status index_open(const char *folder, bool create, struct index **out, struct err *e)
{
    if (strlen(folder) >= PATH_BYTES - sizeof "/data.mdb")
        return err_set(e, ST_USAGE, "path-length", "the path of the store is too long");
    enum status st = index_files_check(folder, create, e);
    if (st != ST_OK)
        return st;
    SCOPED(index_scope) struct index *x = heap_zero(1, sizeof *x);
    if (x == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "opening the index");
    x->owner = getpid();
    text_fmt(x->folder, sizeof x->folder, "%s", folder);
    st = map_open(x, create, e);
    if (st == ST_OK)
        *out = index_take(&x);
    return st;
}

void index_close(struct index *x)
{
    if (x == NULL)
        return;
    if (x->env != NULL && x->owner == getpid())
        mdb_env_close(x->env);
    heap_free(x);
}

bool index_read_only(const struct index *x)
{
    return x->read_only;
}

enum status index_clear_readers(struct index *x, struct err *e)
{
    int dead = 0;
    int checked = x->read_only ? 0 : mdb_reader_check(x->env, &dead);
    return checked == 0 ? ST_OK : index_error(e, x, checked, "clear the index's readers");
}

/* -- values --------------------------------------------------------------------------------------
 */

static MDB_val as_value(struct span s)
{
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)s.p};
}

static uint64_t value_hash(enum index_table t, struct span key, struct span record)
{
    return hash64(record, hash64(key, (uint64_t)t + 1));
}

/* A damaged length may reach behind the file's end, where the map has no bytes: reading there would
 * end the process. Within one page there is no doubt; else the kernel is asked to read the last
 * byte for us. */
static bool mapped(struct span s)
{
    const uintptr_t page = 4096, from = (uintptr_t)s.p;
    uint8_t last;
    if (s.n == 0 || (from & (page - 1)) + s.n <= page)
        return true;
    struct iovec to = {&last, 1}, at = {(void *)(from + s.n - 1), 1};
    return process_vm_readv(getpid(), &to, 1, &at, 1, 0) == 1 || errno != EFAULT;
}

static enum status value_open(enum index_table t, struct span key, MDB_val v, struct span *record,
                              struct err *e)
{
    struct span all = SPAN(v.mv_data, v.mv_size);
    if (all.n >= HASH_BYTES && all.n <= INDEX_RECORD_MAX + HASH_BYTES && key.n <= INDEX_KEY_MAX &&
        mapped(key) && mapped(all)) {
        *record = SPAN(all.p, all.n - HASH_BYTES);
        if (get_le64(all.p + record->n) == value_hash(t, key, *record))
            return ST_OK;
    }
    (void)err_set(e, ST_CORRUPT, "index-value",
                  "a value in table %s is damaged; delete the index folder, it is folded again",
                  table_names[t]);
    return err_subject(e, "index");
}

static void cursor_scope(MDB_cursor **c)
{
    if (*c != NULL)
        mdb_cursor_close(*c);
}

/* A key that is not there: were the keys beside its place damaged, it might only be hidden. */
static enum status check_miss(struct index *x, MDB_txn *txn, enum index_table t, struct span key,
                              MDB_val *beside, struct err *e)
{
    SCOPED(cursor_scope) MDB_cursor *c = NULL;
    MDB_val k = as_value(key), v = {0};
    struct span record;
    enum status st = ST_OK;
    int rc = mdb_cursor_open(txn, x->table[t], &c);
    if (rc == 0)
        rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    if (rc == 0)
        st = value_open(t, SPAN(k.mv_data, k.mv_size), v, &record, e);
    if (st == ST_OK && (rc == 0 || rc == MDB_NOTFOUND))
        rc = mdb_cursor_get(c, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
    if (st == ST_OK && rc == 0)
        st = value_open(t, SPAN(k.mv_data, k.mv_size), v, &record, e);
    *beside = v;
    return rc == 0 || rc == MDB_NOTFOUND ? st : index_error(e, x, rc, "read the index");
}

/* Pages of the map that were looked at stay resident, and with a large content that is all of them.
 * They are clean and in the page cache, so they can be let go at any time, whoever is reading. */
static void block_mapped(struct index *x)
{
    const uintptr_t page = 4096, first = atomic_load(&x->first) & ~(page - 1),
                    end = (atomic_load(&x->last) | (page - 1)) + 1;
    if (atomic_fetch_add(&x->blocks, 1) % BLOCKS_HELD != BLOCKS_HELD - 1 || first == 0)
        return;
    for (unsigned i = 0; i < BLOCKS_HELD; i++)
        atomic_store(&x->late[i], 0);
    (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

/* Where the map is, nobody says but the values that readers meet; a writer's may be memory of its
 * own. */
static void met_at(struct index *x, const MDB_val *met)
{
    const uintptr_t at = (uintptr_t)met->mv_data, block = at >> BLOCK_BITS;
    uintptr_t first = atomic_load(&x->first), last = atomic_load(&x->last);
    if (at == 0 || atomic_exchange(&x->late[block % BLOCKS_HELD], block) == block)
        return;
    while ((first == 0 || at < first) && !atomic_compare_exchange_weak(&x->first, &first, at))
        continue;
    while (at > last && !atomic_compare_exchange_weak(&x->last, &last, at))
        continue;
    block_mapped(x);
}

/* *met: the value, or where a value was looked at instead. */
static enum status txn_get(struct index *x, MDB_txn *txn, enum index_table t, struct span key,
                           struct buf *out, bool *found, MDB_val *met, struct err *e)
{
    assert(key.n > 0 && key.n <= INDEX_KEY_MAX);
    MDB_val k = as_value(key);
    *met = (MDB_val){0};
    int rc = mdb_get(txn, x->table[t], &k, met);
    *found = rc == 0;
    if (rc == MDB_NOTFOUND)
        return check_miss(x, txn, t, key, met, e);
    if (rc != 0)
        return index_error(e, x, rc, "read the index");
    struct span record = {0};
    enum status st = value_open(t, key, *met, &record, e);
    if (st != ST_OK)
        return st;
    buf_append(out, record);
    st = buf_status(out);
    return st == ST_OK ? st : err_set(e, st, NULL, "a record of the index");
}

/* -- reading -------------------------------------------------------------------------------------
 */

enum status index_view_open(struct index *x, struct index_view **out, struct err *e)
{
    assert(x->owner == getpid());
    SCOPED(index_view_scope) struct index_view *v = heap_zero(1, sizeof *v);
    if (v == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "reading the index");
    v->x = x;
    int rc = mdb_txn_begin(x->env, NULL, MDB_RDONLY, &v->txn);
    if (rc == MDB_READERS_FULL) {
        int dead = 0;
        rc = mdb_reader_check(x->env, &dead);
        if (rc == 0)
            rc = mdb_txn_begin(x->env, NULL, MDB_RDONLY, &v->txn);
        if (rc == MDB_READERS_FULL)
            return err_set(e, ST_BUSY, "index-readers", "%u readers are at the index already",
                           INDEX_READERS);
    }
    if (rc != 0)
        return index_error(e, x, rc, "read the index");
    *out = index_view_take(&v);
    return ST_OK;
}

void index_view_close(struct index_view *v)
{
    if (v == NULL)
        return;
    if (v->txn != NULL)
        mdb_txn_abort(v->txn);
    heap_free(v);
}

enum status index_view_get(struct index_view *v, enum index_table t, struct span key,
                           struct buf *out, bool *found, struct err *e)
{
    MDB_val met;
    enum status st = txn_get(v->x, v->txn, t, key, out, found, &met, e);
    if (st == ST_OK)
        met_at(v->x, &met);
    return st;
}

enum status index_get(struct index *x, enum index_table t, struct span key, struct buf *out,
                      bool *found, struct err *e)
{
    SCOPED(index_view_scope) struct index_view *v = NULL;
    enum status st = index_view_open(x, &v, e);
    assert(st != ST_OK || v != NULL);
    return st == ST_OK ? index_view_get(v, t, key, out, found, e) : st;
}

static enum status each_from(struct index_view *v, enum index_table t, struct span from,
                             struct span prefix, index_each each, void *ctx, struct err *e)
{
    SCOPED(cursor_scope) MDB_cursor *c = NULL;
    int rc = mdb_cursor_open(v->txn, v->x->table[t], &c);
    MDB_val k = as_value(from), d = {0};
    if (rc == 0)
        rc = mdb_cursor_get(c, &k, &d, from.n > 0 ? MDB_SET_RANGE : MDB_FIRST);
    while (rc == 0) {
        struct span key = SPAN(k.mv_data, k.mv_size), record = {0};
        if (key.n < prefix.n || (prefix.n > 0 && memcmp(key.p, prefix.p, prefix.n) != 0))
            return ST_OK;
        enum status st = value_open(t, key, d, &record, e);
        met_at(v->x, &d);
        if (st == ST_OK)
            st = each(ctx, key, record, e);
        if (st != ST_OK)
            return st;
        rc = mdb_cursor_get(c, &k, &d, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? ST_OK : index_error(e, v->x, rc, "read the index");
}

enum status index_view_each(struct index_view *v, enum index_table t, struct span prefix,
                            index_each each, void *ctx, struct err *e)
{
    return each_from(v, t, prefix, prefix, each, ctx, e);
}

enum status index_view_from(struct index_view *v, enum index_table t, struct span from,
                            index_each each, void *ctx, struct err *e)
{
    return each_from(v, t, from, SPAN(NULL, 0), each, ctx, e);
}

enum status index_view_count(struct index_view *v, enum index_table t, uint64_t *n, struct err *e)
{
    MDB_stat s;
    int rc = mdb_stat(v->txn, v->x->table[t], &s);
    if (rc != 0)
        return index_error(e, v->x, rc, "read the index");
    *n = s.ms_entries;
    return ST_OK;
}

/* -- writing -------------------------------------------------------------------------------------
 */

enum status index_begin(struct index *x, struct index_write **out, struct err *e)
{
    assert(x->owner == getpid());
    SCOPED(index_write_scope) struct index_write *w = heap_zero(1, sizeof *w);
    if (w == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "writing the index");
    w->x = x;
    int rc = mdb_txn_begin(x->env, NULL, 0, &w->txn);
    if (rc != 0)
        return index_error(e, x, rc, "write the index");
    *out = index_write_take(&w);
    return ST_OK;
}

enum status index_put(struct index_write *w, enum index_table t, struct span key,
                      struct span record, struct err *e)
{
    assert(key.n > 0 && key.n <= INDEX_KEY_MAX && record.n <= INDEX_RECORD_MAX);
    w->value.n = 0;
    buf_append(&w->value, record);
    uint8_t *h = buf_space(&w->value, HASH_BYTES);
    if (h == NULL)
        return err_set(e, buf_status(&w->value), NULL, "writing the index");
    put_le64(h, value_hash(t, key, record));
    MDB_val k = as_value(key), v = as_value(buf_span(&w->value));
    block_mapped(w->x);
    int rc = mdb_put(w->txn, w->x->table[t], &k, &v, 0);
    return rc == 0 ? ST_OK : index_error(e, w->x, rc, "write the index");
}

enum status index_delete(struct index_write *w, enum index_table t, struct span key, struct err *e)
{
    assert(key.n > 0 && key.n <= INDEX_KEY_MAX);
    MDB_val k = as_value(key);
    block_mapped(w->x);
    int rc = mdb_del(w->txn, w->x->table[t], &k, NULL);
    return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : index_error(e, w->x, rc, "write the index");
}

enum status index_write_get(struct index_write *w, enum index_table t, struct span key,
                            struct buf *out, bool *found, struct err *e)
{
    MDB_val met;
    block_mapped(w->x);
    return txn_get(w->x, w->txn, t, key, out, found, &met, e);
}

enum status index_commit(struct index_write *w, struct err *e)
{
    MDB_txn *txn = w->txn;
    w->txn = NULL; /* freed by the commit even when it fails */
    int rc = mdb_txn_commit(txn);
    enum status st = rc == 0 ? ST_OK : index_error(e, w->x, rc, "commit to the index");
    index_abort(w);
    return st;
}

void index_abort(struct index_write *w)
{
    if (w == NULL)
        return;
    if (w->txn != NULL)
        mdb_txn_abort(w->txn);
    buf_release(&w->value);
    heap_free(w);
}
