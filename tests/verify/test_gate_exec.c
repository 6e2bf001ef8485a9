/* The exec gate over real little programs: shell scripts that judge, crash, hang, fork, flood, lie
 * and print escapes, each in the sandbox and each with its stable code. */
#include "base/text.h"
#include "tests/support/verify_room.h"
#include "verify/gate_checks.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUITE                                                               \
    "{\"schema\":\"assay.suite/"                                            \
    "1\",\"name\":\"g\",\"kind\":\"exact\",\"chance\":\"0\",\"cases\":2}\n" \
    "{\"id\":\"a\",\"prompt\":\"ab\",\"expect\":\"x\"}\n"                   \
    "{\"id\":\"b\",\"prompt\":\"cd\",\"expect\":\"x\"}\n"

/* Counts its cases, and says what it was told. */
#define SAYS(cases, checks) \
    "echo '{\"schema\":\"assay.exec-result/1\",\"cases\":" cases ",\"checks\":[" checks "]}'\n"
#define PASSES "{\"name\":\"score\",\"result\":\"pass\",\"measured\":\"0.5\"}"
#define READS  "#!/bin/sh\nwhile read -r line; do :; done\n"

struct place {
    struct verify_room v;
    struct artifact a;
    char suite[DIGEST_TEXT];
};

static void keep_bytes(struct place *p, const char *label, struct span text, char hex[DIGEST_TEXT])
{
    struct err e = ERR_NONE;
    struct one_file f;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct digest d = digest_of(text);
    digest_text(&d, hex);
    one_file(&f, label, text);
    cr_assert_eq(verify_room_add(&p->v, &f, &out, &e), ST_OK, "%s", e.detail);
}

static void keep(struct place *p, const char *label, const char *text, char hex[DIGEST_TEXT])
{
    keep_bytes(p, label, span_text(text), hex);
}

static struct place made(void)
{
    struct place p = {.v = verify_room_make()};
    p.a = verify_room_model(&p.v);
    keep(&p, "suite", SUITE, p.suite);
    return p;
}

static void removed(struct place *p)
{
    artifact_release(&p->a);
    verify_room_remove(&p->v);
}

static void gated(struct place *p, const char *section, struct gate_result *out)
{
    struct err e = ERR_NONE;
    cr_assert_eq(
        gate_run(GATE_EXEC, p->v.r.s, &p->a, NULL, span_text(section), p->v.r.clock, NULL, out, &e),
        ST_OK, "%s: %s", err_code(&e), e.detail);
}

/* Runs one program, with the suite and `more` members in its section. */
static void judged(struct place *p, const char *program, const char *more, struct gate_result *out)
{
    char hex[DIGEST_TEXT], section[600];
    static unsigned n;
    char label[24];
    text_fmt(label, sizeof label, "program%u", n++);
    keep(p, label, program, hex);
    text_fmt(section, sizeof section,
             "{\"programs\":{\"x\":{%s\"sha256\":\"%s\",\"suite\":\"%s\"}}}", more, hex, p->suite);
    gated(p, section, out);
}

static const struct gate_check *check(const struct gate_result *r, const char *name)
{
    for (size_t i = 0; i < r->check_count; i++)
        if (text_equal(r->checks[i].name, name))
            return &r->checks[i];
    for (size_t i = 0; i < r->check_count; i++)
        (void)fprintf(stderr, "%s: %s\n", r->checks[i].name, r->checks[i].message);
    cr_assert_fail("there is no check \"%s\"", name);
    return NULL;
}

Test(gate_exec, a_program_reads_every_answer_and_its_measurement_meets_the_limit)
{
    struct place p = made();
    SCOPED(gate_result_release) struct gate_result low = {0}, high = {0};
    /* It counts lines and looks for what it has to be told. */
    static const char program[] =
        "#!/bin/sh\nn=0\nread -r head\n"
        "case $head in *'\"schema\":\"assay.exec/1\"'*'\"fd\":4'*'\"fd\":5'*) ;; *) exit 9 ;; "
        "esac\n"
        "while read -r line; do case $line in "
        "'{\"answer\":{\"id\":'*'\"case\":{\"expect\":\"x\"'*) n=$((n + 1)) ;; *) exit 8 ;; esac; "
        "done\n"
        "echo '{\"schema\":\"assay.exec-result/1\",\"cases\":'$n',\"checks\":[" PASSES "]}'\n";
    judged(&p, program, "\"min_cases\":2,\"score\":\"0.4\",", &low);
    cr_expect_eq(low.verdict, VERDICT_PASS, "%s", check(&low, "x program")->message);
    cr_expect_str_eq(check(&low, "x score")->measured, "0.5");
    cr_expect(strstr(low.sandbox, "landlock") != NULL && strstr(low.sandbox, "seccomp") != NULL);
    judged(&p, program, "\"score\":\"0.6\",", &high);
    cr_expect_eq(high.verdict, VERDICT_FAIL);
    cr_expect_eq(check(&high, "x score")->verdict, VERDICT_FAIL);
    cr_expect(strstr((const char *)high.cases.p, "\"exec\":\"x\"") != NULL,
              "no record of what it said");
    removed(&p);
}

