#if defined(__x86_64__)

/* Headers with plain functions come first: nothing but the kernels may need AVX2. */
#include "runtime/kernels_avx2.h"

#include "runtime/integers.h"

#include <cpuid.h>
#include <immintrin.h>

/* AVX2 and F16C by the processor, and by the kernel, which must save the wide registers. */
bool kernels_avx2_present(void)
{
    unsigned a, b, c, d;
    const unsigned f16c = 1u << 29, osxsave = 1u << 27;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & (f16c | osxsave)) != (f16c | osxsave))
        return false;
    return __builtin_cpu_supports("avx2") != 0;
}

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,f16c")
#endif

#define LANES_AVX2
#define KERNELS_TABLE kernels_avx2
#define KERNELS_NAME  "avx2"
#include "runtime/kernels_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else
typedef int kernels_avx2_is_for_x86; /* a translation unit holds something */
#endif
