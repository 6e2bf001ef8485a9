/* Any bytes behind GGUF's magic. */
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reach_run("gguf", fuzz_model_depths);
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
        reach_depth(fuzz_model(MODEL_FORMAT_GGUF, SPAN(data, size)));
    return 0;
}
