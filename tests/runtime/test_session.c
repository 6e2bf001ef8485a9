#include "runtime/session.h"

#include "base/heap.h"
#include "base/text.h"
#include "runtime/forward.h"
#include "tests/support/ascii_model.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* A model of context 64 and a session over it. */
struct place {
    struct buf file;
    struct model *model;
    struct session *session;
    struct generation got;
    struct err e;
};

static struct place open_file(struct buf file)
{
    struct place p = {.file = file, .e = ERR_NONE};
    cr_assert_eq(model_open(buf_span(&p.file), &model_limits_default, true, &p.model, &p.e), ST_OK,
                 "%s", p.e.detail);
    cr_assert_eq(session_open(p.model, &p.session, &p.e), ST_OK, "%s", p.e.detail);
    return p;
}

static struct place open_ascii(void)
{
    return open_file(make_ascii_slm1(&(struct make){.kv_heads = 2}));
}

static void close_place(struct place *p)
{
    session_close(p->session);
    model_close(p->model);
    buf_release(&p->file);
}

static enum status generate(struct place *p, const char *prompt, uint32_t limit)
{
    p->e = ERR_NONE;
    return session_generate(p->session, span_text(prompt), limit, NULL, &p->got, &p->e);
}

/* Text collected from the callback, which can cancel after some tokens. */
struct heard {
    char text[256];
    size_t n, tokens, cancel_at;
    bool always_utf8;
};

static bool hear(void *ctx, uint32_t id, struct span text)
{
    struct heard *h = ctx;
    (void)id;
    memcpy(h->text + h->n, text.p, text.n);
    h->n += text.n;
    h->always_utf8 = h->always_utf8 && utf8_valid(text);
    return ++h->tokens != h->cancel_at;
}

Test(session, allocates_exactly_what_the_budget_says)
{
    struct place p = open_ascii();
    struct budget b;
    const struct budget *held = session_held(p.session);
    cr_assert_eq(budget_of(model_facts(p.model), &b, &p.e), ST_OK);
    cr_assert_eq(held->scratch, b.scratch);
    cr_assert_eq(held->kv, b.kv);
    cr_assert_eq(held->logits, b.logits);
    cr_assert_eq(held->rotation, b.rotation);
    cr_assert_eq(held->tokens, b.tokens);
    cr_assert_eq(held->output, b.output);
    cr_assert_eq(held->batch, b.batch);
    cr_assert_eq(b.batch, 4u * (48 * (7 * 32 + 2 * 16 + 3 * 64) + 8 * 260));
    cr_assert_eq(b.packed, 0);
    cr_assert_eq(held->threads, 0);
    cr_assert_eq(b.scratch, 4u * (8 * 32 + 2 * 16 + 3 * 64 + 64));
    cr_assert_eq(b.kv, 2u * 2 * 64 * 16 * 4);
    cr_assert_eq(b.logits, 260u * 4);
    close_place(&p);
}

Test(session, opens_whole_or_not_at_all)
{
    struct place p = open_ascii();
    session_close(p.session);
    for (uint64_t nth = 1; nth < 20; nth++) {
        p.session = NULL;
        heap_fail_at(nth, 0);
        enum status st = session_open(p.model, &p.session, &p.e);
        heap_fail_at(0, 0);
        if (st == ST_OK) {
            cr_assert_gt(nth, 6, "seven allocations could fail");
            break;
        }
        cr_assert_eq(st, ST_NO_MEMORY);
        cr_assert_null(p.session);
    }
    close_place(&p);
}

Test(session, says_the_same_twice_and_after_a_reset)
{
    struct place p = open_ascii();
    uint32_t first[20];
    for (int round = 0; round < 4; round++) {
        cr_assert_eq(generate(&p, "Once", 20), ST_OK, "%s", p.e.detail);
        cr_assert_eq(p.got.prompt_count, 5, "BOS and four bytes, EOS dropped");
        cr_assert_eq(p.got.prompt_ids[0], 256);
        cr_assert_eq(p.got.token_count, 20);
        cr_assert_eq(p.got.text.n, 20);
        cr_assert_eq(p.got.stop, STOP_LIMIT);
        if (round == 0)
            memcpy(first, p.got.token_ids, sizeof first);
        cr_assert_arr_eq(first, p.got.token_ids, sizeof first);
        if (round == 1)
            session_reset(p.session);
    }
    close_place(&p);
}

