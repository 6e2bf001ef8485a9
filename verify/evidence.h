/* Evidence: an in-toto test-result statement about one gate's run, in a DSSE envelope signed by the
 * role gate. It binds what decides its meaning and records what describes the run (gates.md). */
#ifndef VERIFY_EVIDENCE_H
#define VERIFY_EVIDENCE_H

#include "verify/gate.h"
#include "verify/identity.h"

struct evidence {
    enum gate gate;
    enum verdict verdict;
    struct bound bound;   /* as signed */
    struct digest digest; /* of the envelope */
    struct digest cases;  /* of the per-case records; zero if none */
    int64_t ended;
    char sandbox[64], browser[64]; /* as recorded; "" when not */
    struct digest baseline;        /* whom it was compared with; zero: nobody */
    struct gate_check *checks;     /* [check_count] */
    size_t check_count;
    struct json *statement; /* the whole statement, for printing */
};
void evidence_release(struct evidence *v);

/* evidence/ARTIFACT/GATE/, below which each piece has its ledger entry's number, 16 digits: the
 * order of bytes is the order of time. */
void evidence_prefix(const struct digest *artifact, enum gate g, char out[STORE_KEY_MAX]);
/* Signs a result and commits it there. */
enum status evidence_commit(struct store *s, const struct bound *bound,
                            const struct gate_result *result, const struct signer *gate_key,
                            const struct signer *log, struct clock clock, struct digest *out,
                            struct err *e) MUST_CHECK;
/* Verifies an envelope's bytes with the role gate and decodes them; `out` is to be released either
 * way. */
enum status evidence_verify(const struct trust *t, struct span envelope, int64_t now,
                            struct evidence *out, struct err *e) MUST_CHECK;
/* The same for an envelope in the store. */
enum status evidence_open(struct store *s, const struct trust *t, const struct digest *envelope,
                          int64_t now, struct evidence *out, struct err *e) MUST_CHECK;
/* Is the last of a shelf's digests (oldest first, DIGEST_BYTES each, at least one) a piece that lay
 * there before, put on top of what was measured later? */
enum status evidence_again(struct store *s, const struct trust *t, struct span list, bool *out,
                           struct err *e) MUST_CHECK;
/* The newest for artifact and gate, whatever it says. ST_NOT_FOUND; ST_SET_BACK, code
 * "evidence-again". */
enum status evidence_newest(struct store *s, const struct trust *t, const struct digest *artifact,
                            enum gate g, int64_t now, struct evidence *out,
                            struct err *e) MUST_CHECK;

/* Is the newest evidence bound to exactly these identities and not older than max_age_s (0: any
 * age)? Then the gate need not run again, whatever the verdict was. `out` is filled when there is
 * evidence. */
enum status evidence_fresh(struct store *s, const struct trust *t, const struct bound *bound,
                           int64_t now, uint64_t max_age_s, struct evidence *out, bool *fresh,
                           struct err *e) MUST_CHECK;

#endif
