/* Putting a decision, or a refusal, into the ledger. */
#ifndef PROMOTE_ENTRY_H
#define PROMOTE_ENTRY_H

#include "promote/decision.h"
#include "promote/statement.h"

/* The state a decision was made in. Values are the raw texts; it is committed only if they still
 * stand. */
struct standing {
    struct buf channel, policy, trust; /* NUL-ended; channel empty: nobody holds it */
    bool held;
    struct holder holder; /* when held */
};
void standing_release(struct standing *s);
enum status standing_read(struct store *s, const char *name, const char *channel,
                          struct standing *out, struct err *e) MUST_CHECK;

/* Fills what every statement says about the store: id, lab, trust, number, decision before, time.
 */
enum status entry_prepare(const struct promoter *by, const struct standing *on, struct statement *s,
                          struct err *e) MUST_CHECK;
/* Signs the statement with the role release and commits it; the new holder goes to out. `return_to`
 * (may be NULL) is the former holder that a rollback brings back. ST_CONFLICT when `on` does not
 * stand any more, ST_UNTRUSTED when the release key has not that role. */
enum status entry_commit(const struct promoter *by, const struct standing *on,
                         const struct statement *s, const struct holder *return_to,
                         struct holder *out, struct err *e) MUST_CHECK;
/* Records a refusal, rule by rule. */
enum status entry_refuse(const struct promoter *by, const struct artifact *a, const char *channel,
                         const struct digest *policy, struct decision *d, struct err *e) MUST_CHECK;

#endif
