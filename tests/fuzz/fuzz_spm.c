/* Any text, encoded with a `llama` vocabulary that has every byte, says itself again. */
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/fuzz_vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tokenizer *t;
    reach_run("spm", fuzz_text_depths);
    if (t == NULL)
        t = fuzz_vocabulary(&(struct make){.tied = true, .layers = 1}, NULL, 0);
    fuzz_text(t, SPAN(data, size));
    return 0;
}
