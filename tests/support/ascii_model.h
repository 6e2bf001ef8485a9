/* A made SLM1 model that writes printable ASCII: the rows of all other tokens in its output matrix
 * are zero, so a random positive logit always beats them. For tests that need text, not only ids.
 */
#ifndef TESTS_SUPPORT_ASCII_MODEL_H
#define TESTS_SUPPORT_ASCII_MODEL_H

#include "tests/support/model_make.h"

struct buf make_ascii_slm1(const struct make *m);
/* The same, but the output row of one token (UINT32_MAX: none) is multiplied by ten, and so often
 * wins. */
struct buf make_biased_slm1(const struct make *m, uint32_t token);

#endif
