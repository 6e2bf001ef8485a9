#include "base/heap.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer_kinds.h"
#include "tests/support/gguf_make.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct model *open_made(struct buf *file)
{
    struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(file), NULL, true, &m, &e), ST_OK, "%s", e.detail);
    return m;
}

/* The ids as text: "256 261". */
static void check_ids(const struct tokenizer *t, const char *text, bool specials, const char *want)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(tokenizer_encode(t, span_text(text), specials, &ids, &e), ST_OK, "%s", e.detail);
    char have[256] = "";
    for (size_t i = 0, at = 0; i + 4 <= ids.n; i += 4) {
        uint32_t id;
        memcpy(&id, ids.p + i, 4);
        at += (size_t)snprintf(have + at, sizeof have - at, i == 0 ? "%u" : " %u", id);
    }
    cr_expect_str_eq(have, want, "\"%s\" gives %s, not %s", text, have, want);
}

static void check_piece(const struct tokenizer *t, uint32_t id, bool first, const char *want)
{
    cr_expect(span_equal(tokenizer_piece(t, id, first), span_text(want)), "piece %u", id);
}

Test(tokenizer, btok_gives_bos_the_bytes_and_eos)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    check_ids(t, "", true, "256 257");
    check_ids(t, "Az\xc3\xa9", true, "256 65 122 195 169 257");
    check_ids(t, "hi", false, "104 105");
    check_piece(t, 195, false, "\xc3");
    check_piece(t, 0x20, true, " ");
    check_piece(t, 256, false, "");
    check_piece(t, 257, false, "");
    check_piece(t, 258, false, "");
    check_piece(t, 259, false, "?");
    check_piece(t, 260, false, "");
}

Test(tokenizer, bpe_merges_the_lowest_rank_first)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true, .bpe = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    check_ids(t, "the", true, "256 261 257");
    check_ids(t, "theth", false, "261 260");
    check_ids(t, "tth eh", false, "116 260 32 101 104");
    check_piece(t, 261, true, "the");
    check_piece(t, 't', true, "t");
    check_piece(t, 259, true, "?");
}

Test(tokenizer, gpt2_merges_within_words_the_lowest_rank_first)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.tiny = true, .gpt2 = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    cr_expect_str_eq(model_facts(m)->tokenizer, "gpt2");
    check_ids(t, "", true, "0");
    check_ids(t, "the then", true, "0 10 12 6");
    check_ids(t, "once tho", false, "11 7 3 8 9 5");
    check_ids(t, "the  the", false, "10 8 12");
    check_ids(t, "axe", false, "4 3"); /* there is no x, and no token for what is unknown */
    check_ids(t, "t\nh", false, "1 2");
    check_piece(t, 12, true, " the");
    check_piece(t, 0, true, "");
}

Test(tokenizer, gpt2_has_a_token_for_every_byte)
{
    SCOPED(buf_release)
    struct buf file = make_gguf(&(struct make){.layers = 1, .gpt2 = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    for (uint32_t b = 0; b < 256; b++) {
        const uint8_t byte = (uint8_t)b;
        cr_expect(span_equal(tokenizer_piece(t, 1 + b, false), SPAN(&byte, 1)), "byte %u", b);
    }
    check_ids(t, "\xc3\xa9 1", false, "196 170 33 50");
}

Test(tokenizer, llama3_takes_a_word_that_is_a_token_whatever_the_merges_say)
{
    SCOPED(gguf_draft_release)
    struct gguf_draft d = gguf_draft(&(struct make){.tiny = true, .gpt2 = true});
    /* no merge makes "ho" any more: the last one is the first again, in another writing */
    memcpy(draft_pair(&d, "tokenizer.ggml.merges") + 4 + 12 + (8 + 3) + (8 + 4) + (8 + 3) +
               (8 + 6) + 8,
           "c e", 3);
    memcpy(draft_pair(&d, "tokenizer.ggml.tokens") + 4 + 12 + 8 + 13 + 7 * 9 + (8 + 2) + (8 + 2) +
               (8 + 3) + (8 + 2) + (8 + 5) + 8,
           "ce", 2);
    SCOPED(buf_release) struct buf smollm = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&smollm);
    check_ids(model_tokenizer(m), "ce ce", false, "13 8 13");
    memcpy(draft_pair(&d, "tokenizer.ggml.pre") + 12, "llama3", 6);
    memcpy(draft_pair(&d, "tokenizer.ggml.merges") + 4 + 12 + (8 + 3) + (8 + 4) + 8, "c e", 3);
    memcpy(draft_pair(&d, "tokenizer.ggml.merges") + 4 + 12 + (8 + 3) + (8 + 4) + (8 + 3) +
               (8 + 6) + 8,
           "o n", 3);
    SCOPED(buf_release) struct buf llama3 = gguf_assemble(&d);
    SCOPED(model_scope) struct model *n = open_made(&llama3);
    check_ids(model_tokenizer(n), "the thex", true, "0 10 12");
    check_ids(model_tokenizer(n), "ce", false, "13");
}

Test(tokenizer, llama_merges_the_highest_score_first_and_falls_back_to_bytes)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.tied = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    /* pieces from 259: _ t h e a o n c th the _the on ho */
    check_ids(t, "", true, "1");
    check_ids(t, "the", true, "1 269");
    check_ids(t, "then", false, "269 265");
    check_ids(t, "on the", false, "259 270 269");
    check_ids(t, "tho", false, "259 260 271"); /* ho has a higher score than th */
    check_ids(t, "z", false, "259 125");       /* 3 + 'z' */
    check_ids(t, "\xc3\xa9", false, "259 198 172");
    check_piece(t, 269, false, " the");
    check_piece(t, 269, true, "the");
    check_piece(t, 125, false, "z");
    check_piece(t, 0, false, "?");
    check_piece(t, 1, false, "");
}

