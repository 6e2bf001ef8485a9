/* Eviction: artifacts give up their bytes and stay known.
 *
 *     installed/ARTIFACT → forgotten      evicted/ARTIFACT ← when, why, how much
 *
 * Name, facts, manifest and evidence stay, so that a later reload knows what to ask for: adding the
 * same bytes installs the artifact again. The room comes back with gc. What is pinned, leased, or
 * protected by the caller's law (channels, retained holders) never goes.
 *
 * Order: retired artifacts; then those of which a newer version is installed; then the rest; within
 * each the longest here first, then the larger. Which is newer the ledger says, whatever a clock
 * said. */
#ifndef STORE_EVICT_H
#define STORE_EVICT_H

#include "store/install.h"

#define EVICT_WHY 96

struct evict_candidate {
    struct digest artifact;
    char name[INSTALL_NAME], version[INSTALL_NAME], added[TIME_TEXT_MAX];
    uint64_t seq;         /* of the ledger entry that added it */
    uint64_t bytes;       /* of its files */
    uint64_t freed;       /* of records that nobody else needs */
    const char *reason;   /* its place in the order: "retired", "superseded", "oldest", "asked" */
    char kept[EVICT_WHY]; /* why it may not go; "" */
    bool absent;          /* its bytes are gone already */
};

struct evict_options {
    uint64_t bytes;            /* go on until so many are free */
    const struct digest *only; /* [only_count]: these, instead of an order */
    size_t only_count;
    bool dry_run;
    const char *reason; /* a person's words for the ledger, or NULL */
    /* Does anything else protect it? Writes why to out, or "". May be NULL. */
    enum status (*protects)(void *ctx, const struct evict_candidate *c, char out[EVICT_WHY],
                            struct err *e);
    void *ctx;
    struct clock clock;
    const struct signer *log; /* NULL for a dry run */
};

struct evict_report {
    uint64_t evicted, freed, kept;
};

/* `each` sees every artifact that went (dry: would) and every one that was passed over, in order.
 */
enum status evict_run(struct store *s, const struct evict_options *o,
                      enum status (*each)(void *ctx, const struct evict_candidate *c,
                                          struct err *e),
                      void *ctx, struct evict_report *out, struct err *e) MUST_CHECK;

/* Removes an artifact: its bytes, and NAME@VERSION, which nobody else gets. Manifest, evidence and
 * history stay. ST_REFUSED when it is protected: c->kept says why. */
enum status evict_remove(struct store *s, const struct digest *artifact,
                         const struct evict_options *o, struct evict_candidate *c,
                         struct err *e) MUST_CHECK;

#endif