Test(gate_exec, what_a_program_says_against_the_model_counts)
{
    struct place p = made();
    SCOPED(gate_result_release) struct gate_result r = {0};
    judged(&p,
           READS SAYS("2",
                      PASSES ",{\"name\":\"style\",\"result\":\"fail\",\"message\":\"too long\"}"),
           "", &r);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    cr_expect_str_eq(check(&r, "x style")->message, "too long");
    removed(&p);
}

Test(gate_exec, each_way_to_go_wrong_has_its_code, .timeout = 120)
{
    static const struct {
        const char *program, *check, *code;
    } all[] = {
        {"#!/bin/sh\nwhile :; do :; done\n", "x program", "exec-cpu: "},
        {READS "read -r never </dev/zero\n", "x program", "exec-exit: "},
        {"#!/bin/sh\n(echo child) &\n", "x program", "exec-forbidden: "},
        {"#!/bin/sh\nls /\n", "x program", "exec-forbidden: "},
        {"#!/bin/sh\nwhile :; do echo flooooooooooooooooooooooooooooooooooooooooooooood; done\n",
         "x program", "exec-flood: "},
        {READS "exit 3\n", "x program", "exec-exit: "},
        {"no program at all\n", "x program", "exec-program: "},
        {READS, "x answer", "exec-silent: "},
        {READS "echo fine\n", "x answer", "exec-json: "},
        {READS SAYS("2", PASSES) SAYS("2", PASSES), "x answer", "exec-json: "},
        {READS "echo '{\"schema\":\"other/1\",\"cases\":2,\"checks\":[]}'\n", "x answer",
         "exec-schema: "},
        {READS SAYS("3", PASSES), "x answer", "exec-cases: "},
        {READS SAYS("2", ""), "x answer", "exec-check: "},
        {READS SAYS("2", "{\"name\":\"a\",\"result\":\"great\"}"), "x answer", "exec-check: "},
        {READS SAYS("2", "{\"name\":\"a\",\"result\":\"pass\",\"measured\":\"1e9\"}"), "x answer",
         "exec-check: "},
        {READS SAYS("2", "{\"name\":\"a\",\"result\":\"pass\",\"more\":1}"), "x answer",
         "exec-check: "},
        {READS SAYS("2", "{\"name\":\"../a\",\"result\":\"pass\"}"), "x answer", "exec-check: "},
        {READS SAYS("2", PASSES "," PASSES), "x answer", "exec-duplicate: "},
        {READS SAYS("2", "{\"name\":\"a\",\"result\":\"pass\",\"message\":\"\\u001b[2Jgone\"}"),
         "x answer", "exec-control: "},
        {READS "printf '\\033[2J'\n", "x answer", "exec-json: "},
    };
    struct place p = made();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        SCOPED(gate_result_release) struct gate_result r = {0};
        judged(&p, all[i].program, "\"seconds\":1,", &r);
        const struct gate_check *c = check(&r, all[i].check);
        cr_expect_eq(r.verdict, VERDICT_FAIL, "%s: %s", all[i].code, verdict_name(r.verdict));
        const bool busy = i == 0 && strncmp(c->message, "exec-hang: ", 11) == 0; /* no processor */
        cr_expect(busy || strncmp(c->message, all[i].code, strlen(all[i].code)) == 0,
                  "%zu: %s says \"%s\"", i, all[i].code, c->message);
        cr_expect(memchr(c->message, '\x1b', strlen(c->message)) == NULL);
    }
    removed(&p);
}

/* The smallest program there is: an ELF header, a segment, and an instruction that is none. */
static const uint8_t broken[] =
    {
        0x7f, 'E', 'L', 'F', 2,    1, 1,    0, 0, 0,    0, 0, 0,    0, 0,  0, 2,    0,   0x3e, 0,
        1,    0,   0,   0,   0x78, 0, 0x40, 0, 0, 0,    0, 0, 64,   0, 0,  0, 0,    0,   0,    0,
        0,    0,   0,   0,   0,    0, 0,    0, 0, 0,    0, 0, 64,   0, 56, 0, 1,    0,   0,    0,
        0,    0,   0,   0, /* program header: */
        1,    0,   0,   0,   5,    0, 0,    0, 0, 0,    0, 0, 0,    0, 0,  0, 0,    0,   0x40, 0,
        0,    0,   0,   0,   0,    0, 0x40, 0, 0, 0,    0, 0, 0x7a, 0, 0,  0, 0,    0,   0,    0,
        0x7a, 0,   0,   0,   0,    0, 0,    0, 0, 0x10, 0, 0, 0,    0, 0,  0, 0x0f, 0x0b};

