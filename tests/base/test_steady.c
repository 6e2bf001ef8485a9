#include "base/files.h"
#include "base/steady.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/assay-steady-XXXXXX";
static int fd = -1;
static struct steady was;

static void set_up(void)
{
    struct stat facts;
    fd = mkostemp(path, O_CLOEXEC);
    cr_assert(fd >= 0 && write(fd, "12345", 5) == 5 && fstat(fd, &facts) == 0);
    was = steady_of(&facts);
    (void)usleep(20000); /* the clock of files moves in steps */
}

static void tear_down(void)
{
    (void)close(fd);
    (void)unlink(path);
}

TestSuite(steady, .init = set_up, .fini = tear_down);

static void expect_changed(void)
{
    struct err e = ERR_NONE;
    cr_expect_eq(steady_check(&was, fd, &e), ST_MISMATCH);
    cr_assert_not_null(e.code);
    cr_expect_str_eq(e.code, "source-changed");
}

Test(steady, a_file_that_is_only_read_stays_as_it_was)
{
    struct err e = ERR_NONE;
    char c;
    cr_assert_eq(pread(fd, &c, 1, 0), 1);
    cr_expect_eq(steady_check(&was, fd, &e), ST_OK, "%s", e.detail);
}

Test(steady, a_file_that_grows_has_changed)
{
    cr_assert_eq(pwrite(fd, "6", 1, 5), 1);
    expect_changed();
}

Test(steady, a_file_that_is_cut_has_changed)
{
    cr_assert_eq(ftruncate(fd, 2), 0);
    expect_changed();
}

Test(steady, bytes_written_over_have_changed)
{
    cr_assert_eq(pwrite(fd, "x", 1, 2), 1);
    expect_changed();
}

Test(steady, setting_the_time_back_hides_no_change)
{
    const struct timespec back[2] = {was.written, was.written};
    cr_assert_eq(pwrite(fd, "x", 1, 2), 1);
    cr_assert_eq(futimens(fd, back), 0);
    expect_changed();
}

Test(steady, what_is_no_file_passes)
{
    struct err e = ERR_NONE;
    struct stat facts = {.st_mode = S_IFIFO};
    was = steady_of(&facts);
    cr_expect_eq(steady_check(&was, -1, &e), ST_OK);
}
