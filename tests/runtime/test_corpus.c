/* Against the files of others: skipped without ASSAY_CORPUS. */
#include "runtime/gguf.h"
#include "runtime/tensor.h"
#include "runtime/tokenizer_kinds.h"
#include "tests/support/model_make.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf slurp(const char *file)
{
    const char *corpus = getenv("ASSAY_CORPUS");
    if (corpus == NULL)
        cr_skip_test("ASSAY_CORPUS names no corpus");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpus, file);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    struct buf b = BUF_EMPTY;
    uint8_t piece[65536];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_append(&b, SPAN(piece, n));
    fclose(f);
    return b;
}

/* The number behind a word in the file's line of DEQUANT_REF.txt. */
static double number_after(const char *text, const char *file, const char *word)
{
    const char *line = strstr(text, file);
    cr_assert_not_null(line, "%s", file);
    const char *at = strstr(line, word);
    cr_assert_not_null(at, "%s", word);
    return strtod(at + strlen(word), NULL);
}

static void check_dequantised(const char *name, enum dtype want)
{
    SCOPED(buf_release) struct buf ref = slurp("synth/DEQUANT_REF.txt");
    buf_byte(&ref, 0);
    char path[128];
    snprintf(path, sizeof path, "synth/%s", name);
    SCOPED(buf_release) struct buf file = slurp(path);
    SCOPED(model_scope) struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(&file), NULL, true, &m, &e), ST_OK, "%s %s: %s", name, e.code,
                 e.detail);
    const struct tensor *t = &model_weights(m)->layers[0].wq;
    cr_assert_eq(t->type, want);
    static float all[65536];
    double sum = 0, squares = 0;
    for (uint32_t r = 0; r < 256; r++)
        tensor_row(t, r, all + (size_t)r * 256);
    for (size_t i = 0; i < 65536; i++) {
        sum += (double)all[i];
        squares += (double)all[i] * (double)all[i];
    }
    const char *text = (const char *)ref.p;
    cr_expect(fabs(sum - number_after(text, name, "sum ")) < 2e-6, "%s sum %f", name, sum);
    cr_expect(fabs(squares - number_after(text, name, "sumsq ")) < 2e-6, "%s sumsq", name);
    cr_expect(fabs((double)all[255] - number_after(text, name, "[255] ")) < 1e-8);
    cr_expect(fabs((double)all[256] - number_after(text, name, "[256] ")) < 1e-8);
    const char *first = strstr(strstr(text, name), "first8 ") + 7;
    for (size_t i = 0; i < 8; i++) {
        char *end;
        double v = strtod(first, &end);
        cr_expect(fabs((double)all[i] - v) <= 1e-6 * fabs(v), "%s [%zu] %.9g for %.9g", name, i,
                  (double)all[i], v);
        first = end;
    }
}

Test(corpus, five_types_dequantise_to_the_reference_values)
{
    check_dequantised("synth256-f32.gguf", DTYPE_F32);
    check_dequantised("synth256-q8_0.gguf", DTYPE_Q8_0);
    check_dequantised("synth256-q4_0.gguf", DTYPE_Q4_0);
    check_dequantised("synth256-q4_K.gguf", DTYPE_Q4_K);
    check_dequantised("synth256-q6_K.gguf", DTYPE_Q6_K);
}

static void check_stories(const char *file, const char *quantization)
{
    SCOPED(buf_release) struct buf bytes = slurp(file);
    SCOPED(model_scope) struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(&bytes), NULL, true, &m, &e), ST_OK, "%s %s: %s", file, e.code,
                 e.detail);
    const struct model_facts *f = model_facts(m);
    cr_expect_str_eq(f->quantization, quantization);
    cr_expect_str_eq(f->tokenizer, "llama");
    cr_expect_str_eq(f->family, "llama");
    cr_expect_eq(f->shape.vocab, 512);
    cr_expect_eq(f->shape.kv_heads, 4);
    cr_expect(f->shape.tied);
    cr_expect_eq(f->bos, 1);
    cr_expect_eq(f->eos, 2);
}

