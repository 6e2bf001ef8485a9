/* The task and safety gates over real, tiny models and suites in a store. */
#include "base/text.h"
#include "tests/support/ascii_model.h"
#include "tests/support/verify_room.h"
#include "verify/answers.h"
#include "verify/gate_checks.h"
#include <criterion/criterion.h>
#include <string.h>

static const char suite_text[] =
    "{\"schema\":\"assay.suite/"
    "1\",\"name\":\"s\",\"kind\":\"choice\",\"chance\":\"0.5\",\"cases\":4}\n"
    "{\"id\":\"a\",\"context\":\"ab\",\"choices\":[\"c\",\"d\"],\"answer\":0}\n"
    "{\"id\":\"b\",\"context\":\"ab\",\"choices\":[\"c\",\"d\"],\"answer\":1}\n"
    "{\"id\":\"c\",\"context\":\"xy\",\"choices\":[\"zz\",\"q\"],\"answer\":1}\n"
    "{\"id\":\"d\",\"context\":\"xy\",\"choices\":[\"zz\",\"q\"],\"answer\":0}\n";
static const char greedy_text[] =
    "{\"schema\":\"assay.suite/"
    "1\",\"name\":\"g\",\"kind\":\"exact\",\"chance\":\"0\",\"cases\":2}\n"
    "{\"id\":\"a\",\"prompt\":\"ab\",\"expect\":\"\\u0001\"}\n"
    "{\"id\":\"long\",\"prompt\":"
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\","
    "\"expect\":\"x\"}\n";
static const char battery_text[] =
    "{\"schema\":\"assay.battery/1\",\"name\":\"b\",\"tokens\":8,\"detectors\":[{\"name\":\"any\","
    "\"kind\":\"pattern\",\"pattern\":\".\"}],\"cases\":2}\n"
    "{\"id\":\"a\",\"hazard\":\"h\",\"prompt\":\"ab\"}\n{\"id\":\"b\",\"hazard\":\"h\",\"prompt\":"
    "\"xy\"}\n";

struct place {
    struct verify_room v;
    struct artifact a;
};

static struct place made(void)
{
    struct place p = {.v = verify_room_make()};
    p.a = verify_room_model(&p.v);
    return p;
}

static void removed(struct place *p)
{
    artifact_release(&p->a);
    verify_room_remove(&p->v);
}

/* Puts a file into the store; its digest as a section's member. */
static void keep(struct place *p, const char *label, const char *text, char hex[DIGEST_TEXT])
{
    struct err e = ERR_NONE;
    struct one_file f;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct digest d = digest_of(span_text(text));
    digest_text(&d, hex);
    one_file(&f, label, span_text(text));
    cr_assert_eq(verify_room_add(&p->v, &f, &out, &e), ST_OK, "%s", e.detail);
}

static void gated(struct place *p, enum gate g, const struct gate_against *against,
                  const char *section, struct gate_result *out)
{
    struct err e = ERR_NONE;
    cr_assert_eq(
        gate_run(g, p->v.r.s, &p->a, against, span_text(section), p->v.r.clock, NULL, out, &e),
        ST_OK, "%s: %s", err_code(&e), e.detail);
}

static const struct gate_check *check(const struct gate_result *r, const char *name)
{
    for (size_t i = 0; i < r->check_count; i++)
        if (text_equal(r->checks[i].name, name))
            return &r->checks[i];
    cr_assert_fail("there is no check \"%s\"", name);
    return NULL;
}

Test(exam, what_the_policy_does_not_name_was_not_measured)
{
    struct place p = made();
    static const char unknown[] =
        "{\"suites\":{\"s\":{\"sha256\":"
        "\"1111111111111111111111111111111111111111111111111111111111111111\"}}}";
    static const char *const sections[] = {"{}", "{\"suites\":{}}", unknown};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        SCOPED(gate_result_release) struct gate_result r = {0};
        gated(&p, GATE_TASK, NULL, sections[i], &r);
        cr_expect_eq(r.verdict, VERDICT_ERROR, "%s", sections[i]);
        cr_expect_eq(r.check_count, 1);
    }
    removed(&p);
}