Test(session, the_same_seed_tells_the_same_again_and_another_does_not)
{
    struct place p = open_ascii();
    struct sampling how = {.temperature = 1.2f, .top_k = 60, .top_p = 1.0f, .seed = 5};
    uint32_t first[20];
    cr_assert_eq(session_configure(p.session, &how, &p.e), ST_OK);
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(generate(&p, "Once", 20), ST_OK);
        if (round == 0)
            memcpy(first, p.got.token_ids, sizeof first);
        cr_assert_arr_eq(first, p.got.token_ids, sizeof first, "round %d", round);
    }
    how.seed = 6;
    cr_assert_eq(session_configure(p.session, &how, &p.e), ST_OK);
    cr_assert_eq(generate(&p, "Once", 20), ST_OK);
    cr_assert_neq(memcmp(first, p.got.token_ids, sizeof first), 0);
    close_place(&p);
}

static void check_continuation(struct sampling how)
{
    struct place whole = open_ascii(), parts = open_ascii();
    cr_assert_eq(session_configure(whole.session, &how, &whole.e), ST_OK);
    cr_assert_eq(session_configure(parts.session, &how, &parts.e), ST_OK);
    cr_assert_eq(generate(&whole, "The", 30), ST_OK);
    uint32_t ids[30];
    size_t n = 0;
    cr_assert_eq(generate(&parts, "The", 7), ST_OK);
    while (n < 30) {
        memcpy(ids + n, parts.got.token_ids, parts.got.token_count * sizeof *ids);
        cr_assert(span_equal(parts.got.text, SPAN(whole.got.text.p + n, parts.got.token_count)));
        n += parts.got.token_count;
        if (n < 30)
            cr_assert_eq(
                session_continue(parts.session, n == 7 ? 13 : 10, NULL, &parts.got, &parts.e),
                ST_OK);
    }
    cr_assert_eq(n, 30);
    cr_assert_arr_eq(ids, whole.got.token_ids, sizeof ids);
    cr_assert_arr_eq(session_logits(whole.session), session_logits(parts.session),
                     260 * sizeof(float));
    close_place(&whole);
    close_place(&parts);
}

Test(session, continuation_equals_one_longer_generation)
{
    check_continuation(SAMPLING_DEFAULT);
    check_continuation(
        (struct sampling){.temperature = 1.5f, .top_k = 50, .top_p = 0.95f, .seed = 11});
}

Test(session, stepping_equals_generating)
{
    struct place whole = open_ascii(), steps = open_ascii();
    cr_assert_eq(generate(&whole, "x", 10), ST_OK);
    cr_assert_eq(session_begin(steps.session, span_text("x"), &steps.got, &steps.e), ST_OK);
    cr_assert_eq(steps.got.prompt_count, 2);
    cr_assert_eq(steps.got.token_count, 0);
    for (size_t i = 0; i < 10; i++) {
        cr_assert_eq(session_step(steps.session, &steps.got, &steps.e), ST_OK);
        cr_assert_eq(steps.got.token_count, 1);
        cr_assert_eq(steps.got.token_ids[0], whole.got.token_ids[i]);
    }
    close_place(&whole);
    close_place(&steps);
}

