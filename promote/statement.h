/* A decision as a statement: in-toto Statement v1 with the SLSA VSA v1 predicate, and what we bind
 * beside it in one extension member. Sources: in-toto attestation spec/v1/statement.md, SLSA
 * docs/spec/v1.1/verification_summary.md.
 *
 *     subject            the artifact, NAME@VERSION by the digest of its manifest
 *     resourceUri        assay:STORE/NAME@VERSION#CHANNEL: what it is accepted as, and where
 *     policy             the law, by digest
 *     inputAttestations  every piece of evidence, every approval and waiver, by digest
 *     "assay:decision"   channel, number, the decision before it, kind, reason, and its basis;
 *                        of a rollback also which promotion, by number, it goes back to
 *
 * What takes an artifact out of a channel (demote, retire) is FAILED and accepts it as nothing.
 *
 * One decision proves one entry into one channel of one store, after one other decision: it cannot
 * be replayed elsewhere, out of order, or after something else has happened. */
#ifndef PROMOTE_STATEMENT_H
#define PROMOTE_STATEMENT_H

#include "promote/basis.h"
#include "promote/channel.h"

#define STATEMENT_TYPE "application/vnd.in-toto+json"
#define REASON_MAX     1024

enum decision_kind {
    DECISION_NONE,
    DECISION_PROMOTE,
    DECISION_EMERGENCY, /* promoted without what the policy lets an emergency leave out */
    DECISION_ROLLBACK,
    DECISION_DEMOTE, /* taken out; nobody holds the channel then */
    DECISION_RETIRE, /* the same, and never again */
};
const char *decision_kind_name(enum decision_kind k); /* "promote" … */
/* Does it put its artifact into the channel? */
bool decision_enters(enum decision_kind k);

struct statement {
    enum decision_kind kind;
    char store[33]; /* its id */
    char name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX], channel[16];
    struct digest artifact;
    struct digest policy;
    char policy_name[64];
    struct basis basis;
    uint64_t number;      /* 1, 2, 3 … of this channel */
    struct digest before; /* the decision of number − 1; zero for the first */
    uint64_t restores; /* of a rollback: the number of the promotion that it goes back to; else 0 */
    bool self_signed, lab;
    char time[TIME_TEXT_MAX];
    char reason[REASON_MAX]; /* "" for a promotion */
};

/* Canonical bytes, appended. */
enum status statement_encode(const struct statement *s, struct buf *out, struct err *e) MUST_CHECK;
/* ST_FORMAT; only a statement that encodes to the very same bytes again is accepted. */
enum status statement_decode(struct span payload, struct statement *out, struct err *e) MUST_CHECK;

#endif
