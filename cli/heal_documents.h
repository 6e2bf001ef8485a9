/* Signed documents that a store's ledger names and the store has no more, from another store.
 *
 * A check of packs and index finds a document that is damaged. One whose pack was gone when the
 * index was folded anew is known to the ledger alone, and here it is looked for by that. */
#ifndef CLI_HEAL_DOCUMENTS_H
#define CLI_HEAL_DOCUMENTS_H

#include "store/change.h"
#include "store/store.h"

/* Puts them into the change, and how many into *healed. */
enum status heal_documents(struct store *here, struct store *there, struct change *to,
                           uint64_t *healed, struct err *e) MUST_CHECK;

#endif
