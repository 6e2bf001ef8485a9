/* The gates behind gate_run. Each measures and judges its own checks; thresholds are applied to its
 * measurements afterwards. An error is returned only when the harness itself could not go on. */
#ifndef VERIFY_GATE_RUN_H
#define VERIFY_GATE_RUN_H

#include "verify/gate_checks.h"

struct gate_subject {
    struct store *store;
    const struct artifact *artifact;
    const struct manifest_file *file;   /* the model among its files */
    const struct json *section;         /* checked by section_check */
    const struct gate_against *against; /* NULL: compared with nobody */
    const struct manifest_file *other;  /* the model among the files of that */
    struct gate_means means;
};

/* Each fills `checks`, and of the result sandbox, and what else it has: cases, baseline, browser.
 */
typedef enum status gate_function(const struct gate_subject *s, struct gate_checks *checks,
                                  struct gate_result *result, struct err *e);

/* Admission of the bytes, once more: digests, sizes, container and values, declared facts, budgets.
 */
gate_function gate_structural;
/* Load and generation for real. */
gate_function gate_smoke;
/* The suites of its section, judged alone and against the baseline. */
gate_function gate_task;
/* What lies in the bytes, batteries of prompts, and the trigger hunt. */
gate_function gate_safety;
/* The page and both WASM modules in a real browser. */
gate_function gate_browser;
/* Programs of the user's own. */
gate_function gate_exec;
/* What other harnesses measured: judged from the reports that are brought, never run. */
gate_function gate_reports;

#endif
