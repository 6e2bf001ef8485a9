#include "base/progress.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Puts a terminal of so many columns in stderr's place and gives its other side. */
static int terminal(unsigned short columns)
{
    struct winsize window = {.ws_col = columns, .ws_row = 24};
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert_geq(master, 0);
    cr_assert_eq(grantpt(master), 0);
    cr_assert_eq(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    cr_assert_geq(slave, 0);
    cr_assert_eq(ioctl(slave, TIOCSWINSZ, &window), 0);
    cr_assert_eq(dup2(slave, STDERR_FILENO), STDERR_FILENO);
    cr_assert_eq(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    return master;
}

static size_t shown(int master, char *text, size_t cap)
{
    ssize_t n = read(master, text, cap - 1);
    text[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

Test(progress, a_pipe_sees_nothing)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    cr_expect_null(progress_start("add", "B", 100, false));
    progress_add(NULL, 5);
    progress_finish(NULL);
}

Test(progress, quiet_is_quiet_on_a_terminal_too)
{
    (void)terminal(80);
    cr_expect_null(progress_start("add", "B", 100, true));
}

Test(progress, a_terminal_sees_one_line_that_is_cleared_at_the_end)
{
    char text[1000];
    int master = terminal(80);
    struct progress *p = progress_start("adding", "B", 4096, false);
    cr_assert_not_null(p);
    progress_add(p, 1024);
    cr_expect_eq(shown(master, text, sizeof text), 0u,
                 "nothing within the first tenth of a second");
    (void)usleep(120000);
    progress_add(p, 1024);
    progress_add(p, 0);
    cr_expect_gt(shown(master, text, sizeof text), 0u);
    cr_expect_not_null(strstr(text, "\radding [############............]  50% 2.0 KiB  "), "%s",
                       text);
    cr_expect_null(strchr(text, '\n'));
    cr_expect_null(strstr(text + 1, "\radding"), "drawn once in a tenth of a second");
    progress_finish(p);
    (void)shown(master, text, sizeof text);
    cr_expect_str_eq(text, "\r\x1b[K");
}

Test(progress, the_line_fits_a_narrow_terminal)
{
    char text[1000];
    int master = terminal(20);
    struct progress *p = progress_start("adding", "files", 0, false);
    cr_assert_not_null(p);
    (void)usleep(120000);
    progress_add(p, 3);
    (void)shown(master, text, sizeof text);
    const char *end = strstr(text, "\x1b[K");
    cr_assert_not_null(end);
    cr_expect_leq(end - text, 20);
    cr_expect_not_null(strstr(text, "adding 3 files"));
    progress_finish(p);
}
