#include "base/io.h"
#include "base/text.h"
#include "tests/support/temp.h"
#include "verify/unpack.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Test(unpack, names_are_relative_and_plain)
{
    static const char *const good[] = {"a", "a/b", "größe.txt", ".hidden", "a..b/...", "-", "a b"};
    static const char *const bad[] = {"",     "/",    "/a",    "a/",       "a//b",   ".",
                                      "..",   "./a",  "a/.",   "a/..",     "../a",   "a/../b",
                                      "a\\b", "a\nb", "a\x7f", "\xff\xfe", "\x1b[2J"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(unpack_name_safe(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(unpack_name_safe(bad[i]), "name %zu", i);
}

Test(unpack, names_have_bounded_length_and_depth)
{
    char name[600];
    for (size_t n = 510; n <= 513; n++) {
        memset(name, 'n', n);
        name[n] = '\0';
        cr_expect_eq(unpack_name_safe(name), n < 512, "%zu bytes", n);
    }
    for (size_t depth = UNPACK_DEPTH; depth <= UNPACK_DEPTH + 1; depth++) {
        for (size_t i = 0; i < depth; i++)
            memcpy(name + 2 * i, "d/", 2);
        memcpy(name + 2 * depth, "f", 2);
        cr_expect_eq(unpack_name_safe(name), depth <= UNPACK_DEPTH, "%zu folders", depth);
    }
}

Test(unpack, kinds_are_told_by_the_ending_alone)
{
    cr_expect_eq(import_kind_of("a.tar"), IMPORT_TAR);
    cr_expect_eq(import_kind_of("x/a.tar.zst"), IMPORT_TAR_ZSTD);
    cr_expect_eq(import_kind_of("a.tzst"), IMPORT_TAR_ZSTD);
    cr_expect_eq(import_kind_of("a.zip"), IMPORT_ZIP);
    cr_expect_eq(import_kind_of(".zip"), IMPORT_NONE);
    cr_expect_eq(import_kind_of("a.tar.gz"), IMPORT_NONE);
    cr_expect_eq(import_kind_of("zip"), IMPORT_NONE);
    cr_expect_eq(import_ending("a.tar.zst", 9), 8);
    cr_expect_eq(import_ending("a.bin", 5), 0);
}

/* A tar of one file of n bytes, as written out in POSIX.1-1988. */
static void tar_of_one(struct buf *out, size_t n)
{
    uint8_t head[512] = "file";
    (void)snprintf((char *)head + 100, 8, "%07o", 0644u);
    (void)snprintf((char *)head + 124, 12, "%011zo", n);
    (void)snprintf((char *)head + 136, 12, "%011o", 0u);
    memset(head + 148, ' ', 8);
    head[156] = '0';
    memcpy(head + 257,
           "ustar\0"
           "00",
           8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof head; i++)
        sum += head[i];
    (void)snprintf((char *)head + 148, 8, "%06o", sum);
    buf_append(out, SPAN(head, sizeof head));
    (void)buf_space(out, (n + 511) / 512 * 512 + 1024);
}

static enum status take_apart(const char *path, uint64_t size, bool *refused, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct unpack *u = NULL;
    cr_assert_geq(fd, 0);
    struct stat facts;
    cr_assert_eq(fstat(fd, &facts), 0);
    facts.st_size = (off_t)size;
    cr_assert_eq(unpack_start(fd, &facts, IMPORT_TAR, &u, e), ST_OK, "%s", e->detail);
    struct admit_stream stream = unpack_stream(u);
    struct admit_file file;
    bool more = true;
    enum status st = ST_OK;
    while (st == ST_OK && more)
        st = stream.next(stream.ctx, &file, &more, e);
    *refused = unpack_refused(u);
    unpack_free(u);
    (void)close(fd);
    return st;
}

/* Fails the n-th write to descriptor 1, which only the sandboxed child does. */
static int fail_answer(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    unsigned *left = ctx;
    (void)path;
    (void)bytes;
    return fd == 1 && text_equal(call, "write") && --*left == 0 ? EMFILE : 0;
}

Test(unpack, an_answer_that_cannot_be_given_is_no_fault_of_the_archive)
{
    struct temp t = temp_make();
    SCOPED(buf_release) struct buf tar = BUF_EMPTY;
    char path[160];
    bool refused = false;
    unsigned n = 0;
    tar_of_one(&tar, 5000);
    temp_write(&t, "a.tar", buf_span(&tar));
    (void)snprintf(path, sizeof path, "%s/a.tar", t.path);
    for (;;) {
        struct err e = ERR_NONE;
        unsigned left = ++n;
        io_watch(fail_answer, &left);
        enum status st = take_apart(path, tar.n, &refused, &e);
        io_watch(NULL, NULL);
        if (st == ST_OK)
            break;
        cr_expect_eq(st, ST_HARNESS, "write %u: %s", n, e.detail);
        cr_expect_not(refused, "write %u: %s", n, e.detail);
        cr_assert_lt(n, 20);
    }
    cr_expect_geq(n, 6, "file, bytes and end are a head each, and two have more");
    temp_remove(&t);
}

/* What the sandboxed child says ahead of its n-th write. */
struct lie {
    unsigned at, seen;
    struct span bytes;
};

static int lie(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct lie *l = ctx;
    (void)path;
    (void)bytes;
    if (fd != 1 || !text_equal(call, "write") || ++l->seen != l->at)
        return 0;
    return write(1, l->bytes.p, l->bytes.n) == (ssize_t)l->bytes.n ? 0 : EIO;
}

Test(unpack, a_child_that_was_taken_over_says_nothing_that_is_believed)
{
    static const struct {
        unsigned at;
        const char *frame;
        size_t n;
        const char *words;
    } lies[] = {
        {1, "X\0\0\0\0", 5, "answers nonsense"}, /* no such frame */
        {1, "\0\0\0\0\0", 5, "answers nonsense"},
        {1, "F\0\0\x11\0", 5, "answers nonsense"},    /* longer than any */
        {1, "F\0\x04\0\0", 5, "an entry's name has"}, /* a name of 1024 bytes */
        {1, "D\0\0\0\0", 5, "answers nonsense"},      /* bytes of no file */
        {1, "R\2\0\0\0{}", 7, "answers nonsense"},    /* a refusal that is none */
        {1, "R\1\0\0\0{", 6, "answers nonsense"},
        {5, "Z\0\0\0\0", 5, "answers nonsense"}, /* the end, and more after it */
    };
    struct temp t = temp_make();
    SCOPED(buf_release) struct buf tar = BUF_EMPTY;
    char path[160];
    tar_of_one(&tar, 5000);
    temp_write(&t, "a.tar", buf_span(&tar));
    (void)snprintf(path, sizeof path, "%s/a.tar", t.path);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct err e = ERR_NONE;
        struct lie l = {.at = lies[i].at, .bytes = SPAN(lies[i].frame, lies[i].n)};
        bool refused = false;
        io_watch(lie, &l);
        enum status st = take_apart(path, tar.n, &refused, &e);
        io_watch(NULL, NULL);
        cr_expect_eq(st, ST_FORMAT, "lie %zu: %s", i, e.detail);
        cr_expect(refused, "lie %zu", i);
        cr_expect_not_null(strstr(e.detail, lies[i].words), "lie %zu: %s", i, e.detail);
    }
    temp_remove(&t);
}

/* Takes an archive apart that is cut to `keep` bytes, or has a byte turned (0), while it is read.
 */
static enum status change_while_reading(const struct temp *t, off_t keep, bool *refused,
                                        struct err *e)
{
    SCOPED(buf_release) struct buf tar = BUF_EMPTY;
    uint8_t block[4096], turned = 0xff;
    struct stat facts;
    struct unpack *u = NULL;
    struct admit_file file;
    bool more = false;
    size_t got = 1;
    char path[160];
    tar_of_one(&tar, 3000000);
    temp_write(t, "a.tar", buf_span(&tar));
    (void)snprintf(path, sizeof path, "%s/a.tar", t->path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &facts) == 0);
    (void)usleep(20000); /* the clock of files moves in steps */
    cr_assert_eq(unpack_start(fd, &facts, IMPORT_TAR, &u, e), ST_OK, "%s", e->detail);
    struct admit_stream stream = unpack_stream(u);
    cr_assert_eq(stream.next(stream.ctx, &file, &more, e), ST_OK, "%s", e->detail);
    cr_assert(keep > 0 ? ftruncate(fd, keep) == 0 : pwrite(fd, &turned, 1, 2000000) == 1);
    enum status st = ST_OK;
    while (st == ST_OK && got > 0)
        st = file.from.read(file.from.ctx, block, sizeof block, &got, e);
    if (st == ST_OK)
        st = stream.next(stream.ctx, &file, &more, e);
    *refused = unpack_refused(u);
    unpack_free(u);
    (void)close(fd);
    return st;
}

Test(unpack, an_archive_that_changes_while_it_is_read_is_not_taken_nor_refused_as_damaged)
{
    static const off_t keep[] = {0, 1000, 1000000, 3000512};
    struct temp t = temp_make();
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
        struct err e = ERR_NONE;
        bool refused = true;
        cr_expect_eq(change_while_reading(&t, keep[i], &refused, &e), ST_MISMATCH, "%zu: %s", i,
                     e.detail);
        cr_expect_str_eq(e.code, "source-changed");
        cr_expect_not(refused, "%zu", i);
    }
    temp_remove(&t);
}

