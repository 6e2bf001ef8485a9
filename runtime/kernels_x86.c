#include "runtime/kernels_x86.h"

#if defined(__x86_64__)

#include <cpuid.h>

bool kernels_sse41_present(void)
{
    return __builtin_cpu_supports("sse4.1") != 0;
}

bool kernels_avx2_present(void)
{
    unsigned a, b, c, d;
    const unsigned f16c = 1u << 29, osxsave = 1u << 27;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & (f16c | osxsave)) != (f16c | osxsave))
        return false;
    return __builtin_cpu_supports("avx2") != 0;
}

bool kernels_avx512_present(void)
{
    return kernels_avx2_present() && __builtin_cpu_supports("avx512f") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

#else
typedef int kernels_x86_is_for_x86; /* a translation unit holds something */
#endif
