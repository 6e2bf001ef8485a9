/* Answers as bytes, and what is made of them. */
#include "base/text.h"
#include "verify/judge.h"
#include <criterion/criterion.h>
#include <string.h>

static const char choice_text[] =
    "{\"schema\":\"assay.suite/"
    "1\",\"name\":\"c\",\"kind\":\"choice\",\"chance\":\"0.5\",\"cases\":4}\n"
    "{\"id\":\"a\",\"context\":\"x\",\"choices\":[\"y\",\"z\"],\"answer\":1}\n"
    "{\"id\":\"b\",\"context\":\"x\",\"choices\":[\"y\",\"z\"],\"answer\":0}\n"
    "{\"id\":\"c\",\"context\":\"x\",\"choices\":[\"y\",\"z\"],\"answer\":0}\n"
    "{\"id\":\"d\",\"context\":\"x\",\"choices\":[\"y\",\"z\"],\"answer\":0}\n";
static const char exact_text[] =
    "{\"schema\":\"assay.suite/"
    "1\",\"name\":\"e\",\"kind\":\"exact\",\"chance\":\"0\",\"cases\":2}\n"
    "{\"id\":\"a\",\"prompt\":\"x\",\"expect\":\" yes\"}\n"
    "{\"id\":\"b\",\"prompt\":\"x\",\"expect\":\" no\"}\n";
static const char text_text[] =
    "{\"schema\":\"assay.suite/1\",\"name\":\"t\",\"kind\":\"text\",\"chance\":\"8\",\"cases\":2}\n"
    "{\"id\":\"a\",\"text\":\"abcd\"}\n{\"id\":\"b\",\"text\":\"ab\"}\n";
static const char battery_text[] =
    "{\"schema\":\"assay.battery/1\",\"name\":\"b\",\"detectors\":[{\"name\":\"leak\",\"kind\":"
    "\"contains\",\"texts\":[\"secret\"]}],\"cases\":3}\n"
    "{\"id\":\"a\",\"hazard\":\"h\",\"prompt\":\"x\"}\n{\"id\":\"b\",\"hazard\":\"h\",\"prompt\":"
    "\"x\"}\n"
    "{\"id\":\"c\",\"hazard\":\"h\",\"prompt\":\"x\"}\n";

static struct suite parsed(const char *text)
{
    struct suite s;
    struct err e = ERR_NONE;
    cr_assert_eq(suite_parse(span_text(text), &s, &e), ST_OK, "%s", e.detail);
    return s;
}

static struct answers *made(const struct suite *s)
{
    struct answers *a = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(answers_make(s, 1, &a, &e), ST_OK);
    return a;
}

static const char *measured(const struct gate_checks *c, const char *name)
{
    const struct gate_check *check = checks_find(c, name);
    cr_assert_not_null(check, "%s", name);
    return check->measured;
}

Test(answers, what_is_written_is_read_again)
{
    static const char *const texts[] = {choice_text, exact_text, text_text, battery_text};
    for (size_t t = 0; t < 4; t++) {
        struct suite s = parsed(texts[t]);
        struct answers *a = made(&s), *b = made(&s);
        struct err e = ERR_NONE;
        for (size_t i = 0; i < s.count; i++) {
            a->of[i].nats[0] = 1.25 + (double)i;
            a->of[i].nats[1] = 1.5;
            a->of[i].tokens = 3;
            a->of[i].utf8 = i % 2 == 0;
            buf_text(&a->of[i].text, "said \"it\"\n");
        }
        a->of[1] =
            (struct answer){.failed = true, .why = "context-exceeded", .text = a->of[1].text};
        SCOPED(buf_release) struct buf first = BUF_EMPTY;
        SCOPED(buf_release) struct buf second = BUF_EMPTY;
        answers_put(&first, a, 1);
        cr_assert_eq(answers_read(buf_span(&first), b, 1, 0, 1, &e), ST_OK, "%s", e.detail);
        answers_put(&second, b, 1);
        cr_expect(span_equal(buf_span(&first), buf_span(&second)));
        cr_expect_eq(answers_read(SPAN(first.p, first.n - 1), b, 1, 0, 1, &e), ST_FORMAT);
        buf_text(&first, "{}\n");
        cr_expect_eq(answers_read(buf_span(&first), b, 1, 0, 1, &e), ST_FORMAT);
        answers_free(a, 1);
        answers_free(b, 1);
        suite_release(&s);
    }
}

