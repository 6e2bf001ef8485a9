/* Dropping packs that nothing needs, and their files.
 *
 *     gate, leases → index: records and pack forgotten, "drop" noted → files removed, folder synced
 *     → index: "drop" forgotten
 *
 * Until the last step their bytes count against the quota; a process that dies in between leaves
 * the note, and whoever folds next removes the files. */
#ifndef STORE_DROP_H
#define STORE_DROP_H

#include "store/lease.h"

#define DROP_MAX 32u /* packs at once */

struct drop_result {
    uint64_t packs, bytes; /* gone */
    uint64_t kept;         /* needed again, or leased */
};
/* Takes the writers' lock. Adds to *out. */
enum status drop_packs(struct store *s, const uint64_t *ids, size_t n, struct drop_result *out,
                       struct err *e) MUST_CHECK;
/* Under the writers' lock: goes on where another was killed. */
enum status drop_finish(struct store *s, struct err *e) MUST_CHECK;

#endif
