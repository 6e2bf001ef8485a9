/* The soak clock: how long an artifact has held a channel, by the chain of signed decisions about
 * it.
 *
 *     decision n (newest) ─before→ n − 1 ─before→ … 1
 *     from the time of each until that of the next, its artifact held the channel
 *
 * A decision's time is that of the ledger entry in which it took its place: those never go back.
 * Time outside does not count; what no key in force signed does not count, nor anything before it.
 * It is one function for every promotion, by hand or at night. */
#ifndef PROMOTE_SOAK_H
#define PROMOTE_SOAK_H

#include "promote/decision.h"
#include "promote/statement.h"

struct soak {
    uint64_t seconds; /* held until now; may stop counting at `enough` */
    bool holds;       /* it holds the channel now, so time goes on */
    bool proven;      /* the newest decision could be proven */
};
struct soak_question {
    const char *name, *channel;
    struct digest artifact;
    struct digest newest; /* the newest decision about NAME@CHANNEL; zero: there was none */
    int64_t now;
    uint64_t before; /* only what was decided before this ledger entry; UINT64_MAX: all */
    int64_t added;   /* when the store took it in: no decision before is about it */
    uint64_t enough;
};
enum status soak_time(struct store *s, const struct trust *t, const struct soak_question *q,
                      struct soak *out, struct err *e) MUST_CHECK;

/* A decision from its envelope: type, signature by the role release, statement. */
enum status decision_open(struct store *s, const struct trust *t, const struct digest *envelope,
                          int64_t now, struct statement *out, struct err *e) MUST_CHECK;

#endif
