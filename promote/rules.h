/* The rules of a promotion, one by one. Each is unmet until something proves it. */
#ifndef PROMOTE_RULES_H
#define PROMOTE_RULES_H

#include "promote/decision.h"

/* What the rules look at, all of it read and verified in this call of promote(). */
struct question {
    const struct promoter *by;
    const struct artifact *artifact;
    const struct policy *policy;
    const struct policy_channel *channel; /* of the policy; NULL: it has none of that name */
    const char *channel_name;
    int64_t seen; /* the newest time in the ledger, read before the clock */
    int64_t now;
};

/* Fills out->rules, out->evidence and out->allowed. An error only when it could not be looked into
 * (ST_IO, ST_NO_MEMORY …); whatever is missing, damaged or signed by the wrong key is an unmet
 * rule. */
enum status rules_apply(const struct question *q, struct decision *out, struct err *e) MUST_CHECK;

#endif
