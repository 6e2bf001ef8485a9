/* How deep a target's executions came, told on standard error when the program ends:
 *
 *     gguf: 1000 executions, 61.3 % past the header, 40.2 % to the tensors, 12.0 % opened and used
 */
#ifndef TESTS_FUZZ_REACH_H
#define TESTS_FUZZ_REACH_H

#include <stdint.h>

enum { REACH_DEPTHS = 4 };

/* Once an execution, first of all, with the names of the target's depths, the shallowest first. */
void reach_run(const char *target, const char *const depths[REACH_DEPTHS]);
/* This execution came through the first `count` depths; once at most. */
void reach_depth(int count);
/* What the last execution came to; 0 for targets that tell nothing. */
int reach_last(void);

#endif
