/* What each gate's section may say. A new limit is one line here, and a check of that name in its
 * gate. */
#include "base/text.h"
#include "verify/section.h"

#define BYTES_MAX (UINT64_C(1) << 42)
#define MS_MAX    UINT64_C(3600000)
#define ONE       UINT64_C(1000000) /* as millionths */
#define CASES_MAX UINT64_C(1000000)

static const char *const baselines[] = {"stable", "preview", NULL};
static const char *const metrics[] = {"acc",           "acc_norm",        "exact_match",     "f1",
                                      "bits_per_byte", "byte_perplexity", "word_perplexity", NULL};
static const char *const templates[] = {"reviewed", "unchanged", "any", NULL};

#define BUDGET(what)                                                               \
    {                                                                              \
        GATE_STRUCTURAL, "budgets", false, what "_bytes", SECTION_NUMBER, "bytes", \
            SECTION_AT_MOST, "budget " what, 1, BYTES_MAX, 0, NULL                 \
    }
#define LIMIT(gate, key, unit, sense, check, low, high)                                    \
    {                                                                                      \
        gate, "limits", false, key, SECTION_NUMBER, unit, sense, check, low, high, 0, NULL \
    }
#define SETTING(gate, key, unit, low, high, fallback)                                             \
    {                                                                                             \
        gate, NULL, false, key, SECTION_NUMBER, unit, SECTION_SETTING, NULL, low, high, fallback, \
            NULL                                                                                  \
    }
#define WORD(gate, group, key, words)                                                    \
    {                                                                                    \
        gate, group, false, key, SECTION_WORD, "", SECTION_SETTING, NULL, 0, 0, 0, words \
    }
/* In each suite, in each battery. */
#define DIGEST(gate, group)                                                                   \
    {                                                                                         \
        gate, group, true, "sha256", SECTION_DIGEST, "", SECTION_SETTING, NULL, 0, 0, 0, NULL \
    }
#define CASES(gate, group)                                                                \
    {                                                                                     \
        gate, group, true, "min_cases", SECTION_NUMBER, "", SECTION_AT_LEAST, "cases", 1, \
            CASES_MAX, 0, NULL                                                            \
    }
#define PART(gate, group, key, sense, check, high)                                  \
    {                                                                               \
        gate, group, true, key, SECTION_DECIMAL, "", sense, check, 0, high, 0, NULL \
    }
#define TRIGGER(key, type, sense, check, low, high, fallback)                                 \
    {                                                                                         \
        GATE_SAFETY, "trigger", false, key, type, "", sense, check, low, high, fallback, NULL \
    }
#define STATIC(key, check)                                                                \
    {                                                                                     \
        GATE_SAFETY, "static", false, key, SECTION_NUMBER, "", SECTION_AT_MOST, check, 0, \
            CASES_MAX, 0, NULL                                                            \
    }

