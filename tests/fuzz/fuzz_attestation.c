/* Any bytes as an attestation: one that is accepted says exactly those bytes. And any bytes as a
 * file that carries a ledger's head: what is found writes and reads back. */
#include "base/ensure.h"
#include "store/log_head.h"
#include "tests/fuzz/fuzz_target.h"
#include "verify/attestation.h"

static void try_head(struct span bytes)
{
    struct err e = ERR_NONE;
    struct log_head h = {.seq = 0}, again;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    if (log_head_find(bytes, &h, &e) != ST_OK || h.store[0] == '\0')
        return;
    struct json_out j = json_out(&text);
    log_head_write(&j, &h);
    ENSURE(json_parse(buf_span(&text), 4096, &root, &e) == ST_OK);
    ENSURE(log_head_parse(root, &again, &e) == ST_OK && again.seq == h.seq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    struct attested_record r;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    try_head(SPAN(data, size));
    enum status st = attestation_decode(SPAN(data, size), &r, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT);
    if (st != ST_OK)
        return 0;
    ENSURE(r.type < ATTEST_COUNT);
    st = attestation_encode(&r, &again, &e);
    ENSURE(st == ST_OK && span_equal(buf_span(&again), SPAN(data, size)));
    return 0;
}
