/* Any bytes behind GGUF's magic. */
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
        fuzz_model(MODEL_FORMAT_GGUF, SPAN(data, size));
    return 0;
}
