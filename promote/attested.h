/* Attested records that a channel may ask for: where the source lies, who reviewed it, who supports
 * it. */
#ifndef PROMOTE_ATTESTED_H
#define PROMOTE_ATTESTED_H

#include "promote/inputs.h"

/* Looks up every type that the channel asks for; fills in->attested and the basis. */
enum status attested_gather(const struct promoter *by, struct inputs *in, struct err *e) MUST_CHECK;

#endif
