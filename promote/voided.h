/* What a change of trust would void: everything in the store that counts under the trust in force
 * and would not count under the next, and the decisions that rest on it. Nothing is changed. */
#ifndef PROMOTE_VOIDED_H
#define PROMOTE_VOIDED_H

#include "promote/decision.h"

enum voided_kind {
    VOIDED_MANIFEST,
    VOIDED_SIGNATURE,
    VOIDED_EVIDENCE,
    VOIDED_ATTESTATION,
    VOIDED_APPROVAL,
    VOIDED_WAIVER,
    VOIDED_DECISION,
    VOIDED_POLICY
};

struct voided {
    enum voided_kind kind;
    char what[STORE_KEY_MAX]; /* the state key that names it */
    struct digest document;   /* artifact of a manifest, else the envelope */
    char time[TIME_TEXT_MAX]; /* when the store took it in; "" when its place does not say */
};

const char *voided_name(enum voided_kind k); /* "manifest" … */

/* One call for each, sorted by state key within its kind, former holders newest first. by: store,
 * clock and the trust in force. An error only when it could not be looked into. */
enum status voided_each(const struct promoter *by, const struct trust *next,
                        enum status (*each)(void *ctx, const struct voided *v, struct err *e),
                        void *ctx, struct err *e) MUST_CHECK;

#endif
