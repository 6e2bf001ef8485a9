/* What quarantine needs of a change. Not for the floors above. */
#ifndef STORE_CHANGE_INSIDE_H
#define STORE_CHANGE_INSIDE_H

#include "store/change.h"
#include "store/commit.h"

struct store *change_store(struct change *c);
/* Commits an entry without what is staged: the open pack is dropped, the change used up. */
enum status change_commit_without(struct change *c, const struct change_entry *entry,
                                  struct commit_hook hook, uint64_t *seq, struct err *e) MUST_CHECK;

#endif
