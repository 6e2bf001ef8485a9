/* A bisect in the sandbox: both models are hostile until proven otherwise. */
#ifndef VERIFY_BISECTING_H
#define VERIFY_BISECTING_H

#include "verify/bisect.h"
#include "verify/pair.h"

/* Models of two artifacts in one store. What the child refuses comes back with its code (stage
 * "bisect"); ST_HARNESS when it did not come back. */
enum status bisecting(struct store *s, const struct artifact *good, const struct artifact *bad,
                      const struct suite *suite, size_t cases, struct bisect_result *out,
                      struct err *e) MUST_CHECK;

#endif
