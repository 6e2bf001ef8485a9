/* The trail: a sandboxed child marks each stage before it enters it, on the way its answer takes,
 * so that one which is killed, crashes or hangs has said where it was. Marks are single bytes below
 * any text, so whatever follows them stays apart. */
#ifndef VERIFY_TRAIL_H
#define VERIFY_TRAIL_H

#include "base/bytes.h"
#include "runtime/session.h"
#include "runtime/stages.h"
#include "verify/sandbox.h"

/* In the child; STAGE_NONE: through with all of them. */
void trail_mark(int out, enum run_stage s);
/* In the child: opens a model and a session for it, marking what it enters; after a failure the
 * last mark is where. limits may be NULL: the default. */
enum status trail_open(int out, struct span file, const struct model_limits *limits,
                       bool check_values, struct model **m, struct session **s,
                       struct err *e) MUST_CHECK;
/* Takes the marks off the front of an answer; the last one, STAGE_NONE when there is none. The
 * bytes are hostile. */
enum run_stage trail_take(struct span *answer);

/* How a child ended and, when it left a trail, where: "was killed by signal 9 (SIGKILL), at
 * forward". *answer: what it wrote behind its marks. */
void trail_ending(const struct sandbox_outcome *o, struct span *answer, char text[256]);

/* A check whose message tells at which stage: ", at forward" at its end. */
#define TRAIL_AT ", at "
enum run_stage trail_told(const char *message);

#endif
