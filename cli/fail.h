/* An error, told: one line for people with the way out, or the assay.error/1 object. */
#ifndef CLI_FAIL_H
#define CLI_FAIL_H

#include "cli/cli.h"

/* "assay add: model.slm: … (stage …, at byte …)" and the advice, each on a line. */
void fail_text(const struct cli *c, const struct err *e, struct buf *out);
void fail_json(const struct cli *c, const struct err *e, struct buf *out);

#endif
