/* Reports of a night in which everything that came from a model is hostile. */
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "promote/report.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

static struct gate_check checks[3] = {
    {.name = "pairs accuracy", .verdict = VERDICT_PASS, .measured = "0.98", .limit = "0.9"},
    {.name = "world <b>rate</b>",
     .verdict = VERDICT_FAIL,
     .measured = "0.5",
     .message = "after \"]]><script>alert(1)</script>|\x1b[2J\" it says \xff"},
    {.name = "few", .verdict = VERDICT_INCONCLUSIVE, .message = "too few"},
};

static struct night_item items[2];

static struct night hostile(void)
{
    items[0] = (struct night_item){.version = "1.0", .verdict = VERDICT_FAIL, .gate_count = 1};
    items[0].holder = (struct holder){.name = "story", .channel = "stable"};
    items[0].gates[0] = (struct night_gate){.gate = GATE_SAFETY,
                                            .verdict = VERDICT_FAIL,
                                            .changed = true,
                                            .before = VERDICT_PASS,
                                            .ended = "2026-11-28T00:00:00Z",
                                            .checks = checks,
                                            .check_count = 3};
    items[1] = (struct night_item){.version = "2", .verdict = VERDICT_ERROR, .gate_count = 1};
    items[1].holder = (struct holder){.name = "other", .channel = "preview"};
    items[1].gates[0] = (struct night_gate){
        .gate = GATE_BROWSER, .verdict = VERDICT_ERROR, .error = "no browser & no driver"};
    return (struct night){.store_id = "0123456789abcdef0123456789abcdef",
                          .policy_name = "p",
                          .started = "2026-11-28T00:00:00Z",
                          .ended = "2026-11-28T00:01:00Z",
                          .shards = 1,
                          .items = items,
                          .count = 2};
}

static const char *text(struct buf *b)
{
    buf_byte(b, 0);
    cr_assert_eq(buf_status(b), ST_OK);
    cr_expect(utf8_valid(SPAN(b->p, b->n - 1)));
    return (const char *)b->p;
}

Test(report, markup_in_what_a_model_said_means_nothing)
{
    struct night n = hostile();
    SCOPED(buf_release) struct buf junit = BUF_EMPTY;
    SCOPED(buf_release) struct buf markdown = BUF_EMPTY;
    SCOPED(buf_release) struct buf escaped = BUF_EMPTY;
    report_junit(&n, &junit);
    report_markdown(&n, &markdown);
    report_escape(&escaped, "<&>\"'\x01\x7f\xff\xef\xbf\xbf ok");
    const char *all[] = {text(&junit), text(&markdown), text(&escaped)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_null(strstr(all[i], "<script"), "%s", all[i]);
        cr_expect_null(strchr(all[i], '\x1b'));
        cr_expect_null(strstr(all[i], "<b>"));
    }
    cr_expect_str_eq(all[2], "&lt;&amp;&gt;&quot;&#39;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                             "\xef\xbf\xbd ok");
}

Test(report, junit_counts_what_it_lists)
{
    struct night n = hostile();
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    report_junit(&n, &out);
    const char *s = text(&out);
    cr_expect_not_null(strstr(s, "<testsuites name=\"assay nightly\" tests=\"4\" failures=\"1\" "
                                 "errors=\"1\" skipped=\"1\""));
    cr_expect_not_null(strstr(s, "<testsuite name=\"story@stable.safety\""));
    cr_expect_not_null(strstr(s, "<failure message="));
    cr_expect_not_null(strstr(s, "<error message=\"no browser &amp; no driver\" type=\"error\"/>"));
    cr_expect_not_null(strstr(s, "<skipped message=\"too few\"/>"));
}

Test(report, sarif_has_a_result_for_each_check_that_did_not_pass)
{
    struct night n = hostile();
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    report_sarif(&n, &out);
    checks[1].message[0] = 'A'; /* another measurement of the same check */
    report_sarif(&n, &again);
    cr_assert_eq(json_parse(buf_span(&out), 1u << 20, &v, &e), ST_OK, "%s", e.detail);
    const struct json *run = json_at(json_get(v, "runs"), 0);
    const struct json *results = json_get(run, "results");
    const struct json *rules = json_get(json_get(json_get(run, "tool"), "driver"), "rules");
    cr_assert_eq(json_count(results), 3);
    cr_expect_eq(json_count(rules), GATE_COUNT - 1);
    for (size_t i = 0; i < 3; i++) {
        uint64_t index = 99;
        const struct json *r = json_at(results, i);
        cr_assert(json_as_u64(json_get(r, "ruleIndex"), &index));
        cr_expect_str_eq(json_as_string(json_get(json_at(rules, index), "id")),
                         json_as_string(json_get(r, "ruleId")));
    }
    const char *print =
        json_as_string(json_get(json_get(json_at(results, 0), "partialFingerprints"), "assay/v1"));
    cr_expect_eq(strlen(print), 64);
    cr_expect_not_null(strstr(text(&again), print), "an alert stays one alert");
}

Test(report, lines_are_chained_to_their_end)
{
    struct night n = hostile();
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    report_lines(&n, &out);
    char before[DIGEST_TEXT];
    struct digest d = {{0}};
    size_t lines = 0;
    for (size_t at = 0; at < out.n; lines++) {
        const uint8_t *end = memchr(out.p + at, '\n', out.n - at);
        SCOPED(json_scope) struct json *v = NULL;
        uint64_t seq;
        cr_assert_not_null(end);
        size_t length = (size_t)(end - out.p) - at;
        cr_assert_eq(json_parse(SPAN(out.p + at, length), 1u << 20, &v, &e), ST_OK);
        digest_text(&d, before);
        cr_expect_str_eq(json_as_string(json_get(v, "prev")), before);
        cr_expect(json_as_u64(json_get(v, "seq"), &seq) && seq == lines);
        d = digest_of(SPAN(out.p + at, length + 1));
        at += length + 1;
    }
    cr_expect_eq(lines, 6);
}

Test(report, a_summary_stays_under_what_a_job_may_say)
{
    struct night n = hostile();
    static struct night_item many[3000];
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < 3000; i++)
        many[i] = items[0];
    n.items = many;
    n.count = 3000;
    report_markdown(&n, &out);
    cr_expect_lt(out.n, 1u << 20);
    cr_expect_not_null(strstr(text(&out), "and more"));
    cr_expect(strncmp((const char *)out.p, "# assay nightly: fail\n", 22) == 0);
}

Test(report, the_version_is_the_projects)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf lists = BUF_EMPTY;
    cr_assert_eq(file_read(AT_FDCWD, "CMakeLists.txt", 1u << 20, &lists, &e), ST_OK);
    cr_expect_not_null(strstr(text(&lists), "project(assay VERSION " ASSAY_VERSION " "));
}
