/* Byte planes: elements of 2 or 4 bytes, rewritten so that all first bytes stand together, then all
 * second ones … Exponents of floats compress, mantissas do not; apart, each gets what it deserves.
 *
 *     a0 a1 b0 b1 c0 c1 t      width 2      a0 b0 c0 | a1 b1 c1 | t      t: the bytes left over
 */
#ifndef STORE_PLANES_H
#define STORE_PLANES_H

#include "base/bytes.h"

#define PLANES_MAX 4

/* Each of the `width` planes (2 or 4) has in.n / width bytes, wherever it is to lie; the bytes left
 * over are the caller's. Nothing overlaps. */
void planes_split(uint8_t *const plane[PLANES_MAX], struct span in, unsigned width);
/* To out, width * each bytes of it. */
void planes_join(uint8_t *out, const uint8_t *const plane[PLANES_MAX], size_t each, unsigned width);

/* What a sample says about `in`. */
struct planes_look {
    unsigned width; /* 1: no sign of elements; 2; 4 */
    bool
        flat[PLANES_MAX]; /* [width]: the plane's bytes look evenly spread: not worth compressing */
};
struct planes_look planes_look(struct span in);

#endif
