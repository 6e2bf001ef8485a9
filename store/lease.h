/* Leases: what a living process needs of the store, so that no sweep and no eviction takes it, and
 * how much room it may still fill.
 *
 *     leases/gate        flock'ed for a moment by whoever reads or changes leases
 *     leases/PID.N       one a change or a use, flock'ed by its owner as long as it lives
 *
 *     head of 128 bytes  "ASSAYLS1" · u64 pid · u64 start time · u64 reserved · u64 reserved in
 *                        quarantine · 36 bytes boot id · what for, in the rest
 *     then 40 each       u64 1 pack, 2 artifact or 3 pack of its own making · its id or digest
 *
 * A lease dies with its owner: the kernel drops the lock, whoever comes next finds it free, sweeps
 * what the dead left in staging and removes the file. Process id, start time and boot id tell
 * people whose it is; they are not trusted, since numbers come again and differ between containers.
 *
 * Except that the full packs of a content which was still going in (3) stay for LEASE_KEPT seconds
 * more, so that the same add finds them; or until they are needed, or the file is removed by hand.
 * These entries are synced, for what they protect was.
 *
 * A pack is leased before what was found in it is relied on, and looked up again afterwards: gc
 * reads the leases and forgets a pack under the same gate, so a hit never dangles. A lease lives
 * in memory only: nothing else of it is synced. One change's lease may be used by several of
 * its threads. */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include "store/store_inside.h"

enum lease_room { LEASE_STORE, LEASE_QUARANTINE };

struct lease;
/* `what` is a word for people. On a store that may only be read there are no leases: *out is NULL
 * then, and every call takes that. */
enum status lease_open(struct store *s, const char *what, struct lease **out,
                       struct err *e) MUST_CHECK;
void lease_close(struct lease *l);
SCOPE_OF(lease, struct lease, lease_close)

/* Keeps gc from the pack. *fresh: it was not held before, so look again whether it is there. */
enum status lease_pack(struct lease *l, uint64_t pack, bool *fresh, struct err *e) MUST_CHECK;
/* The same for a pack that is about to be published. */
enum status lease_made(struct lease *l, uint64_t pack, struct err *e) MUST_CHECK;
#define LEASE_KEPT (24 * 60 * 60)
/* Is a content going in just now? Then packs that are made outlive this process for a while. */
void lease_adding(struct lease *l, bool adding);
/* Keeps the artifact from being evicted or removed. */
enum status lease_artifact(struct lease *l, const struct digest *artifact,
                           struct err *e) MUST_CHECK;
/* Room for `bytes` more, against the quotas and the disk: ST_QUOTA, ST_NO_SPACE, code
 * "quota-bytes", "quota-quarantine", "disk-full". Before anything is written. */
enum status lease_reserve(struct lease *l, enum lease_room room, uint64_t bytes,
                          struct err *e) MUST_CHECK;
/* Room that a sweep takes: up to the quota itself, and out of the reserve of the disk. */
enum status lease_reserve_last(struct lease *l, uint64_t bytes, struct err *e) MUST_CHECK;
/* Did it reserve like a sweep? */
bool lease_last(struct lease *l);
/* What was reserved is stored now, or was not needed. */
void lease_settle(struct lease *l, enum lease_room room, uint64_t bytes);

/* -- looking at all of them -------------------------------------------------------------------- */

/* All leases at one moment. */
struct leases {
    struct buf packs;     /* uint64_t each */
    struct buf artifacts; /* struct digest each */
    uint64_t reserved[2]; /* enum lease_room */
    uint64_t most;        /* of the store's, what one of them has reserved */
    uint64_t count;
};
void leases_release(struct leases *l);
bool leases_pack(const struct leases *l, uint64_t pack);
bool leases_artifact(const struct leases *l, const struct digest *artifact);

/* The gate, until *fd is closed: the writers' lock, if both are wanted, comes first. */
enum status lease_gate(struct store *s, int *fd, struct err *e) MUST_CHECK;
/* With the gate held: sweeps what the dead left, and reads what the living have. */
enum status leases_read(struct store *s, struct leases *out, struct err *e) MUST_CHECK;

#endif
