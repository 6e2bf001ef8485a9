/* The trail: a sandboxed child marks each stage before it enters it, on the way its answer takes,
 * so that one which is killed, crashes or hangs has said where it was. Marks are single bytes below
 * any text, so whatever follows them stays apart. */
#ifndef VERIFY_TRAIL_H
#define VERIFY_TRAIL_H

#include "base/bytes.h"
#include "runtime/stages.h"

/* In the child; STAGE_NONE: through with all of them. */
void trail_mark(int out, enum run_stage s);
/* Takes the marks off the front of an answer; the last one, STAGE_NONE when there is none. The
 * bytes are hostile. */
enum run_stage trail_take(struct span *answer);

/* A check whose message tells at which stage: ", at forward" at its end. */
#define TRAIL_AT ", at "
enum run_stage trail_told(const char *message);

#endif
