#include "cli/size.h"
#include "base/checked.h"
#include "base/text.h"
#include <string.h>

static bool parse(const char *s, uint64_t *out)
{
    static const char units[] = "KMGT";
    size_t n = strlen(s);
    uint64_t number = 0, factor = 1;
    const char *unit = n > 1 ? strchr(units, s[n - 1]) : NULL;
    if (unit != NULL && *unit != '\0') {
        factor = (uint64_t)1 << (10 * (unit - units + 1));
        n--;
    }
    return text_u64(SPAN(s, n), &number) && checked_mul(number, factor, out);
}

enum status size_option(const struct args *a, enum opt id, uint64_t *out, struct err *e)
{
    const char *s = a->value[id];
    if (s == NULL || parse(s, out))
        return ST_OK;
    return err_set(e, ST_USAGE, "option-value",
                   "--%s %s: a number of bytes is wanted, K, M, G or T may stand behind it",
                   opt_shapes[id].name, s);
}
