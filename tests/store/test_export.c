#include "base/files.h"
#include "store/export.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct export *begin(int *fd)
{
    struct err e = ERR_NONE;
    struct export *x = NULL;
    cr_assert_eq(memory_file("bundle", fd, &e), ST_OK);
    cr_assert_eq(export_open(*fd, IMPORT_TAR_ZSTD, &x, &e), ST_OK);
    return x;
}

Test(export, a_file_of_other_length_than_was_said_spoils_the_bundle)
{
    for (unsigned i = 0; i < 3; i++) {
        SCOPED(fd_release) int fd = -1;
        struct err e = ERR_NONE;
        struct export *x = begin(&fd);
        enum status st = export_file(x, "a", 5, &e);
        cr_assert_eq(st, ST_OK);
        st = export_bytes(x, span_text(i == 0 ? "longer" : "less"), &e);
        if (i == 1)
            st = export_file(x, "b", 0, &e);
        else if (i == 2)
            st = export_end(x, &e);
        if (i == 1)
            cr_expect_eq(export_end(x, &e), ST_INVALID_LENGTH, "and it stays so");
        cr_assert_eq(st, ST_INVALID_LENGTH, "row %u", i);
        cr_assert_str_eq(err_code(&e), "export-length");
        export_close(x);
    }
}

/* Files of 0 … 300,001 bytes, in pieces of every size. */
static void fill(struct export *x, const struct buf *bytes)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 131072, 300001};
    struct err e = ERR_NONE;
    char name[16];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(name, sizeof name, "f%zu", sizes[i]);
        cr_assert_eq(export_file(x, name, sizes[i], &e), ST_OK);
        for (size_t at = 0, n = 1; at < sizes[i]; at += n, n = n * 3 + 1) {
            n = n < sizes[i] - at ? n : sizes[i] - at;
            cr_assert_eq(export_bytes(x, SPAN(bytes->p + at, n), &e), ST_OK);
        }
    }
    cr_assert_eq(export_end(x, &e), ST_OK);
}

Test(export, plain_and_packed_hold_the_same_tar_which_others_read)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    SCOPED(buf_release) struct buf bytes = room_bytes(300001, 1);
    static const char *const names[] = {"plain.tar", "packed.tar.zst"};
    static const enum import_kind kinds[] = {IMPORT_TAR, IMPORT_TAR_ZSTD};
    temp_write(&t, "bytes", buf_span(&bytes));
    for (size_t i = 0; i < 2; i++) {
        struct export *x = NULL;
        SCOPED(fd_release) int fd = -1;
        cr_assert_eq(io_open(t.dir, names[i], O_CREAT | O_WRONLY, 0600, &fd, &e), ST_OK);
        cr_assert_eq(export_open(fd, kinds[i], &x, &e), ST_OK);
        fill(x, &bytes);
        export_close(x);
    }
    cr_expect_eq(temp_run(&t, "zstd -dcq packed.tar.zst | cmp - plain.tar"), 0);
    cr_expect_eq(temp_run(&t, "tar xf plain.tar && for n in 0 1 511 512 513 131072 300001; do "
                              "head -c $n bytes | cmp - f$n || exit 1; done"),
                 0);
    temp_remove(&t);
}

static int no_write(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx, (void)path, (void)fd, (void)bytes;
    return strcmp(call, "write") == 0 ? ENOSPC : 0;
}

Test(export, a_disk_that_is_full_is_told)
{
    static const enum import_kind kinds[] = {IMPORT_TAR, IMPORT_TAR_ZSTD};
    SCOPED(buf_release) struct buf bytes = room_bytes(1000000, 2);
    for (size_t i = 0; i < 4; i++) { /* at the end, and on the way */
        SCOPED(fd_release) int fd = -1;
        struct err e = ERR_NONE;
        struct export *x = NULL;
        cr_assert_eq(memory_file("bundle", &fd, &e), ST_OK);
        cr_assert_eq(export_open(fd, kinds[i % 2], &x, &e), ST_OK);
        cr_assert_eq(export_file(x, "a", i < 2 ? 5 : bytes.n, &e), ST_OK);
        io_watch(no_write, NULL);
        enum status st = export_bytes(x, SPAN(bytes.p, i < 2 ? 5 : bytes.n), &e);
        cr_expect_eq(st, i < 2 ? ST_OK : ST_NO_SPACE, "row %zu", i);
        if (i < 2)
            cr_expect_eq(export_end(x, &e), ST_NO_SPACE, "row %zu", i);
        io_watch(NULL, NULL);
        export_close(x);
    }
}
