/* The one matrix product of the trainer. Every element is summed in the order of k,
 * one multiplication and one addition a term, whatever the machine: two runs give the same bits. */
#ifndef TESTS_MODELS_MATRIX_H
#define TESTS_MODELS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* A view: element (i, j) is at p[i × row + j × col]. */
struct view {
    float *p;
    size_t row, col;
};

/* c[m,n] = a[m,k] · b[k,n], or += with add. b and c have col = 1. */
void multiply(size_t m, size_t n, size_t k, struct view a, struct view b, struct view c, bool add);

#endif
