#include "base/err.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(err, the_place_of_failure_fills_it)
{
    struct err e = ERR_NONE;
    cr_expect_eq(err_at(&e, ST_FORMAT, "header", "bad-magic", 8, "found %d of %s", 3, "five"),
                 ST_FORMAT);
    cr_expect_eq(e.status, ST_FORMAT);
    cr_expect_str_eq(e.stage, "header");
    cr_expect_str_eq(err_code(&e), "bad-magic");
    cr_expect_eq(e.offset, 8u);
    cr_expect_str_eq(e.detail, "found 3 of five");
    cr_expect_str_eq(e.subject, "");
    cr_expect_eq(e.sys, 0);
}

Test(err, without_a_code_it_shows_the_slug)
{
    struct err e = ERR_NONE;
    cr_expect_eq(err_set(&e, ST_NOT_FOUND, NULL, "gone"), ST_NOT_FOUND);
    cr_expect_str_eq(err_code(&e), "not-found");
    cr_expect_eq(e.offset, ERR_NO_OFFSET);
}

Test(err, annotations_fill_only_what_is_empty)
{
    struct err e = ERR_NONE;
    (void)err_set(&e, ST_IO, NULL, "x");
    cr_expect_eq(err_subject(&e, "file %d", 1), ST_IO);
    cr_expect_eq(err_subject(&e, "file %d", 2), ST_IO);
    cr_expect_str_eq(e.subject, "file 1");
    cr_expect_eq(err_stage(&e, "first"), ST_IO);
    cr_expect_eq(err_stage(&e, "second"), ST_IO);
    cr_expect_str_eq(e.stage, "first");
}

Test(err, a_new_failure_keeps_nothing_of_the_old)
{
    struct err e = ERR_NONE;
    (void)err_at(&e, ST_FORMAT, "header", "code", 9, "old");
    (void)err_subject(&e, "old");
    (void)err_set(&e, ST_IO, NULL, "new");
    cr_expect_null(e.stage);
    cr_expect_null(e.code);
    cr_expect_eq(e.offset, ERR_NO_OFFSET);
    cr_expect_str_eq(e.subject, "");
}

Test(err, long_text_is_cut_and_ends)
{
    struct err e = ERR_NONE;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    (void)err_set(&e, ST_IO, NULL, "%s", text);
    (void)err_subject(&e, "%s", text);
    cr_expect_eq(strlen(e.detail), ERR_DETAIL_MAX - 1);
    cr_expect_eq(strlen(e.subject), ERR_SUBJECT_MAX - 1);
}

Test(err, errno_picks_the_status)
{
    static const struct {
        int sys;
        enum status st;
    } row[] = {{ENOENT, ST_NOT_FOUND}, {EEXIST, ST_EXISTS},     {ENOSPC, ST_NO_SPACE},
               {EDQUOT, ST_QUOTA},     {ENOMEM, ST_NO_MEMORY},  {EAGAIN, ST_BUSY},
               {EBUSY, ST_BUSY},       {EINTR, ST_INTERRUPTED}, {EOPNOTSUPP, ST_UNSUPPORTED},
               {EIO, ST_IO},           {EACCES, ST_IO},         {99999, ST_IO}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct err e = ERR_NONE;
        cr_expect_eq(err_sys(&e, row[i].sys, "open", "a/b"), row[i].st);
        cr_expect_eq(e.sys, row[i].sys);
        cr_expect_str_eq(e.subject, "a/b");
        cr_expect_eq(strncmp(e.detail, "open: ", 6), 0);
    }
}

Test(err, nobody_needs_to_want_the_reason)
{
    cr_expect_eq(err_set(NULL, ST_IO, NULL, "x"), ST_IO);
    cr_expect_eq(err_at(NULL, ST_FORMAT, "s", "c", 1, "x"), ST_FORMAT);
    cr_expect_eq(err_sys(NULL, ENOENT, "open", "x"), ST_NOT_FOUND);
}

Test(err, one_that_nobody_filled_does_not_pass_for_a_success)
{
    struct err e = ERR_NONE;
    cr_assert_eq(err_subject(&e, "x"), ST_IO);
    e = ERR_NONE;
    cr_assert_eq(err_stage(&e, "x"), ST_IO);
}