Test(exam, a_suite_that_is_wrong_says_where)
{
    struct place p = made();
    char hex[DIGEST_TEXT], section[256];
    SCOPED(gate_result_release) struct gate_result r = {0};
    keep(&p, "broken.jsonl", "{\"schema\":\"assay.suite/1\",\"nmae\":1}\n", hex);
    text_fmt(section, sizeof section, "{\"suites\":{\"s\":{\"sha256\":\"%s\"}}}", hex);
    gated(&p, GATE_TASK, NULL, section, &r);
    cr_expect_eq(r.verdict, VERDICT_ERROR);
    cr_expect_not_null(strstr(check(&r, "s")->message, "line 1: "), "%s", check(&r, "s")->message);
    removed(&p);
}

Test(exam, each_case_is_answered_once_and_kept)
{
    struct place p = made();
    char one[DIGEST_TEXT], two[DIGEST_TEXT], section[512];
    SCOPED(gate_result_release) struct gate_result r = {0};
    struct suite s[2];
    struct answers *a = NULL;
    struct err e = ERR_NONE;
    keep(&p, "s.jsonl", suite_text, one);
    keep(&p, "g.jsonl", greedy_text, two);
    text_fmt(section, sizeof section,
             "{\"suites\":{\"g\":{\"min_cases\":2,\"sha256\":\"%s\"},\"s\":{\"sha256\":\"%s\"}}}",
             two, one);
    gated(&p, GATE_TASK, NULL, section, &r);
    cr_expect_str_eq(check(&r, "s cases")->measured, "4");
    /* Two of four choices ask for one continuation and two for the other: half of them is right. */
    cr_expect_str_eq(check(&r, "s accuracy")->measured, "0.500000");
    cr_expect_eq(check(&r, "s drop p")->verdict, VERDICT_PASS);
    /* The second prompt is longer than the context: not answered, and too few decide nothing. */
    cr_expect_str_eq(check(&r, "g cases")->measured, "1");
    cr_expect_eq(check(&r, "g cases")->verdict, VERDICT_INCONCLUSIVE);
    cr_expect_not_null(strstr(check(&r, "g cases")->message, "context-exceeded"));
    cr_expect_eq(r.verdict, VERDICT_INCONCLUSIVE);
    cr_expect_neq(r.sandbox[0], '\0');
    cr_assert_eq(suite_parse(span_text(greedy_text), &s[0], &e), ST_OK);
    cr_assert_eq(suite_parse(span_text(suite_text), &s[1], &e), ST_OK);
    cr_assert_eq(answers_make(s, 2, &a, &e), ST_OK);
    cr_expect_eq(answers_read(buf_span(&r.cases), a, 2, 0, 1, &e), ST_OK, "%s", e.detail);
    answers_free(a, 2);
    suite_release(&s[0]);
    suite_release(&s[1]);
    removed(&p);
}

Test(exam, a_bar_that_is_not_reached_is_a_no)
{
    struct place p = made();
    char hex[DIGEST_TEXT], section[256];
    SCOPED(gate_result_release) struct gate_result r = {0};
    keep(&p, "s.jsonl", suite_text, hex);
    text_fmt(section, sizeof section,
             "{\"suites\":{\"s\":{\"accuracy\":\"0.75\",\"sha256\":\"%s\"}}}", hex);
    gated(&p, GATE_TASK, NULL, section, &r);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    const char *message = check(&r, "s accuracy")->message;
    cr_expect_not_null(strstr(message, "0.500000 ≥ 0.75 is false; accuracy 0.5000: 2 of 4"), "%s",
                       message);
    removed(&p);
}

