#include "verify/trail.h"
#include "base/io.h"
#include <assert.h>
#include <string.h>

void trail_mark(int out, enum run_stage s)
{
    struct err e = ERR_NONE;
    const uint8_t mark = (uint8_t)(s == STAGE_NONE ? STAGE_COUNT : s);
    if (io_write(out, SPAN(&mark, 1), &e) != ST_OK)
        return; /* nobody listens any more, and the answer will find out */
}

enum run_stage trail_take(struct span *answer)
{
    enum run_stage last = STAGE_NONE;
    while (answer->n > 0 && answer->p[0] > 0 && answer->p[0] <= STAGE_COUNT) {
        last = answer->p[0] == STAGE_COUNT ? STAGE_NONE : (enum run_stage)answer->p[0];
        *answer = SPAN(answer->p + 1, answer->n - 1);
    }
    return last;
}
static_assert(STAGE_COUNT < ' ', "a mark is no text");

enum run_stage trail_told(const char *message)
{
    const char *at = strrchr(message, ',');
    return at != NULL && strncmp(at, TRAIL_AT, strlen(TRAIL_AT)) == 0
               ? stage_parse(at + strlen(TRAIL_AT))
               : STAGE_NONE;
}
