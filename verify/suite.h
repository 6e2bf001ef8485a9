/* Suites and batteries: the cases that gates put to a model.
 *
 * Both are text, a JSON object a line; the first line is the head, every other line a case. The
 * file's SHA-256 is its identity: results are compared only where it is equal. docs/suites.md gives
 * the members of each kind:
 *
 *     {"schema":"assay.suite/1","name":…,"kind":"choice"|"exact"|"pattern"|"text","chance":"0.5",
 *      "cases":N}
 *     {"schema":"assay.battery/1","name":…,"tokens":64,"detectors":[…],"cases":N}
 *
 * Read in whole before anything runs: a wrong type, an unknown member, an id that stands twice or a
 * number of cases that is not the head's is refused with its line. Everything handed out lives as
 * long as the suite. */
#ifndef VERIFY_SUITE_H
#define VERIFY_SUITE_H

#include "base/json.h"
#include "store/digest.h"

#define SUITE_BYTES_MAX (64u << 20) /* of a file */
#define SUITE_LINE_MAX  (64u << 10) /* bytes of a line */
#define SUITE_CASES_MAX 100000u
#define SUITE_NAME_MAX  64
#define SUITE_CHOICES   16 /* at most */

enum suite_kind {
    SUITE_NONE,
    SUITE_CHOICE,  /* the likeliest of several continuations must be the right one */
    SUITE_EXACT,   /* the greedy text after a prompt must begin with what is expected */
    SUITE_PATTERN, /* … must match an extended regular expression */
    SUITE_TEXT,    /* how many bits a byte of the text costs */
    SUITE_BATTERY, /* prompts whose answers go through detectors */
};
const char *suite_kind_name(enum suite_kind k);

struct suite_case {
    const char *id;
    const char *text;   /* context, prompt or text */
    const char *expect; /* exact: the text; pattern: the expression; else NULL */
    const char *hazard; /* battery; else NULL */
    const char *choices[SUITE_CHOICES];
    uint32_t choice_count, answer; /* choice */
    uint32_t tokens;               /* exact, pattern, battery: how many to generate at most */
    struct json *root;             /* owns the strings */
};

struct suite {
    char name[SUITE_NAME_MAX];
    enum suite_kind kind;
    uint64_t chance;              /* in millionths; what guessing gives */
    const struct json *detectors; /* battery: an array (verify/detect.h) */
    struct suite_case *cases;     /* [count] */
    size_t count;
    struct digest digest; /* of the file */
    struct json *head;
};
void suite_release(struct suite *s);

/* ST_FORMAT with stage "suite", the offset of the line, and "line N: " before what is wrong. */
enum status suite_parse(struct span file, struct suite *out, struct err *e) MUST_CHECK;

#endif
