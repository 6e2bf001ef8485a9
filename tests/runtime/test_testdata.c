/* testdata/models holds made models, testdata/bad the damaged ones, each named after its defect,
 * and REFUSALS, how each is refused. All are written by the generator of tests/support; with
 * ASSAY_WRITE_TESTDATA set this test writes them instead of comparing. */
#include "base/text.h"
#include "tests/support/model_bad.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool writing(void)
{
    return getenv("ASSAY_WRITE_TESTDATA") != NULL;
}

static void compare(const char *path, struct span want)
{
    FILE *f = fopen(path, writing() ? "wb" : "rb");
    cr_assert_not_null(f, "%s", path);
    if (writing()) {
        cr_assert_eq(fwrite(want.p, 1, want.n, f), want.n);
        cr_assert_eq(fclose(f), 0);
        return;
    }
    SCOPED(buf_release) struct buf have = BUF_EMPTY;
    uint8_t piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_append(&have, SPAN(piece, n));
    fclose(f);
    cr_assert(span_equal(buf_span(&have), want), "%s is not what the generator makes", path);
}

static const struct {
    const char *name;
    struct make make;
} whole[] = {
    {"tiny-f32.slm", {.tiny = true}},
    {"tiny-q8_0.slm", {.tiny = true, .dtype = MAKE_Q8_0}},
    {"tiny-q8_0-whole.slm", {.tiny = true, .dtype = MAKE_Q8_0, .whole = true}},
    {"tiny-q4_0.slm", {.tiny = true, .dtype = MAKE_Q4_0}},
    {"tiny-q4_0-tied.slm", {.tiny = true, .dtype = MAKE_Q4_0, .tied = true}},
    {"tiny-q8_0-gqa.slm", {.tiny = true, .dtype = MAKE_Q8_0, .kv_heads = 1, .layers = 2}},
    {"tiny-q4_0-bpe.slm", {.tiny = true, .dtype = MAKE_Q4_0, .bpe = true}},
    {"tiny-f32.gguf", {.tiny = true}},
    {"tiny-f16-tied.gguf", {.tiny = true, .dtype = MAKE_F16, .tied = true}},
    {"tiny-f32-gqa.gguf", {.tiny = true, .kv_heads = 1, .layers = 2}},
    {"tiny-f32-biases.gguf", {.tiny = true, .biases = true, .freqs = true}},
    {"tiny-f32-gpt2.gguf", {.tiny = true, .gpt2 = true}},
    {"small-f32-gpt2.gguf", {.tied = true, .layers = 1, .gpt2 = true}},
    {"every-type.gguf", {.tiny = true, .kinds = true, .layers = 2}},
    {"small-q8_0-tied.gguf", {.dtype = MAKE_Q8_0, .tied = true, .layers = 1}},
};

Test(testdata, whole_models_are_what_the_generator_makes)
{
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        bool gguf = strstr(whole[i].name, ".gguf") != NULL;
        SCOPED(buf_release)
        struct buf file = gguf ? make_gguf(&whole[i].make) : make_slm1(&whole[i].make);
        char path[256];
        text_fmt(path, sizeof path, "testdata/models/%s", whole[i].name);
        compare(path, buf_span(&file));
        SCOPED(model_scope) struct model *m = NULL;
        struct err e = ERR_NONE;
        cr_expect_eq(model_open(buf_span(&file), NULL, true, &m, &e), ST_OK, "%s: %s", path,
                     e.detail);
    }
}

static enum status scan_whole(enum model_format format, struct span file, struct err *e)
{
    SCOPED(scan_scope) struct scan *s = NULL;
    enum status st = scan_open(format, file.n, NULL, &s, e);
    if (st == ST_OK)
        st = scan_feed(s, file, e);
    return st == ST_OK ? scan_end(s, e) : st;
}

Test(testdata, damaged_models_are_what_the_generator_makes_and_refused_as_listed)
{
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    for (size_t i = 0; i < bad_count(); i++) {
        const struct bad *b = bad_at(i);
        SCOPED(buf_release) struct buf file = bad_make(b);
        char path[256];
        text_fmt(path, sizeof path, "testdata/bad/%s", b->name);
        compare(path, buf_span(&file));
        struct err e = ERR_NONE;
        enum status st = scan_whole(bad_format(b), buf_span(&file), &e);
        cr_assert_neq(st, ST_OK, "%s", path);
        buf_fmt(&list, "%s %s %s %s %llu\n", b->name, status_slug(st), e.stage, e.code,
                (unsigned long long)e.offset);
    }
    compare("testdata/bad/REFUSALS", buf_span(&list));
}

static void compare_tokenizer(const char *path, struct span tokenizer, const char *text)
{
    SCOPED(buf_release) struct buf input = BUF_EMPTY;
    uint8_t length[4];
    put_le32(length, (uint32_t)tokenizer.n);
    buf_append(&input, SPAN(length, 4));
    buf_append(&input, tokenizer);
    buf_text(&input, text);
    compare(path, buf_span(&input));
}

Test(testdata, fuzz_inputs_are_what_the_generator_makes)
{
    SCOPED(buf_release)
    struct buf slm1 = make_slm1(&(struct make){.tiny = true, .dtype = MAKE_Q4_0, .tied = true});
    SCOPED(buf_release)
    struct buf bpe = make_slm1(&(struct make){.tiny = true, .dtype = MAKE_Q8_0, .bpe = true});
    SCOPED(buf_release)
    struct buf gguf = make_gguf(&(struct make){.tiny = true, .dtype = MAKE_F16, .tied = true});
    compare("tests/fuzz/corpus/slm1/q4_0-tied.slm", buf_span(&slm1));
    compare("tests/fuzz/corpus/slm1/q8_0-bpe.slm", buf_span(&bpe));
    compare("tests/fuzz/corpus/gguf/f16-tied.gguf", buf_span(&gguf));
    SCOPED(buf_release)
    struct buf gpt2 = make_gguf(&(struct make){.tiny = true, .tied = true, .gpt2 = true});
    compare("tests/fuzz/corpus/gguf/f32-gpt2.gguf", buf_span(&gpt2));
    compare_tokenizer("tests/fuzz/corpus/tokenizer/gpt2", buf_span(&gpt2), "once on the 1 then");
    SCOPED(buf_release)
    struct buf biases =
        make_gguf(&(struct make){.tiny = true, .tied = true, .biases = true, .freqs = true});
    compare("tests/fuzz/corpus/gguf/f32-biases.gguf", buf_span(&biases));
    compare("tests/fuzz/corpus/weights/f32-biases.gguf", buf_span(&biases));
    compare("tests/fuzz/corpus/weights/f16-tied.gguf", buf_span(&gguf));
    compare("tests/fuzz/corpus/weights/f32-gpt2.gguf", buf_span(&gpt2));
    compare("tests/fuzz/corpus/weights/q4_0-tied.slm", buf_span(&slm1));
    compare("tests/fuzz/corpus/weights/q8_0-bpe.slm", buf_span(&bpe));
    compare_tokenizer("tests/fuzz/corpus/tokenizer/btok", slm1_btok(), "once \xc3\xa9");
    compare_tokenizer("tests/fuzz/corpus/tokenizer/bpe1", make_bpe(), "the other thetheth");
    compare_tokenizer("tests/fuzz/corpus/tokenizer/llama", buf_span(&gguf), "once on the \xc3\xa9");
}
