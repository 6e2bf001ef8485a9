/* Any bytes behind SLM1's magic. The checksum is made right first, or nothing behind it would ever
 * be reached. */
#include "runtime/slm1.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
        return 0;
    uint8_t *copy = malloc(size + (size == 0));
    assert(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (size < SLM1_HEADER_BYTES || size % 8 == 0)
        fuzz_model(MODEL_FORMAT_SLM1, SPAN(copy, size));
    if (size >= SLM1_HEADER_BYTES) {
        struct slm1_sum sum = slm1_sum_start();
        slm1_sum_add(&sum, SPAN(copy, size));
        put_le64(copy + SLM1_CHECKSUM_AT, slm1_sum_finish(&sum));
        fuzz_model(MODEL_FORMAT_SLM1, SPAN(copy, size));
    }
    free(copy);
    return 0;
}
