/* Index: ordered tables of small records in one LMDB environment, the fold of packs and ledger.
 *
 * It is never the truth and may be deleted at any time. LMDB notices no damage by itself, so every
 * value ends with an 8-byte hash over its table, key and record, checked at every read: ST_CORRUPT
 * with code "index-value" means "delete the folder, it is folded again". What each table holds is
 * the business of store/catalog.h.
 *
 * One large sparse map, never resized; no WRITEMAP, no NOSYNC, no DUPSORT. Reads take a short
 * transaction each and may come from several threads; a write is made by one thread, under the lock
 * of the store. An index must not be used after a fork (asserted). */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "base/bytes.h"
#include "base/err.h"

enum index_table {
    INDEX_CHUNKS,
    INDEX_RECORDS,
    INDEX_PACKS,
    INDEX_RECIPES,
    INDEX_STATE,
    INDEX_META,
    INDEX_TABLES
};

#define INDEX_KEY_MAX    511        /* LMDB's limit, bytes of a key */
#define INDEX_RECORD_MAX (1u << 20) /* bytes of a record */

struct index;       /* an open environment */
struct index_view;  /* one moment of it, for reads that must agree with each other */
struct index_write; /* a write transaction */

/* Opens the environment in `folder`; with create, a fresh one in that empty folder. A folder that
 * may not be written is opened for reading. ST_NOT_FOUND: nothing there. ST_CORRUPT: cut, or no
 * index. ST_UNSUPPORTED: the folder lies on a network file system. */
enum status index_open(const char *folder, bool create, struct index **out,
                       struct err *e) MUST_CHECK;
void index_close(struct index *x);
SCOPE_OF(index, struct index, index_close)
bool index_read_only(const struct index *x);
/* Walks its pages (store/index_walk.h) before LMDB is asked; opening does so with a small index
 * whole, with a large one down to its leaves. ST_CORRUPT, code "index-page". */
enum status index_sound(struct index *x, bool whole, struct err *e) MUST_CHECK;
/* Frees the slots of readers that died while they read: what they saw keeps pages from being used
 * again. */
enum status index_clear_readers(struct index *x, struct err *e) MUST_CHECK;

/* The record under key is appended to out. */
enum status index_get(struct index *x, enum index_table t, struct span key, struct buf *out,
                      bool *found, struct err *e) MUST_CHECK;

/* A moment held: keep it short, since pages it sees cannot be used again while it is open. */
enum status index_view_open(struct index *x, struct index_view **out, struct err *e) MUST_CHECK;
void index_view_close(struct index_view *v);
SCOPE_OF(index_view, struct index_view, index_view_close)
enum status index_view_get(struct index_view *v, enum index_table t, struct span key,
                           struct buf *out, bool *found, struct err *e) MUST_CHECK;
typedef enum status (*index_each)(void *ctx, struct span key, struct span record, struct err *e);
/* Every key that begins with prefix, in byte order. */
enum status index_view_each(struct index_view *v, enum index_table t, struct span prefix,
                            index_each each, void *ctx, struct err *e) MUST_CHECK;
/* The same from `from` on to the end of the table; ends early with what `each` returns. */
enum status index_view_from(struct index_view *v, enum index_table t, struct span from,
                            index_each each, void *ctx, struct err *e) MUST_CHECK;
enum status index_view_count(struct index_view *v, enum index_table t, uint64_t *n,
                             struct err *e) MUST_CHECK;

/* Released without index_commit, a write rolls back. */
enum status index_begin(struct index *x, struct index_write **out, struct err *e) MUST_CHECK;
enum status index_put(struct index_write *w, enum index_table t, struct span key,
                      struct span record, struct err *e) MUST_CHECK;
/* Absent is fine. */
enum status index_delete(struct index_write *w, enum index_table t, struct span key,
                         struct err *e) MUST_CHECK;
/* What the write itself sees. */
enum status index_write_get(struct index_write *w, enum index_table t, struct span key,
                            struct buf *out, bool *found, struct err *e) MUST_CHECK;
/* Durable afterwards. Uses the write up, whatever comes back; after a failure the caller trusts
 * nothing it has read and closes. */
enum status index_commit(struct index_write *w, struct err *e) MUST_CHECK;
void index_abort(struct index_write *w);
SCOPE_OF(index_write, struct index_write, index_abort)

#endif
