/* Catalog: what the tables of the index mean. All numbers little-endian unless said.
 *
 *     chunks   u8 kind · 32 digest       → u64 pack · u64 offset · u32 stored · u32 length · u8
 * encoding records  the same for the other kinds: recipe pages and roots, documents packs    u64 id
 * (big-endian)       → u64 bytes · u64 records recipes  32 content                → 32 root · u64
 * bytes state    key                       → u64 seq of the entry that set it · u8 1 value, 0 gone
 * · value meta     "mark"                    → see struct catalog_mark
 *
 * Packs are learnt in the order of their ids and records in the order they stand in, and the later
 * one wins: so a healed record replaces the damaged one, and folding everything again gives the
 * same tables. A key that was forgotten stays as `gone`, which lets a check compare state and
 * ledger without holding either in memory. */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "store/index.h"
#include "store/ledger.h"
#include "store/pack.h"

/* How far the fold has come. */
struct catalog_mark {
    struct digest charter;  /* of the format file: whose index this is */
    uint64_t next_pack;     /* packs below it are folded; first 1 */
    uint64_t stored_bytes;  /* in those */
    uint64_t ledger_line;   /* where its newest entry's line begins */
    uint64_t ledger_offset; /* and ends: the ledger is folded up to here */
    uint64_t seq;           /* its newest entry, 0 none */
    struct digest head;     /* that entry's hash */
};

enum status catalog_mark_get(struct index_view *v, struct catalog_mark *out,
                             struct err *e) MUST_CHECK;
enum status catalog_mark_put(struct index_write *w, const struct catalog_mark *m,
                             struct err *e) MUST_CHECK;

enum status catalog_find(struct index_view *v, enum pack_kind kind, const struct digest *d,
                         bool *found, struct pack_location *at, struct err *e) MUST_CHECK;
enum status catalog_recipe(struct index_view *v, const struct digest *content, bool *found,
                           struct digest *root, uint64_t *bytes, struct err *e) MUST_CHECK;
/* The value is appended to out; *seq is the entry that set or (found false) forgot it, 0 for never.
 */
enum status catalog_state(struct index_view *v, const char *key, struct buf *out, bool *found,
                          uint64_t *seq, struct err *e) MUST_CHECK;
/* The table a kind's places lie in. */
enum index_table catalog_table(enum pack_kind kind);
/* Decoders for scans over whole tables (index_view_each). */
enum status catalog_entry_decode(struct span key, struct span record, struct pack_entry *out,
                                 struct err *e) MUST_CHECK;
enum status catalog_pack_decode(struct span key, struct span record, uint64_t *id, uint64_t *bytes,
                                uint64_t *records, struct err *e) MUST_CHECK;
enum status catalog_state_decode(struct span record, struct span *value, bool *found, uint64_t *seq,
                                 struct err *e) MUST_CHECK;

enum status catalog_learn(struct index_write *w, const struct pack_entry *entry,
                          struct err *e) MUST_CHECK;
enum status catalog_learn_recipe(struct index_write *w, const struct digest *content,
                                 const struct digest *root, uint64_t bytes,
                                 struct err *e) MUST_CHECK;
enum status catalog_learn_pack(struct index_write *w, uint64_t id, uint64_t bytes, uint64_t records,
                               struct err *e) MUST_CHECK;
/* What a ledger entry's `set` changes. */
enum status catalog_apply(struct index_write *w, const struct ledger_entry *entry,
                          struct err *e) MUST_CHECK;

#endif
