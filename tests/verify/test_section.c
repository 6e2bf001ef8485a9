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
    cr_expect_null(section_member(GATE_TASK, 0));
}
