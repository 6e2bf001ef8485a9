#include "runtime/unicode.h"

#include "runtime/unicode_classes.h"

enum unicode_class unicode_class(uint32_t code)
{
    if (code > 0x10ffff)
        return UNICODE_OTHER;
    const uint32_t want = code << 2 | 3;
    uint32_t low = 0, high = UNICODE_CLASSES; /* the entry lies in [low, high) */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (unicode_changes[mid] <= want)
            low = mid;
        else
            high = mid;
    }
    return (enum unicode_class)(unicode_changes[low] & 3);
}
