/* Making the next version of a trust: a copy of one is changed step by step and then proposed, that
 * is checked by every rule of the format and signed once. Others add their signatures to that file
 * (envelope_cosign), and trust_install takes it when both thresholds are met. */
#ifndef VERIFY_TRUST_EDIT_H
#define VERIFY_TRUST_EDIT_H

#include "verify/trust.h"

/* A copy of `now` with the next version number; next false keeps the number, to go on with
 * a proposal. It has no digest, and is in force nowhere. */
enum status trust_edit_begin(const struct trust *now, bool next, struct trust **out,
                             struct err *e) MUST_CHECK;
/* Gives a key a role. A key that is known keeps its owner, who must be the one named. ST_UNTRUSTED,
 * ST_EXISTS, ST_USAGE. */
enum status trust_edit_add(struct trust *t, enum role r, const struct public_key *k,
                           const char *owner, struct err *e) MUST_CHECK;
/* Takes a key out of one role, or with ROLE_NONE out of all. ST_NOT_FOUND. */
enum status trust_edit_remove(struct trust *t, enum role r, const char *id,
                              struct err *e) MUST_CHECK;
/* The same out of all, and it is remembered. */
enum status trust_edit_revoke(struct trust *t, const char *id, int64_t since,
                              struct err *e) MUST_CHECK;
void trust_edit_threshold(struct trust *t, enum role r, uint64_t threshold);
void trust_edit_expires(struct trust *t, int64_t expires);
/* The envelope, signed by `root` (NULL: not signed, only the rules are checked and out is
 * not touched). */
enum status trust_propose(struct trust *t, const struct signer *root, struct buf *out,
                          struct err *e) MUST_CHECK;

#endif
