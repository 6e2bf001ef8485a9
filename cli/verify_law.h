/* What verify looks at beside bytes and manifests: the documents that somebody has to have signed.
 *
 * Their bytes are hashed with the packs. Here it is asked whether they say what they are there for:
 * the law in force, each piece of evidence, the decision behind each channel's holder. A decision
 * for another program than this one is sound; it is only not handed out. */
#ifndef CLI_VERIFY_LAW_H
#define CLI_VERIFY_LAW_H

#include "cli/cli.h"

/* Told of each that does not verify, in the order law, evidence, channels; ST_OK goes on. */
typedef enum status (*verify_law_fn)(void *ctx, enum status st, const struct err *why,
                                     struct err *e);

/* Needs cli_trust. ST_IO, ST_NO_MEMORY, ST_INTERRUPTED, and what `tell` returns. */
enum status verify_law(struct cli *c, verify_law_fn tell, void *ctx, struct err *e) MUST_CHECK;

#endif
