/* The task gate: does the candidate do what it is for, and no worse than what people have now? */
#include "verify/exam.h"
#include "verify/judge.h"

enum status gate_task(const struct gate_subject *s, struct gate_checks *checks,
                      struct gate_result *result, struct err *e)
{
    SCOPED(exam_release) struct exam x = {0};
    bool fine = false;
    enum status st = exam_open(s, "suites", false, checks, &x, e);
    if (st == ST_OK && x.usable && x.n == 0)
        checks_error(checks, "suites", "the policy names no suite: nothing was measured");
    if (st != ST_OK || !x.usable || x.n == 0)
        return st;
    st = exam_ask(s, &x, checks, result, &fine, e);
    for (size_t i = 0; st == ST_OK && fine && i < x.n; i++)
        st = judge_suite(x.names[i], &x.mine[i], x.theirs != NULL ? &x.theirs[i] : NULL, checks, e);
    return st;
}
