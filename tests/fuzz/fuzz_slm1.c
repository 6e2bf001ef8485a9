/* Any bytes behind SLM1's magic. The checksum is made right first, or nothing behind it would ever
 * be reached; one input in 16 is tried as it came too. */
#include "runtime/slm1.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reach_run("slm1", fuzz_model_depths);
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
        return 0;
    SCOPED(heap_scope) uint8_t *copy = heap_alloc(size);
    assert(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    int depth = 0;
    if (size < SLM1_HEADER_BYTES || fuzz_draw(SPAN(copy, size)) % 256 < 16)
        depth = fuzz_model(MODEL_FORMAT_SLM1, SPAN(copy, size));
    if (size >= SLM1_HEADER_BYTES) {
        struct slm1_sum sum = slm1_sum_start();
        slm1_sum_add(&sum, SPAN(copy, size));
        put_le64(copy + SLM1_CHECKSUM_AT, slm1_sum_finish(&sum));
        depth = fuzz_model(MODEL_FORMAT_SLM1, SPAN(copy, size));
    }
    reach_depth(depth);
    return 0;
}
