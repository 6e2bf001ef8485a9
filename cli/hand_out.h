/* Evidence that leaves the store as files. */
#ifndef CLI_HAND_OUT_H
#define CLI_HAND_OUT_H

#include "cli/cli.h"
#include "verify/evidence.h"

/* Writes the newest evidence of one gate (GATE_NONE: of each) and its records into the folder that
 * -o names, and answers the command. */
enum status evidence_hand_out(struct cli *c, const struct artifact *a, enum gate gate,
                              struct err *e) MUST_CHECK;

#endif
