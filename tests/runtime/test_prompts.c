/* Prompts at their edges, with every kind of vocabulary: the same few answers, and the session
 * lives on. */
#include "base/heap.h"
#include "runtime/session.h"
#include "tests/support/gguf_make.h"
#include <criterion/criterion.h>
#include <string.h>

static struct buf make_kind(unsigned kind)
{
    switch (kind) {
    case 0: return make_slm1(&(struct make){.layers = 1});
    case 1: return make_slm1(&(struct make){.layers = 1, .bpe = true});
    case 2: return make_gguf(&(struct make){.layers = 1});
    default: return make_gguf(&(struct make){.layers = 1, .gpt2 = true});
    }
}

struct place {
    struct buf file;
    struct model *model;
    struct session *session;
    struct generation got;
    struct err e;
};

static struct place open_kind(unsigned kind)
{
    struct place p = {.file = make_kind(kind), .e = ERR_NONE};
    cr_assert_eq(model_open(buf_span(&p.file), NULL, true, &p.model, &p.e), ST_OK, "%s",
                 p.e.detail);
    cr_assert_eq(session_open(p.model, &p.session, &p.e), ST_OK);
    return p;
}

static void close_place(struct place *p)
{
    session_close(p->session);
    model_close(p->model);
    buf_release(&p->file);
}

static enum status say(struct place *p, struct span prompt, uint32_t most)
{
    p->e = ERR_NONE;
    return session_generate(p->session, prompt, most, NULL, &p->got, &p->e);
}

/* Untrained models may say bytes that are no text: SLM1 calls that an error of its own. */
static bool spoke(enum status st)
{
    return st == ST_OK || st == ST_INVALID_UTF8;
}

Test(prompts, of_no_bytes_begin_with_bos_alone)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct place p = open_kind(kind);
        cr_expect(spoke(say(&p, SPAN(NULL, 0), 2)), "kind %u: %s", kind, p.e.detail);
        cr_expect_eq(p.got.prompt_count, kind == 2 ? p.got.prompt_count : 1, "kind %u", kind);
        close_place(&p);
    }
}

Test(prompts, that_are_not_utf8_are_refused_and_forgotten)
{
    static const char *const bad[] = {"\xff",
                                      "a\xc3",
                                      "\xc0\xaf",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x80\x80\xaf",
                                      "\x80"};
    for (unsigned kind = 0; kind < 4; kind++) {
        struct place p = open_kind(kind);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            cr_expect_eq(say(&p, span_text(bad[i]), 1), ST_INVALID_UTF8, "kind %u, %zu", kind, i);
            cr_expect_str_eq(err_code(&p.e), "invalid-utf8");
            cr_expect_null(session_logits(p.session));
        }
        cr_expect(spoke(say(&p, span_text("on"), 1)));
        close_place(&p);
    }
}

Test(prompts, of_a_mebibyte_are_more_than_the_context_holds)
{
    static const char *const runs[] = {"a", " ", "\n", "the ", "\xc3\xa9", "1"};
    const size_t size = 1 << 20;
    uint8_t *text = heap_alloc(size);
    for (unsigned kind = 0; kind < 4; kind++) {
        struct place p = open_kind(kind);
        for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
            const size_t n = strlen(runs[r]);
            for (size_t at = 0; at + n <= size; at += n)
                memcpy(text + at, runs[r], n);
            cr_expect_eq(say(&p, SPAN(text, size - size % n), 1), ST_CONTEXT_EXCEEDED);
        }
        cr_expect(spoke(say(&p, span_text("on"), 1)));
        close_place(&p);
    }
    heap_free(text);
}

Test(prompts, may_hold_nul_and_every_control_character)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct place p = open_kind(kind);
        for (uint8_t c = 0; c < 0x20; c++) {
            uint8_t text[3] = {'a', c, 'b'};
            cr_expect(spoke(say(&p, SPAN(text, 3), 1)), "kind %u, character %u", kind, c);
        }
        close_place(&p);
    }
}

Test(prompts, ask_for_one_token_for_all_there_is_room_for_but_not_for_none)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct place p = open_kind(kind);
        cr_expect_eq(say(&p, span_text("a"), 0), ST_INVALID_LENGTH);
        cr_expect_str_eq(p.e.code, "no-new-tokens");
        cr_expect(spoke(say(&p, span_text("a"), 1)));
        cr_expect_leq(p.got.token_count, 1);
        cr_expect(spoke(say(&p, span_text("a"), UINT32_MAX)));
        cr_expect(p.got.stop == STOP_CAPACITY || p.got.stop == STOP_EOS);
        cr_expect_leq(p.got.prompt_count + p.got.token_count, 64);
        close_place(&p);
    }
}

/* Numbers too small for a normal float are numbers. */
Test(prompts, are_answered_by_denormal_weights_too)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(&(struct make){.layers = 1});
    for (size_t i = 0; i + 4 <= d.data.n; i += 8)
        put_le32(d.data.p + i, 1 + (uint32_t)i % 0x7fffff);
    struct place p = {.file = gguf_assemble(&d), .e = ERR_NONE};
    cr_assert_eq(model_open(buf_span(&p.file), NULL, true, &p.model, &p.e), ST_OK, "%s",
                 p.e.detail);
    cr_assert_eq(session_open(p.model, &p.session, &p.e), ST_OK);
    cr_expect(spoke(say(&p, span_text("the"), 3)), "%s", p.e.detail);
    close_place(&p);
}
