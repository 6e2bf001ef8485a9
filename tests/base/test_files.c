#include "base/files.h"
#include "base/heap.h"
#include "base/text.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char folder[64];
static int dir = -1;

static void set_up(void)
{
    text_fmt(folder, sizeof folder, "/tmp/assay-files-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(dir, 0);
}

static void tear_down(void)
{
    struct err e = ERR_NONE;
    io_watch(NULL, NULL);
    heap_fail_at(0, 0);
    (void)close(dir);
    if (folder_remove(AT_FDCWD, folder, &e) != ST_OK)
        abort();
}

TestSuite(files, .init = set_up, .fini = tear_down);

static void put(const char *name, const char *text)
{
    struct err e = ERR_NONE;
    int fd;
    cr_assert_eq(io_open(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(io_write(fd, span_text(text), &e), ST_OK);
    cr_assert_eq(io_close(fd, &e), ST_OK);
}

Test(files, a_whole_file_is_read_within_its_limit)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    put("f", "12345");
    cr_expect_eq(file_read(dir, "f", 5, &b, &e), ST_OK);
    cr_expect(span_equal(buf_span(&b), span_text("12345")));
    cr_expect_eq(file_read(dir, "f", 4, &b, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(e.subject, "f");
    cr_expect_str_eq(e.detail, "the file has 5 bytes; at most 4 are allowed");
}

Test(files, a_file_without_a_size_is_read_to_its_end)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_expect_eq(file_read(AT_FDCWD, "/proc/self/status", 65536, &b, &e), ST_OK);
    cr_expect_gt(b.n, 100u);
    cr_expect_eq(file_read(AT_FDCWD, "/proc/self/status", 10, &b, &e), ST_INVALID_LENGTH);
}

Test(files, only_regular_files_are_read)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(mkfifoat(dir, "fifo", 0600), 0);
    cr_expect_eq(file_read(dir, "fifo", 100, &b, &e), ST_IO, "and opening a FIFO does not hang");
    cr_expect_str_eq(err_code(&e), "not-a-file");
    cr_expect_eq(file_read(dir, ".", 100, &b, &e), ST_IO);
    cr_expect_eq(file_read(dir, "absent", 100, &b, &e), ST_NOT_FOUND);
}

Test(files, a_file_needs_memory)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    put("f", "12345");
    heap_fail_at(1, 1);
    cr_expect_eq(file_read(dir, "f", 100, &b, &e), ST_NO_MEMORY);
}

static enum status note(void *ctx, const char *name, struct err *e)
{
    (void)e;
    buf_fmt(ctx, "%s,", name);
    return ST_OK;
}

Test(files, names_come_in_byte_order)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    put("b", "");
    put("B", "");
    put("\xC3\xA9", "");
    put("a10", "");
    put("a2", "");
    cr_expect_eq(folder_each(dir, ".", note, &b, &e), ST_OK);
    cr_expect(span_equal(buf_span(&b), span_text("B,a10,a2,b,\xC3\xA9,")), "%.*s", (int)b.n,
              (char *)b.p);
}

static enum status stop(void *ctx, const char *name, struct err *e)
{
    int *calls = ctx;
    ++*calls;
    return err_set(e, ST_REFUSED, "stop", "%s", name);
}

Test(files, a_walk_ends_where_it_is_told_to)
{
    struct err e = ERR_NONE;
    int calls = 0;
    put("a", "");
    put("b", "");
    cr_expect_eq(folder_each(dir, ".", stop, &calls, &e), ST_REFUSED);
    cr_expect_eq(calls, 1);
    cr_expect_eq(folder_each(dir, "absent", stop, &calls, &e), ST_NOT_FOUND);
    cr_expect_str_eq(e.subject, "absent");
}

