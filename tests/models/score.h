/* Scores of a model file on the suites, by the runtime itself. */
#ifndef TESTS_MODELS_SCORE_H
#define TESTS_MODELS_SCORE_H

#include "base/err.h"
#include <stdbool.h>

#define SCORE_CASES 512

/* One suite's outcome: right[i] per case for choice and exact, bits and bytes for text. */
struct score {
    char name[64], kind[16];
    uint32_t cases, right_count;
    bool right[SCORE_CASES];
    double bits;
    uint64_t bytes;
};

/* Runs one suite file over one model file. */
enum status score_suite(const char *model_path, const char *suite_path, struct score *out,
                        struct err *e) MUST_CHECK;

/* Exact two-sided McNemar test over two outcomes of the same cases: the probability of a difference
 * at least this uneven if both were equally good. */
double score_mcnemar(const struct score *a, const struct score *b, uint32_t *only_a,
                     uint32_t *only_b);

#endif
