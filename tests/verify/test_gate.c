#include "base/text.h"
#include "runtime/budget.h"
#include "tests/support/ascii_model.h"
#include "tests/support/verify_room.h"
#include "verify/gate_checks.h"
#include <criterion/criterion.h>
#include <string.h>

static const struct gate_check *check(const struct gate_result *r, const char *name)
{
    for (size_t i = 0; i < r->check_count; i++)
        if (text_equal(r->checks[i].name, name))
            return &r->checks[i];
    cr_assert_fail("there is no check \"%s\"", name);
    return NULL;
}

static void explain(const struct gate_result *r)
{
    for (size_t i = 0; i < r->check_count; i++)
        cr_expect(r->checks[i].verdict == VERDICT_PASS, "%s: %s: %s", r->checks[i].name,
                  verdict_name(r->checks[i].verdict), r->checks[i].message);
}

static void run(struct verify_room *v, enum gate g, const struct artifact *a, const char *section,
                struct gate_result *out)
{
    struct err e = ERR_NONE;
    cr_assert_eq(gate_run(g, v->r.s, a, NULL, span_text(section), v->r.clock, NULL, out, &e), ST_OK,
                 "%s: %s", err_code(&e), e.detail);
}

/* ---- the list ----------------------------------------------------------------------------- */

