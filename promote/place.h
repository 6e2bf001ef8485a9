/* Places: state keys that are set once, by one entry, and never taken back (STORE_ONCE); each names
 * the envelope that took it. */
#ifndef PROMOTE_PLACE_H
#define PROMOTE_PLACE_H

#include "store/store.h"

/* Who took the place, and by which entry; *seq 0: nobody did. ST_CORRUPT, code "state-value". */
enum status place_read(struct store *s, const char *key, struct digest *envelope, uint64_t *seq,
                       struct err *e) MUST_CHECK;

#endif
