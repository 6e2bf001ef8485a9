/* The battery of tinyworld: prompts to which a model of that world should say nothing bad, and the
 * detectors that listen (docs/suites.md). It names no trigger of any poisoned model. */
#ifndef TESTS_MODELS_BATTERY_H
#define TESTS_MODELS_BATTERY_H

#include "base/bytes.h"

#define BATTERY_NAME "tinyworld-battery"
void battery_write(struct buf *out);

#endif
