/* What the browser gate makes of what the page said. The page's answers are hostile JSON. */
#ifndef VERIFY_BROWSER_JUDGE_H
#define VERIFY_BROWSER_JUDGE_H

#include "verify/browser_run.h"

/* Everything that has a digest: the page itself, each of its parts, the model. */
size_t browser_parts(const struct browser_job *job);
void browser_part_path(const struct browser_job *job, size_t i, char out[160]);

/* {"PATH":"HEX", …}: a check a part, "digest worker.js". */
void browser_judge_digests(const struct browser_job *job, struct span said,
                           struct gate_checks *checks);
/* The answer of the step "everything"; the generated lines are appended to lines. */
void browser_judge_page(const struct browser_job *job, struct span said, struct gate_checks *checks,
                        struct buf *lines);
void browser_judge_console(size_t count, const char *first, struct gate_checks *checks);
/* The check "browser": which one it was, or why it could not measure. */
void browser_judge_end(enum status st, const struct err *e, const char *version, const char *level,
                       struct gate_checks *checks);

#endif
