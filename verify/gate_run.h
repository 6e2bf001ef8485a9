/* The gates behind gate_run. Each measures and judges its own checks; thresholds are applied to its
 * measurements afterwards. An error is returned only when the harness itself could not go on. */
#ifndef VERIFY_GATE_RUN_H
#define VERIFY_GATE_RUN_H

#include "verify/gate_checks.h"

struct gate_subject {
    struct store *store;
    const struct artifact *artifact;
    const struct manifest_file *file; /* the model among its files */
    const struct json *section;       /* checked by section_check */
};

/* Admission of the bytes, once more: digests, sizes, container and values, declared facts, budgets.
 */
enum status gate_structural(const struct gate_subject *s, struct gate_checks *checks,
                            char level[64], struct err *e) MUST_CHECK;
/* Load and generation for real. */
enum status gate_smoke(const struct gate_subject *s, struct gate_checks *checks, char level[64],
                       struct err *e) MUST_CHECK;

#endif
