/* References: which records are needed, counted while packs and ledger are folded.
 *
 *     installed/ARTIFACT ─→ content ─→ recipe root ─→ pages ─→ chunks
 *
 * A content counts the installed artifacts it belongs to; its root is needed while that is not
 * zero; a page counts the needed roots that list it, a chunk the needed pages. What drops to zero
 * is free, what rises from zero is kept, each pack knows the bytes of its records that are needed:
 * so gc finds what to do by looking at one number a pack, and an eviction costs what it gives free.
 *
 * A record that is needed and in no pack keeps its entry without a place, and one that cannot be
 * read when its list is to be counted is `uncounted` until a sound copy of it is learnt; until then
 * gc moves nothing. Counting a large content takes several transactions: how far it came lies in
 * the mark, and the entry counts as folded only with the last of them. */
#ifndef STORE_NEEDS_H
#define STORE_NEEDS_H

#include "store/fold.h"
#include "store/install.h"

/* State key: the number that the next pack has at least, so that none is used twice though the
 * newest packs may go. */
#define PACKS_NEXT "packs/next"

/* A record of a pack is learnt: its place, which replaces an earlier one. */
enum status needs_learn(struct fold *f, const struct pack_entry *entry, struct err *e) MUST_CHECK;
/* A sound root is learnt: the content's recipe from now on. */
enum status needs_learn_root(struct fold *f, const struct digest *content,
                             const struct digest *root, uint64_t bytes, struct err *e) MUST_CHECK;
/* What would be free without the artifact: for a fold that is never settled (fold.trial). */
enum status needs_forget(struct fold *f, const struct install *i, uint64_t *freed,
                         struct err *e) MUST_CHECK;
/* What an entry's `set` installs and forgets, before the state itself is changed. */
enum status needs_entry(struct fold *f, const struct ledger_entry *entry, struct err *e) MUST_CHECK;
/* The sums a pack that gathered while folding goes into the index; fold_settle asks for it. */
enum status needs_flush(struct fold *f, struct err *e) MUST_CHECK;

#endif