Test(session, a_prompt_in_pieces_is_the_same_prompt)
{
    static const char text[] = "The quick brown fox jumps over the dog, slowly at first";
    struct place whole = open_ascii(), parts = open_ascii();
    cr_assert_eq(session_begin(whole.session, span_text(text), &whole.got, &whole.e), ST_OK);
    size_t left = 0, before, pieces = 0;
    cr_assert_eq(session_start(parts.session, span_text(text), &left, &parts.e), ST_OK);
    cr_assert_gt(left, FORWARD_BATCH);
    cr_assert_eq(session_step(parts.session, &parts.got, &parts.e), ST_GENERATION_FAILED,
                 "no step before the whole prompt is taken");
    parts.e = ERR_NONE;
    cr_assert_eq(session_start(parts.session, span_text(text), &left, &parts.e), ST_OK);
    for (; left > 0; pieces++) {
        before = left;
        cr_assert_eq(session_prefill(parts.session, &left, &parts.e), ST_OK);
        cr_assert_lt(left, before);
    }
    cr_assert_gt(pieces, 1);
    cr_assert_eq(memcmp(session_logits(whole.session), session_logits(parts.session),
                        (size_t)session_held(whole.session)->logits),
                 0);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(session_step(whole.session, &whole.got, &whole.e), ST_OK);
        cr_assert_eq(session_step(parts.session, &parts.got, &parts.e), ST_OK);
        cr_assert_eq(whole.got.token_ids[0], parts.got.token_ids[0]);
    }
    cr_assert_eq(session_prefill(parts.session, &left, &parts.e), ST_GENERATION_FAILED);
    close_place(&whole);
    close_place(&parts);
}

Test(session, addresses_do_not_change)
{
    struct place p = open_ascii();
    cr_assert_null(session_logits(p.session));
    cr_assert_eq(generate(&p, "a", 3), ST_OK);
    const float *logits = session_logits(p.session);
    uint64_t allocations = heap_count();
    cr_assert_eq(session_continue(p.session, 20, NULL, &p.got, &p.e), ST_OK);
    cr_assert_eq(heap_count(), allocations, "tokens cost no allocation");
    cr_assert_eq(session_logits(p.session), logits);
    session_reset(p.session);
    cr_assert_eq(generate(&p, "b", 3), ST_OK);
    cr_assert_eq(session_logits(p.session), logits);
    close_place(&p);
}

Test(session, capacity_ends_the_generation_without_an_error)
{
    struct place p = open_ascii();
    cr_assert_eq(generate(&p, "abc", 1000), ST_OK);
    cr_assert_eq(p.got.stop, STOP_CAPACITY);
    cr_assert_eq(p.got.token_count, 60, "64 positions less BOS and three bytes");
    cr_assert_eq(session_continue(p.session, 5, NULL, &p.got, &p.e), ST_OK);
    cr_assert(p.got.token_count == 0 && p.got.stop == STOP_CAPACITY);
    close_place(&p);
}

Test(session, a_prompt_that_fills_the_context_is_refused)
{
    struct place p = open_ascii();
    char text[65];
    memset(text, 'a', sizeof text);
    text[63] = '\0'; /* BOS and 63: 64 = C */
    cr_assert_eq(generate(&p, text, 1), ST_CONTEXT_EXCEEDED);
    cr_assert_str_eq(p.e.code, "context-exceeded");
    text[62] = '\0';
    cr_assert_eq(generate(&p, text, 9), ST_OK);
    cr_assert_eq(p.got.token_count, 1);
    cr_assert_eq(p.got.stop, STOP_CAPACITY);
    close_place(&p);
}

