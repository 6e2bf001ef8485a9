/* The store: bytes that last.
 *
 *     STORE/
 *       format          what it is: schema, store id, log key, made when (canonical JSON)
 *       lock            flock'ed by whoever commits; never unlinked
 *       ledger          append-only entries (store/ledger.h), and ledger.head
 *       packs/          0000000000000001.pack …, written once (store/pack_format.h)
 *       quarantine/     rejected bytes, one file an entry, named by its id
 *       staging/        what is being written; swept when its owner is dead
 *       leases/         what the living need (store/lease.h); may be deleted when nobody lives
 *       reserve         room on the disk for sweeping (store/reserve.h)
 *       index/          LMDB, the fold of packs and ledger; may be deleted at any time
 *
 * Reading never waits. Changes go through store/change.h. Every read re-hashes what it hands out. A
 * store handle is for one thread (calls may use threads inside) and must not cross a fork into use.
 * LMDB's rule holds for us: one process opens one store at most once at a time.
 *
 * State is a map from key to string, folded from the ledger's `set` members. Keys are paths; those
 * marked with a ! are kept: set once, by one entry, and never changed or forgotten.
 *
 *     artifact/HEX              facts of an artifact (JSON)        written by verify/admit
 *     name/NAME@VERSION         artifact hex
 *     content/HEX/ARTIFACT      ""
 *     signature/ARTIFACT/KEYID  digest of an envelope
 *   ! evidence/ARTIFACT/GATE/SEQ  digest of an envelope            verify/evidence
 *   ! approval/ARTIFACT/SEQ, waiver/ARTIFACT/SEQ  the same   promote/shelf
 *   ! freeze/TARGET/N           digest of an envelope              promote/freeze
 *   ! retired/ARTIFACT        digest of the decision           promote/channel
 *   ! attest/ARTIFACT/TYPE/SEQ  digest of an envelope              verify/attestation
 *     channel/NAME/CHANNEL      holder and its decision (JSON)     promote/channel
 *     held/NAME/CHANNEL/SEQ     a former holder
 *     policy, trust             digest and version in force (JSON)
 *   ! once/trust/VERSION/DIGEST ""                                 verify/trust_chain
 *   ! once/policy/VERSION       digest of the enactment's envelope promote/policy_store
 *   ! once/channel/NAME/CHANNEL/NUMBER  digest of the decision's envelope   promote/channel
 *     installed/ARTIFACT        whose contents are kept (JSON)     store/install
 *     evicted/ARTIFACT          when, why and how much (JSON)      store/evict
 *     removed/NAME@VERSION      the artifact that had it: nobody else gets it
 *     pin/ARTIFACT              who may not be evicted, and why (JSON)
 *     lost/CONTENT              what a repair could not bring back (JSON) store/repair
 *     quota/…                   limits                             store/quota
 *     packs/next                store/needs
 *     moved                     where the store went (JSON)        store/move
 *     quarantine/ID             facts of a quarantined input (JSON) store/quarantine
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "base/progress.h"
#include "base/stream.h"
#include "store/digest.h"
#include "store/key.h"

#define STORE_KEY_MAX      480         /* bytes of a state key */
#define STORE_ONCE         "once/"     /* keys below are kept */
#define STORE_DOCUMENT_MAX (64u << 20) /* bytes of one document */

struct store;

/* What a new store is told about itself. store_create writes ledger entry 1 (type "init"), which
 * repeats the facts of the format file, signed by `log`: so a changed bit in that file is found. */
struct store_birth {
    const struct signer
        *log;           /* borrowed for the call; its public key becomes the store's log key */
    struct clock clock; /* injected: the store is a lab store and says so for ever */
    bool lab;
    struct digest trust; /* of the first trust document, for ever; all zero: none */
};

/* Makes a store aside (PATH.init.PID) and opens it; commits work as ever, and nothing is at PATH
 * until store_publish. Released unpublished, it is removed. ST_EXISTS when PATH is a store already;
 * ST_BUSY when somebody has the folder above locked (flock) for ten seconds. */
enum status store_create(const char *path, const struct store_birth *birth, struct store **out,
                         struct err *e) MUST_CHECK;
