/* Sixteen lanes for the products of matrices: 16 floats are half of a sum's 32 slots, 16 integers
 * are one value of each row of a packed group (runtime/packed.h).
 *
 * By what the including file defines: LANES_AVX512 one 512-bit register, LANES_AVX2 two of 256,
 * neither four of 128 bits by compiler vector types (with LANES_SSE41, x86's own widening). Each
 * operation is the same rounded IEEE or exact integer operation in every lane whichever it is.
 *
 * WIDE_VECTORS and WIDE_ROWS say how many vectors and rows a tile of products has room for in
 * registers: INTEGER ones for packed groups (WIDE_GROUPS of them at once), FLOAT ones for plain
 * rows. WIDE_PARTIAL: into how many sums the products of one group and vector are best spread, so
 * that none waits for another. */
#ifndef RUNTIME_WIDE_H
#define RUNTIME_WIDE_H

#include "runtime/lanes.h"

#define WIDE 16

#if defined(LANES_AVX512)
#include "runtime/wide_avx512.h"
#elif defined(LANES_AVX2)
#include "runtime/wide_avx2.h"
#else
#include "runtime/wide_portable.h"
#endif

#endif
