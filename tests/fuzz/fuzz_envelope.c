/* Any bytes as a DSSE envelope: what is read can be read again from its own parts, and no bytes
 * that a fuzzer finds are signed by a key that signed nothing. */
#include "base/ensure.h"
#include "store/envelope.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* RFC 8032's first test key: nothing in the inputs is signed by it. */
    static const struct public_key stranger = {
        .bytes = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                  0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                  0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a}};
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope v = {0};
    enum status st = envelope_parse(SPAN(data, size), &v, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT || st == ST_SIGNATURE);
    ENSURE(st != ST_OK || (v.count > 0 && v.count <= ENVELOPE_SIGNATURES && v.type[0] != '\0'));
    ENSURE(st != ST_OK || !envelope_signed_by(&v, &stranger));
    return 0;
}
