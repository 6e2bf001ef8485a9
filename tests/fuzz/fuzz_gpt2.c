/* A byte that picks the pre-tokenizer, and any text: it says itself again, and its words are the
 * whole of it. */
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/fuzz_vocabulary.h"

static void fuzz_words(enum pretokenizer how, struct span text)
{
    struct pretoken p = pretoken_start(how, text);
    size_t at = 0;
    for (struct span word; (word = pretoken_next(&p)).n > 0; at += word.n)
        assert(word.p == text.p + at && word.n <= text.n - at);
    assert(at == text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"smollm", "llama3"};
    static const struct tokenizer *t[4];
    reach_run("gpt2", fuzz_text_depths);
    if (size == 0)
        return 0;
    for (size_t i = 0; i < 4 && t[i] == NULL; i++)
        t[i] = fuzz_vocabulary(&(struct make){.tied = true, .layers = 1, .gpt2 = true},
                               names[i / 2], i % 2 == 0 ? 0 : 1);
    struct span text = SPAN(data + 1, size - 1);
    if (utf8_valid(text))
        fuzz_words((enum pretokenizer)(data[0] / 4 % 4), text);
    fuzz_text(t[data[0] % 4], text);
    return 0;
}
