/* Any bytes as a pack file: the walk ends, and whatever is read by the walk's places has the digest
 * it is named by. The same bytes also go to the decoder of every encoding. */
#include "base/files.h"
#include "store/pack.h"
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define OUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder_path[] = "/tmp/assay-fuzz-pack-XXXXXX";
static int folder = -1;

static void remove_folder(void)
{
    (void)unlinkat(folder, "0000000000000001.pack", 0);
    (void)rmdir(folder_path);
}

static void write_pack(struct span bytes)
{
    struct err e = ERR_NONE;
    if (folder < 0) {
        const char *made = mkdtemp(folder_path);
        assert(made != NULL);
        folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert(folder >= 0);
        (void)atexit(remove_folder);
    }
    SCOPED(fd_release)
    int fd = openat(folder, "0000000000000001.pack", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert(fd >= 0);
    enum status st = io_write(fd, bytes, &e);
    assert(st == ST_OK);
}

static void read_record(struct pack_set *set, const struct pack_entry *entry)
{
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    struct err e = ERR_NONE;
    if (entry->at.length > OUT_MAX)
        return;
    enum status st = pack_read_buf(set, &entry->at, &entry->digest, &out, &e);
    assert(st == ST_OK || st == ST_CORRUPT);
    struct digest found = digest_of(buf_span(&out));
    assert(st != ST_OK || digest_equal(&found, &entry->digest));
}

static void walk(void)
{
    SCOPED(pack_set_scope) struct pack_set *set = NULL;
    SCOPED(pack_walk_scope) struct pack_walk *w = NULL;
    struct err e = ERR_NONE;
    enum status st = pack_set_open(folder, &set, &e);
    assert(st == ST_OK);
    st = pack_walk_open(folder, 1, &w, &e);
    assert(st == ST_OK);
    enum pack_step step = PACK_STEP_DAMAGE;
    while (step != PACK_STEP_END) {
        struct pack_entry entry;
        struct err damage;
        st = pack_walk_next(w, &step, &entry, &damage, &e);
        assert(st == ST_OK);
        if (step == PACK_STEP_RECORD)
            read_record(set, &entry);
    }
}

static void decode(struct span in)
{
    static uint8_t out[OUT_MAX];
    SCOPED(codec_scope) struct codec *codec = NULL;
    struct err e = ERR_NONE;
    enum status st = codec_open(&codec, &e);
    assert(st == ST_OK);
    for (int how = ENCODING_RAW; how <= ENCODING_PLANES4; how++) {
        for (size_t length = in.n; length <= OUT_MAX && length < in.n * 4 + 64;
             length = length * 2 + 1) {
            st = codec_decode(codec, (enum encoding)how, in, out, length, &e);
            assert(st == ST_OK || st == ST_CORRUPT);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_pack(SPAN(data, size));
    walk();
    decode(SPAN(data, size));
    return 0;
}
