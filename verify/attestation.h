/* Attested records: what a person says about an artifact that no gate can measure, signed by the
 * role that may say it.
 *
 *     source    publisher   the source archive or data set it was made from, by digest
 *     review    gate        somebody read its transcripts and looked at it
 *     support   release     somebody will answer for it in production
 *
 * In-toto Statement v1 over the artifact, canonical JSON, in a DSSE envelope, named in the state
 * under attest/ARTIFACT/TYPE/SEQ; the newest of a type is what counts.
 *
 *     {"_type":"https://in-toto.io/Statement/v1",
 *      "predicate":{"reason":TEXT,"source":{"sha256":HEX,"uri":URI}|null,"time":"…Z","type":"source"},
 *      "predicateType":"urn:assay:attestation",
 *      "subject":[{"digest":{"sha256":ARTIFACT},"name":"NAME@VERSION"}]} */
#ifndef VERIFY_ATTESTATION_H
#define VERIFY_ATTESTATION_H

#include "verify/artifact.h"

enum attestation { ATTEST_SOURCE, ATTEST_REVIEW, ATTEST_SUPPORT, ATTEST_COUNT };
const char *attestation_name(enum attestation a); /* "source" … */
/* ATTEST_COUNT: there is none of that name. */
enum attestation attestation_parse(const char *name);
enum role attestation_role(enum attestation a); /* who may say it */

#define ATTESTATION_TYPE "application/vnd.in-toto+json"
#define ATTESTATION_TEXT 1024 /* bytes of reason and of URI, with the NUL */

struct attested_record {
    enum attestation type;
    struct digest artifact;
    char subject[2 * MANIFEST_NAME_MAX]; /* NAME@VERSION */
    struct digest source;                /* all zero: none; a source has one */
    char uri[ATTESTATION_TEXT], reason[ATTESTATION_TEXT];
    char time[TIME_TEXT_MAX];
    struct digest envelope;
};

enum status attestation_encode(const struct attested_record *r, struct buf *out,
                               struct err *e) MUST_CHECK;
/* Only what encodes to the very same bytes again. ST_FORMAT, code "attestation". */
enum status attestation_decode(struct span payload, struct attested_record *out,
                               struct err *e) MUST_CHECK;

/* Signs r with a key that has the role (ST_UNTRUSTED before anything is signed) and commits it;
 * fills r->envelope and, from the clock, r->time. */
enum status attestation_commit(struct store *s, const struct trust *t, struct attested_record *r,
                               const struct signer *by, const struct signer *log,
                               struct clock clock, uint64_t *seq, struct err *e) MUST_CHECK;
/* One in the store: signature, role and subject are checked. */
enum status attestation_open(struct store *s, const struct trust *t, enum attestation type,
                             const struct digest *artifact, const struct digest *envelope,
                             int64_t now, struct attested_record *out, struct err *e) MUST_CHECK;
/* The newest of a type. ST_NOT_FOUND, code "no-attestation". */
enum status attestation_newest(struct store *s, const struct trust *t, enum attestation type,
                               const struct digest *artifact, int64_t now,
                               struct attested_record *out, struct err *e) MUST_CHECK;

#endif
