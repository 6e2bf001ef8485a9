/* Any bytes as one line of the ledger: an accepted entry is made of exactly those bytes. */
#include "base/ensure.h"
#include "store/ledger.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    SCOPED(ledger_entry_release) struct ledger_entry entry = {0};
    struct span line = SPAN(data, size);
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    enum status st = ledger_parse(line, &entry, &e);
    ENSURE(st == ST_OK || st == ST_FORMAT);
    if (st != ST_OK)
        return 0;
    struct digest again = digest_of(buf_span(&entry.canonical));
    ENSURE(digest_equal(&again, &entry.hash) && entry.seq > 0);
    ENSURE(line.n == entry.canonical.n + 107); /* the frame around it has one length */
    return 0;
}
