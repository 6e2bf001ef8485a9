#include "verify/web_rule.h"
#include "base/text.h"
#include <string.h>

bool web_host_allowed(const char *host, uint16_t port)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    char allowed[32];
    for (size_t i = 0; host != NULL && i < sizeof names / sizeof *names; i++) {
        text_fmt(allowed, sizeof allowed, "%s:%u", names[i], (unsigned)port);
        if (text_equal(host, allowed))
            return true;
    }
    return false;
}

/* Digits at *at, possibly none; false when they do not fit 64 bits. */
static bool digits(const char **at, bool *some, uint64_t *out)
{
    size_t n = strspn(*at, "0123456789");
    *some = n > 0;
    *out = 0;
    if (n > 0 && !text_u64(SPAN(*at, n), out))
        return false;
    *at += n;
    return true;
}

enum web_range web_range_of(const char *header, uint64_t size, uint64_t *from, uint64_t *n)
{
    bool has_first, has_last;
    uint64_t first, last;
    *from = 0;
    *n = size;
    if (header == NULL || strncmp(header, "bytes=", 6) != 0)
        return WEB_WHOLE;
    const char *at = header + 6;
    if (!digits(&at, &has_first, &first) || *at++ != '-' || !digits(&at, &has_last, &last) ||
        *at != '\0' || (!has_first && !has_last) || (has_first && has_last && last < first))
        return WEB_WHOLE;
    if (!has_first) {
        if (last == 0 || size == 0)
            return WEB_UNSATISFIABLE;
        *n = last < size ? last : size;
        *from = size - *n;
        return WEB_PART;
    }
    if (first >= size)
        return WEB_UNSATISFIABLE;
    *from = first;
    *n = has_last && last < size ? last - first + 1 : size - first;
    return WEB_PART;
}

bool web_tag_named(const char *header, const char *tag)
{
    if (header == NULL)
        return false;
    size_t n = strlen(tag);
    for (const char *at = header; *at != '\0';) {
        at += strspn(at, " \t,");
        if (*at == '*')
            return at[1 + strspn(at + 1, " \t")] == '\0';
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        if (strncmp(at, tag, n) == 0 && strchr(" \t,", at[n]) != NULL)
            return true; /* strchr finds the end of the text as well */
        at += strcspn(at, ",");
    }
    return false;
}