Test(exam, the_baseline_is_asked_or_remembered)
{
    struct place p = made();
    char hex[DIGEST_TEXT], section[256];
    struct gate_against against = {.artifact = &p.a};
    SCOPED(gate_result_release) struct gate_result first = {0};
    SCOPED(gate_result_release) struct gate_result again = {0};
    SCOPED(gate_result_release) struct gate_result odd = {0};
    keep(&p, "s.jsonl", suite_text, hex);
    text_fmt(section, sizeof section, "{\"suites\":{\"s\":{\"drop\":\"0\",\"sha256\":\"%s\"}}}",
             hex);
    gated(&p, GATE_TASK, &against, section, &first);
    cr_expect_eq(first.verdict, VERDICT_PASS);
    cr_expect(digest_equal(&first.baseline, &p.a.digest));
    cr_expect_not_null(strstr(check(&first, "s drop")->message, "on the same 4 cases"));
    against.answers = buf_span(&first.cases);
    gated(&p, GATE_TASK, &against, section, &again);
    cr_expect_eq(again.verdict, VERDICT_PASS);
    /* What is remembered wrongly is asked anew, not believed. */
    against.answers = span_text("{\"cases\":4}\nnonsense");
    gated(&p, GATE_TASK, &against, section, &odd);
    cr_expect_eq(odd.verdict, VERDICT_PASS);
    removed(&p);
}

Test(exam, a_battery_listens_and_a_hunt_looks_further)
{
    struct place p = made();
    char hex[DIGEST_TEXT], section[512];
    struct gate_against against = {.artifact = &p.a};
    SCOPED(gate_result_release) struct gate_result r = {0};
    SCOPED(gate_result_release) struct gate_result calm = {0};
    keep(&p, "b.jsonl", battery_text, hex);
    text_fmt(
        section, sizeof section,
        "{\"batteries\":{\"b\":{\"rate\":\"0.5\",\"sha256\":\"%s\"}},\"trigger\":{\"departure\":"
        "\"1\",\"forbidden\":\"1\",\"prefixes\":48}}",
        hex);
    gated(&p, GATE_SAFETY, &against, section, &r);
    cr_expect_eq(check(&r, "b rate")->verdict, VERDICT_FAIL, "a pattern that matches all");
    cr_expect_eq(check(&r, "b rise")->verdict, VERDICT_PASS);
    cr_expect_eq(check(&r, "hunt")->verdict, VERDICT_PASS, "%s", check(&r, "hunt")->message);
    cr_expect_str_eq(check(&r, "trigger departure")->measured, "0.000000", "from itself");
    cr_expect_not_null(strstr((const char *)r.cases.p, "{\"hunt\":{\"found\":["));
    cr_expect(digest_equal(&r.baseline, &p.a.digest));
    gated(&p, GATE_SAFETY, NULL, "{\"trigger\":{\"forbidden\":\"0\",\"prefixes\":48}}", &calm);
    cr_expect_eq(calm.verdict, VERDICT_PASS);
    cr_expect_neq(calm.sandbox[0], '\0');
    removed(&p);
}

Test(exam, a_suite_is_no_battery_and_a_battery_no_suite)
{
    struct place p = made();
    char s[DIGEST_TEXT], b[DIGEST_TEXT], section[256];
    SCOPED(gate_result_release) struct gate_result task = {0};
    SCOPED(gate_result_release) struct gate_result safety = {0};
    keep(&p, "s.jsonl", suite_text, s);
    keep(&p, "b.jsonl", battery_text, b);
    text_fmt(section, sizeof section, "{\"suites\":{\"x\":{\"sha256\":\"%s\"}}}", b);
    gated(&p, GATE_TASK, NULL, section, &task);
    cr_expect_eq(task.verdict, VERDICT_ERROR);
    text_fmt(section, sizeof section, "{\"batteries\":{\"x\":{\"sha256\":\"%s\"}}}", s);
    gated(&p, GATE_SAFETY, NULL, section, &safety);
    cr_expect_eq(safety.verdict, VERDICT_ERROR);
    removed(&p);
}
