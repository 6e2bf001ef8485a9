/* Gathering the answers that people gave to one promotion or waiver, now or as they lay in the
 * store when a past entry was written. */
#ifndef PROMOTE_VOTES_H
#define PROMOTE_VOTES_H

#include "promote/inputs.h"

/* How far back a gate's evidence was looked at for anything but a pass. */
struct looked_at {
    uint64_t from;   /* entries from here on are done */
    uint64_t failed; /* the newest that is not a pass; 0: none */
};

struct voting {
    struct store *store;
    const struct trust *trust;
    const struct policy_channel *law; /* NULL: the policy opens no such channel */
    const struct ask *ask;            /* a waiver's; NULL: it is about in->channel */
    struct inputs *in;                /* votes and basis.approvals are filled */
    struct ballot_now now;            /* what they are held against */
    uint64_t before; /* only what came before this entry is looked at; UINT64_MAX: all */
    uint64_t holder; /* the entry that decided about the channel last: what is older is void */
    bool skim;       /* void ones need no mention: they are not looked at */
    struct looked_at looked[GATE_COUNT]; /* begins as zero, as does the rest */
    bool one_void;
};

/* Every answer on the artifact's shelf. */
enum status votes_gather(struct voting *g, struct err *e) MUST_CHECK;
/* And those named [n], if the shelf has them no more. */
enum status votes_named(struct voting *g, const struct digest *named, size_t n,
                        struct err *e) MUST_CHECK;

#endif
