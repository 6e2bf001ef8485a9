/* The hunt's part that runs in the sandbox, and how it is started: both models lie in one sealed
 * memory file, the other one behind the candidate at a page's start. */
#ifndef VERIFY_HUNTING_H
#define VERIFY_HUNTING_H

#include "verify/gate_run.h"
#include "verify/hunt.h"

/* Hunts in a child; what it found is checked and bounded. level: the sandbox's, why: what the child
 * did wrong, "" when it came back. */
enum status hunting(const struct gate_subject *s, const struct hunt_limits *limits,
                    struct hunt_finds *out, char level[64], char why[256],
                    struct err *e) MUST_CHECK;

#endif
