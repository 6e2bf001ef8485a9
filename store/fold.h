/* Fold: packs and ledger into the tables of an index, from its mark on.
 *
 * What is found is synced before it is learnt. Damaged records are passed over, since the rest of
 * the store is still good and a check will name them; a damaged ledger ends the fold. Under the
 * writers' lock only. */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include "store/store_inside.h"

/* A fold under way. The write transaction is open while there is something in it. */
struct fold {
    struct store *s;
    struct index *index;
    struct pack_set *set;
    struct index_write *w;
    struct catalog_mark mark;
    uint64_t pending; /* changes in w */
    bool trial;       /* to see what would be: nothing is ever committed */
    struct buf live;  /* sums a pack that wait for the end of w (store/needs.c) */
    struct progress *progress;
};

/* The index and the store are borrowed. */
enum status fold_begin(struct fold *f, struct store *s, struct index *index,
                       struct progress *progress, struct err *e) MUST_CHECK;
/* Drops what was not settled. */
void fold_release(struct fold *f);
/* Every pack from the mark on, without a gap. */
enum status fold_packs(struct fold *f, struct err *e) MUST_CHECK;
/* One pack by its file's name, for folder_each; other names and older packs are passed over. */
enum status fold_named(void *fold, const char *name, struct err *e) MUST_CHECK;
/* The ledger from the mark on. */
enum status fold_ledger(struct fold *f, struct err *e) MUST_CHECK;
/* Opens w if it is not. */
enum status fold_write(struct fold *f, struct err *e) MUST_CHECK;
/* Writes the mark and commits, when enough has gathered or `now`. */
enum status fold_settle(struct fold *f, bool now, struct err *e) MUST_CHECK;

#endif