Test(tokenizer, text_spelled_like_a_control_or_byte_token_stays_text)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.tied = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    check_ids(t, "<s>", false, "259 63 118 65");
    check_ids(t, "<0x0A>", false, "259 63 51 123 51 68 65");
}

Test(tokenizer, user_defined_tokens_are_taken_out_first)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.tied = true});
    uint8_t *types = draft_pair(&d, "tokenizer.ggml.token_type") + 16;
    put_le32(types + 4 * 260, TOKEN_USER); /* t */
    put_le32(types + 4 * 267, TOKEN_USER); /* th */
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    check_ids(t, "ethot", false, "259 262 267 259 264 260");
    check_ids(t, "th", false, "267");
}

Test(tokenizer, a_user_defined_token_over_256_bytes_is_refused)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = {.version = 3, .alignment = 32};
    SCOPED(buf_release) struct buf tokens = BUF_EMPTY;
    buf_append(&tokens, SPAN("\x08\0\0\0\1\0\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0", 20));
    memset(buf_space(&tokens, 257), 'x', 257);
    draft_text(&d, "tokenizer.ggml.model", "llama");
    draft_raw(&d, span_text("tokenizer.ggml.tokens"), 9, buf_span(&tokens));
    draft_raw(&d, span_text("tokenizer.ggml.scores"), 9,
              SPAN("\6\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 16));
    draft_raw(&d, span_text("tokenizer.ggml.token_type"), 9,
              SPAN("\5\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0", 16));
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(tokenizer_scope) struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(gguf_vocabulary(buf_span(&file), &t, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "gguf-user-token", "%s", e.detail);
}

Test(tokenizer, a_vocabulary_without_byte_tokens_gives_unk)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.tiny = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    check_ids(model_tokenizer(m), "tz", false, "3 4 0");
}

Test(tokenizer, without_types_the_spelling_tells)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.tied = true});
    draft_rename(&d.pairs, "tokenizer.ggml.token_type", "tokenizer.ggml.token_typf");
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    check_ids(t, "z", false, "259 125"); /* a space, and the byte */
    check_piece(t, 3 + 'A', false, "A");
    check_piece(t, 1, false, "");
    check_piece(t, 0, false, "?");
}

Test(tokenizer, types_say_what_has_no_piece)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.tied = true});
    uint8_t *types = draft_pair(&d, "tokenizer.ggml.token_type") + 16;
    put_le32(types + 4 * 260, TOKEN_CONTROL);
    put_le32(types + 4 * 261, TOKEN_UNKNOWN);
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&file);
    check_piece(model_tokenizer(m), 260, false, "");
    check_piece(model_tokenizer(m), 261, false, "?");
    check_ids(model_tokenizer(m), "t", false, "259 119"); /* never the control token */
}

