/* What every answer about an artifact is worth now: gathered and counted by the very code that a
 * decision uses, so that a list calls none good that a promotion would not count. */
#ifndef PROMOTE_TALLY_H
#define PROMOTE_TALLY_H

#include "promote/ballot.h"

struct tallied {
    struct approval approval;    /* only its digest when it cannot be read */
    uint64_t seq;                /* the ledger entry that brought it */
    bool read;                   /* false: the store lost it, and `why` says so */
    char owner[TRUST_OWNER_MAX]; /* who signed, as the trust or the answer says; "" nobody known */
    bool holds;                  /* it would count */
    char code[32], why[200];     /* when it does not */
};

/* Every answer in the store, oldest first. The callback may read the store. */
enum status tally_each(const struct promoter *by, const struct artifact *a,
                       enum status (*each)(void *ctx, const struct tallied *t, struct err *e),
                       void *ctx, struct err *e) MUST_CHECK;

#endif
