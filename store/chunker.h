/* Where content is cut: a gear hash over the last 64 bytes, so that equal content is cut equally
 * whatever stands before it.
 *
 * A cut depends on the bytes since the last cut alone. The table is generated from a stated
 * constant and the numbers below are part of the store's format: changing one makes every old chunk
 * unfindable by a new add (nothing is lost, nothing is shared). Stateless, any thread. */
#ifndef STORE_CHUNKER_H
#define STORE_CHUNKER_H

#include "base/bytes.h"

#define CHUNK_MIN (48u << 10)  /* no chunk is shorter, except the last of a stream */
#define CHUNK_AIM (96u << 10)  /* below it a cut is hard to find, beyond it easy */
#define CHUNK_MAX (256u << 10) /* no chunk is longer */

/* Length of the first chunk of `in`, which must hold CHUNK_MAX bytes or reach to the end of the
 * stream. 0 only for an empty span. */
size_t chunker_cut(struct span in);

#endif
