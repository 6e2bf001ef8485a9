#include "runtime/kernels.h"

#include "runtime/kernels_avx2.h"

const struct kernels *kernels_at(unsigned i)
{
    if (i == 0)
        return &kernels_reference;
    if (i == 1)
        return &kernels_lanes;
#if defined(__x86_64__)
    if (i == 2 && kernels_avx2_present())
        return &kernels_avx2;
#endif
    return NULL;
}

const struct kernels *kernels_best(void)
{
    unsigned last = 1;
    while (kernels_at(last + 1) != NULL)
        last++;
    return kernels_at(last);
}
