/* Inquiry: the part of the task and safety gates that runs in the sandbox. It loads the model, puts
 * the cases of suites and batteries to it, and writes down what it did (verify/answers.h), judging
 * nothing. Each case is asked in an empty context: the order of cases changes no answer.
 *
 * Choice: each continuation is scored given the context, both encoded together. Exact, pattern,
 * battery: greedy. Text: BOS first and unscored. */
#ifndef VERIFY_INQUIRE_H
#define VERIFY_INQUIRE_H

#include "verify/answers.h"

struct inquiry {
    uint64_t bytes;             /* of the model, given as a memory file */
    const struct suite *suites; /* [suite_count]; the child has them from its parent */
    size_t suite_count;
    uint32_t part, parts; /* of each suite, case i is asked when i % parts == part */
};

/* A sandbox_body; ctx is a struct inquiry. Marks of its trail (verify/trail.h) come before its
 * lines. With several parts a suite's lines are only those of its own cases. */
int inquire_child(void *ctx, int in, int out);

/* What a whole suite costs at most, for limits: seconds of processor time at a slow machine's pace.
 */
unsigned inquire_seconds(const struct inquiry *job);

#endif
