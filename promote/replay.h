/* Promotions, decided again from what the store kept: no model runs, nothing is changed. An audit,
 * a trial of another law and the proof of what a channel hands out are this one way of deciding.
 *
 * A granted promotion's decision and a refusal's ledger entry name their basis by digest. Each
 * document is verified again under the trust of that time, and promote/rules decides: under the
 * policy of that time (an audit: the same has to come out), or under another (what would it have
 * decided?). Under another policy, limits are applied to the measurements in the evidence; what was
 * measured with other settings would have to be measured again, and says so. */
#ifndef PROMOTE_REPLAY_H
#define PROMOTE_REPLAY_H

#include "promote/decision.h"

struct past {
    uint64_t seq;
    char time[TIME_TEXT_MAX];
    char name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX], channel[16];
    bool emergency;
    bool was_allowed; /* what was decided then */
    struct digest artifact, policy;
    struct digest envelope;   /* of a decision; zero for a refusal */
    char from[16];            /* where the law lets it come from */
    struct decision decision; /* what is decided now */
    char trouble[200];        /* it could not be decided again, for this reason; "" it was */
};
typedef enum status (*replay_each)(void *ctx, const struct past *p, struct err *e);

/* Every promotion and refusal, oldest first, under `law`. by: store, trust and clock only. */
enum status replay_history(const struct promoter *by, const struct policy *law, replay_each each,
                           void *ctx, struct err *e) MUST_CHECK;
/* Entry `seq` under the policy of its time. ST_NOT_FOUND; ST_USAGE when the entry is no promotion
 * and no refusal. */
enum status replay_entry(const struct promoter *by, uint64_t seq, struct past *out,
                         struct err *e) MUST_CHECK;
/* A place in a channel's order of decisions. */
struct replay_place {
    char name[MANIFEST_NAME_MAX], channel[16];
    uint64_t number;
    struct digest decision; /* that took it; zero: whichever did */
};
/* Was it taken by right, and is it still, now that some keys may have been revoked? The decision
 * there (of a rollback: the promotion that it goes back to) is decided again as of the entry that
 * made it: under the trust and the law in force then, from evidence and approvals that verify; so
 * is the one by which its artifact held the channel that it came from. ST_UNPROVEN, code
 * "decision-unlawful" with the rule that was not met, and others. */
enum status replay_prove(const struct promoter *by, const struct replay_place *at,
                         struct err *e) MUST_CHECK;

#endif
