#include "runtime/model.h"
#include "tests/support/model_make.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void check(struct span head, const char *name, uint64_t bytes, enum model_claim want,
                  const char *want_foreign)
{
    const char *foreign = "unset";
    cr_assert_eq(model_sniff(head, name, bytes, &foreign), want);
    if (want_foreign == NULL)
        cr_assert_null(foreign);
    else
        cr_assert_str_eq(foreign, want_foreign);
}

Test(sniff, a_magic_or_a_name_ending_makes_the_claim_and_the_name_goes_first)
{
    check(SPAN("SLM1", 4), NULL, 4, CLAIM_SLM1, NULL);
    check(SPAN("GGUF", 4), NULL, 4, CLAIM_GGUF, NULL);
    check(SPAN("", 0), "a/b.slm", 0, CLAIM_SLM1, NULL);
    check(SPAN("PK\3\4", 4), "x.GGUF", 4, CLAIM_GGUF, NULL);
    check(SPAN("SLM1", 4), "x.gguf", 4, CLAIM_GGUF, NULL);
}

Test(sniff, texts_and_archives_claim_nothing)
{
    check(SPAN("once upon", 9), "story.txt", 9, CLAIM_NONE, NULL);
    check(SPAN("", 0), NULL, 0, CLAIM_NONE, NULL);
    check(SPAN("\x1f\x8b\x08\0", 4), "m.tar.gz", 900, CLAIM_NONE, NULL);
    check(SPAN("PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0a.txt", 35), "m.zip", 35,
          CLAIM_NONE, NULL);
}

Test(sniff, formats_of_others_are_known_by_name)
{
    check(SPAN("\x80\x04\x95\0\0\0", 6), NULL, 600, CLAIM_FOREIGN, "pickle");
    check(SPAN("\x80\x02}q\0X", 6), "weights.bin", 600, CLAIM_FOREIGN, "pickle");
    check(SPAN("\x89HDF\r\n\x1a\n", 8), NULL, 800, CLAIM_FOREIGN, "hdf5");
    check(SPAN("\x10\0\0\0\0\0\0\0{\"a\"", 12), NULL, 600, CLAIM_FOREIGN, "safetensors");
    check(SPAN("\x10\0\0\0\0\0\0\0{\"a\"", 12), NULL, 16, CLAIM_NONE, NULL);
    check(SPAN("\x08\x07\x12\x07pytorch", 11), NULL, 600, CLAIM_FOREIGN, "onnx");
    check(SPAN("tjgg\3\0\0\0", 8), NULL, 600, CLAIM_FOREIGN, "ggml");
    check(SPAN("PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0"
               "archive/data.pkl",
               46),
          "model.pt", 900, CLAIM_FOREIGN, "pytorch");
}

Test(sniff, a_llama2c_checkpoint_is_known_by_the_size_its_header_implies)
{
    static const uint32_t header[] = {8, 12, 1, 2, 1, 5, 16};
    uint64_t floats = 5 * 8 + 16 + 2 * 64 + 2 * 8 * 4 + 3 * 8 * 12 + 8 + 16 * 4;
    uint8_t head[28];
    for (size_t i = 0; i < 7; i++)
        put_le32(head + 4 * i, header[i]);
    check(SPAN(head, 28), "model.bin", 28 + 4 * floats, CLAIM_FOREIGN, "llama2.c");
    check(SPAN(head, 28), "model.bin", 28 + 4 * floats + 4, CLAIM_NONE, NULL);
    put_le32(head + 20, (uint32_t)-5);
    check(SPAN(head, 28), "model.bin", 28 + 4 * (floats + 40), CLAIM_FOREIGN, "llama2.c");
}

static void check_corpus(const char *file, enum model_claim want, const char *foreign)
{
    const char *corpus = getenv("ASSAY_CORPUS");
    if (corpus == NULL)
        cr_skip_test("ASSAY_CORPUS names no corpus");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpus, file);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    uint8_t head[MODEL_SNIFF_BYTES];
    size_t n = fread(head, 1, sizeof head, f);
    fseek(f, 0, SEEK_END);
    long bytes = ftell(f);
    fclose(f);
    check(SPAN(head, n), NULL, (uint64_t)bytes, want, foreign);
}

Test(sniff, real_files_are_known)
{
    check_corpus("llama2c/stories260K.bin", CLAIM_FOREIGN, "llama2.c");
    check_corpus("llama2c/stories260K-transposed.bin", CLAIM_FOREIGN, "llama2.c");
    check_corpus("llama2c/tok512.bin", CLAIM_FOREIGN, "llama2.c tokenizer");
    check_corpus("gguf/stories260K-f32.gguf", CLAIM_GGUF, NULL);
    check_corpus("eval/tinystories_sample.txt", CLAIM_NONE, NULL);
}
