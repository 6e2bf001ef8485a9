/* Judging answers: what a suite or a battery measured, as checks that a policy may limit.
 *
 * Pure: the same answers give the same checks, here and wherever a decision is made again from the
 * stored ones. For a part called NAME of a section (verify/section.h):
 *
 *     suites      NAME cases          asked, and answered
 *                 NAME accuracy       share of right ones; what could not be asked is not right
 *                 NAME accuracy low   lower end of its 95 % Wilson interval
 *                 NAME bits per byte  text: Σ −log₂ P / Σ bytes;  NAME perplexity: 2 ^ that, a byte
 *                 NAME drop           how far it certainly fell behind the baseline: lower end of
 * the 95 % paired bootstrap interval of the fall, 0 at least NAME drop p         one-sided exact
 * McNemar: the chance of such a split if it were no worse batteries   NAME cases, rate (share of
 * cases with a finding, or without an answer), rate high (upper end, Wilson), rise, rise p (as
 * drop)
 *
 * Without a baseline nothing fell: drop 0, p 1, and the message says so. */
#ifndef VERIFY_JUDGE_H
#define VERIFY_JUDGE_H

#include "verify/answers.h"
#include "verify/gate_checks.h"

/* Choice, exact, pattern: is the answer to case i right? Never for what could not be asked. A tie
 * between choices goes to the lower index. */
bool judge_right(const struct answers *a, size_t i);

/* baseline: the same suite's answers by the artifact compared with; NULL: there is none. */
enum status judge_suite(const char *name, const struct answers *a, const struct answers *baseline,
                        struct gate_checks *checks, struct err *e) MUST_CHECK;

/* Which detectors found something in the answer to case i; *unheard: it could not be asked. */
struct detectors;
uint32_t judge_found(const struct detectors *d, const struct answers *a, size_t i, bool *unheard);
enum status judge_battery(const char *name, const struct answers *a, const struct answers *baseline,
                          struct gate_checks *checks, struct err *e) MUST_CHECK;

#endif
