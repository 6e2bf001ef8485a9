#if defined(__x86_64__)

/* Headers with plain functions come first: nothing but the kernels may need these instructions. */
#include "runtime/kernels_x86.h"
#include "runtime/packed.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(                                                           \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,f16c"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,f16c")
#endif

#define LANES_AVX2
#define LANES_AVX512
#define KERNELS_TABLE kernels_avx512
#define KERNELS_NAME  "avx512"
#include "runtime/kernels_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else
typedef int kernels_avx512_is_for_x86; /* a translation unit holds something */
#endif
