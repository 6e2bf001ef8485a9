/* The inputs of a decision of the past, read back from the store by the digests in its basis and
 * verified under the trust of that time. Trusts and policies are kept once opened. */
#ifndef PROMOTE_RECALL_H
#define PROMOTE_RECALL_H

#include "promote/inputs.h"

struct recall;
enum status recall_open(const struct promoter *by, struct recall **out, struct err *e) MUST_CHECK;
void recall_close(struct recall *r);
SCOPE_OF(recall, struct recall, recall_close)

/* Learns from the body of a ledger entry of type "policy" which envelope holds a policy. */
enum status recall_policy(struct recall *r, const struct json *body, struct err *e) MUST_CHECK;
/* A decision under the trust that it names. */
enum status recall_decision(struct recall *r, const struct digest *envelope, struct statement *out,
                            struct err *e) MUST_CHECK;

struct recall_question {
    const struct statement *statement; /* what was decided, with its basis */
    const struct policy *law;          /* NULL: the one of that time */
    const char *time, *before;         /* when, and the newest time in the ledger before */
    uint64_t seq;
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
