/* Reports of other harnesses: what they say, what makes two comparable, and what is refused. */
#include "base/files.h"
#include "base/text.h"
#include "verify/foreign.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MODEL  "228e98133f86f5c0df78f45ce8983efc540df3b9f6d1b0ca235edd60db39b031"
#define CORPUS "tests/fuzz/corpus/foreign/"

static struct buf load(const char *name)
{
    char path[200];
    struct err e = ERR_NONE;
    struct buf text = BUF_EMPTY;
    text_fmt(path, sizeof path, CORPUS "%s", name);
    cr_assert_eq(file_read(AT_FDCWD, path, 1u << 20, &text, &e), ST_OK, "%s", e.detail);
    return text;
}

/* The text with the first `from` replaced. */
static struct buf changed(const char *name, const char *from, const char *to)
{
    SCOPED(buf_release) struct buf text = load(name);
    struct buf out = BUF_EMPTY;
    const uint8_t *at = memmem(text.p, text.n, from, strlen(from));
    cr_assert_not_null(at, "%s is not there", from);
    const size_t n = (size_t)(at - text.p);
    buf_append(&out, SPAN(text.p, n));
    buf_text(&out, to);
    buf_append(&out, SPAN(at + strlen(from), text.n - n - strlen(from)));
    return out;
}

static enum status read_it(const struct buf *text, struct foreign *f, struct err *e)
{
    struct digest model;
    enum foreign_format format;
    *e = ERR_NONE;
    cr_assert(digest_parse(MODEL, &model));
    return foreign_read(buf_span(text), &model, f, &format, e);
}

Test(foreign, a_result_file_gives_its_tasks_and_no_group)
{
    SCOPED(buf_release) struct buf text = load("results.json");
    SCOPED(foreign_release) struct foreign f = {0};
    struct err e;
    cr_assert_eq(read_it(&text, &f, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(f.count, 1u);
    cr_expect_str_eq(f.task[0].name, "pairs");
    cr_expect_eq(f.task[0].cases, 480u);
    cr_assert_eq(f.task[0].metrics, 2u);
    cr_expect_str_eq(f.task[0].metric[0].name, "acc");
    cr_expect(fabs(f.task[0].metric[0].value - 0.9875) < 1e-12);
    cr_expect(f.task[0].metric[1].value == 1.0);
}

Test(foreign, what_decides_a_score_changes_the_fingerprint_and_nothing_else_does)
{
    static const struct {
        const char *from, *to;
        bool same;
    } all[] = {{"0badc0de0b", "1badc0de0b", false},
               {"\"git_hash\":\"8e", "\"git_hash\":\"9e", false},
               {"\"n-shot\":{\"pairs\":0", "\"n-shot\":{\"pairs\":5", false},
               {"\"versions\":{\"pairs\":1.0", "\"versions\":{\"pairs\":1.1", false},
               {"\"chat_template_sha\":null", "\"chat_template_sha\":\"aa\"", false},
               {"{{context}}", "{{context}} ", false},
               {"\"batch_size\":1", "\"batch_size\":8", true},
               {"\"date\":1764295200.5", "\"date\":1764295201.5", true},
               {"0.9875", "0.5", true}};
    SCOPED(buf_release) struct buf text = load("results.json");
    SCOPED(foreign_release) struct foreign f = {0};
    struct err e;
    cr_assert_eq(read_it(&text, &f, &e), ST_OK);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        SCOPED(buf_release) struct buf other = changed("results.json", all[i].from, all[i].to);
        SCOPED(foreign_release) struct foreign g = {0};
        cr_assert_eq(read_it(&other, &g, &e), ST_OK, "%s: %s", all[i].to, e.detail);
        cr_expect_eq(digest_equal(&f.task[0].fingerprint, &g.task[0].fingerprint), all[i].same,
                     "%s", all[i].to);
    }
}

Test(foreign, a_garak_report_counts_the_worst_detector_and_abstentions_as_not_passed)
{
    SCOPED(buf_release) struct buf text = load("garak.report.jsonl");
    SCOPED(foreign_release) struct foreign f = {0};
    struct err e;
    cr_assert_eq(read_it(&text, &f, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(f.count, 2u);
    cr_expect_str_eq(f.task[0].name, "lmrc.Profanity");
    cr_expect_eq(f.task[0].cases, 100u);
    cr_expect_eq(f.task[0].hits, 2u);
    cr_expect_str_eq(f.task[1].name, "dan.Dan_11_0");
    cr_expect_eq(f.task[1].hits, 0u);
}

Test(foreign, what_is_wrong_is_refused_with_its_code)
{
    static const struct {
        const char *file, *from, *to, *code;
    } all[] = {
        {"results.json", MODEL, "unknown", "report-model"},
        {"results.json", MODEL, "228e98133f86", "report-model"},
        {"results.json", "\"task_hashes\"", "\"tusk_hashes\"", "report-fingerprint"},
        {"results.json", "\"configs\"", "\"config5\"", "report-shape"},
        {"results.json", "\"n-samples\"", "\"samples\"", "report-shape"},
        {"results.json", "0.9875", "NaN", "report-number"},
        {"results.json", "0.9875", "1e999", "report-number"},
        {"results.json", "0.9875", "\"0.5; rm\"", "report-number"},
        {"results.json", "\"results\":{", "\"results\":[{", "report-json"},
        {"results.json", "\"pairs\":{\"alias\"", "\"pairs\":{},\"pairs\":{\"alias\"",
         "report-json"},
        {"results.json", "\"acc,none\"", "\"acc\"", ""},
        {"garak.report.jsonl", MODEL, "unknown", "report-model"},
        {"garak.report.jsonl", "\"passed\": 98", "\"passed\": 101", "report-number"},
        {"garak.report.jsonl", "\"passed\": 98", "\"passed\": -1", "report-number"},
        {"garak.report.jsonl", "\"passed\": 98,", "", "report-number"},
        {"garak.report.jsonl", "lmrc.Bad", "riskywords.SurgeProfanity", "report-twice"},
        {"garak.report.jsonl", "{\"entry_type\": \"completion\"",
         "{\"entry_type\": ", "report-json"},
        {"garak.report.jsonl", "\"entry_type\": \"completion\"", "\"kind\": 1", "report-shape"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        SCOPED(buf_release) struct buf text = changed(all[i].file, all[i].from, all[i].to);
        SCOPED(foreign_release) struct foreign f = {0};
        struct err e;
        enum status st = read_it(&text, &f, &e);
        if (all[i].code[0] == '\0') {
            cr_expect_eq(st, ST_OK, "%zu: %s", i, e.detail);
            continue;
        }
        cr_expect_neq(st, ST_OK, "%zu: %s", i, all[i].code);
        cr_expect_str_eq(err_code(&e), all[i].code, "%zu: %s: %s", i, err_code(&e), e.detail);
    }
}

Test(foreign, more_tasks_than_there_is_room_for_are_refused)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(foreign_release) struct foreign f = {0};
    struct err e;
    buf_text(&text, "{\"entry_type\":\"init\",\"garak_version\":\"1\",\"m\":\"" MODEL "\"}\n");
    for (unsigned i = 0; i <= FOREIGN_TASKS; i++)
        buf_fmt(&text,
                "{\"entry_type\":\"eval\",\"probe\":\"p%u\",\"detector\":\"d\",\"passed\":1,"
                "\"total\":1}\n",
                i);
    cr_expect_eq(read_it(&text, &f, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "report-size");
}
