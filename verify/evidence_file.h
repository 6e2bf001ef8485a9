/* Filing evidence: one envelope, the per-case records that it names, one ledger entry. Evidence
 * made here comes straight from the gate; evidence made elsewhere is checked exactly as it would be
 * in a decision, and cannot make an older word the newest. */
#ifndef VERIFY_EVIDENCE_FILE_H
#define VERIFY_EVIDENCE_FILE_H

#include "verify/evidence.h"

struct filing {
    const struct bound *bound;
    enum verdict verdict;
    struct span cases; /* of the records that the envelope names; empty: none, or they are there */
    struct span envelope;
    const struct signer *log;
    struct clock clock;
    const struct evidence *newer_than; /* NULL: do not ask. Else the commit is refused (ST_SET_BACK,
                                          code "evidence-older") when the newest of that gate ended
                                          at or after this one */
    const struct trust *trust;         /* to read the newest with, when asked */
    const char *again; /* NULL: a new one. Else the key that names it, whose document was lost */
};

/* Commits it under evidence/ARTIFACT/GATE/SEQ, the number chosen under the lock. */
enum status evidence_file(struct store *s, const struct filing *f, struct digest *out,
                          uint64_t *seq, struct err *e) MUST_CHECK;

/* Takes evidence that was made elsewhere (CI, another machine): its envelope, and the records that
 * it names, which may be empty when the store holds them. The artifact must be here, the signer has
 * the role gate, and it is newer than what is here. `out` is to be released either way; *existed:
 * that very envelope was here before and nothing was committed; one that was and is lost is put
 * back. ST_SIGNATURE, ST_UNTRUSTED,
 * ST_EXPIRED, ST_FORMAT, ST_MISMATCH, ST_NOT_FOUND, ST_SET_BACK. */
struct evidence_offer {
    struct span envelope, cases;
    const struct trust *trust;
    const struct signer *log;
    struct clock clock;
};
enum status evidence_accept(struct store *s, const struct evidence_offer *offer,
                            struct evidence *out, bool *existed, uint64_t *seq,
                            struct err *e) MUST_CHECK;

#endif
