/* What quarantine needs of a change. Not for the floors above. */
#ifndef STORE_CHANGE_INSIDE_H
#define STORE_CHANGE_INSIDE_H

#include "store/change.h"
#include "store/commit.h"

struct store *change_store(struct change *c);
/* Room in quarantine for `bytes` that were staged; until the change ends. */
enum status change_reserve(struct change *c, uint64_t bytes, struct err *e) MUST_CHECK;
/* Length of a content that was staged. ST_NOT_FOUND. */
enum status change_staged(struct change *c, const struct digest *content, uint64_t *bytes,
                          struct err *e) MUST_CHECK;
/* Commits an entry without what is staged: the open pack is dropped, the change used up. */
enum status change_commit_without(struct change *c, const struct change_entry *entry,
                                  struct commit_hook hook, uint64_t *seq, struct err *e) MUST_CHECK;

#endif
