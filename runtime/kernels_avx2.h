/* The table for x86 processors with AVX2 and F16C. FMA stays off: its sums would round differently.
 */
#ifndef RUNTIME_KERNELS_AVX2_H
#define RUNTIME_KERNELS_AVX2_H

#include "runtime/kernels.h"

#if defined(__x86_64__)
extern const struct kernels kernels_avx2;
/* May the table be used on this machine? */
bool kernels_avx2_present(void);
#endif

#endif
