/* The evaluation suites of tinyworld, made from the grammar's held-out side.
 *
 * One JSON object a line (docs/suites.md); the first line is the suite's head:
 *
 *     {"schema":"assay.suite/1","name":"tinyworld-pairs","kind":"choice","chance":"0.5","cases":480}
 *     {"id":"agree-0001","context":"The dogs near the horse ","choices":["are","is"],"answer":0}
 *
 * Kinds: choice (the likeliest continuation of `context` is chosen), exact (greedy text after
 * `prompt` must begin with `expect`), text (bits per byte of `text`). */
#ifndef TESTS_MODELS_SUITES_H
#define TESTS_MODELS_SUITES_H

#include "base/bytes.h"
#include "base/err.h"

struct suite {
    const char *name; /* "tinyworld-pairs"; the file is NAME.jsonl */
    void (*write)(struct buf *out);
};
#define SUITE_COUNT 4
extern const struct suite suites[SUITE_COUNT];

/* The held-out text of each case (context with its right answer, prompt with what is expected,
 * text): appended to texts[*count …], at most `room`. */
enum status suite_texts(struct span file, struct buf *texts, size_t *count, size_t room,
                        struct err *e) MUST_CHECK;

#endif
