/* Any bytes as a decision: one that is accepted says exactly those bytes, and nothing besides. The
 * same bytes are tried as a trust document and as a public key. */
#include "base/ensure.h"
#include "promote/statement.h"
#include "tests/fuzz/fuzz_target.h"
#include "verify/trust_format.h"

static void try_trust(struct span bytes)
{
    struct err e = ERR_NONE;
    struct trust t = {.version = 0};
    if (trust_decode(bytes, &t, &e) != ST_OK)
        return;
    const struct trust_role *root = &t.roles[ROLE_ROOT];
    ENSURE(t.version > 0 && root->threshold > 0 && root->threshold <= root->count);
}

static void try_key(struct span bytes)
{
    struct err e = ERR_NONE;
    struct public_key k, again;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    if (key_public_parse(bytes, &k, &e) != ST_OK)
        return;
    key_public_text(&k, NULL, &text);
    ENSURE(key_public_parse(buf_span(&text), &again, &e) == ST_OK);
    ENSURE(span_equal(SPAN(k.bytes, sizeof k.bytes), SPAN(again.bytes, sizeof again.bytes)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    struct statement s;
    SCOPED(buf_release) struct buf again = BUF_EMPTY;
    try_trust(SPAN(data, size));
    try_key(SPAN(data, size));
    enum status st = statement_decode(SPAN(data, size), &s, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT);
    if (st != ST_OK)
        return 0;
    st = statement_encode(&s, &again, &e);
    ENSURE(st == ST_OK && span_equal(buf_span(&again), SPAN(data, size)));
    return 0;
}
