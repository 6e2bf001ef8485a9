/* The runtime against reference values of other programs, on other people's models. The models lie
 * in the folder that ASSAY_CORPUS names; without it these tests are skipped. */
#include "base/heap.h"
#include "runtime/forward.h"
#include "runtime/session.h"
#include "runtime/tokenizer.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct buf file;
    struct model *model;
    struct session *session;
    struct err e;
};

static struct buf corpus_file(const char *name)
{
    const char *root = getenv("ASSAY_CORPUS");
    if (root == NULL)
        cr_skip_test("ASSAY_CORPUS is not set");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    struct buf out = BUF_EMPTY;
    uint8_t part[65536];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_append(&out, SPAN(part, n));
    fclose(f);
    return out;
}

static struct place open_model(const char *name)
{
    struct place p = {.file = corpus_file(name), .e = ERR_NONE};
    cr_assert_eq(model_open(buf_span(&p.file), &model_limits_default, true, &p.model, &p.e), ST_OK,
                 "%s: %s", name, p.e.detail);
    cr_assert_eq(session_open(p.model, &p.session, &p.e), ST_OK, "%s", p.e.detail);
    return p;
}

static void close_place(struct place *p)
{
    session_close(p->session);
    model_close(p->model);
    buf_release(&p->file);
}

static void check_greedy(const char *name)
{
    struct place p = open_model(name);
    SCOPED(buf_release) struct buf ids = corpus_file("gguf/REF-greedy-token-ids.txt");
    buf_byte(&ids, 0);
    struct generation got;
    cr_assert_eq(session_generate(p.session, SPAN("", 0), 256, NULL, &got, &p.e), ST_OK, "%s",
                 p.e.detail);
    cr_assert_eq(got.prompt_count, 1, "BOS alone");
    cr_assert_eq(got.token_count, 256);
    char *at = (char *)ids.p;
    for (size_t i = 0; i < 256; i++)
        cr_assert_eq(got.token_ids[i], strtoul(at, &at, 10), "%s: token %zu", name, i);
    cr_assert_eq(strspn(at, " \n"), strlen(at), "the reference has more ids");
    close_place(&p);
}

Test(conformance, stories260k_f32_gives_the_256_reference_ids)
{
    check_greedy("gguf/stories260K-f32.gguf");
}

Test(conformance, stories260k_f16_gives_the_256_reference_ids)
{
    check_greedy("gguf/stories260K-f16.gguf");
}

/* The text as the peers print it: without the space that BOS is followed by. */
Test(conformance, stories260k_tells_the_reference_text)
{
    struct place p = open_model("gguf/stories260K-f32.gguf");
    SCOPED(buf_release) struct buf text = corpus_file("gguf/REF-greedy.txt");
    struct generation got;
    cr_assert_eq(session_generate(p.session, SPAN("", 0), 256, NULL, &got, &p.e), ST_OK);
    size_t n = text.n;
    while (n > 0 && (text.p[n - 1] == '\n' || text.p[n - 1] == ' '))
        n--;
    cr_assert_geq(got.text.n, n);
    cr_assert(span_equal(SPAN(text.p, n), SPAN(got.text.p, n)));
    close_place(&p);
}

/* What another runtime goes on with, of 100 tokens the prompt's included: three times a line
 * "PROMPT: …" and the text from the prompt on. */
Test(conformance, stories260k_goes_on_from_three_prompts_as_the_reference_does)
{
    static const char mark[] = "PROMPT: ";
    struct place p = open_model("gguf/stories260K-f32.gguf");
    SCOPED(buf_release) struct buf ref = corpus_file("gguf/REF-greedy-prompts-n100.txt");
    unsigned prompts = 0;
    buf_byte(&ref, 0);
    for (const char *at = strstr((const char *)ref.p, mark), *next; at != NULL; at = next) {
        const char *prompt = at + strlen(mark), *text = strchr(prompt, '\n') + 1;
        const size_t n = (size_t)(text - 1 - prompt);
        next = strstr(text, mark);
        size_t all = next != NULL ? (size_t)(next - text) : strlen(text);
        while (all > n && text[all - 1] == '\n')
            all--;
        struct generation got;
        cr_assert_eq(memcmp(prompt, text, n), 0, "the text begins with its prompt");
        cr_assert_eq(session_generate(p.session, SPAN(prompt, n), 100, NULL, &got, &p.e), ST_OK);
        cr_assert_geq(got.text.n, all - n);
        cr_assert(span_equal(SPAN(got.text.p, all - n), SPAN(text + n, all - n)), "%.20s: %.*s",
                  prompt, (int)(all - n), (const char *)got.text.p);
        prompts++;
    }
    cr_assert_eq(prompts, 3);
    close_place(&p);
}

static void check_first_logits(const char *name, const char *prompt, const double want[4],
                               double within)
{
    struct place p = open_model(name);
    struct generation got;
    cr_assert_eq(session_begin(p.session, span_text(prompt), &got, &p.e), ST_OK, "%s", p.e.detail);
    for (int i = 0; i < 4; i++)
        cr_assert_float_eq((double)session_logits(p.session)[i], want[i], within,
                           "%s: logit %d is %f, not %f", name, i,
                           (double)session_logits(p.session)[i], want[i]);
    close_place(&p);
}

