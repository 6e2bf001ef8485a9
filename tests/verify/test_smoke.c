#include "base/text.h"
#include "verify/smoke.h"
#include <criterion/criterion.h>
#include <string.h>

static const char *const names[] = {"load",
                                    "load time",
                                    "allocation scratch",
                                    "allocation kv",
                                    "allocation logits",
                                    "generation",
                                    "first token",
                                    "greedy repeats",
                                    "after reset",
                                    "continuation",
                                    "context overflow",
                                    "nothing to prefill",
                                    "no tokens asked for",
                                    "bad UTF-8",
                                    "bad sampling",
                                    "failed replacement"};
#define NAMES (sizeof names / sizeof names[0])

/* An answer that leaves out `without` and tells of `extra` as well (NULL: neither). */
static void answer(const char *without, const char *extra, struct buf *out)
{
    struct json_out j = json_out(out);
    json_array(&j);
    for (size_t i = 0; i <= NAMES; i++) {
        const char *name = i < NAMES ? names[i] : extra;
        if (name == NULL || (without != NULL && i < NAMES && text_equal(name, without)))
            continue;
        struct gate_check c = {.verdict = VERDICT_PASS, .message = "fine"};
        text_fmt(c.name, sizeof c.name, "%s", name);
        check_write(&c, &j);
    }
    json_close(&j);
}

static void expect_answer_fails(struct span text, const char *what)
{
    SCOPED(checks_release) struct gate_checks checks = {0};
    smoke_read(text, &checks);
    const struct gate_check *c = checks_find(&checks, "answer");
    cr_expect_not_null(c, "%s", what);
    cr_expect(c != NULL && c->verdict == VERDICT_FAIL, "%s", what);
    cr_expect_neq(checks_worst(checks.p, checks.n), VERDICT_PASS, "%s", what);
}

Test(smoke, a_whole_answer_passes)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(checks_release) struct gate_checks checks = {0};
    answer(NULL, NULL, &text);
    smoke_read(buf_span(&text), &checks);
    cr_expect_eq(checks.n, NAMES);
    cr_expect_eq(checks_worst(checks.p, checks.n), VERDICT_PASS);
}

Test(smoke, no_check_may_be_left_out)
{
    for (size_t i = 0; i < NAMES; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        answer(names[i], NULL, &text);
        expect_answer_fails(buf_span(&text), names[i]);
    }
    expect_answer_fails(span_text("[]"), "none at all");
}

Test(smoke, no_check_may_be_told_twice_or_made_up)
{
    static const char *const extras[] = {"load",  "generation", "peak memory",
                                         "child", "answer",     "made up"};
    for (size_t i = 0; i < sizeof extras / sizeof extras[0]; i++) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        answer(NULL, extras[i], &text);
        expect_answer_fails(buf_span(&text), extras[i]);
    }
}

Test(smoke, an_answer_is_one_array_of_well_formed_checks)
{
    SCOPED(buf_release) struct buf twice = BUF_EMPTY;
    answer(NULL, NULL, &twice);
    answer(NULL, NULL, &twice);
    expect_answer_fails(buf_span(&twice), "two answers");
    static const char *const odd[] = {
        "",
        "{}",
        "null",
        "[null]",
        "[{\"name\":\"load\"}]",
        "[{\"limit\":\"\",\"measured\":\"NaN\",\"message\":\"\",\"name\":\"load\",\"unit\":\"\","
        "\"verdict\":\"pass\"}]",
        "[{\"limit\":\"\",\"measured\":\"\",\"message\":\"\",\"name\":\"load\",\"unit\":\"\","
        "\"verdict\":\"PASS\"}]",
        "[{\"limit\":\"\",\"measured\":\"\",\"message\":\"\",\"name\":\"load\",\"unit\":\"\","
        "\"verdict\":\"none\"}]",
        "[{\"limit\":\"\",\"measured\":\"\",\"message\":\"\",\"name\":\"load\",\"unit\":\"\","
        "\"verdict\":\"pass\",\"x\":1}]"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        expect_answer_fails(span_text(odd[i]), odd[i]);
}

Test(smoke, what_does_not_load_need_not_tell_more)
{
    SCOPED(checks_release) struct gate_checks checks = {0};
    smoke_read(
        span_text(
            "[{\"limit\":\"\",\"measured\":\"\",\"message\":\"no\",\"name\":\"load\",\"unit\":\"\","
            "\"verdict\":\"fail\"}]"),
        &checks);
    cr_expect_eq(checks.n, 1u);
    cr_expect_eq(checks_worst(checks.p, checks.n), VERDICT_FAIL);
}

Test(smoke, what_a_child_says_stays_text_and_marks_are_no_answer)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(checks_release) struct gate_checks checks = {0};
    answer(NULL, NULL, &text);
    /* Marks of a trail within the answer, a flood of them, a mark that is none. */
    static const char *const odd[] = {"\x01[]", "[\x04]", "\x0b\x0b\x0b", "\x1f[]", "[]\x0b"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        expect_answer_fails(span_text(odd[i]), odd[i]);
    /* Escape sequences come as far as a check's message, where whoever prints it escapes them. */
    static const char escapes[] =
        "[{\"limit\":\"\",\"measured\":\"\",\"message\":\"\\u001b]0;owned\\u0007\",\"name\":"
        "\"load\",\"unit\":\"\",\"verdict\":\"fail\"}]";
    smoke_read(span_text(escapes), &checks);
    cr_assert_eq(checks.n, 1u);
    cr_expect_str_eq(checks.p[0].message, "\x1b]0;owned\x07");
}
