#include "base/text.h"
#include "tests/support/model_make.h"
#include "verify/probe.h"
#include <criterion/criterion.h>
#include <string.h>

#define FILE_BYTES 4096u

/* An honest answer about a file of FILE_BYTES. */
static void honest(struct buf *out)
{
    char hex[DIGEST_TEXT];
    struct digest d = digest_of(span_text("tokenizer"));
    struct model_facts f = {
        .format = MODEL_FORMAT_SLM1,
        .format_version = 1,
        .family = "tinylm",
        .quantization = "f32",
        .tokenizer = "byte",
        .shape = {.vocab = 260, .hidden = 32, .layers = 2, .heads = 4, .rms_epsilon = 1e-5f},
        .parameters = 1000,
        .internal_checksum = 0x0123456789abcdef,
        .file_bytes = FILE_BYTES,
        .bos = 256,
        .unk = -1};
    digest_text(&d, hex);
    struct json_out j = json_out(out);
    json_object(&j);
    json_key(&j, "refusal");
    json_null(&j);
    json_key(&j, "facts");
    facts_write(&f, &j);
    json_key(&j, "tokenizer_sha256");
    json_string(&j, hex);
    json_close(&j);
}

static void replace(const struct buf *in, const char *from, const char *to, struct buf *out)
{
    const uint8_t *at = memmem(in->p, in->n, from, strlen(from));
    cr_assert_not_null(at, "%s", from);
    size_t before = (size_t)(at - in->p);
    buf_append(out, SPAN(in->p, before));
    buf_text(out, to);
    buf_append(out, SPAN(at + strlen(from), in->n - before - strlen(from)));
}

static void expect_unusable(struct span answer, const char *what)
{
    SCOPED(probe_result_release) struct probe_result r = {0};
    probe_read(answer, MODEL_FORMAT_SLM1, FILE_BYTES, &r);
    cr_expect_not(r.accepted, "%s", what);
    cr_expect_str_eq(err_code(&r.refusal), "parser-answer", "%s", what);
    cr_expect_eq(r.refusal.status, ST_FORMAT, "%s", what);
}

Test(probe, an_honest_answer_is_taken)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(probe_result_release) struct probe_result r = {0};
    honest(&text);
    probe_read(buf_span(&text), MODEL_FORMAT_SLM1, FILE_BYTES, &r);
    cr_expect(r.accepted, "%s", r.refusal.detail);
    cr_expect_eq(r.facts.shape.vocab, 260u);
    cr_expect_eq(r.facts.internal_checksum, 0x0123456789abcdefu);
    cr_expect_eq(r.facts.unk, -1);
    cr_expect_eq(r.facts.bos, 256);
}

Test(probe, an_answer_is_one_object_and_nothing_after_it)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    honest(&text);
    for (size_t n = 0; n < text.n; n += 3)
        expect_unusable(SPAN(text.p, n), "truncated");
    SCOPED(buf_release) struct buf twice = BUF_EMPTY;
    buf_append(&twice, buf_span(&text));
    buf_append(&twice, buf_span(&text));
    expect_unusable(buf_span(&twice), "twice");
    expect_unusable(span_text("[]"), "an array");
    expect_unusable(span_text("{\"refusal\":null,\"refusal\":null}"), "a key twice");
    SCOPED(buf_release) struct buf deep = BUF_EMPTY;
    for (int i = 0; i < 20000; i++)
        buf_byte(&deep, '[');
    expect_unusable(buf_span(&deep), "deep");
}

Test(probe, facts_out_of_their_range_are_no_facts)
{
    static const struct {
        const char *from, *to;
    } lies[] = {
        {"\"vocab\":260", "\"vocab\":4294967296"},
        {"\"vocab\":260", "\"vocab\":-1"},
        {"\"vocab\":260", "\"vocab\":2.5e2"},
        {"\"vocab\":260", "\"vocab\":\"260\""},
        {"\"parameters\":1000", "\"parameters\":9007199254740993"},
        {"\"bos\":256", "\"bos\":-2"},
        {"\"bos\":256", "\"bos\":2147483648"},
        {"\"tied\":false", "\"tied\":0"},
        {"\"family\":\"tinylm\"", "\"family\":\"a\\u0000b\""},
        {"\"family\":\"tinylm\"",
         "\"family\":\"0123456789012345678901234567890123456789012345678901234567890123456789\""},
        {"\"0123456789abcdef\"", "\"0123456789ABCDEF\""},
        {"\"0123456789abcdef\"", "\"0123\""},
        {"\"format\":\"slm1\"", "\"format\":\"gguf\""},
        {"\"format\":\"slm1\"", "\"format\":\"none\""},
        {"\"file_bytes\":4096", "\"file_bytes\":4095"},
        {"\"refusal\":null", "\"refusal\":{}"},
        {"\"refusal\":null", "\"refusal\":{\"status\":\"ok\",\"code\":\"x\"}"},
        {"\"refusal\":null", "\"refusal\":{\"status\":\"format\",\"code\":\"\\u001b[2J\"}"},
        {"\"refusal\":null", "\"refusal\":{\"status\":\"no-such-status\",\"code\":\"x\"}"},
        {"\"tokenizer_sha256\":\"", "\"tokenizer_sha256\":\"0"},
        {"\"tokenizer_sha256\":", "\"tokenizer\":"}};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    honest(&text);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        SCOPED(buf_release) struct buf lie = BUF_EMPTY;
        replace(&text, lies[i].from, lies[i].to, &lie);
        expect_unusable(buf_span(&lie), lies[i].to);
    }
}