Test(session, refusals_have_their_status_and_leave_the_model_ready)
{
    struct place p = open_ascii();
    cr_assert_eq(generate(&p, "good", 8), ST_OK);
    uint32_t good[8];
    memcpy(good, p.got.token_ids, sizeof good);
    for (int row = 0; row < 5; row++) {
        struct sampling bad = {.temperature = NAN, .top_k = 1, .top_p = 1.0f};
        enum status want[] = {ST_INVALID_LENGTH, ST_INVALID_UTF8, ST_NULL_POINTER, ST_NULL_POINTER,
                              ST_INVALID_LENGTH},
                    st;
        p.e = ERR_NONE;
        switch (row) {
        case 0: st = session_generate(p.session, span_text("a"), 0, NULL, &p.got, &p.e); break;
        case 1: st = session_generate(p.session, span_text("a\xff"), 4, NULL, &p.got, &p.e); break;
        case 2: st = session_generate(p.session, SPAN(NULL, 4), 4, NULL, &p.got, &p.e); break;
        case 3: st = session_generate(p.session, span_text("a"), 4, NULL, NULL, &p.e); break;
        default: st = session_configure(p.session, &bad, &p.e); break;
        }
        cr_assert_eq(st, want[row], "row %d", row);
        cr_assert_eq(p.e.status, want[row], "row %d", row);
        if (row < 3)
            cr_assert_eq(session_continue(p.session, 1, NULL, &p.got, &p.e), ST_GENERATION_FAILED,
                         "an error clears it");
        cr_assert_eq(generate(&p, "good", 8), ST_OK);
        cr_assert_arr_eq(good, p.got.token_ids, sizeof good);
    }
    close_place(&p);
}

Test(session, nothing_can_be_continued_before_a_generation)
{
    struct place p = open_ascii();
    cr_assert_eq(session_continue(p.session, 1, NULL, &p.got, &p.e), ST_GENERATION_FAILED);
    cr_assert_eq(generate(&p, "a", 1), ST_OK);
    session_reset(p.session);
    cr_assert_eq(session_step(p.session, &p.got, &p.e), ST_GENERATION_FAILED);
    close_place(&p);
}

Test(session, the_callback_hears_every_token_and_can_cancel)
{
    struct place p = open_ascii();
    struct heard h = {.always_utf8 = true};
    struct token_sink sink = {.token = hear, .ctx = &h};
    cr_assert_eq(session_generate(p.session, span_text("a"), 12, &sink, &p.got, &p.e), ST_OK);
    cr_assert_eq(h.tokens, 12);
    cr_assert(span_equal(p.got.text, SPAN(h.text, h.n)) && h.always_utf8);
    h = (struct heard){.cancel_at = 4};
    cr_assert_eq(session_generate(p.session, span_text("a"), 12, &sink, &p.got, &p.e),
                 ST_CANCELLED);
    cr_assert_eq(h.tokens, 4);
    cr_assert_eq(p.got.stop, STOP_CANCELLED);
    cr_assert_eq(p.got.token_count, 0);
    cr_assert_eq(session_continue(p.session, 1, NULL, &p.got, &p.e), ST_GENERATION_FAILED);
    cr_assert_eq(generate(&p, "a", 12), ST_OK);
    close_place(&p);
}

Test(session, eos_ends_the_text_and_is_not_part_of_it)
{
    struct place p = open_file(make_biased_slm1(&(struct make){.kv_heads = 2}, 257));
    struct sampling how = {.temperature = 2.0f, .top_k = 100, .top_p = 1.0f, .seed = 3};
    bool seen = false;
    cr_assert_eq(session_configure(p.session, &how, &p.e), ST_OK);
    for (char prompt[2] = "A"; prompt[0] <= 'Z'; prompt[0]++) {
        cr_assert_eq(generate(&p, prompt, 40), ST_OK);
        if (p.got.stop != STOP_EOS)
            continue;
        seen = true;
        for (size_t i = 0; i < p.got.token_count; i++)
            cr_assert_neq(p.got.token_ids[i], 257);
        cr_assert_eq(session_continue(p.session, 5, NULL, &p.got, &p.e), ST_OK);
        cr_assert(p.got.token_count == 0 && p.got.stop == STOP_EOS, "the end stays the end");
    }
    cr_assert(seen);
    close_place(&p);
}