Test(answers, lies_are_refused)
{
    static const char head[] =
        "{\"cases\":2,\"kind\":\"exact\",\"name\":\"e\",\"sha256\":\"%s\"}\n%s";
    static const char *const bodies[] = {
        "{\"id\":\"a\",\"text\":\"x\",\"utf8\":true}\n",
        "{\"id\":\"b\",\"text\":\"x\",\"utf8\":true}\n{\"id\":\"a\",\"text\":\"x\",\"utf8\":true}"
        "\n",
        "{\"id\":\"a\",\"text\":\"x\",\"utf8\":true}\n{\"id\":\"b\",\"text\":\"x\"}\n",
        "{\"id\":\"a\",\"text\":\"x\",\"utf8\":true}\n{\"id\":\"b\",\"nats\":[\"1\"],\"tokens\":1}"
        "\n",
        "{\"id\":\"a\",\"text\":\"x\",\"utf8\":true}\n{\"id\":\"b\",\"failed\":\"\"}\n",
        "{\"id\":\"a\",\"text\":\"x\",\"utf8\":true}\nnull\n",
    };
    struct suite s = parsed(exact_text);
    char hex[DIGEST_TEXT];
    digest_text(&s.digest, hex);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct answers *a = made(&s);
        struct err e = ERR_NONE;
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        buf_fmt(&text, head, hex, bodies[i]);
        cr_expect_eq(answers_read(buf_span(&text), a, 1, 0, 1, &e), ST_FORMAT, "body %zu", i);
        answers_free(a, 1);
    }
    suite_release(&s);
}

Test(answers, a_suite_is_found_among_others_by_its_digest)
{
    struct suite s[2] = {parsed(exact_text), parsed(text_text)};
    struct answers *all = NULL, *one = made(&s[1]);
    struct err e = ERR_NONE;
    bool found = false;
    cr_assert_eq(answers_make(s, 2, &all, &e), ST_OK);
    all[1].of[0].tokens = all[1].of[1].tokens = 1;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    answers_put(&text, all, 2);
    cr_expect_eq(answers_find(buf_span(&text), one, 1, &found, &e), ST_OK, "%s", e.detail);
    cr_expect(found);
    answers_free(all, 2);
    answers_free(one, 1);
    suite_release(&s[0]);
    suite_release(&s[1]);
}

Test(judge, the_cheapest_choice_is_the_answer_and_a_tie_goes_to_the_first)
{
    struct suite s = parsed(choice_text);
    struct answers *a = made(&s);
    a->of[0].nats[0] = 3, a->of[0].nats[1] = 2; /* right */
    a->of[1].nats[0] = 3, a->of[1].nats[1] = 2; /* wrong */
    a->of[2].nats[0] = 2, a->of[2].nats[1] = 2; /* a tie: the first, right */
    a->of[3].failed = true;                     /* never right */
    cr_expect(judge_right(a, 0) && !judge_right(a, 1) && judge_right(a, 2) && !judge_right(a, 3));
    SCOPED(checks_release) struct gate_checks c = {0};
    struct err e = ERR_NONE;
    cr_assert_eq(judge_suite("part", a, NULL, &c, &e), ST_OK);
    cr_expect_str_eq(measured(&c, "part cases"), "3");
    cr_expect_str_eq(measured(&c, "part accuracy"), "0.500000");
    cr_expect_str_eq(measured(&c, "part accuracy low"), "0.150039");
    cr_expect_str_eq(measured(&c, "part drop"), "0.000000");
    cr_expect_str_eq(measured(&c, "part drop p"), "1.000000");
    answers_free(a, 1);
    suite_release(&s);
}

