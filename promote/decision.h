/* Decisions: policy over evidence, rule by rule, and the signed record of what was decided.
 *
 * A decision is an in-toto Statement with a SLSA VSA v1 predicate (resourceUri
 * "assay:STORE/NAME@VERSION#CHANNEL"), in DSSE, signed by the role release, and lies in the ledger.
 * A promotion is a compare-and-swap on the channel's present holder. */
#ifndef PROMOTE_DECISION_H
#define PROMOTE_DECISION_H

#include "base/stream.h"
#include "promote/basis.h"
#include "promote/channel.h"

#define DECISION_RULES_MAX 96

struct rule_outcome {
    char rule[64];     /* "gate structural", "evidence age smoke", "from" … */
    bool met;          /* false unless proven */
    char message[360]; /* what is measured or missing, who could give it, and by which command */
};

struct decision {
    bool allowed; /* all rules met */
    bool held;    /* it holds the channel already, by a decision on the very same: none is made */
    struct rule_outcome rules[DECISION_RULES_MAX];
    size_t rule_count;
    struct basis basis;     /* what the rules looked at */
    struct digest previous; /* holder before; zero when none */
    int64_t soaked_until;   /* when the soak ends; 0: it has, or no one can say */
    uint64_t seq;           /* ledger entry; 0 for a dry run */
    struct digest envelope;
};

/* What a decision is made with. */
struct promoter {
    struct store *store;
    const struct trust *trust;
    const struct signer *release, *log;
    struct clock clock;
};

/* What is asked: an artifact for a channel. */
struct promotion {
    const struct artifact *artifact;
    const char *channel;
    const char *emergency; /* the reason for going without what an emergency may leave out; NULL */
    bool dry_run;          /* decide only: nothing is recorded, no key is needed */
    struct sink watch; /* gets the artifact's bytes as they are read again, so that whoever waits
                        * can see and stop it; .write NULL: nobody, and a dry run reads none */
};

/* Applies the installed policy. What the rules allow is read again, every byte, before it is
 * decided: ST_CORRUPT names what is damaged. When the present holder asks again and policy,
 * evidence and program are those of its decision, that one stands: out->held, with its seq and
 * envelope. Records a refusal in the ledger too (unless dry_run). ST_OK with out->allowed false for
 * a refusal; ST_CONFLICT when the holder changed meanwhile; ST_EXPIRED when the trust has. What
 * else came into the ledger meanwhile is looked at before anything is decided. */
enum status promote(const struct promoter *by, const struct promotion *what, struct decision *out,
                    struct err *e) MUST_CHECK;
/* Re-points to a former holder; `to` NULL: the last one. */
enum status rollback(const struct promoter *by, const char *name, const char *channel,
                     const struct digest *to, const char *reason, struct holder *out,
                     struct err *e) MUST_CHECK;
/* Proves that a holder may be handed out by this program: decision signature, its binding to store,
 * name, channel and artifact, the publishers' signatures, the evidence, and the runtime it was made
 * for; a trust that has expired still says who signed. ST_UNPROVEN, ST_SIGNATURE … */
enum status decision_prove(const struct promoter *by, const struct holder *h,
                           struct err *e) MUST_CHECK;
/* Is what put it there, now or once, proven under by->trust, which may be one that is only
 * proposed? The program is not asked about. */
enum status decision_stands(const struct promoter *by, const struct holder *h,
                            struct err *e) MUST_CHECK;

#endif
