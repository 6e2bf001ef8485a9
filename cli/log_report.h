/* The ledger as a report for auditors: who signed what an entry names, and lines for a spreadsheet.
 */
#ifndef CLI_LOG_REPORT_H
#define CLI_LOG_REPORT_H

#include "base/json_write.h"
#include "cli/cli.h"
#include "store/ledger.h"

/* Whose signatures verify on the documents that the entry names: keys that the trust in force holds
 * or has revoked. A member "signed_by" with [{"key","owner","revoked"}…], or " by OWNER (KEY)". */
void log_signers_json(struct cli *c, const struct ledger_entry *entry, struct json_out *j);
void log_signers_text(struct cli *c, const struct ledger_entry *entry, struct buf *out);

/* RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it;
 * control characters are escaped as everywhere. */
void log_csv_head(struct cli *c);
void log_csv(struct cli *c, const struct ledger_entry *entry);

#endif
