/* The record of a gate's run: the per-case answers that evidence keeps, with the suites they
 * answer.
 *
 * Suites and batteries are found in the store by the digests that the record names; one that is not
 * there any more is counted and left out. */
#ifndef VERIFY_RECORD_H
#define VERIFY_RECORD_H

#include "store/store.h"
#include "verify/answers.h"
#include "verify/hunt.h"

#define RECORD_SUITES 32

struct record {
    struct suite suites[RECORD_SUITES];
    struct answers *answers; /* [n] */
    size_t n, missing;       /* missing: suites that are not in the store */
    bool hunted;
    struct hunt_finds hunt;
};
void record_release(struct record *r);

/* `cases`: the digest in the evidence. ST_NOT_FOUND when the document is gone, ST_FORMAT when it is
 * none. */
enum status record_open(struct store *s, const struct digest *cases, struct record *out,
                        struct err *e) MUST_CHECK;
/* The answers to the same suite in another record; NULL when it has none. */
const struct answers *record_same(const struct record *r, const struct suite *suite);

#endif
