#include "verify/section.h"
#include "base/text.h"
#include <string.h>

#define BYTES_MAX (UINT64_C(1) << 42)
#define MS_MAX    UINT64_C(3600000)

#define BUDGET(what)                                                                            \
    {                                                                                           \
        GATE_STRUCTURAL, "budgets", what "_bytes", "bytes", SECTION_AT_MOST, "budget " what, 1, \
            BYTES_MAX, 0                                                                        \
    }

static const struct section_member members[] = {
    BUDGET("transfer"),
    BUDGET("scratch"),
    BUDGET("kv"),
    BUDGET("logits"),
    BUDGET("total"),
    {GATE_SMOKE, "limits", "load_ms", "ms", SECTION_AT_MOST, "load time", 1, MS_MAX, 0},
    {GATE_SMOKE, "limits", "first_token_ms", "ms", SECTION_AT_MOST, "first token", 1, MS_MAX, 0},
    {GATE_SMOKE, "limits", "peak_bytes", "bytes", SECTION_AT_MOST, "peak memory", 1, BYTES_MAX, 0},
    {GATE_SMOKE, "limits", "tokens_per_second", "tokens/s", SECTION_AT_LEAST, "tokens per second",
     1, 1000000, 0},
    {GATE_SMOKE, NULL, "repeats", "", SECTION_SETTING, NULL, 2, 16, 2},
    {GATE_SMOKE, NULL, "tokens", "", SECTION_SETTING, NULL, 4, 4096, 16},
};
#define MEMBERS (sizeof members / sizeof members[0])

const struct section_member *section_member(enum gate g, size_t i)
{
    for (size_t k = 0; k < MEMBERS; k++) {
        if (members[k].gate == g && i-- == 0)
            return &members[k];
    }
    return NULL;
}

const struct section_member *section_find(enum gate g, const char *check)
{
    for (size_t k = 0; k < MEMBERS; k++) {
        if (members[k].gate == g && members[k].check != NULL && text_equal(members[k].check, check))
            return &members[k];
    }
    return NULL;
}

bool section_value(const struct json *section, const struct section_member *m, uint64_t *out)
{
    const struct json *from = m->group != NULL ? json_get(section, m->group) : section;
    uint64_t value = 0;
    if (json_as_u64(json_get(from, m->key), &value)) {
        *out = value;
        return true;
    }
    if (m->sense == SECTION_SETTING)
        *out = m->fallback;
    return false;
}

bool section_holds(const struct section_member *m, const char *measured, uint64_t limit)
{
    size_t whole = strspn(measured, "0123456789");
    const char *point = measured + whole;
    uint64_t value = 0;
    bool rest = false; /* something stands behind the point */
    if (!text_u64(SPAN(measured, whole), &value))
        return false;
    if (*point == '.') {
        size_t digits = strspn(point + 1, "0123456789");
        if (digits == 0 || point[1 + digits] != '\0')
            return false;
        rest = strspn(point + 1, "0") != digits;
    } else if (*point != '\0') {
        return false;
    }
    switch (m->sense) {
    case SECTION_AT_MOST: return value < limit || (value == limit && !rest);
    case SECTION_AT_LEAST: return value >= limit;
    case SECTION_SETTING: return true;
    }
    return false;
}
