/* The inputs of a decision of the past, read back from the store by the digests in its basis and
 * verified under the trust and the law that were in force when its entry was written: by the order
 * of the entries, whatever the decision says of it. What the store knew then and the basis leaves
 * out (newer evidence, a rejection, a freeze) is looked for. Reigns are kept once opened.
 *
 * by->trust says only whose keys were revoked since. It may be one that is not in force yet. */
#ifndef PROMOTE_RECALL_H
#define PROMOTE_RECALL_H

#include "promote/inputs.h"

struct recall;
enum status recall_open(const struct promoter *by, struct recall **out, struct err *e) MUST_CHECK;
void recall_close(struct recall *r);
SCOPE_OF(recall, struct recall, recall_close)

/* A decision, under the trust that was in force when entry `seq` was written. */
enum status recall_decision(struct recall *r, const struct digest *envelope, uint64_t seq,
                            struct statement *out, struct err *e) MUST_CHECK;

struct recall_question {
    const struct statement *statement; /* what was decided, with its basis */
    const struct policy *law;          /* NULL: the one of that time */
    const char *time, *before;         /* when, and the newest time in the ledger before */
    uint64_t seq;                      /* the entry that recorded it */
    bool revoked; /* who agreed with a key that was revoked since did not agree */
};
struct recalled {
    bool ready;
    struct artifact artifact; /* inputs point into it */
    struct inputs inputs;
};
void recalled_release(struct recalled *r);
/* ST_NOT_FOUND and the like when something of that time is gone: then nothing can be said. */
enum status recall_inputs(struct recall *r, const struct recall_question *q, struct recalled *out,
                          struct err *e) MUST_CHECK;

#endif
