/* The law of a store: enactments (promote/enactment.h), one after the other.
 *
 *     state   policy               {"envelope":HEX,"name":…,"policy":HEX,"version":N}, in force
 *             once/policy/N        envelope of version N, set once and never taken back
 *
 * The state only says where to look. The law in force is the one of the newest place that was ever
 * taken, it names the one before it, and the role policy signed it for this store and that place:
 * so whoever can write entries (the log key has no passphrase) can neither put an older law back
 * nor another into force. Which law was in force when an entry was written follows from the entries
 * that took the places. */
#ifndef PROMOTE_POLICY_STORE_H
#define PROMOTE_POLICY_STORE_H

#include "promote/enactment.h"

/* The law in force, its signatures checked with the role policy. ST_NOT_FOUND ("no-policy"),
 * ST_SET_BACK ("policy-set-back"), ST_UNTRUSTED. */
enum status policy_load(struct store *s, const struct trust *t, int64_t now, struct policy *out,
                        struct err *e) MUST_CHECK;
/* The law that was in force when entry `seq` was written, by the trust of that time; it was from
 * behind entry *from until entry *until took the next place. ST_NOT_FOUND: there was none. */
enum status policy_at(struct store *s, const struct trust *t, uint64_t seq, struct policy *out,
                      uint64_t *from, uint64_t *until, struct err *e) MUST_CHECK;
/* What the role policy would sign to make `p` the next law: canonical bytes, appended. */
enum status policy_next(struct store *s, const struct policy *p, struct buf *payload,
                        struct err *e) MUST_CHECK;
/* Puts a signed enactment into force: the next of this store and no other. ST_UNTRUSTED with too
 * few signatures, ST_SET_BACK, ST_UNPROVEN for another store. The very bytes
 * of a version that was law are put back when the store lost them, and change nothing else.
 * *seq is the ledger entry, 0 when nothing had to be done. */
enum status policy_enact(struct store *s, struct span envelope, const struct signer *log,
                         struct clock clock, uint64_t *seq, struct err *e) MUST_CHECK;
/* Both at once, with one key. *seq 0 also when that policy is the law already. */
enum status policy_install(struct store *s, const struct policy *p, const struct signer *policy_key,
                           const struct signer *log, struct clock clock, uint64_t *seq,
                           struct err *e) MUST_CHECK;
/* An enactment from elsewhere, for that store: signed by the role policy? */
enum status policy_verify(const struct trust *t, struct span envelope, const char *store,
                          int64_t now, struct policy *out, struct err *e) MUST_CHECK;
/* The envelope in force. */
enum status policy_envelope(struct store *s, struct buf *out, struct err *e) MUST_CHECK;

#endif