Test(corpus, stories260k_opens_in_three_types)
{
    check_stories("gguf/stories260K-f32.gguf", "f32");
    check_stories("gguf/stories260K-f16.gguf", "f16");
    check_stories("gguf/stories260K-q8_0.gguf", "q8_0");
}

/* One line of ids against one text. */
static bool ids_match(const struct tokenizer *t, struct span text, const char *line)
{
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(tokenizer_encode(t, text, false, &ids, &e), ST_OK);
    size_t i = 0;
    for (;; i++) {
        char *end;
        unsigned long id = strtoul(line, &end, 10);
        if (end == line)
            break;
        uint32_t have = UINT32_MAX;
        if (4 * i < ids.n)
            memcpy(&have, ids.p + 4 * i, 4);
        if (have != id)
            return false;
        line = end;
    }
    return 4 * i == ids.n;
}

static void check_vectors(const char *vocabulary, const char *texts, const char *ids)
{
    SCOPED(buf_release) struct buf file = slurp(vocabulary);
    SCOPED(buf_release) struct buf in = slurp(texts);
    SCOPED(buf_release) struct buf out = slurp(ids);
    buf_byte(&in, 0);
    buf_byte(&out, 0);
    SCOPED(tokenizer_scope) struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(gguf_vocabulary(buf_span(&file), &t, &e), ST_OK, "%s: %s", e.code, e.detail);
    static const char stop[] = "\n__ggml_vocab_test__\n";
    const char *text = (const char *)in.p;
    char *line = (char *)out.p;
    unsigned count = 0, good = 0;
    while (*line != '\0') {
        char *line_end = strchr(line, '\n');
        cr_assert_not_null(line_end);
        *line_end = '\0';
        const char *text_end = strstr(text, stop);
        size_t n = text_end != NULL ? (size_t)(text_end - text) : strlen(text);
        bool match = ids_match(t, SPAN(text, n), line);
        cr_expect(match, "text %u: %.*s", count, (int)n, text);
        good += match;
        count++;
        line = line_end + 1;
        text = text_end != NULL ? text_end + strlen(stop) : text + n;
    }
    cr_expect_eq(count, 46);
    cr_expect_eq(good, 46);
}

Test(corpus, the_32k_vocabulary_gives_all_46_reference_encodings)
{
    check_vectors("vocab/llama2-32k-spm-vocab.gguf", "vocab/ggml-vocab-llama-spm.gguf.inp",
                  "vocab/ggml-vocab-llama-spm.gguf.out");
}

Test(corpus, the_gpt_2_vocabulary_gives_all_46_reference_encodings)
{
    check_vectors("vocab/ggml-vocab-gpt-2.gguf", "vocab/ggml-vocab-gpt-2.gguf.inp",
                  "vocab/ggml-vocab-gpt-2.gguf.out");
}

static void check_refused(const char *file, const char *code, const char *stage)
{
    SCOPED(buf_release) struct buf bytes = slurp(file);
    SCOPED(model_scope) struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_neq(model_open(buf_span(&bytes), NULL, true, &m, &e), ST_OK);
    cr_expect_str_eq(e.code, code, "%s: %s %s", file, e.code, e.detail);
    cr_expect_str_eq(e.stage, stage);
}

Test(corpus, what_is_no_model_of_ours_is_refused)
{
    check_refused("vocab/llama2-32k-spm-vocab.gguf", "gguf-no-tensors", "directory");
    check_refused("vocab/ggml-vocab-gpt-2.gguf", "gguf-architecture", "metadata");
    check_refused("bad/mangled-utf8-gpt-2.gguf", "gguf-key-length", "metadata");
    check_refused("llama2c/stories260K.bin", "slm1-magic", "container");
}
