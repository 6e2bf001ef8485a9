/* Answers: what a model did with each case of a suite, as it did it, without a judgement.
 *
 * The child that asks writes them, evidence keeps them (urn:assay:evidence:cases), and whoever
 * decides again reads them: one format, JSON lines, the suites one after the other, each with all
 * of its cases in their order.
 *
 *     {"cases":480,"kind":"choice","name":"tinyworld-pairs","sha256":HEX}
 *     {"id":"agreement-0000","nats":["12.345678","13.500000"]}   choice: −ln P of each continuation
 *     {"id":"find-0001","text":" on the table.","utf8":true}     exact, pattern, battery
 *     {"id":"text-0000","nats":["55.125000"],"tokens":71}        text
 *     {"id":"find-0002","failed":"context-exceeded"}             it could not be asked
 *
 * What is read may be hostile: bounded, strict, every id must be the suite's at that place. */
#ifndef VERIFY_ANSWERS_H
#define VERIFY_ANSWERS_H

#include "verify/suite.h"

#define ANSWER_TEXT_MAX 8192        /* bytes of a generated text that are kept */
#define ANSWERS_MAX     (64u << 20) /* bytes of the document */

struct answer {
    bool failed;
    char why[48];               /* when failed: the stable code */
    double nats[SUITE_CHOICES]; /* choice: of each; text: the first */
    uint64_t tokens;            /* text */
    struct buf text;            /* exact, pattern, battery */
    bool utf8;
};

/* All answers to one suite. */
struct answers {
    const struct suite *suite; /* borrowed */
    struct answer *of;         /* [suite->count] */
};
/* One set for each suite, nothing in it yet. ST_NO_MEMORY; to be released either way. */
enum status answers_make(const struct suite *suites, size_t n, struct answers **out,
                         struct err *e) MUST_CHECK;
void answers_free(struct answers *a, size_t n); /* [n] of answers_make */

void answers_write_head(struct buf *out, const struct suite *s);
void answers_write(struct buf *out, const struct suite_case *c, enum suite_kind kind,
                   const struct answer *a);
/* A part of the whole: for exactly these suites in this order, of each the cases i with
 * i % parts == part. ST_FORMAT names the line. */
enum status answers_read(struct span document, struct answers *into, size_t n, uint32_t part,
                         uint32_t parts, struct err *e) MUST_CHECK;
/* The whole document, as evidence keeps it. */
void answers_put(struct buf *out, const struct answers *a, size_t n);
/* From a document that may hold other suites too: those of `into` whose digest stands in it are
 * filled and marked in found[n]. */
enum status answers_find(struct span document, struct answers *into, size_t n, bool *found,
                         struct err *e) MUST_CHECK;

#endif
