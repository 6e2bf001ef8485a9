/* The smoke gate's part that runs in the sandbox: both transactions of the runtime for real, and
 * every way in which they must refuse. Answers one JSON array of checks (verify/gate_checks.h). */
#ifndef VERIFY_SMOKE_H
#define VERIFY_SMOKE_H

#include "verify/gate_checks.h"

#define SMOKE_ANSWER (256u << 10) /* bytes of JSON */

struct smoke_job {
    uint64_t bytes;   /* of the model, given as a memory file */
    uint32_t tokens;  /* of one generation */
    uint32_t repeats; /* greedy generations that have to be equal */
};

/* A sandbox_body; ctx is a struct smoke_job. */
int smoke_child(void *ctx, int in, int out);

/* In the parent: takes what a child answered, hostile, into the list. An answer that is not exactly
 * one such array, that doubles a check, knows another or leaves one out becomes a failed check
 * "answer". */
void smoke_read(struct span answer, struct gate_checks *checks);

#endif
