/* Gates: one runs in a sandboxed child over one artifact and comes back as measurements.
 *
 * Identities are recorded before it runs (verify/identity.h); the result becomes one signed piece
 * of evidence (verify/evidence.h). A crash, a hang or a bomb in the child is a `fail` that names
 * it. */
#ifndef VERIFY_GATE_H
#define VERIFY_GATE_H

#include "base/json.h"
#include "verify/artifact.h"

/* The zero value proves nothing. */
enum verdict { VERDICT_NONE, VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_ERROR };
const char *verdict_name(enum verdict v);
enum verdict verdict_parse(const char *name);

enum gate {
    GATE_NONE,
    GATE_STRUCTURAL,
    GATE_SMOKE,
    GATE_TASK,
    GATE_SAFETY,
    GATE_BROWSER,
    GATE_EXEC,
    GATE_REPORTS,
    GATE_COUNT
};
const char *gate_name(enum gate g);
enum gate gate_parse(const char *name);

#define GATE_CHECKS_MAX 256

/* One check. measured and limit are decimal text so that they survive canonical JSON; "" when the
 * check has none. */
struct gate_check {
    char name[64];
    enum verdict verdict;
    char measured[48], limit[48], unit[24];
    char message[256]; /* explains itself: "scratch 47104 ≤ 1048576 bytes" */
    bool told;         /* by hand: a limit goes before the message, not in its place */
};

struct gate_result {
    enum verdict verdict;      /* the worst of the checks: error > fail > inconclusive > pass */
    struct gate_check *checks; /* [check_count], heap */
    size_t check_count;
    struct buf cases; /* per-case records as JSON lines; may be empty */
    char started[TIME_TEXT_MAX], ended[TIME_TEXT_MAX];
    char sandbox[64];       /* the level reached: "seccomp+landlock+netns" … */
    char browser[64];       /* "chromium 120.0.6099.224"; "" for gates that need none */
    struct digest baseline; /* the artifact it was compared with; zero: with none */
};
void gate_result_release(struct gate_result *r);

/* The artifact that a candidate is compared with, and what it did when it was measured itself. */
struct gate_against {
    const struct artifact *artifact;
    struct span answers; /* the cases of its own evidence of the same gate, by the same runtime;
                            empty: none, it is measured now */
};

struct foreign; /* verify/foreign.h */

/* What a gate may use. */
struct gate_means {
    unsigned cores; /* how many children may compute side by side; 0: one a processor. No answer
                       depends on it */
    struct progress *progress;     /* may be NULL */
    const struct foreign *reports; /* what other harnesses wrote (gate reports); may be NULL */
};

/* Runs one gate. `section` is that gate's part of the installed policy (canonical JSON: thresholds
 * and budgets), may be an empty object. against, means: NULL for none. ST_OK whatever the verdict;
 * an error only when the harness itself could not go on (then no evidence is made). */
enum status gate_run(enum gate g, struct store *s, const struct artifact *a,
                     const struct gate_against *against, struct span section, struct clock clock,
                     const struct gate_means *means, struct gate_result *out,
                     struct err *e) MUST_CHECK;

#endif
