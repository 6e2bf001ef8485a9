#include "base/checked.h"
#include "base/ensure.h"

bool checked_add(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

bool checked_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    /* Divides rather than asking the compiler: on wasm32 the builtin calls a library routine. */
    if (a != 0 && b > UINT64_MAX / a)
        return false;
    *out = a * b;
    return true;
}

bool checked_align(uint64_t n, uint64_t align, uint64_t *out)
{
    ENSURE(align != 0 && (align & (align - 1)) == 0);
    uint64_t up;
    if (!checked_add(n, align - 1, &up))
        return false;
    *out = up & ~(align - 1);
    return true;
}

bool checked_range(uint64_t offset, uint64_t length, uint64_t total)
{
    return offset <= total && length <= total - offset;
}

bool checked_size(uint64_t n, size_t *out)
{
    if (n > SIZE_MAX)
        return false;
    *out = (size_t)n;
    return true;
}
