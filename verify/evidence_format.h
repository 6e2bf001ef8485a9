/* The bytes of evidence: an in-toto Statement v1 with a test-result v0.1 predicate, canonical JSON.
 *
 *     {"_type":"https://in-toto.io/Statement/v1",
 *      "predicate":{
 *        "configuration":[{"digest":{"sha256":…},"name":"policy-section"},{… "runtime"},{…
 * "program"}], "failedTests":[NAME…],"passedTests":[NAME…],"result":"PASSED"|"FAILED",
 *        "urn:assay:evidence:bound":{"artifact":HEX,"content":HEX,"gate":…,"policy_section":HEX,
 *                                    "program":HEX,"runtime":HEX},
 *        "urn:assay:evidence:cases":HEX or "",
 *        "urn:assay:evidence:checks":[{"limit","measured","message","name","unit","verdict"}…],
 *        "urn:assay:evidence:recorded":{"baseline":HEX,"browser":…,"ended":…Z,"machine":{…},
 *                                       "sandbox":…,"started":…Z},   (the first two where there
 * are) "urn:assay:evidence:verdict":"pass"|"fail"|"inconclusive"|"error", "warnedTests":[]},
 *      "predicateType":"https://in-toto.io/attestation/test-result/v0.1",
 *      "subject":[{"digest":{"sha256":ARTIFACT},"name":"NAME@VERSION"},
 *                 {"digest":{"sha256":CONTENT},"name":"content"}]}
 *
 * Whoever knows only in-toto sees PASSED for a pass and FAILED for all else; the exact verdict
 * stands in an extension member. Everything that is said twice is compared when it is read. */
#ifndef VERIFY_EVIDENCE_FORMAT_H
#define VERIFY_EVIDENCE_FORMAT_H

#include "verify/evidence.h"

#define EVIDENCE_TYPE "application/vnd.in-toto+json"
#define EVIDENCE_MAX  (4u << 20) /* bytes of a statement */

/* `subject`: NAME@VERSION. cases: digest of the per-case records, NULL for none. */
enum status evidence_encode(const struct bound *bound, const struct gate_result *result,
                            const char *subject, const struct digest *cases, struct buf *canonical,
                            struct err *e) MUST_CHECK;
/* Everything but `digest`. ST_FORMAT with the member that is wrong. */
enum status evidence_decode(struct span statement, struct evidence *out, struct err *e) MUST_CHECK;

#endif