Test(session, output_that_is_not_utf8_is_a_stable_error_that_still_tells_the_ids)
{
    struct place p = open_file(make_biased_slm1(&(struct make){.kv_heads = 2}, 0xff));
    bool seen = false;
    for (char prompt[2] = "A"; prompt[0] <= 'Z'; prompt[0]++) {
        enum status st = generate(&p, prompt, 10);
        cr_assert(st == ST_OK || st == ST_INVALID_UTF8);
        if (st == ST_OK)
            continue;
        seen = true;
        cr_assert_str_eq(p.e.stage, "decode");
        cr_assert_eq(p.got.token_count, 10);
        cr_assert_eq(p.got.text.n, 0);
        cr_assert_eq(session_continue(p.session, 1, NULL, &p.got, &p.e), ST_GENERATION_FAILED);
    }
    cr_assert(seen);
    close_place(&p);
}

Test(session, scores_a_text_by_the_logarithms_of_its_tokens)
{
    struct place p = open_ascii();
    double sum = 0.0, want = 0.0;
    uint64_t tokens = 0;
    cr_assert_eq(session_score(p.session, span_text("hello"), &sum, &tokens, &p.e), ST_OK);
    cr_assert_eq(tokens, 5);
    for (size_t i = 0; i < 5; i++) { /* the same by hand: the logits after BOS and i bytes */
        cr_assert_eq(session_begin(p.session, SPAN("hello", i), &p.got, &p.e), ST_OK);
        const float *logits = session_logits(p.session);
        double mass = 0.0;
        for (int v = 0; v < 260; v++)
            mass += exp((double)logits[v]);
        want += (double)logits[(uint8_t) "hello"[i]] - log(mass);
    }
    cr_assert_float_eq(sum, want, 1e-5);
    cr_assert_eq(session_score(p.session, span_text("x"), &sum, &tokens, &p.e), ST_OK);
    cr_assert_eq(session_continue(p.session, 1, NULL, &p.got, &p.e), ST_GENERATION_FAILED);
    close_place(&p);
}

Test(session, scoring_refuses_what_does_not_fit_or_is_empty)
{
    struct place p = open_ascii();
    double sum;
    uint64_t tokens;
    char text[66];
    memset(text, 'a', sizeof text);
    cr_assert_eq(session_score(p.session, SPAN(text, 64), &sum, &tokens, &p.e), ST_OK,
                 "BOS and 63 are run, 64 scored");
    cr_assert_eq(tokens, 64);
    cr_assert_eq(session_score(p.session, SPAN(text, 65), &sum, &tokens, &p.e),
                 ST_CONTEXT_EXCEEDED);
    cr_assert_eq(session_score(p.session, SPAN("", 0), &sum, &tokens, &p.e), ST_INVALID_LENGTH);
    cr_assert_eq(session_score(p.session, SPAN("\xc3", 1), &sum, &tokens, &p.e), ST_INVALID_UTF8);
    close_place(&p);
}

static struct score_case case_of(const char *before, const char *text)
{
    return (struct score_case){.before = span_text(before), .text = span_text(text)};
}

Test(session, a_case_scores_its_text_after_what_stands_before)
{
    struct place p = open_ascii();
    double whole, before;
    uint64_t tokens;
    struct score_case c = case_of("The cat ", "sat on");
    cr_assert_eq(session_score_cases(p.session, &c, 1, NULL, &p.e), ST_OK);
    cr_assert_eq(c.status, ST_OK);
    cr_assert_eq(c.tokens, 6);
    cr_assert_eq(session_score(p.session, span_text("The cat sat on"), &whole, &tokens, &p.e),
                 ST_OK);
    cr_assert_eq(session_score(p.session, span_text("The cat "), &before, &tokens, &p.e), ST_OK);
    cr_assert_float_eq(c.log_likelihood, whole - before, 1e-9);
    c = case_of("", "The cat sat on");
    cr_assert_eq(session_score_cases(p.session, &c, 1, NULL, &p.e), ST_OK);
    cr_assert_eq(c.log_likelihood, whole, "without anything before it is the text's own score");
    close_place(&p);
}

