/* The ledger's head: ledger.head, a copy of the ledger's last line, published after each append. It
 * is what tells a line that was acknowledged from one that was not: a ledger shorter than its head
 * was cut, and a last line in tatters that the head does not know was never acknowledged. */
#ifndef STORE_HEAD_H
#define STORE_HEAD_H

#include "base/pending.h"
#include "store/store_inside.h"

/* *seq 0 and a zero hash when there is none. ST_CORRUPT, code "ledger-head". */
enum status head_read(struct store *s, uint64_t *seq, struct digest *hash,
                      struct err *e) MUST_CHECK;
/* Makes it of the ledger's line at [from, to). A failed publish poisons the store. */
enum status head_publish(struct store *s, uint64_t from, uint64_t to, struct err *e) MUST_CHECK;
/* For a line that is about to be appended, in two steps: all that the head takes of the disk is had
 * before its line is appended to the ledger, so that a full disk or a folder that may not be
 * written leaves neither. */
enum status head_prepare(struct store *s, struct span line, struct pending *out,
                         struct err *e) MUST_CHECK;
enum status head_turn(struct pending *prepared, struct err *e) MUST_CHECK;
/* Does the open ledger end before byte `end` with the very line that the head is a copy of? Where
 * it does not, nothing may be appended: the next head would take the place of the good copy.
 * ST_CORRUPT. */
enum status head_copies(struct store *s, int ledger, uint64_t end, struct err *e) MUST_CHECK;
enum status head_damaged(struct err *e, const char *why);

/* The ledger could not be read at `offset`, behind entry `seq`, because of `why`. Is that a torn
 * write? Power may go with the end of a line on the disk and its beginning not: then it is the last
 * line of the file, it does not parse, and the head knows nothing of it. */
enum status head_tears(struct store *s, uint64_t offset, uint64_t seq, const struct err *why,
                       bool *torn, struct err *e) MUST_CHECK;
/* The ledger ends at byte `end` with entry `seq`, but entry `known` was there: ST_SET_BACK when it
 * was cut, ST_CORRUPT when the bytes of the missing line are all there. */
enum status head_lost(struct store *s, uint64_t end, uint64_t seq, uint64_t known,
                      struct err *e) MUST_CHECK;

#endif