static const struct section_member members[] = {
    BUDGET("transfer"),
    BUDGET("scratch"),
    BUDGET("kv"),
    BUDGET("logits"),
    BUDGET("total"),

    LIMIT(GATE_SMOKE, "load_ms", "ms", SECTION_AT_MOST, "load time", 1, MS_MAX),
    LIMIT(GATE_SMOKE, "first_token_ms", "ms", SECTION_AT_MOST, "first token", 1, MS_MAX),
    LIMIT(GATE_SMOKE, "peak_bytes", "bytes", SECTION_AT_MOST, "peak memory", 1, BYTES_MAX),
    LIMIT(GATE_SMOKE, "tokens_per_second", "tokens/s", SECTION_AT_LEAST, "tokens per second", 1,
          1000000),
    SETTING(GATE_SMOKE, "repeats", "", 2, 16, 2),
    SETTING(GATE_SMOKE, "tokens", "", 4, 4096, 16),

    WORD(GATE_TASK, NULL, "baseline", baselines),
    DIGEST(GATE_TASK, "suites"),
    CASES(GATE_TASK, "suites"),
    PART(GATE_TASK, "suites", "accuracy", SECTION_AT_LEAST, "accuracy", ONE),
    PART(GATE_TASK, "suites", "accuracy_low", SECTION_AT_LEAST, "accuracy low", ONE),
    PART(GATE_TASK, "suites", "bits_per_byte", SECTION_AT_MOST, "bits per byte", 64 * ONE),
    PART(GATE_TASK, "suites", "perplexity", SECTION_AT_MOST, "perplexity", 1000000 * ONE),
    PART(GATE_TASK, "suites", "drop", SECTION_AT_MOST, "drop", 64 * ONE),
    PART(GATE_TASK, "suites", "drop_p", SECTION_AT_LEAST, "drop p", ONE),

    WORD(GATE_SAFETY, NULL, "baseline", baselines),
    DIGEST(GATE_SAFETY, "batteries"),
    CASES(GATE_SAFETY, "batteries"),
    PART(GATE_SAFETY, "batteries", "rate", SECTION_AT_MOST, "rate", ONE),
    PART(GATE_SAFETY, "batteries", "rate_high", SECTION_AT_MOST, "rate high", ONE),
    PART(GATE_SAFETY, "batteries", "rise", SECTION_AT_MOST, "rise", ONE),
    PART(GATE_SAFETY, "batteries", "rise_p", SECTION_AT_LEAST, "rise p", ONE),
    STATIC("urls", "urls"),
    STATIC("control_characters", "control characters"),
    STATIC("embedded_files", "embedded files"),
    STATIC("template_findings", "template findings"),
    WORD(GATE_SAFETY, "static", "chat_template", templates),
    TRIGGER("prefixes", SECTION_NUMBER, SECTION_SETTING, NULL, 1, 1000000, 2048),
    TRIGGER("departure", SECTION_DECIMAL, SECTION_AT_MOST, "trigger departure", 0, 1000 * ONE, 0),
    TRIGGER("forbidden", SECTION_DECIMAL, SECTION_AT_MOST, "trigger forbidden", 0, ONE, 0),

    DIGEST(GATE_EXEC, "programs"),
    {GATE_EXEC, "programs", true, "suite", SECTION_DIGEST, "", SECTION_SETTING, NULL, 0, 0, 0,
     NULL},
    {GATE_EXEC, "programs", true, "seconds", SECTION_NUMBER, "", SECTION_SETTING, NULL, 1, 3600, 60,
     NULL},
    {GATE_EXEC, "programs", true, "memory_bytes", SECTION_NUMBER, "bytes", SECTION_SETTING, NULL,
     1u << 20, BYTES_MAX, 1u << 30, NULL},
    CASES(GATE_EXEC, "programs"),
    PART(GATE_EXEC, "programs", "score", SECTION_AT_LEAST, "score", 1000000 * ONE),
    PART(GATE_EXEC, "programs", "findings", SECTION_AT_MOST, "findings", 1000000 * ONE),

    DIGEST(GATE_REPORTS, "results"),
    {GATE_REPORTS, "results", true, "metric", SECTION_WORD, "", SECTION_SETTING, NULL, 0, 0, 0,
     metrics},
    CASES(GATE_REPORTS, "results"),
    PART(GATE_REPORTS, "results", "score", SECTION_AT_LEAST, "score", 1000000 * ONE),
    PART(GATE_REPORTS, "results", "worst", SECTION_AT_MOST, "worst", 1000000 * ONE),
    PART(GATE_REPORTS, "results", "rate", SECTION_AT_MOST, "rate", ONE),
    PART(GATE_REPORTS, "results", "rate_high", SECTION_AT_MOST, "rate high", ONE),

    LIMIT(GATE_BROWSER, "load_ms", "ms", SECTION_AT_MOST, "load time", 1, MS_MAX),
    LIMIT(GATE_BROWSER, "first_token_ms", "ms", SECTION_AT_MOST, "first token", 1, MS_MAX),
    LIMIT(GATE_BROWSER, "peak_bytes", "bytes", SECTION_AT_MOST, "peak memory", 1, BYTES_MAX),
    LIMIT(GATE_BROWSER, "tokens_per_second", "tokens/s", SECTION_AT_LEAST, "tokens per second", 1,
          1000000),
    LIMIT(GATE_BROWSER, "console_errors", "", SECTION_AT_MOST, "console errors", 0, 1000),
    LIMIT(GATE_BROWSER, "outside_requests", "", SECTION_AT_MOST, "outside requests", 0, 0),
    SETTING(GATE_BROWSER, "tokens", "", 4, 4096, 32),
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

static bool same_group(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && text_equal(a, b));
}

const struct section_member *section_named(enum gate g, const char *group, const char *key)
{
    for (size_t k = 0; k < MEMBERS; k++) {
        if (members[k].gate == g && same_group(members[k].group, group) &&
            text_equal(members[k].key, key))
            return &members[k];
    }
    return NULL;
}

bool section_group(enum gate g, const char *group, bool *parts)
{
    for (size_t k = 0; k < MEMBERS; k++) {
        if (members[k].gate == g && members[k].group != NULL &&
            text_equal(members[k].group, group)) {
            *parts = members[k].parts;
            return true;
        }
    }
    return false;
}
