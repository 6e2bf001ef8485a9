/* Past promotions, decided again from what the store kept: no model runs, nothing is changed.
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
    bool was_allowed;         /* what was decided then */
    struct digest policy;     /* by which */
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

#endif
