/* Any bytes as an archive: the first byte says of which kind. The reading ends, names end in a NUL,
 * and data comes only behind an entry that is a file. */
#include "store/import.h"
#include "tests/fuzz/fuzz_target.h"
#include <assert.h>
#include <string.h>

#define DATA_MAX (16u << 20) /* of one input: a bomb need not be unfolded whole */

struct outcome {
    bool in_file;
    size_t entries, bytes;
};

static enum status read_span(void *ctx, uint64_t offset, uint8_t *p, size_t cap, size_t *got,
                             struct err *e)
{
    const struct span *bytes = ctx;
    (void)e;
    size_t left = offset < bytes->n ? bytes->n - (size_t)offset : 0;
    *got = left < cap ? left : cap;
    if (*got > 0)
        memcpy(p, bytes->p + offset, *got);
    return ST_OK;
}

static enum status see_entry(void *ctx, const char *path, bool folder, struct err *e)
{
    struct outcome *o = ctx;
    (void)e;
    assert(strlen(path) < 1024);
    o->in_file = !folder;
    o->entries++;
    return ST_OK;
}

static enum status see_data(void *ctx, struct span bytes, struct err *e)
{
    struct outcome *o = ctx;
    assert(o->in_file);
    o->bytes += bytes.n;
    return o->bytes <= DATA_MAX ? ST_OK : err_set(e, ST_FORMAT, "enough", "enough");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum import_kind kinds[] = {IMPORT_TAR, IMPORT_TAR_ZSTD, IMPORT_ZIP};
    static bool prepared;
    struct err e = ERR_NONE;
    struct outcome o = {0};
    if (size == 0)
        return 0;
    enum status st = prepared ? ST_OK : import_ready(&e);
    assert(st == ST_OK);
    prepared = true;
    struct span bytes = SPAN(data + 1, size - 1);
    const struct import_source from = {read_span, bytes.n, &bytes};
    const struct import_calls calls = {see_entry, see_data, &o};
    st = import_archive(kinds[data[0] % 3], &from, &calls, &e);
    assert(st == ST_OK || st == ST_FORMAT || st == ST_NO_MEMORY);
    assert(st == ST_OK || e.status == st);
    return 0;
}