Test(tokenizer, gpt2_without_types_has_control_tokens_where_the_special_ids_are)
{
    SCOPED(gguf_draft_release)
    struct gguf_draft d = gguf_draft(&(struct make){.tiny = true, .gpt2 = true});
    draft_rename(&d.pairs, "tokenizer.ggml.token_type", "tokenizer.ggml.token_typf");
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&file);
    check_ids(model_tokenizer(m), "the", true, "0 10");
    check_piece(model_tokenizer(m), 0, false, "");
}

Test(tokenizer, gpt2_takes_user_defined_tokens_out_first_and_knows_unk)
{
    SCOPED(gguf_draft_release)
    struct gguf_draft d = gguf_draft(&(struct make){.tiny = true, .gpt2 = true});
    uint8_t *types = draft_pair(&d, "tokenizer.ggml.token_type") + 16;
    put_le32(types + 4 * 13, TOKEN_USER);   /* ho */
    put_le32(types + 4 * 7, TOKEN_CONTROL); /* c */
    put_le32(types + 4 * 6, TOKEN_UNKNOWN); /* n */
    draft_u32(&d, "tokenizer.ggml.unknown_token_id", 4);
    SCOPED(buf_release) struct buf broken = gguf_assemble(&d);
    struct model *none = NULL;
    struct err e = ERR_NONE;
    cr_expect_eq(model_open(buf_span(&broken), NULL, true, &none, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "gguf-merge", "a merge of what is no normal token");
    put_le32(types + 4 * 6, TOKEN_NORMAL);
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&file);
    const struct tokenizer *t = model_tokenizer(m);
    check_ids(t, "thot", false, "1 13 1");
    check_ids(t, "xc", false, "4 4");
    check_piece(t, 13, false, "ho");
    check_piece(t, 7, false, "");
    check_piece(t, 4, false, "?");
}

Test(tokenizer, gpt2_refuses_a_user_defined_token_over_256_bytes)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = {.version = 3, .alignment = 32};
    SCOPED(buf_release) struct buf tokens = BUF_EMPTY;
    buf_append(&tokens, SPAN("\x08\0\0\0\1\0\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0", 20));
    memset(buf_space(&tokens, 257), 'x', 257);
    draft_text(&d, "tokenizer.ggml.model", "gpt2");
    draft_text(&d, "tokenizer.ggml.pre", "qwen2");
    draft_raw(&d, span_text("tokenizer.ggml.tokens"), 9, buf_span(&tokens));
    draft_raw(&d, span_text("tokenizer.ggml.merges"), 9, SPAN("\x08\0\0\0\0\0\0\0\0\0\0\0", 12));
    draft_raw(&d, span_text("tokenizer.ggml.token_type"), 9,
              SPAN("\5\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0", 16));
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(tokenizer_scope) struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(gguf_vocabulary(buf_span(&file), &t, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "gguf-user-token", "%s", e.detail);
}

Test(tokenizer, gpt2_merges_long_texts_as_it_merges_their_words)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.layers = 1, .gpt2 = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    SCOPED(buf_release) struct buf back = BUF_EMPTY;
    struct err e = ERR_NONE;
    for (size_t i = 0; i < 3000; i++)
        buf_text(&text, i % 700 == 0 ? " \n" : " then");
    memset(buf_space(&text, 10000), 'o', 10000); /* one word, longer than a stretch */
    cr_assert_eq(tokenizer_encode(model_tokenizer(m), buf_span(&text), false, &ids, &e), ST_OK);
    for (size_t i = 0; i < ids.n; i += 4)
        buf_append(&back, tokenizer_piece(model_tokenizer(m), get_le32(ids.p + i), false));
    cr_expect(span_equal(buf_span(&back), buf_span(&text)));
    cr_expect_eq(get_le32(ids.p + 4 * 3), get_le32(ids.p + 4 * 5), "a word in a stretch is a word");
}

Test(tokenizer, bpe_refuses_a_token_over_64_kib)
{
    SCOPED(buf_release) struct buf s = BUF_EMPTY;
    const uint32_t head[] = {1, 261, 256, 257, 258, 259, 1, 0, 260, 65537};
    buf_text(&s, "BPE1");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        put_le32(buf_space(&s, 4), head[i]);
    memset(buf_space(&s, 65537), 'x', 65537);
    SCOPED(tokenizer_scope) struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    cr_expect_eq(tokenizer_open_section(buf_span(&s), 0, 261, &t, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "tokenizer-token-length");
}

Test(tokenizer, text_that_is_not_utf8_is_refused)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_expect_eq(tokenizer_encode(model_tokenizer(m), span_text("\xc3("), true, &ids, &e),
                 ST_INVALID_UTF8);
    cr_expect_eq(ids.n, 0);
}

