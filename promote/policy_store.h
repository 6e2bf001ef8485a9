/* The policy in force: signed by the role policy, stored by digest, named in the state under
 * "policy", recorded in the ledger with its version. */
#ifndef PROMOTE_POLICY_STORE_H
#define PROMOTE_POLICY_STORE_H

#include "promote/policy.h"

/* The installed one, its signature checked with the role policy. */
enum status policy_load(struct store *s, const struct trust *t, int64_t now, struct policy *out,
                        struct err *e) MUST_CHECK;
/* Signs and installs; ST_UNTRUSTED unless the trust accepts policy_key for the role. *seq is the
 * ledger entry, 0 when that very policy is in force already. */
enum status policy_install(struct store *s, const struct policy *p, const struct signer *policy_key,
                           const struct signer *log, struct clock clock, uint64_t *seq,
                           struct err *e) MUST_CHECK;
/* A policy that was installed once, from its signed envelope; `now` 0 leaves expiry aside. */
enum status policy_open(struct store *s, const struct trust *t, const struct digest *envelope,
                        int64_t now, struct policy *out, struct err *e) MUST_CHECK;
/* The same from the envelope's own bytes, for what came from elsewhere. */
enum status policy_verify(const struct trust *t, struct span envelope, int64_t now,
                          struct policy *out, struct err *e) MUST_CHECK;
/* The envelope in force. */
enum status policy_envelope(struct store *s, struct buf *out, struct err *e) MUST_CHECK;

#endif
