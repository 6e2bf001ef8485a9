/* One change to the store: bytes staged into packs, then one ledger entry that makes them mean
 * something, all or nothing.
 *
 *     change_begin → change_content / change_document … → change_commit
 *
 * Order on disk: pack written → fdatasync → rename → fsync folder → index learns its chunks →
 * ledger line → fdatasync → head published → index folds the entry → acknowledged. A pack that
 * fills up while a content is going in is published at once, in order, on a thread of its own
 * (store/sealer.h); its chunks are unreferenced until the commit, so an interrupted change leaves
 * nothing visible, and the same change again finds them. Released without commit, a change leaves
 * no staging file. Many processes may change at once: the store's lock is held only to publish a
 * pack and to commit. */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "store/store.h"

struct change;

/* A piece of content as it went in. */
struct content {
    struct digest sha256;
    uint64_t bytes;          /* its length */
    uint64_t new_bytes;      /* of it, not in the store before */
    uint64_t stored_bytes;   /* what those take in packs */
    uint64_t chunks, healed; /* chunks in its recipe; damaged ones that this change replaced */
};

/* One precondition, checked under the lock: state[key] must equal value (NULL: must be absent).
 * Otherwise ST_CONFLICT with the key as the subject, and nothing is changed. */
struct expect {
    const char *key, *value;
};

struct change_entry;
/* Called under the lock when the entry's number is known, before anything is written; may set the
 * entry's body and set to bytes that outlive the commit. */
struct commit_hook {
    enum status (*prepare)(void *ctx, uint64_t seq, struct change_entry *entry, struct err *e);
    void *ctx;
};

enum status change_begin(struct store *s, struct change **out, struct err *e) MUST_CHECK;
void change_release(struct change *c);
SCOPE_OF(change, struct change, change_release)

/* For what takes something out of use (retire, demote): its documents may use the room that is kept
 * for sweeping, so that it works on a full disk. Before anything is staged. */
enum status change_last(struct change *c, struct err *e) MUST_CHECK;
/* Advice for the next content: where it should be cut as well, ascending offsets (where a model's
 * tensors begin, so that equal tensors are equal chunks). Bad advice costs space, nothing else.
 * Borrowed until that content is in. */
void change_cuts(struct change *c, const uint64_t *offsets, size_t count);
/* Stages all of `from`. The content becomes readable under its SHA-256 with the commit. */
enum status change_content(struct change *c, struct source from, struct progress *progress,
                           struct content *out, struct err *e) MUST_CHECK;
/* Reads staged content back, decoded and re-hashed, before it is committed (admission parses this).
 */
enum status change_read_back(struct change *c, const struct digest *content, struct sink to,
                             struct err *e) MUST_CHECK;
enum status change_document(struct change *c, struct span bytes, struct digest *out,
                            struct err *e) MUST_CHECK;

/* Where an entry finds room on a full disk. Set by change_commit. */
enum entry_room {
    ENTRY_SMALL, /* out of the reserve */
    ENTRY_LENT,  /* the same, which the caller was lent already */
    ENTRY_FILLS, /* nowhere: it brings something in */
};

/* What the ledger will say. body and set: JSON objects (ledger.h). */
struct change_entry {
    const char *type;
    struct span body, set;
    const struct expect *expects; /* [expect_count] */
    size_t expect_count;
    uint64_t after; /* the newest entry must still be this one, else ST_CONFLICT, code "moved"; 0:
                     * whatever it is */
    enum entry_room room;
    struct commit_hook hook; /* when body or set need the entry's number */
    struct clock clock;
    const struct signer *log; /* the log key of this store, else ST_SIGNATURE */
};
enum status change_commit(struct change *c, const struct change_entry *entry, uint64_t *seq,
                          struct err *e) MUST_CHECK;

#endif
