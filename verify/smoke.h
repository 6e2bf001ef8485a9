/* The smoke gate's part that runs in the sandbox: both transactions of the runtime for real, and
 * every way in which they must refuse. Answers one JSON array of checks (verify/gate_checks.h). */
#ifndef VERIFY_SMOKE_H
#define VERIFY_SMOKE_H

#include <stdint.h>

struct smoke_job {
    uint64_t bytes;   /* of the model, given as a memory file */
    uint32_t tokens;  /* of one generation */
    uint32_t repeats; /* greedy generations that have to be equal */
};

/* A sandbox_body; ctx is a struct smoke_job. */
int smoke_child(void *ctx, int in, int out);

#endif
