/* Coming back: a fenced store whose successor is lost is made the living one again.
 *
 *     its ledger ← entry "stayed", which lifts the fence and says why
 *
 * Two ledgers that both go on from the entry "moved" are two truths that nobody can join. So it is
 * refused while the successor can be seen where the fence says it is, or a copy is under way; what
 * lies elsewhere (another machine, a disk that is not mounted) cannot be seen, and the person who
 * says why answers for it. A head of the successor kept elsewhere (store/log_head.h) tells the two
 * apart. */
#ifndef STORE_STAY_H
#define STORE_STAY_H

#include "store/store.h"

struct stay_options {
    const char *reason; /* for the ledger */
    bool dry_run;       /* look, and change nothing */
    struct clock clock;
    const struct signer *log;
};

struct stay_report {
    char to[4096]; /* where the lost one was */
    char time[TIME_TEXT_MAX];
    uint64_t seq; /* of the entry; 0 on a dry run */
};

/* ST_CONFLICT, codes "store-alive" (its successor is there), "store-unclear" (something is, and
 * nobody can tell what), "move-running"; ST_NOT_FOUND, code "not-moved". */
enum status stay_store(struct store *s, const struct stay_options *o, struct stay_report *out,
                       struct err *e) MUST_CHECK;

#endif
