#include "base/heap.h"
#include "runtime/tensor.h"
#include "runtime/tokenizer.h"
#include "tests/support/gguf_make.h"
#include <criterion/criterion.h>
#include <string.h>

static struct model *open_made(struct buf *file)
{
    struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(file), NULL, true, &m, &e), ST_OK, "%s", e.detail);
    return m;
}

Test(model, facts_of_an_slm1_file_are_complete)
{
    SCOPED(buf_release)
    struct buf file = make_slm1(&(struct make){.dtype = MAKE_Q8_0, .kv_heads = 2});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct model_facts *f = model_facts(m);
    cr_expect_eq(f->format, MODEL_FORMAT_SLM1);
    cr_expect_eq(f->format_version, 1);
    cr_expect_str_eq(f->family, "tinylm");
    cr_expect_str_eq(f->quantization, "q8_0");
    cr_expect_str_eq(f->tokenizer, "byte");
    cr_expect_str_eq(f->license, "");
    cr_expect_eq(f->shape.vocab, 260);
    cr_expect_eq(f->shape.hidden, 32);
    cr_expect_eq(f->shape.kv_heads, 2);
    cr_expect_not(f->shape.tied);
    cr_expect_eq(f->tensors, 3 + 2 * 9);
    cr_expect_eq(f->parameters, 2 * 260 * 32 + 32 + 2 * (64 + 2 * 1024 + 2 * 512 + 3 * 2048));
    cr_expect_eq(f->internal_checksum, get_le64(file.p + 100));
    cr_expect_eq(f->file_bytes, file.n);
    cr_expect_eq(f->bos, 256);
    cr_expect_eq(f->unk, 259);
}

Test(model, facts_of_a_gguf_file_are_complete)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.dtype = MAKE_F16});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct model_facts *f = model_facts(m);
    cr_expect_eq(f->format, MODEL_FORMAT_GGUF);
    cr_expect_eq(f->format_version, 3);
    cr_expect_str_eq(f->family, "llama");
    cr_expect_str_eq(f->quantization, "f16");
    cr_expect_str_eq(f->license, "Apache-2.0");
    cr_expect_str_eq(f->tokenizer, "llama");
    cr_expect_eq(f->shape.vocab, 272);
    cr_expect_eq(f->tensors, 21);
    cr_expect_eq(f->internal_checksum, 0);
    cr_expect_eq(f->weight_bytes, 2 * (2 * 272 * 32 + 2 * (4 * 1024 + 3 * 2048)) + 4 * 5 * 32);
    cr_expect_eq(f->bos, 1);
    cr_expect_eq(f->pad, -1);
}

Test(model, facts_known_before_a_refusal_are_kept)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){0});
    put_le32(file.p + file.n - 64, 0x7fc00000u); /* a NaN near the end */
    SCOPED(scan_scope) struct scan *s = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(scan_open(MODEL_FORMAT_SLM1, file.n, NULL, &s, &e), ST_OK);
    cr_assert_neq(scan_feed(s, buf_span(&file), &e), ST_OK);
    cr_expect_str_eq(e.code, "slm1-not-finite");
    cr_expect_eq(e.offset, file.n - 64);
    cr_expect_eq(scan_facts(s)->shape.hidden, 32);
    struct err again = ERR_NONE;
    cr_expect_eq(scan_end(s, &again), e.status, "the first failure sticks");
    cr_expect_str_eq(again.code, e.code);
}

Test(model, a_scan_fed_too_little_or_too_much_says_so)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true});
    SCOPED(scan_scope) struct scan *s = NULL;
    SCOPED(scan_scope) struct scan *t = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(scan_open(MODEL_FORMAT_SLM1, file.n, NULL, &s, &e), ST_OK);
    cr_assert_eq(scan_feed(s, SPAN(file.p, file.n - 1), &e), ST_OK);
    cr_expect_eq(scan_end(s, &e), ST_MISMATCH);
    cr_expect_str_eq(e.code, "scan-too-short");
    cr_assert_eq(scan_open(MODEL_FORMAT_SLM1, file.n, NULL, &t, &e), ST_OK);
    cr_assert_eq(scan_feed(t, buf_span(&file), &e), ST_OK);
    cr_expect_eq(scan_feed(t, SPAN("x", 1), &e), ST_MISMATCH);
    cr_expect_str_eq(e.code, "scan-too-long");
}

