/* An exam: the suites or batteries that a section names, put to the candidate and, where there is
 * one, to the artifact it is compared with.
 *
 * A part's file is found in the store by its SHA-256 (`assay add FILE` brought it there). Cases are
 * shared out over the processors, each share in a sandboxed child of its own; what the children
 * tell is checked case by case. Answers of the other artifact come from its own evidence where that
 * has the same suite, else it is asked now. */
#ifndef VERIFY_EXAM_H
#define VERIFY_EXAM_H

#include "verify/answers.h"
#include "verify/gate_run.h"
#include "verify/section.h"

struct exam {
    char names[SECTION_PARTS][SECTION_PART];
    struct suite suites[SECTION_PARTS];
    size_t n;
    struct answers *mine, *theirs; /* [n]; theirs NULL: compared with nobody */
    char child[64];                /* the check that tells how the children ended; "": "child" */
    bool usable;                   /* every part was read; else an error check says why not */
};
void exam_release(struct exam *x);

/* Which file a part is: its name, the digest that the policy states (NULL: it states none), and
 * what it has to be. */
enum exam_kind { EXAM_SUITE, EXAM_BATTERY, EXAM_EITHER };
struct exam_part {
    const char *name, *sha256;
    enum exam_kind kind;
};
/* Reads one more; a part that is missing or wrong becomes a check that is an error. */
enum status exam_add(const struct gate_subject *s, const struct exam_part *part,
                     struct gate_checks *checks, struct exam *x, struct err *e) MUST_CHECK;
/* Reads the parts of a group. */
enum status exam_open(const struct gate_subject *s, const char *group, bool batteries,
                      struct gate_checks *checks, struct exam *out, struct err *e) MUST_CHECK;
/* Asks. *fine is false after a check that says what the candidate's child did wrong; the sandbox
 * level, the cases and the baseline go into result. */
enum status exam_ask(const struct gate_subject *s, struct exam *x, struct gate_checks *checks,
                     struct gate_result *result, bool *fine, struct err *e) MUST_CHECK;

/* Address space for a model in a child: its file, what the budget says of it, and something to live
 * on. */
enum status exam_memory(const struct manifest_model *m, uint64_t file_bytes, uint64_t *out,
                        struct err *e) MUST_CHECK;

#endif
