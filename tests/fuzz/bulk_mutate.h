/* Mutations without coverage: an input of the corpus with one to a few edits, of bytes, of numbers
 * as the formats write them, of pieces within it and from other inputs, and of text. */
#ifndef TESTS_FUZZ_BULK_MUTATE_H
#define TESTS_FUZZ_BULK_MUTATE_H

#include "base/bytes.h"

#define BULK_INPUT_MAX (1u << 18)
#define BULK_INPUTS    8192u

struct bulk_corpus {
    struct span at[BULK_INPUTS];
    size_t count;
    size_t deep[BULK_INPUTS]; /* which of them came as deep as any */
    size_t deep_count;
};

struct bulk_random {
    uint64_t state;
};
struct bulk_random bulk_random(uint64_t seed);

/* Makes an input, most often from a deep one, of at most `longest` bytes at out, returns its
 * size. */
size_t bulk_mutate(const struct bulk_corpus *c, struct bulk_random *r, uint8_t *out,
                   size_t longest);

#endif
