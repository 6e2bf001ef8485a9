/* What `evidence REF --cases …` and `--transcripts` tell: the newest evidence of a gate, case by
 * case, beside what the channel's holder said to the same. */
#ifndef CLI_EVIDENCE_CASES_H
#define CLI_EVIDENCE_CASES_H

#include "cli/cli.h"

/* gate GATE_NONE: task, or safety when only transcripts are asked for. */
enum status evidence_cases(struct cli *c, const struct artifact *a, enum gate gate,
                           struct err *e) MUST_CHECK;

#endif
