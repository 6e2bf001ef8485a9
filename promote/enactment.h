/* Enactments: a policy as a store's law, version after version.
 *
 *     {"before":HEX or null,"policy":{…},"schema":"assay.law/1","store":HEX32,"version":N}
 *
 * canonical JSON in DSSE, signed by as many of the role policy as the trust asks for. `before` is
 * the envelope of version N − 1 (null for the first), `policy` the canonical policy whose SHA-256
 * is the policy digest. So a law that was signed once is law in one store, in one place of its
 * order, and never comes back by itself: to return to it, the role policy signs it again. */
#ifndef PROMOTE_ENACTMENT_H
#define PROMOTE_ENACTMENT_H

#include "promote/policy.h"
#include "store/envelope.h"

#define POLICY_TYPE     "application/vnd.assay.policy+json"
#define ENACTMENT_MAX   (2u << 20) /* bytes of a file */
#define POLICY_VERSIONS 100000u    /* that a store may go through */

struct enactment {
    char store[33];
    uint64_t version;     /* 1, 2, 3 … */
    struct digest before; /* zero for version 1 */
    struct policy policy;
};
void enactment_release(struct enactment *n);

/* Canonical bytes, appended. */
enum status enactment_encode(const struct enactment *n, struct buf *out, struct err *e) MUST_CHECK;
/* The document in an envelope as it was handed over, which may lack signatures: nothing is trusted
 * yet. Both are to be released either way. ST_SIGNATURE (another type), ST_FORMAT, ST_CONFIG. */
enum status enactment_open(struct span bytes, struct envelope *v, struct enactment *out,
                           struct err *e) MUST_CHECK;

#endif
