#include "base/text.h"
#include "tests/support/verify_room.h"
#include "verify/browser_judge.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct gate_check *named(const struct gate_checks *c, const char *name)
{
    const struct gate_check *found = checks_find(c, name);
    cr_assert_not_null(found, "there is no check \"%s\"", name);
    return found;
}

/* ---- without a browser -------------------------------------------------------------------- */

/* The gate's check "browser" with other programs in the browser's place. */
static void without(const char *variable, const char *program, const char *says)
{
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    struct err e = ERR_NONE;
    SCOPED(gate_result_release) struct gate_result r = {0};
    cr_assert_eq(setenv(variable, program, 1), 0);
    cr_assert_eq(gate_run(GATE_BROWSER, v.r.s, &a, NULL, span_text("{}"), v.r.clock, NULL, &r, &e),
                 ST_OK, "%s", e.detail);
    cr_assert_eq(unsetenv(variable), 0);
    cr_expect_eq(r.verdict, VERDICT_ERROR);
    const struct gate_check *last = &r.checks[r.check_count - 1];
    cr_expect_str_eq(last->name, "browser");
    cr_expect_eq(last->verdict, VERDICT_ERROR);
    cr_expect_not_null(strstr(last->message, says), "%s", last->message);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate_browser, no_browser_is_an_error_and_never_a_pass)
{
    without("ASSAY_BROWSER", "/nonexistent/chromium", "/nonexistent/chromium");
    without("ASSAY_CHROMEDRIVER", "/nonexistent/driver", "/nonexistent/driver");
}

Test(gate_browser, a_driver_that_ends_at_once_is_an_error)
{
    if (access("/usr/bin/chromium", X_OK) != 0)
        cr_assert_eq(setenv("ASSAY_BROWSER", "/bin/true", 1), 0);
    without("ASSAY_CHROMEDRIVER", "/bin/true", "ended before it listened");
}

/* ---- what the page says is hostile -------------------------------------------------------- */

static struct web_bundle bundle;

static struct browser_job job_of(const char *expected)
{
    struct err e = ERR_NONE;
    cr_assert_eq(web_bundle_make(&bundle, &e), ST_OK);
    return (struct browser_job){
        .bundle = &bundle, .expected = span_text(expected), .bytes = 1, .memory = 100};
}

Test(gate_browser, a_digest_that_is_missing_or_other_fails_under_the_name_of_its_part)
{
    struct browser_job job = job_of("");
    for (size_t odd = 0; odd <= browser_parts(&job); odd++) {
        SCOPED(checks_release) struct gate_checks checks = {0};
        SCOPED(buf_release) struct buf said = BUF_EMPTY;
        struct json_out j = json_out(&said);
        json_object(&j);
        for (size_t i = 0; i < browser_parts(&job); i++) {
            char path[160], hex[DIGEST_TEXT];
            browser_part_path(&job, i, path);
            digest_text(i == 0              ? &bundle.page_digest
                        : i <= bundle.count ? &bundle.file[i - 1]
                                            : &job.sha256,
                        hex);
            hex[0] = i == odd ? 'g' : hex[0];
            json_key(&j, path);
            json_string(&j, hex);
        }
        json_close(&j);
        browser_judge_digests(&job, buf_span(&said), &checks); /* the bundle's name first */
        for (size_t i = 0; i < checks.n; i++)
            cr_expect_eq(checks.p[i].verdict, i == odd + 1 ? VERDICT_FAIL : VERDICT_PASS, "%s",
                         checks.p[i].name);
    }
    SCOPED(checks_release) struct gate_checks none = {0};
    browser_judge_digests(&job, span_text("[1,2]"), &none);
    for (size_t i = 1; i < none.n; i++)
        cr_expect_eq(none.p[i].verdict, VERDICT_FAIL);
    web_bundle_release(&bundle);
}

Test(gate_browser, answers_of_the_page_that_make_no_sense_prove_nothing)
{
    static const char *const answers[] = {
        "",
        "null",
        "{}",
        "[]",
        "{\"runs\":null}",
        "{\"runs\":[]}",
        "{\"runs\":[{},{}],\"shown\":\"\",\"isolated\":true,\"walked\":true,\"foreign\":0}",
        "{\"runs\":[{\"lines\":[\"a\"],\"errors\":[],\"module\":\"simd\",\"peak_bytes\":1}],"
        "\"shown\":\"\"}",
        "{\"runs\":[{\"errors\":{}},{\"errors\":\"\"}],\"shown\":5}",
        "{\"shown\":\"\",\"shown\":\"\"}"};
    struct browser_job job = job_of("1:00 stop=eos code=0\n");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        SCOPED(checks_release) struct gate_checks checks = {0};
        SCOPED(buf_release) struct buf lines = BUF_EMPTY;
        browser_judge_page(&job, span_text(answers[i]), &checks, &lines);
        cr_expect_eq(checks_worst(checks.p, checks.n), VERDICT_FAIL, "%s", answers[i]);
        const struct gate_check *tokens = checks_find(&checks, "tokens simd");
        cr_expect(tokens == NULL || tokens->verdict == VERDICT_FAIL, "%s", answers[i]);
    }
    web_bundle_release(&bundle);
}

/* ---- what comes from beside the browser --------------------------------------------------- */

Test(gate_browser, an_answer_that_leaves_something_out_fails)
{
    static const char *const answers[] = {
        "",
        "{}",
        "{\"checks\":[],\"level\":\"\",\"lines\":\"\",\"screenshot\":\"\",\"version\":\"1\"}",
        "{\"checks\":[{\"limit\":\"\",\"measured\":\"\",\"message\":\"m\",\"name\":\"browser\","
        "\"unit\":\"\",\"verdict\":\"pass\"}],\"level\":\"\",\"lines\":\"\",\"screenshot\":\"\","
        "\"version\":"
        "\"1\"}",
        "{\"checks\":[{\"limit\":\"\",\"measured\":\"\",\"message\":\"m\",\"name\":\"browser\","
        "\"unit\":\"\",\"verdict\":\"pass\"}],\"level\":\"\",\"lines\":\"\",\"screenshot\":\"<"
        "script>\","
        "\"version\":\"1\"}",
        "{\"checks\":[{\"limit\":\"\",\"measured\":\"nan\",\"message\":\"m\",\"name\":\"browser\","
        "\"unit\":\"\",\"verdict\":\"pass\"}],\"level\":\"\",\"lines\":\"\",\"screenshot\":\"\","
        "\"version\":"
        "\"1\"}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        SCOPED(checks_release) struct gate_checks checks = {0};
        SCOPED(gate_result_release) struct gate_result result = {0};
        browser_read(span_text(answers[i]), &checks, &result);
        cr_expect_eq(named(&checks, "answer")->verdict, VERDICT_FAIL, "%s", answers[i]);
    }
}

Test(gate_browser, an_error_beside_the_browser_stays_an_error)
{
    SCOPED(checks_release) struct gate_checks checks = {0};
    SCOPED(gate_result_release) struct gate_result result = {0};
    browser_read(span_text("{\"checks\":[{\"limit\":\"\",\"measured\":\"\",\"message\":\"gone\","
                           "\"name\":\"browser\",\"unit\":\"\",\"verdict\":\"error\"}],"
                           "\"level\":\"\",\"lines\":\"\",\"screenshot\":\"\",\"version\":\"\"}"),
                 &checks, &result);
    cr_expect_eq(checks_worst(checks.p, checks.n), VERDICT_ERROR);
    cr_expect_null(checks_find(&checks, "answer"));
}
