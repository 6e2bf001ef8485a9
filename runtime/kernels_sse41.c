#if defined(__x86_64__)

/* Headers with plain functions come first: nothing but the kernels may need these instructions. */
#include "runtime/kernels_x86.h"
#include "runtime/packed.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("sse4.1")
#endif

#define LANES_SSE41
#define KERNELS_TABLE kernels_sse41
#define KERNELS_NAME  "sse41"
#include "runtime/kernels_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else
typedef int kernels_sse41_is_for_x86; /* a translation unit holds something */
#endif
