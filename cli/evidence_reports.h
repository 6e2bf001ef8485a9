/* evidence add FILE… --for REF: reports of other harnesses become evidence of the gate reports. */
#ifndef CLI_EVIDENCE_REPORTS_H
#define CLI_EVIDENCE_REPORTS_H

#include "base/json_write.h"
#include "cli/cli.h"
#include "verify/evidence.h"

enum status evidence_reports(struct cli *c, struct err *e) MUST_CHECK;
/* The beginning of every answer about a piece that was added: to be closed by the caller. */
struct json_out evidence_answer(struct cli *c, const struct evidence *v);

#endif
