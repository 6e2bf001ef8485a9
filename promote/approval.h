/* Approvals: one person's word on one thing that was asked for, signed.
 *
 *     {"ask":{…},"head":{…},"reason":…,"schema":"assay.approval/1","time":"…Z",
 *      "verdict":"approve"|"reject"}                    in DSSE, signed by exactly one key
 *
 * In the store: approval/ARTIFACT/SEQ → digest of the envelope. An approval is void once the
 * artifact's expected holder, the policy or the trust changed, when it expired, or when newer
 * evidence of a required gate was not a pass; newer passes do not void it. */
#ifndef PROMOTE_APPROVAL_H
#define PROMOTE_APPROVAL_H

#include "promote/decision.h"
#include "promote/question.h"
#include "store/log_head.h"

#define APPROVAL_TYPE  "application/vnd.assay.approval+json"
#define APPROVAL_MAX   (64u << 10) /* bytes of a file */
#define APPROVAL_SHELF "approval"
#define APPROVALS_MAX  BASIS_APPROVALS

struct approval {
    struct ask ask;
    struct log_head head; /* of the ledger when it was asked */
    bool approve;         /* false: rejects */
    char reason[REASON_MAX];
    char time[TIME_TEXT_MAX];
    struct digest digest; /* of the envelope */
};

/* Signs a verdict; the envelope is appended to out. */
enum status approval_sign(const struct approval *a, const struct signer *key, struct buf *out,
                          struct err *e) MUST_CHECK;
/* Decodes the file; `v` keeps its signature, to be released either way. Nothing is trusted yet. */
enum status approval_open(struct span bytes, struct envelope *v, struct approval *out,
                          struct err *e) MUST_CHECK;

/* Takes a file into the store, under the log key: ST_UNTRUSTED unless a key of the trust in force
 * signed it, ST_UNPROVEN for another store, ST_EXPIRED, ST_SET_BACK when policy, trust or holder
 * are others by now, ST_NOT_FOUND for an artifact that is not here. *seq 0: it is there already. */
enum status approval_add(const struct promoter *by, struct span bytes, struct approval *out,
                         uint64_t *seq, struct err *e) MUST_CHECK;

#endif