Test(gate_exec, a_crash_names_its_signal)
{
    struct place p = made();
    char hex[DIGEST_TEXT], section[300];
    SCOPED(gate_result_release) struct gate_result r = {0};
    keep_bytes(&p, "broken", SPAN(broken, sizeof broken), hex);
    text_fmt(section, sizeof section, "{\"programs\":{\"x\":{\"sha256\":\"%s\"}}}", hex);
    gated(&p, section, &r);
    cr_expect_eq(r.verdict, VERDICT_FAIL);
    const char *says = check(&r, "x program")->message;
    cr_expect(strncmp(says, "exec-crash: ", 12) == 0 && strstr(says, "SIGILL") != NULL, "%s", says);
    removed(&p);
}

Test(gate_exec, a_program_that_waits_is_ended_by_the_clock, .timeout = 60)
{
    struct place p = made();
    SCOPED(gate_result_release) struct gate_result r = {0};
    if (access("/usr/bin/python3", X_OK) != 0)
        cr_skip_test("no Python");
    judged(&p, "#!/usr/bin/python3 -IS\nimport time\ntime.sleep(60)\n", "\"seconds\":1,", &r);
    const char *says = check(&r, "x program")->message;
    cr_expect(strncmp(says, "exec-hang: ", 11) == 0, "%s", says);
    removed(&p);
}

Test(gate_exec, a_program_with_a_language_at_hand_gets_no_further, .timeout = 120)
{
    static const char *const attempts[] = {
        "os.fork()",
        "__import__('_socket').socket()",
        "os.kill(os.getppid(), 0)",
        "os.setuid(0)",
        "os.posix_spawn('/usr/bin/true', ['true'], {})",
        "os.memfd_create('x')",
        "os.chroot('/usr')",
    };
    struct place p = made();
    if (access("/usr/bin/python3", X_OK) != 0)
        cr_skip_test("no Python");
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        SCOPED(gate_result_release) struct gate_result r = {0};
        char program[400];
        text_fmt(program, sizeof program,
                 "#!/usr/bin/python3 -IS\nimport os, sys\nsys.stdin.read()\n%s\n"
                 "print('{\"schema\":\"assay.exec-result/1\",\"cases\":2,\"checks\":[" PASSES
                 "]}')\n",
                 attempts[i]);
        judged(&p, program, "", &r);
        const char *says = check(&r, "x program")->message;
        cr_expect(strncmp(says, "exec-forbidden: ", 16) == 0, "%s: %s", attempts[i], says);
    }
    removed(&p);
}

Test(gate_exec, a_program_can_read_the_model_and_nothing_of_the_user_s)
{
    struct place p = made();
    struct gate_result r = {0};
    /* What it cannot open stays empty; it would leave with 7 if it were not so. */
    judged(&p,
           READS "read -r magic <&4\n[ -n \"$magic\" ] || exit 9\n"
                 "read -r line </etc/passwd\n[ -z \"$line\" ] || exit 7\n"
                 "read -r line </proc/self/environ\n[ -z \"$line\" ] || exit 7\n"
                 "echo mine >/tmp/assay-exec-wrote\necho mine >/dev/shm/assay-exec-wrote\n" SAYS(
                     "2", PASSES),
           "", &r);
    cr_expect_eq(r.verdict, VERDICT_PASS, "%s", check(&r, "x program")->message);
    cr_expect(access("/tmp/assay-exec-wrote", F_OK) != 0);
    cr_expect(access("/dev/shm/assay-exec-wrote", F_OK) != 0);
    gate_result_release(&r);
    removed(&p);
}

Test(gate_exec, a_program_without_a_suite_is_told_so_and_a_missing_one_is_no_verdict)
{
    struct place p = made();
    char hex[DIGEST_TEXT], section[400];
    SCOPED(gate_result_release) struct gate_result r = {0}, missing = {0};
    keep(&p, "bytes",
         "#!/bin/sh\nread -r head\ncase $head in *'\"suite\":null'*) ;; *) exit 9 ;; esac\n" SAYS(
             "0", PASSES),
         hex);
    text_fmt(section, sizeof section, "{\"programs\":{\"bytes\":{\"sha256\":\"%s\"}}}", hex);
    gated(&p, section, &r);
    cr_expect_eq(r.verdict, VERDICT_PASS, "%s", check(&r, "bytes program")->message);
    memset(hex, '0', 64);
    text_fmt(section, sizeof section, "{\"programs\":{\"bytes\":{\"sha256\":\"%s\"}}}", hex);
    gated(&p, section, &missing);
    cr_expect_eq(missing.verdict, VERDICT_ERROR);
    cr_expect(strncmp(check(&missing, "bytes")->message, "exec-missing: ", 14) == 0);
    removed(&p);
}
