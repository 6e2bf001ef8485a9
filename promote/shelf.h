/* Shelves: signed documents about one artifact, each under the number of the ledger entry that
 * brought it: approval/ARTIFACT/SEQ, waiver/ARTIFACT/SEQ → digest of the envelope. */
#ifndef PROMOTE_SHELF_H
#define PROMOTE_SHELF_H

#include "promote/decision.h"

struct shelved {
    uint64_t seq;
    struct digest envelope;
};

/* The newest `most`, oldest of them first. The callback may read the store. */
enum status shelf_scan(struct store *s, const char *prefix, size_t most,
                       enum status (*each)(void *ctx, const struct shelved *d, struct err *e),
                       void *ctx, struct err *e) MUST_CHECK;
/* The same for SHELF/ARTIFACT/. */
enum status shelf_each(struct store *s, const char *shelf, const struct digest *artifact,
                       size_t most,
                       enum status (*each)(void *ctx, const struct shelved *d, struct err *e),
                       void *ctx, struct err *e) MUST_CHECK;

struct shelf_state {
    bool named, read; /* it lies there; and its document can be read */
};
enum status shelf_look(struct store *s, const char *shelf, const struct digest *artifact,
                       const struct digest *envelope, struct shelf_state *out,
                       struct err *e) MUST_CHECK;

/* Puts one more there, in an entry of that type and body. Very bytes that lie there already, and
 * can be read, are left alone: *seq is 0 then. `after`: ST_CONFLICT, code "moved", unless that is
 * still the newest entry; 0: whatever it is. */
enum status shelf_put(const struct promoter *by, const char *shelf, const struct digest *artifact,
                      struct span envelope, const char *type, struct span body, uint64_t after,
                      uint64_t *seq, struct err *e) MUST_CHECK;

#endif
