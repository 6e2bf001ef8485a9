#include "verify/section.h"
#include <criterion/criterion.h>

Test(section, limit_holds_only_for_plain_decimal_numbers_within_it)
{
    const struct section_member *most = section_find(GATE_STRUCTURAL, "budget kv");
    const struct section_member *least = section_find(GATE_SMOKE, "tokens per second");
    cr_assert(most != NULL && least != NULL);
    static const char *const kept[] = {"0", "99", "100", "99.99", "100.000"};
    static const char *const broken[] = {
        "101", "100.0001", "",   " 1", "-1",   "1e400", "nan",
        "inf", "1,5",      "1.", ".5", "0x10", "1.5.2", "99999999999999999999",
        "99 "};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        cr_expect(section_holds(most, kept[i], 100), "%s", kept[i]);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        cr_expect_not(section_holds(most, broken[i], 100), "%s", broken[i]);
    cr_expect(section_holds(least, "100", 100));
    cr_expect(section_holds(least, "100.5", 100));
    cr_expect_not(section_holds(least, "99.9", 100));
    cr_expect_not(section_holds(least, "nan", 100));
}

Test(section, value_is_read_from_its_group_and_a_setting_has_its_default)
{
    struct err e = ERR_NONE;
    SCOPED(json_scope) struct json *section = NULL;
    cr_assert_eq(
        json_parse(span_text("{\"limits\":{\"load_ms\":7},\"tokens\":9}"), 100, &section, &e),
        ST_OK);
    uint64_t v = 0;
    const struct section_member *load = section_find(GATE_SMOKE, "load time");
    cr_expect(section_value(section, load, &v));
    cr_expect_eq(v, 7);
    cr_expect_not(section_value(section, section_find(GATE_SMOKE, "first token"), &v));
    const struct section_member *m;
    for (size_t i = 0; (m = section_member(GATE_SMOKE, i)) != NULL; i++) {
        if (m->sense != SECTION_SETTING)
            continue;
        bool said = section_value(section, m, &v);
        cr_expect_eq(v, said ? 9u : 2u);
    }
    cr_expect_null(section_member(GATE_NONE, 0));
}

static enum status check(enum gate g, const char *text)
{
    struct err e = ERR_NONE;
    SCOPED(json_scope) struct json *section = NULL;
    cr_assert_eq(json_parse(span_text(text), 4096, &section, &e), ST_OK, "%s", text);
    return section_check(g, section, &e);
}

#define HEX64 "\"0000000000000000000000000000000000000000000000000000000000000000\""

Test(section, what_the_gate_does_not_know_is_refused)
{
    cr_expect_eq(check(GATE_SMOKE, "{}"), ST_OK);
    cr_expect_eq(check(GATE_SMOKE, "{\"limits\":{\"load_ms\":7},\"tokens\":9}"), ST_OK);
    cr_expect_eq(
        check(GATE_TASK, "{\"suites\":{\"a\":{\"accuracy\":\"0.9\",\"sha256\":" HEX64 "}}}"),
        ST_OK);
    static const struct {
        enum gate gate;
        const char *text;
    } rows[] = {{GATE_SMOKE, "[]"},
                {GATE_SMOKE, "{\"tokens\":3}"},
                {GATE_SMOKE, "{\"tokens\":\"9\"}"},
                {GATE_SMOKE, "{\"load_ms\":9}"},
                {GATE_SMOKE, "{\"limits\":7}"},
                {GATE_SMOKE, "{\"limits\":{\"loads\":7}}"},
                {GATE_SMOKE, "{\"suites\":{}}"},
                {GATE_TASK, "{\"suites\":{\"a\":{\"accuracy\":\"0.9\"}}}"},
                {GATE_TASK, "{\"suites\":{\"a\":{\"sha256\":\"00\"}}}"},
                {GATE_TASK, "{\"suites\":{\"a\":{\"accuracy\":\"1.1\",\"sha256\":" HEX64 "}}}"},
                {GATE_TASK, "{\"suites\":{\"a\":{\"accuracy\":1,\"sha256\":" HEX64 "}}}"},
                {GATE_TASK, "{\"suites\":{\"A\":{\"sha256\":" HEX64 "}}}"},
                {GATE_TASK, "{\"suites\":{\"a\":7}}"},
                {GATE_TASK, "{\"suites\":{\"sha256\":" HEX64 "}}"},
                {GATE_TASK, "{\"baseline\":\"candidate\"}"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(check(rows[i].gate, rows[i].text), ST_CONFIG, "%s", rows[i].text);
}

Test(section, decimals_count_in_millionths_exactly)
{
    const struct section_member *least = section_named(GATE_TASK, "suites", "accuracy");
    const struct section_member *most = section_named(GATE_TASK, "suites", "drop");
    cr_assert(least != NULL && most != NULL);
    cr_expect(section_holds(least, "0.95", 950000));
    cr_expect(section_holds(least, "1", 950000));
    cr_expect_not(section_holds(least, "0.9499999", 950000));
    cr_expect(section_holds(most, "0.020000", 20000));
    cr_expect_not(section_holds(most, "0.0200001", 20000));
    cr_expect_not(section_holds(most, "18446744073709551615", 20000));
    char text[32];
    section_text(most, 20000, text);
    cr_expect_str_eq(text, "0.02");
    section_text(most, 2000000, text);
    cr_expect_str_eq(text, "2");
}
