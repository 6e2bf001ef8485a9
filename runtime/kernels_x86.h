/* The tables for x86 processors beyond what every one of them has, and whether this machine may use
 * them: the processor must have the instructions, and the system must save the wide registers. FMA
 * stays off: its sums would round differently. */
#ifndef RUNTIME_KERNELS_X86_H
#define RUNTIME_KERNELS_X86_H

#include "runtime/kernels.h"

#if defined(__x86_64__)
extern const struct kernels kernels_sse41;
extern const struct kernels kernels_avx2;   /* AVX2 and F16C */
extern const struct kernels kernels_avx512; /* AVX-512 F, BW, VL, DQ and VNNI; and F16C */

bool kernels_sse41_present(void);
bool kernels_avx2_present(void);
bool kernels_avx512_present(void);
#endif

#endif