Test(probe, a_refusal_keeps_its_words_and_its_offset)
{
    SCOPED(probe_result_release) struct probe_result r = {0};
    probe_read(
        span_text(
            "{\"facts\":{\"hidden\":7},\"refusal\":{\"status\":\"model-shape\",\"code\":\"slm1-"
            "heads\","
            "\"stage\":\"header\",\"offset\":36,\"subject\":\"s\",\"detail\":\"d \\u001b[2J\"},"
            "\"tokenizer_sha256\":\"\"}"),
        MODEL_FORMAT_SLM1, FILE_BYTES, &r);
    cr_expect_not(r.accepted);
    cr_expect_eq(r.refusal.status, ST_MODEL_SHAPE);
    cr_expect_str_eq(r.refusal.code, "slm1-heads");
    cr_expect_str_eq(r.refusal.stage, "header");
    cr_expect_eq(r.refusal.offset, 36u);
    cr_expect_str_eq(r.refusal.detail, "d \x1b[2J", "it is kept as it came; printing escapes it");
    cr_expect_eq(r.parsed.n, strlen("{\"hidden\":7}"));
}

Test(probe, a_length_out_of_range_is_the_files_fault_in_the_sandbox)
{
    SCOPED(probe_result_release) struct probe_result r = {0};
    probe_read(span_text("{\"facts\":null,\"refusal\":{\"status\":\"invalid-length\",\"code\":"
                         "\"slm1-vocabulary\"},\"tokenizer_sha256\":\"\"}"),
               MODEL_FORMAT_SLM1, FILE_BYTES, &r);
    cr_expect_not(r.accepted);
    cr_expect_not(r.unread);
    cr_expect_eq(r.refusal.status, ST_FORMAT);
    cr_expect_str_eq(err_code(&r.refusal), "slm1-vocabulary");
}

Test(probe, want_of_memory_in_the_sandbox_is_no_verdict_on_the_file)
{
    SCOPED(probe_result_release) struct probe_result r = {0};
    probe_read(
        span_text("{\"facts\":null,\"refusal\":{\"status\":\"no-memory\",\"code\":\"no-memory\"},"
                  "\"tokenizer_sha256\":\"\"}"),
        MODEL_FORMAT_SLM1, FILE_BYTES, &r);
    cr_expect_not(r.accepted);
    cr_expect(r.unread);
    cr_expect_eq(r.refusal.status, ST_NO_MEMORY);
}

Test(probe, facts_beyond_all_measure_are_dropped)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(probe_result_release) struct probe_result r = {0};
    buf_text(&text, "{\"facts\":{\"x\":\"");
    for (int i = 0; i < 20000; i++)
        buf_byte(&text, 'x');
    buf_text(&text,
             "\"},\"refusal\":{\"status\":\"format\",\"code\":\"x\"},\"tokenizer_sha256\":\"\"}");
    probe_read(buf_span(&text), MODEL_FORMAT_SLM1, FILE_BYTES, &r);
    cr_expect_not(r.accepted);
    cr_expect_eq(r.parsed.n, 0u);
}

/* ---- for real ----------------------------------------------------------------------------- */

static void probe_bytes(enum model_format format, struct span bytes, uint64_t said,
                        struct probe_result *out)
{
    struct err e = ERR_NONE;
    SCOPED(probe_scope) struct probe *p = NULL;
    cr_assert_eq(probe_start(format, said, &p, &e), ST_OK, "%s", e.detail);
    struct sink to = probe_sink(p);
    enum status st = to.write(to.ctx, bytes, &e);
    cr_assert(st == ST_OK || st == ST_CANCELLED);
    e = ERR_NONE;
    cr_assert_eq(probe_finish(p, out, &e), ST_OK, "%s", e.detail);
}

Test(probe, a_model_is_accepted_as_what_it_is_and_as_nothing_else)
{
    SCOPED(buf_release) struct buf m = make_slm1(&(struct make){.dtype = MAKE_Q4_0, .bpe = true});
    SCOPED(probe_result_release) struct probe_result as_slm1 = {0};
    SCOPED(probe_result_release) struct probe_result as_gguf = {0};
    probe_bytes(MODEL_FORMAT_SLM1, buf_span(&m), m.n, &as_slm1);
    cr_expect(as_slm1.accepted, "%s", as_slm1.refusal.detail);
    cr_expect_str_eq(as_slm1.facts.tokenizer, "bpe");
    probe_bytes(MODEL_FORMAT_GGUF, buf_span(&m), m.n, &as_gguf);
    cr_expect_not(as_gguf.accepted);
    cr_expect_eq(as_gguf.refusal.status, ST_MODEL_MAGIC);
}

Test(probe, a_file_of_another_length_than_said_is_refused)
{
    SCOPED(buf_release) struct buf m = make_slm1(&(struct make){.dtype = MAKE_F32});
    SCOPED(probe_result_release) struct probe_result shorter = {0};
    SCOPED(probe_result_release) struct probe_result longer = {0};
    probe_bytes(MODEL_FORMAT_SLM1, SPAN(m.p, m.n - 1), m.n, &shorter);
    cr_expect_not(shorter.accepted);
    probe_bytes(MODEL_FORMAT_SLM1, buf_span(&m), m.n - 1, &longer);
    cr_expect_not(longer.accepted);
}
