#include "verify/trail.h"
#include "base/io.h"
#include "base/text.h"
#include <assert.h>
#include <string.h>

void trail_mark(int out, enum run_stage s)
{
    struct err e = ERR_NONE;
    const uint8_t mark = (uint8_t)(s == STAGE_NONE ? STAGE_COUNT : s);
    if (io_write(out, SPAN(&mark, 1), &e) != ST_OK)
        return; /* nobody listens any more, and the answer will find out */
}

enum status trail_open(int out, struct span file, const struct model_limits *limits,
                       bool check_values, struct model **m, struct session **s, struct err *e)
{
    trail_mark(out, STAGE_ADMISSION);
    enum status st = model_open(file, limits, check_values, m, e);
    if (st == ST_OK) {
        trail_mark(out, STAGE_SCRATCH_KV);
        st = session_open(*m, s, e);
    }
    if (st != ST_OK)
        trail_mark(out, stage_of_open(e));
    return st;
}

void trail_ending(const struct sandbox_outcome *o, struct span *answer, char text[256])
{
    *answer = buf_span(&o->answer);
    const enum run_stage last = trail_take(answer);
    const bool lost = o->ending != SANDBOX_RETURNED && last != STAGE_NONE;
    text_fmt(text, 256, "%s%s%s", o->message, lost ? TRAIL_AT : "", lost ? stage_name(last) : "");
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
