#include "base/text.h"
#include "verify/incident.h"
#include "verify/trail.h"
#include <criterion/criterion.h>
#include <string.h>

static struct incident whole(void)
{
    struct incident i = {.time = 1767323045, .command = "run", .elapsed_ms = 12};
    struct err e = ERR_NONE;
    (void)err_set(&e, ST_CONTEXT_EXCEEDED, "context-exceeded", "the text has 101 tokens");
    incident_fail(&i, STAGE_CONTEXT, &e);
    i.artifact = digest_of(span_text("artifact"));
    i.content = digest_of(span_text("content"));
    i.program = digest_of(span_text("program"));
    text_fmt(i.artifact_name, sizeof i.artifact_name, "tiny");
    text_fmt(i.version, sizeof i.version, "1");
    text_fmt(i.channel, sizeof i.channel, "stable");
    i.sampled = true;
    i.sampling = (struct sampling){.temperature = 0.5f, .top_k = 40, .top_p = 1, .seed = 7};
    i.max_new_tokens = 256;
    return i;
}

static struct buf written(const struct incident *i)
{
    struct buf out = BUF_EMPTY;
    incident_write(i, &out);
    cr_assert_eq(buf_status(&out), ST_OK);
    return out;
}

static enum status read_back(struct span text, struct incident *out, struct err *e)
{
    *e = ERR_NONE;
    return incident_read(text, out, e);
}