static void check_row(const struct tensor *t, const char *name, uint32_t row, float tolerance)
{
    float x[64];
    tensor_row(t, row, x);
    for (uint32_t i = 0; i < t->cols; i++) {
        float off = x[i] - make_value(name, row, i);
        cr_assert(off <= tolerance && off >= -tolerance, "%s [%u,%u]", name, row, i);
    }
}

static void check_weights(enum make_dtype dtype, float tolerance)
{
    SCOPED(buf_release)
    struct buf file = make_gguf(&(struct make){.dtype = dtype, .kv_heads = 2, .tied = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct weights *w = model_weights(m);
    check_row(&w->embedding, "tok_embeddings.weight", 271, tolerance);
    check_row(&w->output, "tok_embeddings.weight", 3, tolerance);
    check_row(&w->norm, "norm.weight", 0, 0);
    check_row(&w->layers[1].wk, "layers.1.wk.weight", 15, tolerance);
    check_row(&w->layers[1].w1, "layers.1.w1.weight", 63, tolerance);
    check_row(&w->layers[0].w2, "layers.0.w2.weight", 31, tolerance);
    check_row(&w->layers[0].w3, "layers.0.w3.weight", 0, tolerance);
}

Test(model, gguf_tensors_land_in_their_places)
{
    check_weights(MAKE_F32, 0);
    check_weights(MAKE_F16, 0.25f / 1024);
    check_weights(MAKE_Q8_0, 0.25f / 120);
}

static enum status open_draft(const struct gguf_draft *d, struct err *e)
{
    SCOPED(buf_release) struct buf file = gguf_assemble(d);
    SCOPED(model_scope) struct model *m = NULL;
    return model_open(buf_span(&file), NULL, true, &m, e);
}

Test(model, gguf_of_version_2_and_of_another_alignment_is_read)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.tiny = true});
    struct err e = ERR_NONE;
    d.version = 2;
    cr_expect_eq(open_draft(&d, &e), ST_OK, "%s", e.detail);
    put_le32(draft_pair(&d, "general.alignment") + 4, 8);
    d.alignment = 8;
    cr_expect_eq(open_draft(&d, &e), ST_OK, "%s", e.detail);
}

Test(model, gguf_options_that_change_nothing_are_taken)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.tiny = true});
    struct err e = ERR_NONE;
    draft_text(&d, "tokenizer.chat_template", "{{ messages }}");
    draft_text(&d, "llama.rope.scaling.type", "none");
    draft_u32(&d, "llama.expert_count", 0);
    draft_u32(&d, "llama.attention.key_length", 4);
    draft_u32(&d, "general.quantization_version", 2);
    draft_raw(&d, SPAN("general.tags", 12), 9,
              SPAN("\x08\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0x", 21));
    cr_expect_eq(open_draft(&d, &e), ST_OK, "%s", e.detail);
}

Test(model, gguf_has_its_last_padding_in_full_or_not_at_all)
{
    SCOPED(gguf_draft_release)
    struct gguf_draft d = gguf_draft(&(struct make){.dtype = MAKE_F16, .tiny = true, .align = 256});
    struct err e = ERR_NONE;
    cr_expect_eq(open_draft(&d, &e), ST_OK, "%s", e.detail);
    d.data.n -= 128; /* ffn_up has 384 bytes, padded to 512 */
    cr_expect_eq(open_draft(&d, &e), ST_OK, "%s", e.detail);
    d.data.n += 1;
    cr_expect_neq(open_draft(&d, &e), ST_OK);
    cr_expect_str_eq(e.code, "gguf-truncated");
    d.data.n += 127;
    d.data.p[d.data.n - 1] = 1;
    cr_expect_neq(open_draft(&d, &e), ST_OK);
    cr_expect_str_eq(e.code, "gguf-padding");
}

/* Opens and scans with the n-th allocation failing. */
static bool survives(struct span file, enum model_format format, uint64_t n)
{
    SCOPED(model_scope) struct model *m = NULL;
    SCOPED(scan_scope) struct scan *s = NULL;
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    heap_fail_at(n, 0);
    enum status st = model_open(file, NULL, true, &m, &e);
    if (st == ST_OK)
        st = tokenizer_encode(model_tokenizer(m), span_text("the once"), true, &ids, &e);
    if (st == ST_OK)
        st = scan_open(format, file.n, NULL, &s, &e);
    if (st == ST_OK)
        st = scan_feed(s, file, &e);
    if (st == ST_OK)
        st = scan_end(s, &e);
    heap_fail_at(0, 0);
    cr_assert(st == ST_OK || st == ST_NO_MEMORY, "allocation %llu: %s", (unsigned long long)n,
              e.detail);
    return st == ST_OK;
}

