/* Commit: the one place that appends to the ledger, under the writers' lock.
 *
 *     lock → fold what others left → check expects → line → fdatasync → head → index folds it →
 * unlock
 *
 * Anything that fails after the line began to be written poisons the store: what the disk holds is
 * not known, so nothing is acknowledged; whoever opens next folds the entry or cuts the torn line.
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "store/change.h"
#include "store/lease.h"
#include "store/pack_writer.h"
#include "store/store_inside.h"

enum status commit_entry(struct store *s, const struct change_entry *entry, struct commit_hook hook,
                         uint64_t *seq, struct err *e) MUST_CHECK;
/* A sealed pack becomes packs/NEXT and its records are learnt. The lease (or NULL) holds it, and
 * what it has reserved for the pack is settled. */
enum status commit_pack(struct store *s, struct pack_writer *pack, struct lease *lease,
                        struct err *e) MUST_CHECK;

#endif
