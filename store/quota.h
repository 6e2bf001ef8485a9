/* Quotas: how much a store may hold, in bytes of its files and in artifacts.
 *
 *     quota/bytes                packs, staging, quarantine and the sweep's reserve, on disk
 *     quota/count                installed artifacts
 *     quota/quarantine/bytes     quarantined bytes, those on their way in included
 *     quota/quarantine/count
 *     quota/name/NAME/bytes      bytes of NAME's installed artifacts, as they are when taken out
 *     quota/name/NAME/count
 *
 * State keys, decimal numbers; absent: no limit. Bytes on disk are reserved by a lease before they
 * are written (store/lease.h), so the sum of what lies there never exceeds the quota by a byte, at
 * whatever moment its writer dies. The index is not counted: it is a fold and may be deleted. What
 * an entry installs is checked under the writers' lock. */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "store/lease.h"

#define QUOTA_PREFIX "quota/"

struct quota_use {
    uint64_t packs, staging, quarantine; /* bytes on disk; reserved ones are in staging */
    uint64_t reserve;                    /* kept for sweeping (store/reserve.h) */
    uint64_t reclaimable;                /* of packs, what nothing needs */
    uint64_t installed, installed_bytes;
    uint64_t quarantined;
};
enum status quota_use(struct store *s, struct quota_use *out, struct err *e) MUST_CHECK;
/* The limit under a key of those above; UINT64_MAX when there is none. */
enum status quota_limit(struct store *s, const char *key, uint64_t *out, struct err *e) MUST_CHECK;
/* What one name has installed. */
enum status quota_name(struct store *s, const char *name, uint64_t *count, uint64_t *bytes,
                       struct err *e) MUST_CHECK;
bool quota_key_valid(const char *key);

/* With the gate held: how many bytes more may lie on the disk, the reserve's as it is included. */
enum status quota_spare(struct store *s, uint64_t *out, struct err *e) MUST_CHECK;
/* With the gate held: is there room for `bytes` more? `mine` is what the asker has reserved for the
 * store already. `last`: for a sweep, which may use what the reserve had; and when the quota was
 * set below what is stored already, one reserve more, since without it nothing would ever become
 * less. */
enum status quota_room(struct store *s, const struct leases *all, uint64_t mine,
                       enum lease_room room, uint64_t bytes, bool last, struct err *e) MUST_CHECK;
/* Before anything is staged: may one more artifact be installed for the name, of so many bytes?
 * Only the commit knows, but what is refused here leaves nothing behind. */
enum status quota_one_more(struct store *s, const char *name, uint64_t bytes,
                           struct err *e) MUST_CHECK;
/* Under the writers' lock: may the entry's `set` install and quarantine what it does? */
enum status quota_entry(struct store *s, const struct json *set, struct err *e) MUST_CHECK;

#endif
