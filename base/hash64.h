/* XXH64: a fast 64-bit checksum that catches accidents, never an identity. Spec: xxHash's
 * xxhash_spec.md, "XXH64 algorithm description". */
#ifndef BASE_HASH64_H
#define BASE_HASH64_H

#include "base/bytes.h"

uint64_t hash64(struct span in, uint64_t seed);

#endif
