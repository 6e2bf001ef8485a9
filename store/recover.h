/* Recovery: folding what packs and ledger have and the index has not.
 *
 *     packs/NEXT there? ─→ sync it, learn its records, NEXT + 1, again
 *     ledger longer than its mark? ─→ sync it, check chain and signatures, apply, move the mark
 *     head older than the mark? ─→ publish it again
 *
 * What was found is synced before it is trusted: a process may have died between rename and sync,
 * and power may go at any moment. So recovery costs what was in flight, and a rebuild is the same
 * fold over everything into a fresh index that then takes the old one's place. */
#ifndef STORE_RECOVER_H
#define STORE_RECOVER_H

#include "store/store_inside.h"

/* On opening, without a lock: checks mark, ledger and head against each other, and folds under the
 * lock if there is something to fold and nobody else is at it. Where there is no room for that, the
 * store can be read and not written. ST_SET_BACK, ST_CORRUPT. */
enum status recover_open(struct store *s, struct err *e) MUST_CHECK;
/* Under the lock: folds all there is. */
enum status recover_fold(struct store *s, struct err *e) MUST_CHECK;
/* Under the lock: a fresh index from everything, in place of the one that is there; s->index is the
 * new one. */
enum status recover_rebuild(struct store *s, struct progress *progress, struct err *e) MUST_CHECK;
/* An empty index of a store, mark and all. */
enum status recover_blank(struct store *s, const char *folder, struct index **out,
                          struct err *e) MUST_CHECK;

/* What the dead left in the store's own folder: pending files, an index half built or replaced.
 * Without the lock. */
enum status recover_sweep(struct store *s, struct err *e) MUST_CHECK;

/* Makes an index folder of the store durable, names and all. */
enum status recover_sync_index(struct store *s, const char *folder, struct err *e) MUST_CHECK;

#endif