Test(gate, a_number_is_plain_decimal_text)
{
    uint64_t n;
    static const char *const good[] = {"0", "12", "12.345", "999999999999", "0.000001"};
    static const char *const bad[] = {
        "",    "-1", "+1", " 1",   "1 ",    "1e3",       "nan", "inf",      "0x10",
        "1,5", "1.", ".5", "1..2", "1.2.3", "1.2345678", "1_0", "\xd9\xa1", "9999999999999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(decimal_read(good[i], &n), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(decimal_read(bad[i], &n), "%s", bad[i]);
    cr_expect(decimal_read("12.5", &n) && n == 12500000u);
}

Test(gate, the_worst_check_decides_and_nothing_proves_nothing)
{
    struct gate_check c[3] = {
        {.verdict = VERDICT_PASS}, {.verdict = VERDICT_PASS}, {.verdict = VERDICT_PASS}};
    cr_expect_eq(checks_worst(c, 0), VERDICT_ERROR);
    cr_expect_eq(checks_worst(c, 3), VERDICT_PASS);
    c[1].verdict = VERDICT_INCONCLUSIVE;
    cr_expect_eq(checks_worst(c, 3), VERDICT_INCONCLUSIVE);
    c[0].verdict = VERDICT_FAIL;
    cr_expect_eq(checks_worst(c, 3), VERDICT_FAIL);
    c[2].verdict = VERDICT_NONE;
    cr_expect_eq(checks_worst(c, 3), VERDICT_ERROR);
}

/* ---- structural --------------------------------------------------------------------------- */

Test(gate, structural_passes_a_sound_model_and_says_what_it_measured)
{
    SCOPED(gate_result_release) struct gate_result r = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    run(&v, GATE_STRUCTURAL, &a, "{}", &r);
    explain(&r);
    cr_expect_eq(r.verdict, VERDICT_PASS);
    cr_expect_eq(strncmp(r.sandbox, "seccomp", 7), 0, "%s", r.sandbox);
    static const char *const names[] = {
        "digest",    "size",           "container",     "manifest",        "tokenizer",   "license",
        "budget kv", "budget scratch", "budget logits", "budget transfer", "budget total"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check(&r, names[i]);
    char text[32];
    text_fmt(text, sizeof text, "%llu", (unsigned long long)a.manifest.files[0].bytes);
    cr_expect_str_eq(check(&r, "budget transfer")->measured, text);
    cr_expect_str_eq(check(&r, "budget logits")->measured, "1040");
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, structural_holds_the_model_against_each_budget)
{
    static const char *const budgets[] = {"transfer", "scratch", "kv", "logits", "total"};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        char section[100], name[32];
        SCOPED(gate_result_release) struct gate_result r = {0};
        text_fmt(section, sizeof section, "{\"budgets\":{\"%s_bytes\":7}}", budgets[i]);
        text_fmt(name, sizeof name, "budget %s", budgets[i]);
        run(&v, GATE_STRUCTURAL, &a, section, &r);
        cr_expect_eq(r.verdict, VERDICT_FAIL, "%s", budgets[i]);
        cr_expect_str_eq(check(&r, name)->limit, "7");
        cr_expect_not_null(strstr(check(&r, name)->message, "is false"), "%s",
                           check(&r, name)->message);
    }
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, structural_fails_a_manifest_that_states_another_fact)
{
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    SCOPED(gate_result_release) struct gate_result r = {0};
    a.manifest.model.parameters++;
    run(&v, GATE_STRUCTURAL, &a, "{}", &r);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    cr_expect_not_null(strstr(check(&r, "manifest")->message, "model.parameters"));
    SCOPED(gate_result_release) struct gate_result again = {0};
    a.manifest.model.parameters--;
    a.manifest.model.tokenizer_sha256.b[5] ^= 1;
    run(&v, GATE_STRUCTURAL, &a, "{}", &again);
    cr_expect_eq(check(&again, "tokenizer")->verdict, VERDICT_FAIL);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, structural_fails_bytes_that_are_not_the_format_they_are_said_to_be)
{
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    SCOPED(gate_result_release) struct gate_result r = {0};
    memcpy(a.manifest.model.format, "gguf", 5);
    run(&v, GATE_STRUCTURAL, &a, "{}", &r);
    cr_expect_eq(check(&r, "container")->verdict, VERDICT_FAIL);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, structural_fails_content_that_the_store_cannot_give)
{
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    SCOPED(gate_result_release) struct gate_result r = {0};
    a.manifest.files[0].sha256.b[0] ^= 1;
    run(&v, GATE_STRUCTURAL, &a, "{}", &r);
    cr_expect_eq(check(&r, "digest")->verdict, VERDICT_FAIL);
    SCOPED(gate_result_release) struct gate_result smoke = {0};
    run(&v, GATE_SMOKE, &a, "{}", &smoke);
    cr_expect_eq(smoke.verdict, VERDICT_FAIL);
    artifact_release(&a);
    verify_room_remove(&v);
}

/* ---- smoke -------------------------------------------------------------------------------- */

Test(gate, smoke_passes_a_model_that_loads_and_generates)
{
    SCOPED(gate_result_release) struct gate_result r = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    run(&v, GATE_SMOKE, &a,
        "{\"limits\":{\"load_ms\":60000,\"peak_bytes\":8589934592},\"repeats\":3,\"tokens\":8}",
        &r);
    explain(&r);
    cr_expect_eq(r.verdict, VERDICT_PASS);
    static const char *const names[] = {"load",
                                        "allocation scratch",
                                        "allocation kv",
                                        "allocation logits",
                                        "generation",
                                        "greedy repeats",
                                        "after reset",
                                        "continuation",
                                        "context overflow",
                                        "nothing to prefill",
                                        "no tokens asked for",
                                        "bad UTF-8",
                                        "bad sampling",
                                        "failed replacement",
                                        "load time",
                                        "first token",
                                        "tokens per second",
                                        "peak memory"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check(&r, names[i]);
    cr_expect_str_eq(check(&r, "load time")->limit, "60000");
    cr_expect_not_null(strstr(check(&r, "greedy repeats")->message, "3 of 3"));
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, smoke_holds_what_it_measured_against_the_limits)
{
    SCOPED(gate_result_release) struct gate_result r = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    run(&v, GATE_SMOKE, &a, "{\"limits\":{\"tokens_per_second\":1000000,\"peak_bytes\":1}}", &r);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    cr_expect_eq(check(&r, "tokens per second")->verdict, VERDICT_FAIL);
    cr_expect_not_null(strstr(check(&r, "tokens per second")->message, "≥ 1000000"));
    cr_expect_eq(check(&r, "peak memory")->verdict, VERDICT_FAIL);
    cr_expect_eq(check(&r, "generation")->verdict, VERDICT_PASS);
    artifact_release(&a);
    verify_room_remove(&v);
}

/* Admitted as text, then stated to be a model: the child has to load something that is none. */
Test(gate, smoke_fails_bytes_that_do_not_load)
{
    struct err e = ERR_NONE;
    struct one_file f;
    SCOPED(gate_result_release) struct gate_result r = {0};
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    one_file(&f, "notes.txt", span_text("these are no tensors at all"));
    cr_assert_eq(verify_room_add(&v, &f, &out, &e), ST_OK);
    a.manifest.files[0].sha256 = out.content.sha256;
    a.manifest.files[0].bytes = out.content.bytes;
    run(&v, GATE_SMOKE, &a, "{}", &r);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    cr_expect_eq(check(&r, "load")->verdict, VERDICT_FAIL);
    artifact_release(&a);
    verify_room_remove(&v);
}

/* ---- what no gate takes -------------------------------------------------------------------- */

Test(gate, a_rule_that_the_gate_does_not_know_is_not_overlooked)
{
    static const char *const sections[] = {"{\"budgets\":{\"kv\":1}}",
                                           "{\"budget\":1}",
                                           "{\"limits\":{}, \"x\":{\"y\":1}}",
                                           "{\"budgets\":{\"kv_bytes\":\"1\"}}",
                                           "[]",
                                           "{\"tokens\":1}"};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct err e = ERR_NONE;
        SCOPED(gate_result_release) struct gate_result r = {0};
        cr_expect_eq(gate_run(GATE_STRUCTURAL, v.r.s, &a, NULL, span_text(sections[i]), v.r.clock,
                              NULL, &r, &e),
                     ST_CONFIG, "%s", sections[i]);
    }
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, what_is_no_gate_is_not_run)
{
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    static const enum gate none[] = {GATE_NONE, GATE_COUNT};
    for (size_t i = 0; i < 2; i++) {
        struct err e = ERR_NONE;
        SCOPED(gate_result_release) struct gate_result r = {0};
        cr_expect_eq(gate_run(none[i], v.r.s, &a, NULL, span_text("{}"), v.r.clock, NULL, &r, &e),
                     ST_UNSUPPORTED);
    }
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(gate, what_is_opaque_is_never_gated)
{
    struct err e = ERR_NONE;
    struct one_file f;
    struct artifact a;
    SCOPED(gate_result_release) struct gate_result r = {0};
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    one_file(&f, "notes.txt", span_text("words"));
    cr_assert_eq(verify_room_add(&v, &f, &out, &e), ST_OK);
    cr_assert_eq(artifact_open(v.r.s, v.trust, &out.artifact, v.now, &a, &e), ST_OK);
    cr_expect_eq(
        gate_run(GATE_STRUCTURAL, v.r.s, &a, NULL, span_text("{}"), v.r.clock, NULL, &r, &e),
        ST_USAGE);
    cr_expect_str_eq(err_code(&e), "opaque");
    artifact_release(&a);
    verify_room_remove(&v);
}