/* Makes it durable, renames it to its path; the handle is closed either way. */
enum status store_publish(struct store *s, struct err *e) MUST_CHECK;

/* Opens; folds what the index has not seen (costs what was in flight), rebuilds a missing index.
 * ST_NOT_FOUND: nothing there (code "no-store"); ST_CORRUPT; ST_SET_BACK: the ledger was cut;
 * ST_UNSUPPORTED: another version, or a network file system. */
enum status store_open(const char *path, struct store **out, struct err *e) MUST_CHECK;
/* Fills what is kept for sweeping, as far as disk and quota let it. Every change does. */
void store_refill(struct store *s);
void store_close(struct store *s);
SCOPE_OF(store, struct store, store_close)

/* Facts of the open store. */
struct store_facts {
    char id[33]; /* 32 hex digits */
    bool lab;
    struct public_key log_key;
    struct digest trust; /* of the first trust document; all zero: none */
    uint64_t seq;        /* newest ledger entry */
    struct digest head;  /* its hash */
    uint64_t packs, chunks, stored_bytes;
    char path[4096];
};
enum status store_facts(struct store *s, struct store_facts *out, struct err *e) MUST_CHECK;

/* Did the store move elsewhere? With e, ST_CONFLICT that says where; with NULL only *fenced. */
enum status store_fence(struct store *s, bool *fenced, struct err *e) MUST_CHECK;

/* What it is, as its id stands for it (store/charter.h). */
struct charter;
void store_charter(const struct store *s, struct charter *out);

/* The time of the newest ledger entry: a clock that is behind it runs behind what the store has
 * seen. */
enum status store_seen(struct store *s, int64_t *when, struct err *e) MUST_CHECK;

/* One ledger entry by its number, its signature checked (not the chain to it), to be released.
 * ST_NOT_FOUND; ST_CORRUPT, also when the log key did not sign it. */
struct ledger_entry;
enum status store_entry(struct store *s, uint64_t seq, struct ledger_entry *out,
                        struct err *e) MUST_CHECK;

/* All of them in order, as ledger_read gives them; prove: with their signatures looked at. */
enum status store_entries(struct store *s, bool prove,
                          enum status (*each)(void *ctx, const struct ledger_entry *entry,
                                              struct err *e),
                          void *ctx, struct err *e) MUST_CHECK;

/* State. The value is appended to out. ST_NOT_FOUND. */
enum status store_get(struct store *s, const char *key, struct buf *out, struct err *e) MUST_CHECK;
/* The same, with the ledger entry that set it. */
enum status store_get_seq(struct store *s, const char *key, struct buf *out, uint64_t *seq,
                          struct err *e) MUST_CHECK;
/* Every key that begins with prefix, in byte order. The callback must not change the store;
 * ST_CANCELLED from it ends the scan with ST_OK. */
enum status store_scan(struct store *s, const char *prefix,
                       enum status (*each)(void *ctx, const char *key, struct span value,
                                           struct err *e),
                       void *ctx, struct err *e) MUST_CHECK;

/* The same behind the key `after`, which need not be there: for pages. */
enum status store_scan_after(struct store *s, const char *prefix, const char *after,
                             enum status (*each)(void *ctx, const char *key, struct span value,
                                                 struct err *e),
                             void *ctx, struct err *e) MUST_CHECK;

/* A document (manifest, envelope, evidence, policy …) by digest, verified, appended to out. */
enum status store_document(struct store *s, const struct digest *d, struct buf *out,
                           struct err *e) MUST_CHECK;

/* Content by its SHA-256: its length; all of it, in order, verified chunk by chunk and as a whole
 * before the last write is acknowledged; or into a fd that can be written at offsets. */
enum status store_content_size(struct store *s, const struct digest *content, uint64_t *bytes,
                               struct err *e) MUST_CHECK;
enum status store_content_read(struct store *s, const struct digest *content, struct sink to,
                               struct progress *progress, struct err *e) MUST_CHECK;
enum status store_content_write(struct store *s, const struct digest *content, int fd,
                                struct progress *progress, struct err *e) MUST_CHECK;
/* The content as a verified, sealed memory file; *fd is the caller's. */
enum status store_content_memory(struct store *s, const struct digest *content, int *fd,
                                 struct err *e) MUST_CHECK;

#endif