Test(incident, what_was_written_is_read_back)
{
    static const char *const prompts[] = {"Once", "a \"quote\"\n\x1b[2J", "\xff\xfe no text", ""};
    for (size_t k = 0; k < 4; k++)
        for (int policy = PROMPT_LENGTH; policy <= PROMPT_FULL; policy++) {
            struct err e = ERR_NONE;
            struct incident i = whole(), back;
            cr_assert_eq(incident_prompt(&i, (enum prompt_policy)policy, span_text(prompts[k]), &e),
                         ST_OK);
            SCOPED(buf_release) struct buf text = written(&i);
            cr_assert_eq(read_back(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
            SCOPED(buf_release) struct buf again = written(&back);
            cr_expect(span_equal(buf_span(&text), buf_span(&again)), "%.*s", (int)again.n,
                      (const char *)again.p);
            cr_expect_eq(back.prompt.bytes, strlen(prompts[k]));
            if (policy == PROMPT_FULL)
                cr_expect(span_equal(buf_span(&back.prompt.text), span_text(prompts[k])));
            incident_release(&i);
            incident_release(&back);
        }
}

Test(incident, a_gates_own_part_is_read_back)
{
    struct err e;
    struct incident i = whole(), back;
    i.gate = (struct incident_gate){.gate = GATE_SMOKE, .verdict = VERDICT_FAIL, .check_count = 1};
    i.gate.evidence = digest_of(span_text("evidence"));
    i.gate.checks[0] = (struct gate_check){
        .name = "child", .verdict = VERDICT_FAIL, .message = "was killed by signal 9 (SIGKILL)"};
    incident_number(&i, INCIDENT_WORKER_LOST);
    text_fmt(i.command, sizeof i.command, "gate");
    SCOPED(buf_release) struct buf text = written(&i);
    cr_assert_eq(read_back(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(back.gate.gate, GATE_SMOKE);
    cr_expect_eq(back.gate.check_count, 1u);
    cr_expect_str_eq(back.gate.checks[0].message, "was killed by signal 9 (SIGKILL)");
}

/* One text in the file replaced by another. */
static struct buf changed(const char *from, const char *to)
{
    struct incident i = whole();
    SCOPED(buf_release) struct buf text = written(&i);
    struct buf out = BUF_EMPTY;
    buf_byte(&text, 0);
    const char *at = strstr((const char *)text.p, from);
    cr_assert_not_null(at, "%s", from);
    buf_append(&out, SPAN(text.p, (size_t)(at - (const char *)text.p)));
    buf_text(&out, to);
    buf_text(&out, at + strlen(from));
    return out;
}

Test(incident, hostile_files_are_refused_by_name)
{
    static const struct {
        const char *from, *to, *code;
    } rows[] = {
        {"assay.incident/1", "assay.incident/2", "incident-schema"},
        {"\"command\":\"run\"", "\"command\":\"rm -rf\"", "incident-command"},
        {"\"stage\":\"context\"", "\"stage\":\"nowhere\"", "incident-stage"},
        {"\"stage\":\"context\"", "\"stage\":7", "incident-kind"},
        {"\"code\":11", "\"code\":-1", "incident-number"},
        {"\"code\":11", "\"code\":1000", "incident-number"},
        {"\"code\":11", "\"code\":1e3", "incident-number"},
        {"\"code\":11", "\"code\":1e999", "json-syntax"},
        {"\"code\":11", "\"code\":11,\"code\":12", "json-duplicate-key"},
        {"\"name\":\"ContextExceeded\"", "\"name\":\"\\u001b[2J\"", "incident-word"},
        {"\"name\":\"tiny\"", "\"name\":\"$(id)\"", "incident-name"},
        {"\"name\":\"tiny\"", "\"name\":\"../../etc\"", "incident-name"},
        {"\"channel\":\"stable\"", "\"channel\":\"\\u202e\"", "incident-word"},
        {"\"elapsed_ms\":12", "\"elapsed_ms\":null", "incident-number"},
        {"\"elapsed_ms\":12", "\"elapsed_ms\":9007199254740991", "incident-number"},
        {"\"top_k\":40", "\"top_k\":1e300", "incident-number"},
        {"\"diagnostics\":null", "\"diagnostics\":[]", "incident-object"},
        {"\"diagnostics\":null", "\"diagnostics\":null,\"more\":1", "incident-member"},
        {"\"browser\":null", "\"browser\":null,\"path\":\"/etc\"", "incident-member"},
        {"\"policy\":\"length\"", "\"policy\":\"all\"", "incident-prompt"},
        {"\"policy\":\"length\",\"bytes\":null", "\"policy\":\"full\",\"bytes\":3,\"text\":\"xx\"",
         "incident-prompt"},
        {"\"policy\":\"length\",\"bytes\":null", "\"policy\":\"full\",\"bytes\":2,\"base64\":\"!\"",
         "incident-prompt"},
        {"2026-01-02T", "2026-13-02T", "incident-time"},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct err e;
        struct incident back;
        SCOPED(buf_release) struct buf text = changed(rows[k].from, rows[k].to);
        cr_expect_eq(read_back(buf_span(&text), &back, &e), ST_FORMAT, "%s", rows[k].to);
        cr_expect_str_eq(err_code(&e), rows[k].code, "%s: %s", rows[k].to, e.detail);
    }
}

Test(incident, no_member_may_be_longer_than_said_and_no_file)
{
    struct err e;
    struct incident back;
    char longer[4000];
    memset(longer, 'x', sizeof longer);
    text_fmt(longer, 13, "\"detail\":\"");
    memset(longer + 10, 'x', sizeof longer - 10);
    longer[sizeof longer - 1] = '\0';
    SCOPED(buf_release) struct buf text = changed("\"detail\":\"", longer);
    cr_expect_eq(read_back(buf_span(&text), &back, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "incident-length");
    SCOPED(buf_release) struct buf large = BUF_EMPTY;
    for (size_t i = 0; i < INCIDENT_BYTES + 1; i++)
        buf_byte(&large, ' ');
    cr_expect_eq(read_back(buf_span(&large), &back, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "json-too-long");
    SCOPED(buf_release) struct buf deep = BUF_EMPTY;
    for (size_t i = 0; i < 100000; i++)
        buf_byte(&deep, '[');
    cr_expect_eq(read_back(buf_span(&deep), &back, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "json-depth");
}

Test(incident, the_pages_fraction_of_a_second_is_read)
{
    struct err e;
    struct incident back;
    SCOPED(buf_release) struct buf text = changed("03:04:05Z", "03:04:05.468Z");
    cr_expect_eq(read_back(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(back.time, 1767323045);
}

Test(incident, a_stage_that_its_number_forbids_is_not_believed)
{
    static const struct {
        const char *command;
        enum run_stage recorded;
        unsigned code;
        enum run_stage named;
        bool agrees;
    } rows[] = {
        {"generate", STAGE_CONTEXT, 11, STAGE_CONTEXT, true},
        {"generate", STAGE_FETCH, 11, STAGE_CONTEXT, false},
        {"generate", STAGE_NONE, 3, STAGE_UTF8_TRANSFER, true},
        {"generate", STAGE_DECODE, 3, STAGE_DECODE, true},
        {"generate", STAGE_FORWARD, 13, STAGE_FORWARD, true},
        {"generate", STAGE_NONE, 13, STAGE_SAMPLING_STEP, true},
        {"generate", STAGE_NONE, 14, STAGE_DECODE, true},
        {"generate", STAGE_FORWARD, 113, STAGE_FORWARD, true},
        {"configure-sampling", STAGE_NONE, 2, STAGE_SAMPLING, true},
        {"generate", STAGE_NONE, 2, STAGE_TOKENIZATION, true},
        {"load-model", STAGE_NONE, 2, STAGE_SCRATCH_KV, true},
        {"load-model", STAGE_NONE, 4, STAGE_ADMISSION, true},
        {"load-model", STAGE_NONE, 8, STAGE_TENSORS, true},
        {"load-model", STAGE_DECODE, 8, STAGE_TENSORS, false},
        {"load-model", STAGE_NONE, 106, STAGE_FETCH, true},
        {"load-model", STAGE_NONE, 107, STAGE_TRANSFER, true},
        {"load-model", STAGE_NONE, 108, STAGE_PROVENANCE, true},
        {"run", STAGE_SCRATCH_KV, 110, STAGE_SCRATCH_KV, true},
        {"run", STAGE_TENSORS, 6, STAGE_TENSORS, true},
        {"run", STAGE_NONE, 9, STAGE_TENSORS, true},
        {"run", STAGE_NONE, 11, STAGE_CONTEXT, true},
        {"boot", STAGE_FETCH, 111, STAGE_FETCH, true},
        {"free-model", STAGE_NONE, 12, STAGE_NONE, true},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        bool agrees = false;
        struct incident i = {.stage = rows[k].recorded, .code = rows[k].code};
        text_fmt(i.command, sizeof i.command, "%s", rows[k].command);
        cr_expect_eq(incident_stage(&i, &agrees), rows[k].named, "row %zu: %s", k,
                     stage_name(incident_stage(&i, &agrees)));
        cr_expect_eq(agrees, rows[k].agrees, "row %zu", k);
    }
}

Test(incident, every_prefix_of_a_file_is_refused)
{
    struct incident i = whole();
    SCOPED(buf_release) struct buf text = written(&i);
    for (size_t n = 0; n + 1 < text.n; n++) {
        struct err e;
        struct incident back;
        cr_expect_eq(read_back(SPAN(text.p, n), &back, &e), ST_FORMAT, "%zu bytes", n);
    }
}

Test(incident, marks_of_a_trail_stand_before_the_text)
{
    struct span none = span_text("[1]"), some = SPAN("\x04\x06\x0b{}", 5),
                hostile = SPAN("\0\x04", 2);
    cr_expect_eq(trail_take(&none), STAGE_NONE);
    cr_expect_eq(none.n, 3u);
    cr_expect_eq(trail_take(&some), STAGE_FORWARD);
    cr_expect_eq(some.n, 2u);
    cr_expect_eq(trail_take(&hostile), STAGE_NONE);
    cr_expect_eq(hostile.n, 2u);
}

Test(incident, a_checks_message_tells_its_stage_at_its_end_only)
{
    cr_expect_eq(trail_told("the sandboxed child was killed by signal 9 (SIGKILL), at forward"),
                 STAGE_FORWARD);
    cr_expect_eq(trail_told("session-memory: no memory, at scratch-kv"), STAGE_SCRATCH_KV);
    cr_expect_eq(trail_told("at forward"), STAGE_NONE);
    cr_expect_eq(trail_told("said \", at forward\" and more"), STAGE_NONE);
    cr_expect_eq(trail_told(""), STAGE_NONE);
}
