/* Putting a decision, or a refusal, into the ledger. */
#ifndef PROMOTE_ENTRY_H
#define PROMOTE_ENTRY_H

#include "promote/decision.h"
#include "promote/statement.h"

/* The state a decision was made in. Values are the raw texts; it is committed only if they still
 * stand. */
struct standing {
    struct buf channel, policy, trust; /* NUL-ended; channel empty: nobody holds it */
    bool known; /* there has been a decision about the channel: `holder` is the newest */
    bool held;  /* and its artifact holds it */
    struct holder holder;
};
void standing_release(struct standing *s);
enum status standing_read(struct store *s, const char *name, const char *channel,
                          struct standing *out, struct err *e) MUST_CHECK;

/* The decision by which it is held, or stands empty; zero: there was none. */
struct digest standing_last(const struct standing *s);

/* ST_CONFLICT, code "trust-changed", when by->trust is not in force any more: what was verified
 * under it was not verified. The state that a commit expects is read only after the trust was
 * loaded. */
enum status standing_trust(const struct promoter *by, struct err *e) MUST_CHECK;

/* Fills what every statement says about the store: id, lab, trust, number, decision before, and the
 * time, which is never before that of the newest entry. ST_CONFLICT as standing_trust. */
enum status entry_prepare(const struct promoter *by, const struct standing *on, struct statement *s,
                          struct err *e) MUST_CHECK;
/* The statement as a signed envelope, appended. ST_UNTRUSTED when the release key has not the role.
 */
enum status entry_sign(const struct promoter *by, const struct statement *s, struct buf *envelope,
                       struct err *e) MUST_CHECK;
/* Writes the members that the decision changes in the state: the new holder (or none), and the old
 * one among the former. `return_to` (may be NULL): the former holder that a rollback brings back.
 */
void entry_set(const struct standing *on, const struct statement *s, const struct digest *envelope,
               const struct holder *return_to, struct json_out *j);
/* Signs the statement with the role release and commits it; the new holder goes to out. ST_CONFLICT
 * when `on` does not stand any more, and, code "moved", when `after` (0: any) is not the newest
 * ledger entry any more. */
enum status entry_commit(const struct promoter *by, const struct standing *on,
                         const struct statement *s, const struct holder *return_to, uint64_t after,
                         struct holder *out, struct err *e) MUST_CHECK;
/* Records a refusal, rule by rule, with what it rested on. */
enum status entry_refuse(const struct promoter *by, const struct statement *s, uint64_t after,
                         struct decision *d, struct err *e) MUST_CHECK;

#endif