Test(tokenizer, a_text_over_the_limit_is_refused_unread)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true});
    SCOPED(model_scope) struct model *m = open_made(&file);
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_expect_eq(
        tokenizer_encode(model_tokenizer(m), SPAN("x", TOKENIZER_TEXT_MAX + 1), true, &ids, &e),
        ST_INVALID_LENGTH);
}

static enum status keep(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    buf_append(ctx, bytes);
    return ST_OK;
}

static void canonical(enum model_format format, struct span file, struct buf *out)
{
    SCOPED(scan_scope) struct scan *s = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(scan_open(format, file.n, NULL, &s, &e), ST_OK);
    cr_assert_eq(scan_feed(s, file, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(scan_end(s, &e), ST_OK);
    cr_assert_eq(scan_tokenizer(s, (struct sink){keep, out}, &e), ST_OK);
}

Test(tokenizer, the_canonical_form_of_slm1_is_the_section)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true, .bpe = true});
    SCOPED(buf_release) struct buf have = BUF_EMPTY;
    canonical(MODEL_FORMAT_SLM1, buf_span(&file), &have);
    cr_expect(span_equal(buf_span(&have), make_bpe()));
}

Test(tokenizer, the_canonical_form_of_a_llama_vocabulary_does_not_depend_on_the_weights)
{
    SCOPED(buf_release) struct buf f32 = make_gguf(&(struct make){.tiny = true});
    SCOPED(buf_release)
    struct buf f16 = make_gguf(&(struct make){.tiny = true, .dtype = MAKE_F16, .tied = true});
    SCOPED(buf_release) struct buf a = BUF_EMPTY;
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    canonical(MODEL_FORMAT_GGUF, buf_span(&f32), &a);
    canonical(MODEL_FORMAT_GGUF, buf_span(&f16), &b);
    cr_expect(span_equal(buf_span(&a), buf_span(&b)));
    cr_expect_arr_eq(a.p, "SPM1\1\0\0\0\x10\0\0\0\1\0\0\0\2\0\0\0\xff\xff\xff\xff\0\0\0\0\5\0\0\0",
                     32);
    cr_expect_arr_eq(a.p + 32, "\0\0\0\0\2\0\0\0\5\0\0\0<unk>", 17);
}

Test(tokenizer, the_canonical_form_of_a_gpt2_vocabulary_has_tokens_and_merges)
{
    SCOPED(buf_release) struct buf file = make_gguf(&(struct make){.tiny = true, .gpt2 = true});
    SCOPED(buf_release) struct buf a = BUF_EMPTY;
    canonical(MODEL_FORMAT_GGUF, buf_span(&file), &a);
    cr_expect_arr_eq(
        a.p, "GPT2\1\0\0\0\x0e\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\1\1\0\0", 32);
    cr_expect_arr_eq(a.p + 32, "\3\0\0\0\x0d\0\0\0<|endoftext|>", 21);
    cr_expect_arr_eq(a.p + a.n - 11, "\3\0\0\0\0\0\0\0h o", 11);
}

Test(tokenizer, a_section_that_ends_in_its_header_is_refused)
{
    SCOPED(tokenizer_scope) struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    cr_expect_eq(tokenizer_open_section(SPAN("BPE", 3), 0, 262, &t, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "tokenizer-truncated");
    e = ERR_NONE;
    cr_expect_eq(tokenizer_open_section(SPAN(make_bpe().p, 20), 0, 262, &t, &e), ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "tokenizer-truncated");
}

Test(tokenizer, encoding_may_run_out_anywhere)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.tied = true});
    put_le32(draft_pair(&d, "tokenizer.ggml.token_type") + 16 + 4 * 267, TOKEN_USER); /* th */
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    SCOPED(model_scope) struct model *m = open_made(&file);
    for (uint64_t n = 1;; n++) {
        SCOPED(buf_release) struct buf ids = BUF_EMPTY;
        struct err e = ERR_NONE;
        heap_fail_at(n, 0);
        enum status st =
            tokenizer_encode(model_tokenizer(m), span_text("on the other"), true, &ids, &e);
        heap_fail_at(0, 0);
        if (st == ST_OK) {
            cr_expect_gt(n, 6);
            break;
        }
        cr_assert_eq(st, ST_NO_MEMORY);
    }
}
