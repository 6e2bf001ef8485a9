/* evidence REF --keep FILE: what the trigger hunt found becomes a battery, so that no later model
 * brings it back unnoticed. */
#ifndef CLI_KEEP_FINDS_H
#define CLI_KEEP_FINDS_H

#include "cli/cli.h"
#include "verify/record.h"

/* Writes the finds that depart by KEEP_NATS a token or more, or after which nobody was there to
 * depart from, to the file that --keep names: a case for each prefix, a detector for what was said
 * after it. ST_NOT_FOUND, code "no-finds", when there is none. */
#define KEEP_NATS 1.0
enum status keep_finds(struct cli *c, const struct artifact *a, const struct hunt_finds *f,
                       struct err *e) MUST_CHECK;

#endif
