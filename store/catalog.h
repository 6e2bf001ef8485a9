/* Catalog: what the tables of the index mean. All numbers little-endian unless said.
 *
 *     chunks    u8 kind · 32 digest    → u64 pack (0: nowhere) · u64 offset · u32 stored · u32
 * length · u8 encoding · u32 refs · u8 counted records   the same for the other kinds: recipe pages
 * and roots, documents packs     u64 id (big-endian)    → u64 bytes · u64 records · u64 live
 *     recipes   32 content             → 32 root (0: lost) · u64 bytes · u32 refs
 *     state     key                    → u64 seq of the entry that set it · u8 1 value, 0 gone ·
 * value meta      "mark"                 → see struct catalog_mark "drop" u64 pack        → u64
 * bytes: a pack on its way out (store/gc.c) "name/NAME"            → u64 installed artifacts · u64
 * bytes of them
 *
 * Packs are learnt in the order of their ids and records in the order they stand in, and the later
 * one wins: so a healed record replaces the damaged one, and folding everything again gives the
 * same tables. A key that was forgotten stays as `gone`, which lets a check compare state and
 * ledger without holding either in memory. What refs count is told in store/needs.h. */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "store/index.h"
#include "store/ledger.h"
#include "store/pack.h"

/* How far the fold has come, and sums over what was folded. */
struct catalog_mark {
    struct digest charter;  /* of the format file: whose index this is */
    uint64_t next_pack;     /* packs below it are folded; first 1; no number is used twice */
    uint64_t stored_bytes;  /* in those that are there */
    uint64_t ledger_line;   /* where its newest entry's line begins */
    uint64_t ledger_offset; /* and ends: the ledger is folded up to here */
    uint64_t seq;           /* its newest entry, 0 none */
    struct digest head;     /* that entry's hash */
    /* An entry whose references are being counted: what is done of it (store/needs.c). */
    uint64_t step, page;
    uint64_t drops, drop_bytes; /* packs that no record needs, and whose file may still be there */
    uint64_t unplaced;          /* records that something refers to and no pack has */
    uint64_t uncounted;         /* recipe records that could not be read when they were counted */
    uint64_t unlisted;          /* artifacts of an earlier version, which named no contents */
    uint64_t installed, installed_bytes;
    uint64_t quarantined, quarantined_bytes;
    uint64_t live; /* bytes of records that are needed, headers included */
};

/* A record's place, and how many installed recipes need it. */
struct catalog_record {
    struct pack_location at; /* at.pack 0: no pack has it */
    uint32_t refs;
    bool counted; /* a recipe's page or root, needed: and what it lists is counted */
};

struct catalog_pack {
    uint64_t id, bytes, records;
    uint64_t live; /* bytes of its records that are needed, headers included */
};

enum status catalog_mark_get(struct index_view *v, struct catalog_mark *out,
                             struct err *e) MUST_CHECK;
enum status catalog_mark_put(struct index_write *w, const struct catalog_mark *m,
                             struct err *e) MUST_CHECK;

enum status catalog_find(struct index_view *v, enum pack_kind kind, const struct digest *d,
                         bool *found, struct pack_location *at, struct err *e) MUST_CHECK;
/* All that is known of a record, whether a pack has it or not. */
enum status catalog_record(struct index_view *v, enum pack_kind kind, const struct digest *d,
                           bool *found, struct catalog_record *out, struct err *e) MUST_CHECK;
enum status catalog_recipe(struct index_view *v, const struct digest *content, bool *found,
                           struct digest *root, uint64_t *bytes, struct err *e) MUST_CHECK;
/* The same with the number of installed artifacts that need it; 0 for what is not known. */
enum status catalog_needed(struct index_view *v, const struct digest *content, struct digest *root,
                           uint64_t *bytes, uint32_t *refs, struct err *e) MUST_CHECK;
/* The value is appended to out; *seq is the entry that set or (found false) forgot it, 0 for never.
 */
enum status catalog_state(struct index_view *v, const char *key, struct buf *out, bool *found,
                          uint64_t *seq, struct err *e) MUST_CHECK;
/* Is a key set once, and its value and the entry that set it never changed or forgotten, whoever
 * signs entries? What it says may be said again in vain. */
bool catalog_kept(const char *key);
/* The table a kind's places lie in. */
enum index_table catalog_table(enum pack_kind kind);
/* Decoders for scans over whole tables (index_view_each). */
enum status catalog_record_decode(struct span key, struct span record, struct digest *d,
                                  struct catalog_record *out, struct err *e) MUST_CHECK;
enum status catalog_pack_decode(struct span key, struct span record, struct catalog_pack *out,
                                struct err *e) MUST_CHECK;
enum status catalog_recipe_decode(struct span record, struct digest *root, uint64_t *bytes,
                                  uint32_t *refs, struct err *e) MUST_CHECK;
enum status catalog_state_decode(struct span record, struct span *value, bool *found, uint64_t *seq,
                                 struct err *e) MUST_CHECK;
/* *most becomes the bytes of the largest pack, if that is more. */
enum status catalog_largest(struct index_view *v, uint64_t *most, struct err *e) MUST_CHECK;
/* A pack's facts; the first with an id of at least `id`. */
enum status catalog_pack_from(struct index_view *v, uint64_t id, bool *found,
                              struct catalog_pack *out, struct err *e) MUST_CHECK;
/* What one name has installed. */
enum status catalog_name(struct index_view *v, const char *name, uint64_t *count, uint64_t *bytes,
                         struct err *e) MUST_CHECK;

/* What a ledger entry's `set` changes. */
enum status catalog_apply(struct index_write *w, const struct ledger_entry *entry,
                          struct err *e) MUST_CHECK;

#endif
