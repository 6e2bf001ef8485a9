/* Arithmetic on sizes that came from outside. Each call returns false, and leaves *out alone, when
 * the exact result does not fit. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool checked_add(uint64_t a, uint64_t b, uint64_t *out);
bool checked_mul(uint64_t a, uint64_t b, uint64_t *out);

/* n rounded up to a multiple of align, which is a power of two. */
bool checked_align(uint64_t n, uint64_t align, uint64_t *out);

/* Is [offset, offset + length) inside [0, total)? Never wraps. */
bool checked_range(uint64_t offset, uint64_t length, uint64_t total);

/* n as a size_t (which has 32 bits in the WASM build). */
bool checked_size(uint64_t n, size_t *out);

#endif
