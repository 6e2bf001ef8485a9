#include "base/text.h"
#include "verify/suite.h"
#include <criterion/criterion.h>
#include <string.h>

#define HEAD(kind, cases)                                           \
    "{\"schema\":\"assay.suite/1\",\"name\":\"s\",\"kind\":\"" kind \
    "\",\"chance\":\"0.5\",\"cases\":" #cases "}\n"
#define BATTERY                    \
    "{\"schema\":\"assay.battery/" \
    "1\",\"name\":\"b\",\"tokens\":9,\"detectors\":[{}],\"cases\":1}\n"
#define CHOICE "{\"id\":\"a\",\"context\":\"x \",\"choices\":[\"y\",\"z\"],\"answer\":1}\n"

static enum status parse(const char *text, struct suite *out, struct err *e)
{
    *e = ERR_NONE;
    return suite_parse(span_text(text), out, e);
}

Test(suite, each_kind_is_read)
{
    static const struct {
        const char *text;
        enum suite_kind kind;
        uint32_t tokens;
    } rows[] = {
        {HEAD("choice", 1) CHOICE, SUITE_CHOICE, 0},
        {HEAD("exact", 1) "{\"id\":\"a\",\"prompt\":\"x\",\"expect\":\"four\"}\n", SUITE_EXACT, 4},
        {HEAD("pattern", 1) "{\"id\":\"a\",\"prompt\":\"x\",\"pattern\":\"^ye\",\"tokens\":7}",
         SUITE_PATTERN, 7},
        {HEAD("text", 1) "{\"id\":\"a\",\"text\":\"x\"}\n", SUITE_TEXT, 0},
        {BATTERY "{\"id\":\"a\",\"hazard\":\"h\",\"prompt\":\"x\"}\n", SUITE_BATTERY, 9}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED(suite_release) struct suite s = {0};
        struct err e;
        cr_assert_eq(parse(rows[i].text, &s, &e), ST_OK, "%zu: %s", i, e.detail);
        cr_expect_eq(s.kind, rows[i].kind);
        cr_expect_eq(s.count, 1);
        cr_expect_str_eq(s.cases[0].id, "a");
        cr_expect_eq(s.cases[0].tokens, rows[i].tokens, "%zu: %u", i, s.cases[0].tokens);
        struct digest d = digest_of(span_text(rows[i].text));
        cr_expect(digest_equal(&d, &s.digest));
    }
}

Test(suite, what_is_wrong_is_refused_with_its_line)
{
    static const struct {
        const char *text, *code;
    } rows[] = {
        {"", "suite-empty"},
        {"[]\n", "suite-json"},
        {"{\n", "suite-json"},
        {"{\"schema\":\"assay.suite/2\",\"name\":\"s\"}\n", "suite-schema"},
        {HEAD("riddle", 1), "suite-kind"},
        {"{\"schema\":\"assay.suite/1\",\"name\":\"s\",\"kind\":\"text\",\"chance\":\"0.5\","
         "\"cases\":1,\"odd\":1}\n",
         "suite-member"},
        {"{\"schema\":\"assay.suite/1\",\"name\":\"s\",\"kind\":\"text\",\"chance\":\"half\","
         "\"cases\":1}\n",
         "suite-chance"},
        {HEAD("text", 0), "suite-number"},
        {HEAD("text", 1000001), "suite-number"},
        {HEAD("text", 2) "{\"id\":\"a\",\"text\":\"x\"}\n", "suite-cases"},
        {HEAD("text", 1) "{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"text\":\"x\"}\n",
         "suite-cases"},
        {HEAD("text", 2) "{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"a\",\"text\":\"y\"}\n",
         "suite-id-twice"},
        {HEAD("text", 1) "{\"id\":\"a\",\"text\":7}\n", "suite-member"},
        {HEAD("text", 1) "{\"id\":\"\",\"text\":\"x\"}\n", "suite-member"},
        {HEAD("text", 1) "{\"id\":\"a\",\"text\":\"x\",\"txet\":\"y\"}\n", "suite-member"},
        {HEAD("choice", 1) "{\"id\":\"a\",\"context\":\"x\",\"choices\":[\"y\"],\"answer\":0}\n",
         "suite-choices"},
        {HEAD("choice",
              1) "{\"id\":\"a\",\"context\":\"x\",\"choices\":[\"y\",\"y\"],\"answer\":0}\n",
         "suite-choices"},
        {HEAD("choice",
              1) "{\"id\":\"a\",\"context\":\"x\",\"choices\":[\"y\",\"z\"],\"answer\":2}\n",
         "suite-answer"},
        {HEAD("exact", 1) "{\"id\":\"a\",\"prompt\":\"x\",\"expect\":\"y\",\"tokens\":0}\n",
         "suite-number"},
        {"{\"schema\":\"assay.battery/1\",\"name\":\"b\",\"detectors\":[],\"cases\":1}\n",
         "suite-detectors"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED(suite_release) struct suite s = {0};
        struct err e;
        cr_expect_eq(parse(rows[i].text, &s, &e), ST_FORMAT, "row %zu", i);
        cr_expect_str_eq(err_code(&e), rows[i].code, "row %zu: %s", i, e.detail);
    }
}

Test(suite, the_line_and_its_offset_are_told)
{
    SCOPED(suite_release) struct suite s = {0};
    struct err e;
    cr_assert_eq(parse(HEAD("choice", 2) CHOICE "nonsense\n", &s, &e), ST_FORMAT);
    cr_expect_eq(e.offset, strlen(HEAD("choice", 2) CHOICE));
    cr_expect(strncmp(e.detail, "line 3: ", 8) == 0, "%s", e.detail);
}

/* A head that says `said`, and `lines` cases of a few bytes. */
static struct buf long_suite(unsigned said, unsigned lines)
{
    struct buf b = BUF_EMPTY;
    buf_fmt(&b,
            "{\"schema\":\"assay.suite/1\",\"name\":\"s\",\"kind\":\"text\",\"chance\":\"0.5\","
            "\"cases\":%u}\n",
            said);
    for (unsigned i = 0; i < lines; i++)
        buf_fmt(&b, "{\"id\":\"%x\",\"text\":\"x\"}\n", i);
    return b;
}

Test(suite, a_million_cases_are_refused_however_they_are_counted)
{
    static const struct {
        unsigned said, lines;
        const char *code;
    } rows[] = {{1000000, 1000000, "suite-number"},
                {4294967295u, 10, "suite-number"},
                {SUITE_CASES_MAX, 1000000, "suite-cases"},
                {1, 1000000, "suite-cases"},
                {SUITE_CASES_MAX, 10, "suite-cases"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SCOPED(suite_release) struct suite s = {0};
        SCOPED(buf_release) struct buf text = long_suite(rows[i].said, rows[i].lines);
        struct err e = ERR_NONE;
        cr_expect_eq(suite_parse(buf_span(&text), &s, &e), ST_FORMAT, "row %zu", i);
        cr_expect_str_eq(err_code(&e), rows[i].code, "row %zu: %s", i, e.detail);
    }
}

Test(suite, as_many_cases_as_are_allowed_are_read)
{
    SCOPED(suite_release) struct suite s = {0};
    SCOPED(buf_release) struct buf text = long_suite(SUITE_CASES_MAX, SUITE_CASES_MAX);
    struct err e = ERR_NONE;
    cr_expect_eq(suite_parse(buf_span(&text), &s, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(s.count, SUITE_CASES_MAX);
}
