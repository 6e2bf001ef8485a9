/* Requests: everything that somebody far away needs to agree to an act, in one text file.
 *
 *     {"added":"…Z","ask":{…},"basis":{…},"charter":{…},
 *      "documents":{"evidence":{"smoke":ENVELOPE,…},"manifest":ENVELOPE,"policy":ENVELOPE,
 *                   "trust":ENVELOPE},
 *      "head":{…},"holds":true,"schema":"assay.request/1","soaked":N}
 *
 * in DSSE, signed by the store's log key; each ENVELOPE is a text of the very bytes that the store
 * holds. The reader needs no store: he verifies every document under the trust inside and applies
 * the policy inside to the evidence inside. What only the store can know (how long it has soaked)
 * is the store's word, under its log key, which the charter inside ties to the store's id: whoever
 * carries the request cannot say it under another key without asking for another store. That the
 * trust is the one he means, he alone can say: its digest, its root keys and his own key in it are
 * shown. */
#ifndef PROMOTE_REQUEST_H
#define PROMOTE_REQUEST_H

#include "promote/inputs.h"
#include "store/charter.h"

#define REQUEST_TYPE  "application/vnd.assay.request+json"
#define REQUEST_MAX   (12u << 20)           /* bytes of a file */
#define REQUEST_VALID (UINT64_C(7) * 86400) /* seconds it holds unless told */

struct request {
    struct ask ask;
    struct log_head head;
    struct charter charter; /* of the store; its log key signed the request */
    struct basis basis;
    char added[TIME_TEXT_MAX];
    bool holds;
    uint64_t soaked;
    struct json *root; /* owns the documents' texts */
};
void request_release(struct request *r);

/* Writes one for what `ask` names (kind, channel or gate and check, reason, until); the rest of it
 * is filled in. ST_REFUSED when the policy opens no such channel, knows no emergency, waives
 * nothing. */
enum status request_make(const struct promoter *by, const struct artifact *a, uint64_t valid_s,
                         struct ask *ask, struct buf *out, struct err *e) MUST_CHECK;

/* ST_FORMAT; ST_SIGNATURE, code "request-charter", when the charter inside is not the one that the
 * store's id stands for, "signature-wrong" when its log key did not sign it. */
enum status request_open(struct span bytes, struct request *out, struct err *e) MUST_CHECK;

/* What the reader's own machine makes of it. */
struct judgement {
    struct trust *trust;
    struct policy policy;
    struct manifest manifest;
    struct inputs inputs;
    struct decision decision; /* without approvals: nobody's are inside */
};
void judgement_release(struct judgement *j);
/* ST_SIGNATURE, ST_UNTRUSTED, ST_MISMATCH … naming the document that is not what it must be. `now`
 * is the reader's clock. The request must outlive it. */
enum status request_judge(const struct request *r, int64_t now, struct judgement *out,
                          struct err *e) MUST_CHECK;

#endif
