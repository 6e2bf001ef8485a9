/* What the commands about requests and approvals share. */
#ifndef CLI_ASK_FILE_H
#define CLI_ASK_FILE_H

#include "cli/cli.h"
#include "promote/request.h"

/* A request from its file, and the clock that goes with it: an injected one only for the request of
 * a lab store. */
enum status ask_open(struct cli *c, const char *path, struct request *out,
                     struct err *e) MUST_CHECK;
/* Writes a request for what `ask` names to --output and tells about it. */
enum status ask_put(struct cli *c, const struct artifact *a, struct ask *ask,
                    struct err *e) MUST_CHECK;
/* --reason, a sentence of 1 to REASON_MAX − 1 bytes. ST_USAGE. */
enum status ask_reason(const struct cli *c, const char **out, struct err *e) MUST_CHECK;
/* --until, a time or a day. ST_USAGE. */
enum status ask_until(const struct cli *c, char out[TIME_TEXT_MAX], struct err *e) MUST_CHECK;

#endif