Test(conformance, first_logits_of_stories260k)
{
    check_first_logits("gguf/stories260K-f32.gguf", "",
                       (double[]){-6.222914, 8.404342, -6.223738, -6.222544}, 2e-5);
    struct place p = open_model("gguf/stories260K-f32.gguf");
    struct generation got;
    cr_assert_eq(session_generate(p.session, SPAN("", 0), 1, NULL, &got, &p.e), ST_OK);
    cr_assert_eq(got.token_ids[0], 403);
    close_place(&p);
}

/* The peer quantises activations as well, so its quantised logits are near ours, not equal. */
Test(conformance, first_logits_of_synth256_in_five_types)
{
    const char *prompt = "Once upon a time";
    check_first_logits("synth/synth256-f32.gguf", prompt,
                       (double[]){0.752213, 4.317152, -2.003520, -3.324419}, 2e-5);
    check_first_logits("synth/synth256-q8_0.gguf", prompt,
                       (double[]){0.709981, 4.428653, -2.038662, -3.329797}, 0.1);
    check_first_logits("synth/synth256-q4_0.gguf", prompt,
                       (double[]){1.911968, 3.967721, -1.759587, -1.727364}, 0.3);
    check_first_logits("synth/synth256-q4_K.gguf", prompt,
                       (double[]){0.379856, 4.886945, -1.923365, -3.128459}, 0.3);
    check_first_logits("synth/synth256-q6_K.gguf", prompt,
                       (double[]){0.493834, 4.490770, -2.302295, -3.070563}, 0.3);
}

static struct span trimmed(const char *from, const char *to)
{
    while (from < to && strchr(" \t\r\n", *from) != NULL)
        from++;
    while (to > from && strchr(" \t\r\n", to[-1]) != NULL)
        to--;
    return SPAN(from, (size_t)(to - from));
}

static double nats_per_token(const char *name, uint64_t *tokens)
{
    struct place p = open_model(name);
    SCOPED(buf_release) struct buf text = corpus_file("eval/tinystories_sample.txt");
    buf_byte(&text, 0);
    double sum = 0.0;
    *tokens = 0;
    for (const char *at = (const char *)text.p, *end; at != NULL; at = end) {
        end = strstr(at, "<|endoftext|>");
        struct span part = trimmed(at, end != NULL ? end : at + strlen(at));
        end = end != NULL ? end + strlen("<|endoftext|>") : NULL;
        double one;
        uint64_t n;
        if (part.n == 0)
            continue;
        cr_assert_eq(session_score(p.session, part, &one, &n, &p.e), ST_OK, "%s", p.e.detail);
        sum += one;
        *tokens += n;
    }
    close_place(&p);
    return -sum / (double)*tokens;
}

Test(conformance, held_text_scores_as_with_the_reference)
{
    uint64_t tokens;
    cr_assert_float_eq(nats_per_token("gguf/stories260K-f32.gguf", &tokens), 1.2664, 0.0005);
    cr_assert_eq(tokens, 1804);
    cr_assert_float_eq(nats_per_token("gguf/stories260K-f16.gguf", &tokens), 1.2665, 0.0005);
    double q8 = nats_per_token("gguf/stories260K-q8_0.gguf", &tokens);
    cr_assert_float_eq(q8, 1.2676, 0.002, "%f", q8);
    cr_assert_eq(tokens, 1804);
}

/* Every way of computing gives the same ids and the same last logits, on a trained model too. */
Test(conformance, every_table_of_kernels_gives_the_same_logits)
{
    static const char *const names[] = {"gguf/stories260K-f32.gguf", "gguf/stories260K-f16.gguf",
                                        "gguf/stories260K-q8_0.gguf", "synth/synth256-q6_K.gguf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct place p = open_model(names[i]);
        const struct model_shape *m = &model_facts(p.model)->shape;
        struct budget b;
        cr_assert_eq(budget_of(model_facts(p.model), &b, &p.e), ST_OK);
        float *scratch = heap_alloc(b.scratch), *cache = heap_alloc(b.kv);
        float *want = heap_alloc(b.logits), *got = heap_alloc(b.logits);
        double *frequency = heap_alloc(b.rotation);
        for (unsigned which = 0; kernels_at(which) != NULL; which++) {
            struct forward f;
            forward_prepare(&f, m, model_weights(p.model), kernels_at(which), scratch, frequency);
            struct kv kv = kv_over(m, cache);
            for (uint32_t t = 0; t < 40; t++)
                forward_token(&f, &kv, (t * 37 + 1) % m->vocab, which == 0 ? want : got);
            cr_assert(which == 0 || memcmp(want, got, b.logits) == 0, "%s with %s", names[i],
                      kernels_at(which)->name);
        }
        heap_free(scratch);
        heap_free(cache);
        heap_free(want);
        heap_free(got);
        heap_free(frequency);
        close_place(&p);
    }
}