Test(files, folders_are_made_all_the_way)
{
    char path[128];
    struct err e = ERR_NONE;
    struct stat st;
    text_fmt(path, sizeof path, "%s/x//y/z/", folder);
    cr_expect_eq(folder_make(path, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(folder_make(path, &e), ST_OK, "and again");
    cr_expect_eq(fstatat(dir, "x/y/z", &st, 0), 0);
    cr_expect_eq(st.st_mode & 0777, 0700u);
    put("file", "");
    text_fmt(path, sizeof path, "%s/file", folder);
    cr_expect_neq(folder_make(path, &e), ST_OK, "a file is no folder");
    text_fmt(path, sizeof path, "%s/file/below", folder);
    cr_expect_neq(folder_make(path, &e), ST_OK);
    cr_expect_neq(folder_make("", &e), ST_OK);
}

Test(files, a_tree_is_removed_but_nothing_behind_a_link)
{
    struct err e = ERR_NONE;
    char path[128];
    put("kept", "x");
    text_fmt(path, sizeof path, "%s/t/a/b/c", folder);
    cr_assert_eq(folder_make(path, &e), ST_OK);
    put("t/a/b/file", "x");
    put("t/a/file", "x");
    put("t/.hidden", "x");
    cr_assert_eq(symlinkat("../..", dir, "t/a/up"), 0);
    cr_assert_eq(symlinkat("../kept", dir, "t/link"), 0);
    cr_expect_eq(folder_remove(dir, "t", &e), ST_OK, "%s", e.detail);
    cr_expect_eq(faccessat(dir, "t", F_OK, 0), -1);
    cr_expect_eq(faccessat(dir, "kept", F_OK, 0), 0);
    cr_expect_eq(folder_remove(dir, "t", &e), ST_OK, "an absent tree is fine");
    cr_assert_eq(symlinkat("kept", dir, "l"), 0);
    cr_expect_eq(folder_remove(dir, "l", &e), ST_OK);
    cr_expect_eq(faccessat(dir, "kept", F_OK, 0), 0);
}

Test(files, a_wide_tree_is_removed)
{
    struct err e = ERR_NONE;
    char name[64];
    cr_assert_eq(io_mkdir(dir, "w", 0700, &e), ST_OK);
    for (int i = 0; i < 40; i++) {
        text_fmt(name, sizeof name, "w/d%d", i);
        cr_assert_eq(io_mkdir(dir, name, 0700, &e), ST_OK);
        for (int k = 0; k < 20; k++) {
            text_fmt(name, sizeof name, "w/d%d/%d", i, k);
            put(name, "");
        }
    }
    cr_expect_eq(folder_remove(dir, "w", &e), ST_OK, "%s", e.detail);
}

static int nth(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    int *left = ctx;
    (void)call, (void)path, (void)fd, (void)bytes;
    return --*left == 0 ? EIO : 0;
}

Test(files, a_removal_that_fails_anywhere_is_told_and_may_be_repeated)
{
    struct err e = ERR_NONE;
    char path[128];
    for (int n = 1;; n++) {
        text_fmt(path, sizeof path, "%s/t/a/b", folder);
        cr_assert_eq(folder_make(path, &e), ST_OK);
        put("t/a/file", "x");
        int left = n;
        io_watch(nth, &left);
        enum status st = folder_remove(dir, "t", &e);
        io_watch(NULL, NULL);
        cr_assert(st == ST_OK || st == ST_IO);
        cr_assert_eq(st == ST_OK, left > 0, "call %d", n);
        cr_assert_eq(folder_remove(dir, "t", &e), ST_OK);
        if (left > 0)
            break;
    }
}

Test(files, streams_carry_bytes_between_descriptors_and_bufs)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    uint8_t p[10];
    size_t got;
    int fd;
    cr_assert_eq(io_open(dir, "s", O_RDWR | O_CREAT, 0600, &fd, &e), ST_OK);
    struct sink to = sink_fd(&fd), kept = sink_buf(&b);
    cr_expect_eq(to.write(to.ctx, span_text("stream"), &e), ST_OK);
    cr_expect_eq(lseek(fd, 0, SEEK_SET), 0);
    struct source from = source_fd(&fd);
    cr_expect_eq(from.read(from.ctx, p, sizeof p, &got, &e), ST_OK);
    cr_expect_eq(got, 6u);
    cr_expect_eq(kept.write(kept.ctx, (struct span){.p = p, .n = got}, &e), ST_OK);
    cr_expect(span_equal(buf_span(&b), span_text("stream")));
    cr_expect_eq(from.read(from.ctx, p, sizeof p, &got, &e), ST_OK);
    cr_expect_eq(got, 0u);
    struct buf small = buf_over(p, 2);
    struct sink full = sink_buf(&small);
    cr_expect_eq(full.write(full.ctx, span_text("abc"), &e), ST_OUTPUT_EXCEEDED);
    fd_release(&fd);
    cr_expect_eq(fd, -1);
}

Test(files, a_sealed_memory_file_never_changes)
{
    struct err e = ERR_NONE;
    int fd;
    uint8_t back[4];
    cr_assert_eq(memory_file("model", &fd, &e), ST_OK);
    cr_expect_eq(io_write(fd, span_text("abcd"), &e), ST_OK);
    cr_expect_eq(memory_seal(fd, &e), ST_OK);
    cr_expect_neq(io_write_at(fd, span_text("x"), 0, &e), ST_OK);
    cr_expect_neq(io_truncate(fd, 1, &e), ST_OK);
    cr_expect_neq(io_truncate(fd, 100, &e), ST_OK);
    cr_expect_eq(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    cr_expect_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
    cr_expect_eq(io_read_at(fd, back, 4, 0, &e), ST_OK);
    cr_expect_eq(memcmp(back, "abcd", 4), 0);
    cr_expect_eq(fd_take(&fd) >= 0, true);
    cr_expect_eq(fd, -1);
}

static int fail_call(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)path, (void)fd, (void)bytes;
    return strcmp(call, ctx) == 0 ? EIO : 0;
}

Test(files, a_file_that_cannot_be_looked_at_made_or_sealed_is_told)
{
    struct err e = ERR_NONE;
    int fd = -1;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    put("f", "text");
    io_watch(fail_call, "fstat");
    cr_expect_eq(file_read(dir, "f", 100, &out, &e), ST_IO);
    cr_expect_eq(e.sys, EIO);
    e = ERR_NONE;
    io_watch(fail_call, "memfd");
    cr_expect_eq(memory_file("content", &fd, &e), ST_IO);
    cr_expect_eq(fd, -1);
    io_watch(NULL, NULL);
    e = ERR_NONE;
    cr_assert_eq(memory_file("content", &fd, &e), ST_OK);
    io_watch(fail_call, "seal");
    cr_expect_eq(memory_seal(fd, &e), ST_IO);
    io_watch(NULL, NULL);
    (void)close(fd);
}

Test(files, what_is_not_there_is_told_from_what_cannot_be_looked_at)
{
    struct err e = ERR_NONE;
    struct stat facts;
    put("f", "text");
    cr_assert_eq(symlinkat("f", dir, "link"), 0);
    cr_expect_eq(file_look(dir, "f", &facts, &e), ST_OK);
    cr_expect(S_ISREG(facts.st_mode) && facts.st_size == 4);
    cr_expect_eq(file_look(dir, "link", &facts, &e), ST_OK);
    cr_expect(S_ISLNK(facts.st_mode));
    cr_expect_eq(file_look(dir, "absent", &facts, &e), ST_OK);
    cr_expect(facts.st_mode == 0 && facts.st_size == 0);
    cr_expect_eq(file_look(dir, "f/below", &facts, &e), ST_OK);
    cr_expect_eq(facts.st_mode, 0u);
    cr_assert_eq(file_look(dir, "f", &facts, &e), ST_OK);
    io_watch(fail_call, "fstatat");
    cr_expect_eq(file_look(dir, "f", &facts, &e), ST_IO);
    io_watch(NULL, NULL);
    cr_expect_eq(e.sys, EIO);
    cr_expect_str_eq(e.subject, "f");
    cr_expect(facts.st_mode == 0 && facts.st_size == 0);
}

static bool within(const char *path, const char *above)
{
    struct err e = ERR_NONE;
    struct stat facts;
    bool yes = false;
    SCOPED(fd_release) int fd = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstatat(dir, above, &facts, 0) == 0);
    cr_assert_eq(folder_within(fd, &facts, &yes, &e), ST_OK, "%s", e.detail);
    return yes;
}

Test(files, a_folder_lies_within_those_above_it_whatever_its_path_says)
{
    struct err e = ERR_NONE;
    for (const char *const *p = (const char *const[]){"s", "s/deep", "s/deep/er", "sb", NULL}; *p;
         p++)
        cr_assert_eq(io_mkdir(dir, *p, 0700, &e), ST_OK);
    cr_assert_eq(symlinkat("s/deep", dir, "link"), 0);
    cr_expect(within("s", "s"));
    cr_expect(within("s/deep/er", "s"));
    cr_expect(within("link", "s"), "through a link");
    cr_expect(within("sb/../s", "s"), "by a way round");
    cr_expect(within("s", "/"));
    cr_expect_not(within("sb", "s"), "a name that begins alike");
    cr_expect_not(within("s", "s/deep"));
    cr_expect_not(within("/", "s"));
}
