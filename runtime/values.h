/* The bytes behind the front: every value finite, every scale as its container wants it, every
 * padding byte zero, the internal checksum right. Fed in order from offset 0 in pieces of any size;
 * what is refused, and at which offset, does not depend on the pieces. */
#ifndef RUNTIME_VALUES_H
#define RUNTIME_VALUES_H

#include "runtime/layout.h"
#include "runtime/slm1.h"

#define VALUES_CARRY_MAX 256 /* no type's block is longer */

struct values {
    const struct layout *layout;
    uint64_t at;    /* next byte of the file */
    size_t region;  /* the one that `at` lies in or before */
    size_t carried; /* bytes of a unit whose rest is still to come */
    uint8_t carry[VALUES_CARRY_MAX];
    struct slm1_sum sum;
};

/* The layout must outlive the check. */
struct values values_start(const struct layout *l);
enum status values_feed(struct values *v, struct span bytes, struct err *e) MUST_CHECK;
/* After the last byte. */
enum status values_end(const struct values *v, struct err *e) MUST_CHECK;

#endif
