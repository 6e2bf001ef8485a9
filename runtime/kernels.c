#include "runtime/kernels.h"

#include "runtime/kernels_x86.h"

#define TABLES_MAX 5

static unsigned tables(const struct kernels *found[TABLES_MAX])
{
    unsigned n = 0;
    found[n++] = &kernels_reference;
#if !defined(__wasm__) || defined(__wasm_simd128__)
    found[n++] = &kernels_lanes; /* vectors made of single values would be large and slow */
#endif
#if defined(__x86_64__)
    if (kernels_sse41_present())
        found[n++] = &kernels_sse41;
    if (kernels_avx2_present())
        found[n++] = &kernels_avx2;
    if (kernels_avx512_present())
        found[n++] = &kernels_avx512;
#endif
    return n;
}

const struct kernels *kernels_at(unsigned i)
{
    const struct kernels *found[TABLES_MAX];
    return i < tables(found) ? found[i] : NULL;
}

const struct kernels *kernels_best(void)
{
    const struct kernels *found[TABLES_MAX];
    return found[tables(found) - 1];
}

struct vectors kernels_vectors(const struct kernels *k, const float *x, size_t n, size_t count,
                               float *work)
{
    struct vectors v = {.x = x, .n = n, .count = count};
    if (n % INTEGERS_BLOCK == 0) {
        v.cut = integers_over(work, n, count);
        k->cut(x, n, v.cut);
    }
    return v;
}
