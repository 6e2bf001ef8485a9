/* One entry of the ledger and every document that it names, as files. */
#ifndef CLI_LOG_HAND_OUT_H
#define CLI_LOG_HAND_OUT_H

#include "cli/cli.h"

/* The whole answer of log SEQ -o DIR: entry.json, the entry's line as it stands in the ledger, and
 * MEMBER.json for each member of its body that is the digest of a document. */
enum status log_hand_out(struct cli *c, struct err *e) MUST_CHECK;

#endif
