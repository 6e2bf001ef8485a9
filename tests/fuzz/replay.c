/* Runs a fuzz target over every file of a folder, without libFuzzer: the file as it is, each of its
 * prefixes, and with each byte damaged in turn (of small files; of large ones a spread of both). */
#include "base/files.h"
#include "base/heap.h"
#include "tests/fuzz/fuzz_target.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { INPUT_MAX = 1 << 24, VARIANTS = 2048 };

/* In memory of exactly its size, so that a read past the end shows under ASan. */
static void run(const uint8_t *p, size_t n)
{
    uint8_t *copy = heap_alloc(n);
    if (n > 0)
        memcpy(copy, p, n);
    (void)LLVMFuzzerTestOneInput(copy, n);
    heap_free(copy);
}

static void run_variants(struct buf *in)
{
    static const uint8_t damage[] = {0x01, 0x80, 0xFF};
    size_t step = in->n / VARIANTS + 1;
    run(in->p, in->n);
    for (size_t i = 0; i < in->n; i += step)
        run(in->p, i);
    for (size_t i = 0; i < in->n; i += step) {
        uint8_t was = in->p[i];
        in->p[i] ^= damage[i / step % 3];
        run(in->p, in->n);
        in->p[i] = was;
    }
}

struct replay {
    int dir;
    unsigned files;
};

static enum status replay_file(void *ctx, const char *name, struct err *e)
{
    struct replay *r = ctx;
    SCOPED(buf_release) struct buf in = BUF_EMPTY;
    enum status st = file_read(r->dir, name, INPUT_MAX, &in, e);
    if (st != ST_OK)
        return st;
    r->files++;
    run_variants(&in);
    return ST_OK;
}

int main(int argc, char **argv)
{
    struct err e = ERR_NONE;
    SCOPED(fd_release) int dir = -1;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    enum status st = io_open(AT_FDCWD, argv[1], O_RDONLY | O_DIRECTORY, 0, &dir, &e);
    struct replay r = {.dir = dir};
    if (st == ST_OK)
        st = folder_each(dir, ".", replay_file, &r, &e);
    if (st != ST_OK) {
        (void)fprintf(stderr, "%s: %s\n", e.subject, e.detail);
        return 1;
    }
    (void)printf("%u inputs and their variants\n", r.files);
    return r.files > 0 ? 0 : 1;
}