Test(session, a_cases_score_does_not_depend_on_its_neighbours)
{
    static const char *const texts[][2] = {
        {"What sat there? ", "A cat"}, {"What sat there? ", "A dog"},
        {"What", " sat there? A dog"}, {"", "A dog"},
        {"What sat there? A", " dog"}, {"What sat there? ", "A cat"},
        {"What sat there? ", ""},      {"What sat there? ", "\xff"},
        {"What sat there?", " A cat"}, {"something else, longer", "."}};
    enum { CASES = sizeof texts / sizeof *texts };
    struct place p = open_ascii();
    struct score_case all[CASES], alone;
    for (size_t i = 0; i < CASES; i++)
        all[i] = case_of(texts[i][0], texts[i][1]);
    cr_assert_eq(session_score_cases(p.session, all, CASES, NULL, &p.e), ST_OK);
    for (size_t i = 0; i < CASES; i++) {
        alone = case_of(texts[i][0], texts[i][1]);
        cr_assert_eq(session_score_cases(p.session, &alone, 1, NULL, &p.e), ST_OK);
        cr_assert_eq(alone.status, all[i].status, "%zu", i);
        cr_assert_eq(alone.log_likelihood, all[i].log_likelihood, "%zu", i);
        cr_assert_eq(alone.greedy, all[i].greedy);
    }
    cr_assert_eq(all[6].status, ST_INVALID_LENGTH);
    cr_assert_eq(all[7].status, ST_INVALID_UTF8);
    close_place(&p);
}

Test(session, a_case_is_greedy_when_generation_says_the_same)
{
    struct place p = open_ascii();
    cr_assert_eq(generate(&p, "Once", 6), ST_OK);
    char said[64] = {0};
    memcpy(said, p.got.text.p, p.got.text.n);
    struct score_case c[2] = {case_of("Once", said), case_of("Once", "zzzzzz")};
    cr_assert_eq(session_score_cases(p.session, c, 2, NULL, &p.e), ST_OK);
    cr_assert(c[0].status == ST_OK && c[0].greedy);
    cr_assert(c[1].status == ST_OK && !c[1].greedy);
    cr_assert(c[0].log_likelihood > c[1].log_likelihood);
    close_place(&p);
}

static bool no_further(void *ctx)
{
    unsigned *left = ctx;
    return (*left)-- > 0;
}

Test(session, can_be_cancelled_between_two_batches_of_a_prompt)
{
    struct place p = open_ascii();
    unsigned left = 1;
    const struct token_sink sink = {.ctx = &left, .onward = no_further};
    struct span prompt = span_text("A prompt that is longer than one batch of positions is.");
    p.e = ERR_NONE;
    cr_assert_eq(session_generate(p.session, prompt, 4, &sink, &p.got, &p.e), ST_CANCELLED);
    cr_assert_eq(p.got.token_count, 0);
    cr_assert_null(session_logits(p.session), "an error clears generation state");
    left = 100;
    cr_assert_eq(session_generate(p.session, prompt, 4, &sink, &p.got, &p.e), ST_OK);
    cr_assert_eq(p.got.token_count, 4);
    close_place(&p);
}

Test(session, scoring_can_be_cancelled_between_two_batches)
{
    struct place p = open_ascii();
    unsigned left = 1;
    const struct token_sink sink = {.ctx = &left, .onward = no_further};
    struct score_case c = case_of("A text that is longer than one batch ", "is the one to stop.");
    p.e = ERR_NONE;
    cr_assert_eq(session_score_cases(p.session, &c, 1, &sink, &p.e), ST_CANCELLED);
    cr_assert_eq(session_score_cases(p.session, &c, 1, NULL, &p.e), ST_OK);
    cr_assert_eq(c.status, ST_OK);
    close_place(&p);
}