Test(unpack, names_and_numbers_of_entries_are_judged_where_nobody_took_over)
{
    static const struct {
        const char *frame;
        size_t n;
        const char *code, *words;
    } lies[] = {
        {"F\4\0\0\0../x", 9, "archive-name", "has a name"},
        {"P\4\0\0\0a/..", 9, "archive-name", "has a name"},
        {"F\4\0\0\0file", 9, "archive-twice", "twice"}, /* and the archive's own one after it */
        {"F\6\0\0\0file/x", 11, "archive-twice", "a file and a folder"},
        {NULL, 0, "archive-entries", "one more than"},
    };
    struct temp t = temp_make();
    SCOPED(buf_release) struct buf tar = BUF_EMPTY, many = BUF_EMPTY;
    char path[160];
    tar_of_one(&tar, 5000);
    temp_write(&t, "a.tar", buf_span(&tar));
    (void)snprintf(path, sizeof path, "%s/a.tar", t.path);
    for (unsigned i = 0; i < UNPACK_ENTRIES; i++)
        buf_append(&many, SPAN("P\1\0\0\0d", 6));
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct err e = ERR_NONE;
        struct lie l = {.at = 1, .bytes = SPAN(lies[i].frame, lies[i].n)};
        bool refused = false;
        if (lies[i].frame == NULL)
            l.bytes = buf_span(&many);
        io_watch(lie, &l);
        enum status st = take_apart(path, tar.n, &refused, &e);
        io_watch(NULL, NULL);
        cr_expect_eq(st, ST_FORMAT, "lie %zu: %s", i, e.detail);
        cr_expect(refused, "lie %zu", i);
        cr_expect_str_eq(err_code(&e), lies[i].code, "lie %zu: %s", i, e.detail);
        cr_expect_not_null(strstr(e.detail, lies[i].words), "lie %zu: %s", i, e.detail);
    }
    temp_remove(&t);
}
