/* Whatever is read has a canonical form, and that form is read again, as itself. */
#include "base/canon.h"
#include "base/ensure.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {.p = data, .n = size};
    struct err e = ERR_NONE;
    SCOPED(json_scope) struct json *root = NULL;
    SCOPED(json_scope) struct json *again = NULL;
    SCOPED(buf_release) struct buf form = BUF_EMPTY;
    enum status st = json_parse(in, size, &root, &e);
    ENSURE(st == ST_OK || (st == ST_FORMAT && e.offset <= size && root == NULL));
    if (st != ST_OK)
        return 0;
    st = canon_write(root, &form, &e);
    ENSURE(st == ST_OK);
    st = canon_parse(buf_span(&form), form.n, &again, &e);
    ENSURE(st == ST_OK);
    return 0;
}
