#include "base/text.h"
#include "store/tar.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name of n bytes: `step` letters between two '/'; none at all with 0. */
static void name_of(char *out, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i++)
        out[i] = step > 0 && i % (step + 1) == step && i + 1 < n ? '/' : (char)('a' + n % 26);
    out[n] = '\0';
}

static void one_file(struct buf *tar, const char *path)
{
    tar_head(tar, path, strlen(path)); /* its bytes are its name */
    buf_text(tar, path);
    (void)buf_space(tar, tar_padding(strlen(path)));
}

/* Each file comes out of another's tar as it went in: `tar` prints name and bytes. */
static void reads_as_written(const struct buf *tar, const struct buf *want)
{
    struct temp t = temp_make();
    SCOPED(buf_release) struct buf got = BUF_EMPTY;
    temp_write(&t, "t.tar", buf_span(tar));
    cr_assert_eq(temp_run(&t,
                          "tar --warning=no-timestamp -tf t.tar --quoting-style=literal > names "
                          "&& tar -xOf t.tar > bytes && tr -d '\\n' < names > joined"),
                 0);
    cr_assert_eq(temp_run(&t, "cmp joined bytes"), 0);
    temp_read(&t, "names", &got);
    cr_assert_eq(got.n, want->n);
    cr_assert_eq(memcmp(got.p, want->p, want->n), 0);
    temp_remove(&t);
}

static void every_length(size_t step)
{
    SCOPED(buf_release) struct buf tar = BUF_EMPTY;
    SCOPED(buf_release) struct buf want = BUF_EMPTY;
    char path[TAR_PATH_MAX + 1];
    for (size_t n = 1; n <= TAR_PATH_MAX; n++) {
        name_of(path, n, step);
        one_file(&tar, path);
        buf_text(&want, path);
        buf_text(&want, "\n");
    }
    (void)buf_space(&tar, TAR_END);
    reads_as_written(&tar, &want);
}

Test(tar, names_of_every_length_are_read_by_others)
{
    every_length(0);
    every_length(7);
    every_length(99);
    every_length(100);
    every_length(154);
    every_length(155);
    every_length(156);
}

Test(tar, foreign_names_are_kept_byte_for_byte)
{
    SCOPED(buf_release) struct buf tar = BUF_EMPTY;
    SCOPED(buf_release) struct buf want = BUF_EMPTY;
    static const char *const names[] = {"modèle.slm", "模型/权重.bin", "ü", "u\xcc\x88"};
    for (size_t i = 0; i < 4; i++) {
        one_file(&tar, names[i]);
        buf_text(&want, names[i]);
        buf_text(&want, "\n");
    }
    (void)buf_space(&tar, TAR_END);
    cr_assert_eq(tar.p[156], '0', "a reader may make one of the two spellings of ü in a pax name");
    reads_as_written(&tar, &want);
}

Test(tar, an_ordinary_head_is_one_block_and_says_nothing_of_this_machine)
{
    uint8_t room[TAR_BLOCK];
    struct buf head = buf_over(room, sizeof room);
    unsigned sum = 0;
    tar_head(&head, "files/model.slm", 0x1ff);
    cr_assert_eq(head.n, TAR_BLOCK);
    cr_expect_str_eq((const char *)room, "files/model.slm");
    cr_expect_eq(memcmp(room + 100,
                        "000644 \0"
                        "000000 \0"
                        "000000 \0",
                        24),
                 0);
    cr_expect_eq(memcmp(room + 124, "00000000777 00000000000 ", 24), 0);
    cr_expect_eq(room[156], '0');
    cr_expect_eq(memcmp(room + 257, "ustar\00000", 8), 0);
    for (size_t i = 265; i < 329; i++)
        cr_expect_eq(room[i], 0, "no owner's name");
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : room[i];
    cr_expect_eq(strtoul((const char *)room + 148, NULL, 8), sum);
}

Test(tar, a_size_beyond_eleven_digits_is_said_ahead)
{
    static const struct {
        uint64_t bytes;
        size_t blocks;
        const char *said;
    } rows[] = {{UINT64_C(8589934591), 1, NULL},
                {UINT64_C(8589934592), 3, "19 size=8589934592\n"},
                {UINT64_MAX, 3, "29 size=18446744073709551615\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED(buf_release) struct buf head = BUF_EMPTY;
        tar_head(&head, "big", rows[i].bytes);
        cr_assert_eq(head.n, rows[i].blocks * TAR_BLOCK);
        cr_expect_eq(memcmp(head.p + head.n - TAR_BLOCK + 124, "77777777777 ", 12), 0);
        if (rows[i].said != NULL)
            cr_expect_str_eq((const char *)head.p + TAR_BLOCK, rows[i].said);
    }
}

Test(tar, the_longest_heads_fill_their_bound)
{
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    char path[TAR_PATH_MAX + 1];
    name_of(path, TAR_PATH_MAX, 0);
    tar_head(&head, path, UINT64_MAX);
    cr_expect_eq(head.n, TAR_HEAD_MAX);
}

Test(tar, a_file_fills_whole_blocks)
{
    cr_expect_eq(tar_padding(0), 0);
    cr_expect_eq(tar_padding(1), 511);
    cr_expect_eq(tar_padding(511), 1);
    cr_expect_eq(tar_padding(512), 0);
    cr_expect_eq(tar_padding(UINT64_MAX), 1);
}