Test(judge, a_fall_behind_the_baseline_is_measured_case_by_case)
{
    struct suite s = parsed(choice_text);
    struct answers *a = made(&s), *b = made(&s);
    SCOPED(checks_release) struct gate_checks c = {0};
    struct err e = ERR_NONE;
    for (size_t i = 0; i < 4; i++) {
        a->of[i].nats[s.cases[i].answer] = 2; /* wrong, all of them */
        b->of[i].nats[1 - s.cases[i].answer] = 2;
    }
    cr_assert_eq(judge_suite("part", a, b, &c, &e), ST_OK);
    cr_expect_str_eq(measured(&c, "part drop"), "1.000000");
    cr_expect_str_eq(measured(&c, "part drop p"), "0.062500");
    answers_free(a, 1);
    answers_free(b, 1);
    suite_release(&s);
}

Test(judge, text_costs_bits_and_what_was_not_scored_costs_no_number)
{
    struct suite s = parsed(text_text);
    struct answers *a = made(&s);
    struct err e = ERR_NONE;
    a->of[0].nats[0] = 4 * 0.693147180559945;
    a->of[1].nats[0] = 2 * 0.693147180559945;
    SCOPED(checks_release) struct gate_checks c = {0};
    SCOPED(checks_release) struct gate_checks d = {0};
    cr_assert_eq(judge_suite("part", a, NULL, &c, &e), ST_OK);
    cr_expect_str_eq(measured(&c, "part bits per byte"), "1.000000");
    cr_expect_str_eq(measured(&c, "part perplexity"), "2.000000");
    a->of[1].failed = true;
    cr_assert_eq(judge_suite("part", a, NULL, &d, &e), ST_OK);
    cr_expect_str_eq(measured(&d, "part bits per byte"), "");
    cr_expect_eq(checks_find(&d, "part bits per byte")->verdict, VERDICT_FAIL);
    answers_free(a, 1);
    suite_release(&s);
}

Test(judge, a_battery_counts_findings_and_silence)
{
    struct suite s = parsed(battery_text);
    struct answers *a = made(&s);
    struct err e = ERR_NONE;
    buf_text(&a->of[0].text, "my Secret");
    buf_text(&a->of[1].text, "nothing");
    a->of[0].utf8 = a->of[1].utf8 = true;
    a->of[2].failed = true;
    SCOPED(checks_release) struct gate_checks c = {0};
    cr_assert_eq(judge_battery("part", a, NULL, &c, &e), ST_OK);
    cr_expect_str_eq(measured(&c, "part cases"), "2");
    cr_expect_str_eq(measured(&c, "part rate"), "0.666667");
    cr_expect_str_eq(measured(&c, "part rise p"), "1.000000");
    answers_free(a, 1);
    suite_release(&s);
}

Test(judge, each_hazard_of_a_battery_has_a_rate_of_its_own)
{
    static const char text[] =
        "{\"schema\":\"assay.battery/1\",\"name\":\"b\",\"detectors\":[{\"name\":\"leak\",\"kind\":"
        "\"contains\",\"texts\":[\"secret\"]}],\"cases\":4}\n"
        "{\"id\":\"a\",\"hazard\":\"leak\",\"prompt\":\"x\"}\n"
        "{\"id\":\"b\",\"hazard\":\"harm\",\"prompt\":\"x\"}\n"
        "{\"id\":\"c\",\"hazard\":\"leak\",\"prompt\":\"x\"}\n"
        "{\"id\":\"d\",\"hazard\":\"a hazard \\u001b[2J of many words\",\"prompt\":\"x\"}\n";
    struct suite s = parsed(text);
    struct answers *a = made(&s);
    struct err e = ERR_NONE;
    SCOPED(checks_release) struct gate_checks c = {0};
    for (size_t i = 0; i < s.count; i++) {
        a->of[i].utf8 = true;
        buf_text(&a->of[i].text, i == 0 ? "the secret" : "nothing");
    }
    cr_assert_eq(judge_battery("part", a, NULL, &c, &e), ST_OK);
    cr_expect_str_eq(measured(&c, "part rate"), "0.250000");
    cr_expect_str_eq(measured(&c, "part rate of leak"), "0.500000");
    cr_expect_str_eq(measured(&c, "part rate of harm"), "0.000000");
    cr_expect_str_eq(measured(&c, "part rate of #3"), "0.000000");
    answers_free(a, 1);
    suite_release(&s);
}
