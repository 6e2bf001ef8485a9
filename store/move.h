/* Moving house: a store goes to another folder or machine, and the old one is fenced.
 *
 *     TO.moving/ ← packs, while the store is in use
 *     ledger ← entry "moved": from now on nobody changes the old store
 *     TO.moving/ ← what came since, quarantine, ledger · index folded · every byte checked
 *     its ledger ← entry "arrived" · renamed to TO
 *
 * The ledger is only ever extended. Killed at any moment, the same call goes on: what was copied
 * stays, and a fenced store goes on to the place it was fenced for. The old store stays readable
 * and says where it went. When what arrived is damaged, an entry "stayed" lifts the old store's
 * fence, so that it can be mended. */
#ifndef STORE_MOVE_H
#define STORE_MOVE_H

#include "store/store.h"

#define MOVED_KEY  "moved"   /* state: {"time":…,"to":PATH} */
#define MOVE_ASIDE ".moving" /* behind the new place's name, until all has arrived */

struct move_options {
    const char *to; /* nothing may be there */
    struct clock clock;
    const struct signer *log;
};

struct move_report {
    uint64_t packs, bytes;         /* of the store that arrived */
    uint64_t copied, copied_bytes; /* by this call */
    char to[4096];                 /* absolute */
};

/* ST_EXISTS: something is there. ST_CONFLICT, code "store-moved": it went elsewhere already.
 * ST_CORRUPT: what arrived is damaged; nothing was put in place. */
enum status move_store(struct store *s, const struct move_options *o, struct progress *progress,
                       struct move_report *out, struct err *e) MUST_CHECK;

/* The fence: its value as the state holds it, where the store went and when; *fenced false: none.
 */
enum status move_fence(struct store *s, bool *fenced, struct buf *value, char to[4096],
                       char time[TIME_TEXT_MAX], struct err *e) MUST_CHECK;

#endif
