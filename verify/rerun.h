/* A replay: one artifact's load and one generation again, natively, stage by stage, in a sandbox.
 *
 * It proves and changes nothing; it says at which of the thirteen stages it ends
 * (runtime/stages.h). A crash, a hang or a bomb ends at the stage that was under way. */
#ifndef VERIFY_RERUN_H
#define VERIFY_RERUN_H

#include "runtime/session.h"
#include "runtime/stages.h"
#include "verify/artifact.h"

#define RERUN_TOKENS 512 /* of a generation at most */

struct rerun_job {
    struct span prompt;
    struct sampling sampling;
    uint32_t max_new_tokens; /* more than RERUN_TOKENS are not made */
    uint64_t bytes;          /* of the model; set by rerun_run */
};

struct rerun_end {
    enum run_stage stage; /* at which it failed; STAGE_NONE: it went through */
    char code[64];        /* "context-exceeded"; "" when it went through */
    char detail[256];
    uint64_t prompt_tokens, tokens; /* of the prompt; generated */
    uint64_t elapsed_ms;
    char sandbox[64]; /* "": it did not come to that */
};

/* ST_OK however it ends; an error only when the harness could not go on. */
enum status rerun_run(struct store *s, const struct artifact *a, const struct rerun_job *job,
                      struct rerun_end *out, struct err *e) MUST_CHECK;

#endif
