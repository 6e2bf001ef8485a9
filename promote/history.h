/* Who held a channel when: read from the ledger itself, where nothing is forgotten. The state knows
 * only who holds it now and who did before.
 *
 * Every entry that is read has been verified (chain and signature), so this is the auditors'
 * answer, and costs a walk over the ledger. */
#ifndef PROMOTE_HISTORY_H
#define PROMOTE_HISTORY_H

#include "promote/channel.h"

/* One stay in a channel, or a time in which nobody held it (artifact all zero). */
struct tenure {
    char name[MANIFEST_NAME_MAX], channel[16];
    struct digest artifact, decision;
    uint64_t seq;  /* the entry that began it */
    char type[33]; /* its type: "promote", "rollback" … */
    char since[TIME_TEXT_MAX];
    char until[TIME_TEXT_MAX]; /* "": it lasts */
};
typedef enum status (*tenure_fn)(void *ctx, const struct tenure *t, struct err *e);

/* Each stay, in the order in which they ended, those that last at the end, by channel. name and
 * channel NULL: of all. The same artifact under a newer decision is a stay of its own. */
enum status history_each(struct store *s, const char *name, const char *channel, tenure_fn each,
                         void *ctx, struct err *e) MUST_CHECK;
/* Only who held it at that moment. */
enum status history_at(struct store *s, const char *name, const char *channel, int64_t at,
                       tenure_fn each, void *ctx, struct err *e) MUST_CHECK;

#endif
