/* Ballots: whose word counts, and whether there is enough of it. */
#ifndef PROMOTE_BALLOT_H
#define PROMOTE_BALLOT_H

#include "promote/approval.h"
#include "promote/entry.h"
#include "verify/trust_format.h"

/* Who signed, as the trust knows him. */
struct voter {
    char owner[TRUST_OWNER_MAX];
    unsigned key; /* which of the trust's keys */
    bool roles[ROLE_COUNT];
};
/* ST_SIGNATURE or ST_UNTRUSTED when no key of the trust made the signature. */
enum status ballot_voter(const struct trust *t, const struct envelope *v, struct voter *out,
                         struct err *e) MUST_CHECK;
/* The owner of the key that it claims to be signed by; "" when the trust knows none of that id. For
 * messages only. */
const char *ballot_claims(const struct trust *t, const struct envelope *v);

/* What an approval is held against. */
struct ballot_now {
    int64_t now;
    char store[33];
    struct digest policy, trust,
        holder; /* holder: the decision that holds the channel; zero none */
};
/* As things stand; ST_OK is not needed: what cannot be read is zero and voids every approval. */
void ballot_now(const struct promoter *by, const struct standing *on, struct ballot_now *out);
/* Does it still hold? ST_UNPROVEN, ST_EXPIRED, ST_SET_BACK with a code that names what changed. */
enum status ballot_valid(const struct approval *a, const struct ballot_now *now,
                         struct err *e) MUST_CHECK;

/* One approval as a promotion sees it. */
struct vote {
    struct digest envelope;
    uint64_t seq;
    struct voter voter;
    bool approve;
    bool valid;
    char code[32], why[200]; /* of an invalid one */
    char reason[200];
    char time[TIME_TEXT_MAX];
};

/* What the same person said later, when that is counted instead; NULL: nothing. */
const struct vote *ballot_later(const struct policy_approvals *law, const struct vote *votes,
                                size_t count, size_t i);

struct ballot {
    unsigned yes;           /* distinct people (or keys) who agree */
    const struct vote *no;  /* who rejects; NULL: nobody */
    struct digest used[16]; /* envelopes that count, [used_count] */
    size_t used_count;
    struct buf agreed, missing; /* owners, "alice, bob" */
};
void ballot_release(struct ballot *b);
/* Counts the valid vote that each person with the role signed last. Owners of the role's keys who
 * have not agreed are `missing`: those who could still be asked. */
void ballot_count(const struct trust *t, const struct policy_approvals *law,
                  const struct vote *votes, size_t count, struct ballot *out);

#endif
