/* A matrix times vectors by one table of kernels, laid out and cut as a session does it. */
#ifndef TESTS_SUPPORT_MULTIPLY_H
#define TESTS_SUPPORT_MULTIPLY_H

#include "runtime/kernels.h"

/* x is [count][cols], out [count][rows]. Rows come in pieces of `piece` (a multiple of 16; 0: all
 * at once). */
void multiply(const struct kernels *k, const struct tensor *w, const float *x, size_t count,
              uint32_t piece, float *out);

/* A matrix of random finite weights, `shift` bytes off any alignment; freed with matrix_release. */
struct matrix {
    struct tensor t;
    uint8_t *memory, *scales, *packed;
};
struct matrix matrix_make(enum dtype type, uint32_t rows, uint32_t cols, uint32_t block,
                          size_t shift);
/* Lays it out anew after its bytes were changed. */
void matrix_pack(struct matrix *m);
void matrix_release(struct matrix *m);

uint32_t random_bits(void);

#endif
