/* evidence add FILE… --for REF: reports of other harnesses become evidence of the gate reports. */
#ifndef CLI_EVIDENCE_REPORTS_H
#define CLI_EVIDENCE_REPORTS_H

#include "cli/cli.h"

enum status evidence_reports(struct cli *c, struct err *e) MUST_CHECK;

#endif
