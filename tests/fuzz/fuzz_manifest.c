/* Any bytes as a manifest: one that is accepted encodes to the very same bytes. */
#include "base/ensure.h"
#include "store/manifest.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    SCOPED(manifest_release) struct manifest m = {0};
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    enum status st = manifest_decode(SPAN(data, size), &m, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT);
    if (st != ST_OK)
        return 0;
    st = manifest_encode(&m, &again, &e);
    ENSURE(st == ST_OK && span_equal(buf_span(&again), SPAN(data, size)));
    return 0;
}
