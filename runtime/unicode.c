#include "runtime/unicode.h"

#include "runtime/unicode_classes.h"

static enum unicode_class ascii_class(uint32_t code)
{
    uint32_t lower = code | 0x20;
    if (lower >= 'a' && lower <= 'z')
        return UNICODE_LETTER;
    if (code >= '0' && code <= '9')
        return UNICODE_NUMBER;
    return code == ' ' || (code >= '\t' && code <= '\r') ? UNICODE_SPACE : UNICODE_OTHER;
}

enum unicode_class unicode_class(uint32_t code)
{
    if (code < 0x80) /* most of most texts */
        return ascii_class(code);
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