Test(model, every_allocation_may_fail)
{
    static const struct make makes[] = {
        {.tiny = true, .bpe = true}, {.tiny = true}, {.tiny = true}, {.tiny = true, .gpt2 = true}};
    for (size_t k = 0; k < 4; k++) {
        bool gguf = k >= 2;
        SCOPED(buf_release)
        struct buf file = gguf ? make_gguf(&makes[k]) : make_slm1(&makes[k]);
        uint64_t n = 1;
        while (!survives(buf_span(&file), gguf ? MODEL_FORMAT_GGUF : MODEL_FORMAT_SLM1, n))
            n++;
        cr_expect_gt(n, 10);
    }
}

Test(model, a_half_that_is_not_finite_is_refused_where_it_stands)
{
    SCOPED(gguf_draft_release)
    struct gguf_draft d = gguf_draft(&(struct make){.tiny = true, .dtype = MAKE_F16});
    put_le16(d.data.p + 6, 0xfc00);
    struct err e = ERR_NONE;
    cr_expect_neq(open_draft(&d, &e), ST_OK);
    cr_expect_str_eq(e.code, "gguf-not-finite");
}

static enum status append(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    buf_append(ctx, bytes);
    return buf_status(ctx);
}

Test(model, a_block_whose_half_is_not_finite_is_refused_where_it_stands)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.dtype = MAKE_Q8_0});
    SCOPED(buf_release) struct buf whole = gguf_assemble(&d);
    const uint64_t data = whole.n - d.data.n;
    put_le16(d.data.p + 3 * 34, 0x7c00); /* the fourth block's scale */
    struct err e = ERR_NONE;
    cr_expect_neq(open_draft(&d, &e), ST_OK);
    cr_expect_str_eq(e.code, "gguf-not-finite");
    cr_expect_eq(e.offset, data + 3 * 34);
}

/* A token of 5000 bytes makes the front longer than what is parsed first. */
Test(model, a_scan_waits_for_a_long_tokenizer)
{
    static const uint32_t header[] = {1, 261, 256, 257, 258, 259, 1, 0, 260, 5000};
    SCOPED(buf_release) struct buf section = BUF_EMPTY;
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(scan_scope) struct scan *s = NULL;
    struct err e = ERR_NONE;
    buf_text(&section, "BPE1");
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        put_le32(buf_space(&section, 4), header[i]);
    memset(buf_space(&section, 5000), 'a', 5000);
    struct slm1_spec spec = make_slm1_spec(&(struct make){.tiny = true});
    spec.shape.vocab = 261;
    spec.tokenizer = buf_span(&section);
    cr_assert_eq(slm1_write(&spec, &make_values, (struct sink){append, &file}, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(scan_open(MODEL_FORMAT_SLM1, file.n, NULL, &s, &e), ST_OK);
    for (size_t at = 0; at < file.n; at += 512)
        cr_assert_eq(scan_feed(s, SPAN(file.p + at, file.n - at < 512 ? file.n - at : 512), &e),
                     ST_OK, "at %zu: %s", at, e.detail);
    cr_expect_eq(scan_end(s, &e), ST_OK);
    cr_expect_eq(scan_facts(s)->shape.vocab, 261);
}

Test(model, a_scan_that_failed_says_the_same_ever_after)
{
    SCOPED(scan_scope) struct scan *s = NULL;
    struct err first = ERR_NONE, again = ERR_NONE;
    cr_assert_eq(scan_open(MODEL_FORMAT_GGUF, 100, NULL, &s, &first), ST_OK);
    cr_assert_eq(scan_feed(s, span_text("no model of any kind"), &first), ST_OK);
    cr_assert_eq(scan_end(s, &first), ST_MISMATCH);
    cr_expect_eq(scan_end(s, &again), ST_MISMATCH);
    cr_expect_eq(scan_feed(s, span_text("x"), &again), ST_MISMATCH);
    cr_expect_str_eq(first.code, again.code);
    cr_expect_eq(scan_tokenizer(s, (struct sink){NULL, NULL}, &again), ST_MODEL_NOT_LOADED);
}
