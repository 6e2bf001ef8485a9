/* What a gate's program of the user's own is told on its standard input, and what it may answer.
 *
 * Told, as JSON lines: a head, and when it has a suite a line for each case with the model's answer
 * (verify/answers.h) and the case itself:
 *
 *     {"schema":"assay.exec/1","artifact":HEX,"name":…,"version":…,"license":…,"format":"slm1",
 *      "model":{"bytes":N,"fd":4,"sha256":HEX},
 *      "suite":{"cases":N,"fd":5,"kind":…,"name":…,"sha256":HEX}}          suite null: it has none
 *     {"answer":{"id":…,"text":…,"utf8":true},"case":{"id":…,"prompt":…,…}}
 *
 * Answered, one JSON object and nothing else, decimals as texts:
 *
 *     {"schema":"assay.exec-result/1","cases":N,
 *      "checks":[{"name":"score","result":"pass","measured":"0.93","unit":"","message":"…"}]}
 *
 * `cases` is how many it looked at, which has to be all; `measured`, `unit` and `message` may be
 * absent. The answer is hostile: whatever is not exactly this is a failed check with a stable code.
 */
#ifndef VERIFY_EXEC_TALK_H
#define VERIFY_EXEC_TALK_H

#include "verify/exam.h"

#define EXEC_ANSWER   (1u << 20) /* bytes */
#define EXEC_CHECKS   32u
#define EXEC_MODEL_FD 4 /* 3 is the program itself */
#define EXEC_SUITE_FD 5

/* Appends what it is told; x NULL or empty: it has no suite. */
enum status exec_tell(const struct gate_subject *s, const struct exam *x, struct buf *out,
                      struct err *e) MUST_CHECK;

/* Reads its answer into checks "PART NAME". When it is not one, there is one check "PART answer",
 * failed, whose message begins with the code: exec-silent, exec-json, exec-schema, exec-cases,
 * exec-check, exec-duplicate, exec-control. */
void exec_hear(const char *part, struct span answer, uint64_t cases, struct gate_checks *checks);

#endif