Test(session, a_placed_context_expects_what_a_prompt_does)
{
    struct place p = open_ascii();
    SCOPED(buf_release) struct buf whole = BUF_EMPTY;
    const uint32_t vocab = model_facts(p.model)->shape.vocab;
    cr_assert_eq(session_begin(p.session, span_text("abcdefghijkl"), &p.got, &p.e), ST_OK);
    uint32_t ids[32];
    const size_t n = p.got.prompt_count;
    memcpy(ids, p.got.prompt_ids, n * sizeof *ids);
    buf_append(&whole, SPAN(session_logits(p.session), vocab * sizeof(float)));
    for (size_t keep = 0; keep < n; keep += 5) {
        cr_assert_eq(session_place(p.session, ids, n, keep, &p.e), ST_OK, "%s", p.e.detail);
        cr_expect_eq(memcmp(session_logits(p.session), whole.p, whole.n), 0, "keep %zu", keep);
    }
    close_place(&p);
}

Test(session, a_context_that_cannot_be_placed_is_refused)
{
    struct place p = open_ascii();
    const uint32_t vocab = model_facts(p.model)->shape.vocab;
    uint32_t ids[65] = {1, 2, 3};
    const uint32_t odd[] = {1, vocab};
    cr_expect_eq(session_place(p.session, ids, 3, 1, &p.e), ST_INVALID_LENGTH);
    cr_expect_eq(session_place(p.session, ids, 0, 0, &p.e), ST_INVALID_LENGTH);
    cr_expect_eq(session_place(p.session, ids, 65, 0, &p.e), ST_CONTEXT_EXCEEDED);
    cr_expect_eq(session_place(p.session, odd, 2, 0, &p.e), ST_INVALID_LENGTH);
    cr_expect_eq(session_place(NULL, ids, 1, 0, &p.e), ST_NULL_POINTER);
    cr_assert_eq(session_place(p.session, ids, 3, 0, &p.e), ST_OK);
    cr_expect_eq(session_continue(p.session, 1, NULL, &p.got, &p.e), ST_GENERATION_FAILED);
    close_place(&p);
}

/* Every type that can be read, in one model: the same bits by any number of threads. */
Test(session, makes_the_same_bits_with_any_number_of_threads)
{
    struct place one = open_file(make_gguf(&(struct make){.kinds = true}));
    const size_t bytes = (size_t)session_held(one.session)->logits;
    const char *prompt = "A prompt that is longer than one batch of positions.";
    cr_assert_eq(generate(&one, prompt, 8), ST_OK, "%s", one.e.detail);
    for (unsigned threads = 2; threads <= 4; threads++) {
        struct place many = open_file(make_gguf(&(struct make){.kinds = true}));
        cr_assert_eq(session_threads(many.session, threads, &many.e), ST_OK, "%s", many.e.detail);
        cr_assert_eq(session_held(many.session)->threads,
                     (uint64_t)(threads - 1) * 4 * model_facts(many.model)->shape.context);
        cr_assert_eq(generate(&many, prompt, 8), ST_OK);
        cr_assert_eq(many.got.token_count, one.got.token_count);
        cr_assert_arr_eq(many.got.token_ids, one.got.token_ids,
                         one.got.token_count * sizeof(uint32_t));
        cr_assert_arr_eq(session_logits(many.session), session_logits(one.session), bytes);
        cr_assert_eq(session_threads(many.session, 1, &many.e), ST_OK);
        cr_assert_eq(session_held(many.session)->threads, 0);
        close_place(&many);
    }
    close_place(&one);
}

Test(session, keeps_its_threads_when_more_are_refused)
{
    struct place p = open_ascii();
    cr_assert_eq(session_threads(p.session, 2, &p.e), ST_OK);
    const uint64_t held = session_held(p.session)->threads;
    cr_assert_eq(session_threads(p.session, 0, &p.e), ST_INVALID_LENGTH);
    cr_assert_eq(session_threads(p.session, 65, &p.e), ST_INVALID_LENGTH);
    heap_fail_at(1, 0);
    cr_assert_eq(session_threads(p.session, 3, &p.e), ST_NO_MEMORY);
    heap_fail_at(0, 0);
    cr_assert_eq(session_held(p.session)->threads, held);
    cr_assert_eq(generate(&p, "Once", 4), ST_OK);
    close_place(&p);
}
