#include "base/files.h"
#include "base/text.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static int dir = -1;

static void set_up(void)
{
    text_fmt(folder, sizeof folder, "/tmp/assay-io-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(dir, 0);
}

static void tear_down(void)
{
    struct err e = ERR_NONE;
    io_watch(NULL, NULL);
    (void)close(dir);
    if (folder_remove(AT_FDCWD, folder, &e) != ST_OK)
        abort();
}

TestSuite(io, .init = set_up, .fini = tear_down);

static int created(const char *name)
{
    struct err e = ERR_NONE;
    int fd;
    cr_assert_eq(io_open(dir, name, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, &e), ST_OK, "%s",
                 e.detail);
    return fd;
}

Test(io, what_is_written_is_read_back)
{
    struct err e = ERR_NONE;
    uint8_t back[11];
    size_t got;
    uint64_t size;
    int fd = created("f");
    cr_expect_eq(io_write(fd, span_text("hello world"), &e), ST_OK);
    cr_expect_eq(io_write_at(fd, span_text("W"), 6, &e), ST_OK);
    cr_expect_eq(io_read_at(fd, back, 11, 0, &e), ST_OK);
    cr_expect_eq(memcmp(back, "hello World", 11), 0);
    cr_expect_eq(io_truncate(fd, 5, &e), ST_OK);
    cr_expect_eq(io_size(fd, &size, &e), ST_OK);
    cr_expect_eq(size, 5u);
    cr_expect_eq(io_read(fd, back, 11, &got, &e), ST_OK);
    cr_expect_eq(got, 0u, "the offset stands behind the end");
    cr_expect_eq(io_sync(fd, &e), ST_OK);
    cr_expect_eq(io_sync_data(fd, &e), ST_OK);
    cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    cr_expect_eq(io_close(fd, &e), ST_OK);
}

Test(io, a_file_that_ends_early_is_corrupt_at_its_end)
{
    struct err e = ERR_NONE;
    uint8_t p[8];
    int fd = created("f");
    cr_expect_eq(io_write(fd, span_text("abc"), &e), ST_OK);
    cr_expect_eq(io_read_at(fd, p, 8, 1, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "short-read");
    cr_expect_eq(e.offset, 3u);
    cr_expect_eq(io_close(fd, &e), ST_OK);
}

Test(io, a_failed_call_names_its_path_and_errno)
{
    struct err e = ERR_NONE;
    int fd = 5;
    cr_expect_eq(io_open(dir, "absent", O_RDONLY, 0, &fd, &e), ST_NOT_FOUND);
    cr_expect_eq(fd, -1);
    cr_expect_str_eq(e.subject, "absent");
    cr_expect_eq(e.sys, ENOENT);
    cr_expect_eq(io_mkdir(dir, "d", 0700, &e), ST_OK);
    cr_expect_eq(io_mkdir(dir, "d", 0700, &e), ST_EXISTS);
    cr_expect_eq(io_unlink(dir, "d", true, &e), ST_OK);
    cr_expect_eq(io_unlink(dir, "d", true, &e), ST_NOT_FOUND);
    cr_expect_eq(io_close(-1, &e), ST_IO);
    cr_expect_eq(e.sys, EBADF);
}

Test(io, a_rename_replaces_only_when_asked)
{
    struct err e = ERR_NONE;
    int fd = created("a");
    cr_expect_eq(io_close(fd, &e), ST_OK);
    fd = created("b");
    cr_expect_eq(io_close(fd, &e), ST_OK);
    cr_expect_eq(io_rename(dir, "a", dir, "b", false, &e), ST_EXISTS);
    cr_expect_eq(faccessat(dir, "a", F_OK, 0), 0);
    cr_expect_eq(io_rename(dir, "a", dir, "b", true, &e), ST_OK);
    cr_expect_neq(faccessat(dir, "a", F_OK, 0), 0);
}

struct plan {
    const char *call; /* the call that fails, NULL: any */
    int sys;
    int skip;  /* let so many pass before */
    int times; /* and fail so often */
    int seen;
};

static int by_plan(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct plan *p = ctx;
    (void)path, (void)fd, (void)bytes;
    if (p->call != NULL && strcmp(p->call, call) != 0)
        return 0;
    p->seen++;
    return p->seen > p->skip && p->seen <= p->skip + p->times ? p->sys : 0;
}

Test(io, an_interrupted_call_is_made_again)
{
    struct err e = ERR_NONE;
    int fd = created("f");
    struct plan plan = {.sys = EINTR, .times = 3};
    io_watch(by_plan, &plan);
    cr_expect_eq(io_write(fd, span_text("abc"), &e), ST_OK);
    io_watch(NULL, NULL);
    cr_expect_eq(plan.seen, 4);
    cr_expect_eq(lseek(fd, 0, SEEK_CUR), 3);
    cr_expect_eq(io_close(fd, &e), ST_OK);
}

Test(io, a_failed_sync_is_not_tried_again)
{
    struct err e = ERR_NONE;
    int fd = created("f");
    struct plan plan = {.call = "fsync", .sys = EIO, .times = 1};
    io_watch(by_plan, &plan);
    cr_expect_eq(io_sync(fd, &e), ST_IO);
    io_watch(NULL, NULL);
    cr_expect_eq(plan.seen, 1);
    cr_expect_eq(io_close(fd, &e), ST_OK);
}

Test(io, an_injected_failure_of_close_closes_all_the_same)
{
    struct err e = ERR_NONE;
    int fd = created("f");
    struct plan plan = {.call = "close", .sys = EIO, .times = 1};
    io_watch(by_plan, &plan);
    cr_expect_eq(io_close(fd, &e), ST_IO);
    io_watch(NULL, NULL);
    cr_expect_eq(fcntl(fd, F_GETFD), -1);
}

Test(io, a_full_disk_is_told_apart)
{
    struct err e = ERR_NONE;
    int fd;
    cr_assert_eq(io_open(AT_FDCWD, "/dev/full", O_WRONLY, 0, &fd, &e), ST_OK);
    cr_expect_eq(io_write(fd, span_text("abc"), &e), ST_NO_SPACE);
    cr_expect_eq(io_close(fd, &e), ST_OK);
}

static void nothing(int sig)
{
    (void)sig;
}

/* Reads numbers 0, 1, 2 … slowly; exits 0 when all `count` came in order. */
_Noreturn static void count_on(int fd, uint32_t count)
{
    struct err e = ERR_NONE;
    uint32_t next = 0, piece[1024];
    size_t got;
    while (io_read(fd, (uint8_t *)piece, sizeof piece, &got, &e) == ST_OK && got > 0) {
        for (size_t i = 0; i < got / sizeof piece[0]; i++)
            if (piece[i] != next++)
                _exit(1);
        (void)usleep(200);
    }
    _exit(next == count ? 0 : 2);
}

Test(io, a_write_that_is_cut_short_goes_on_where_it_was)
{
    enum { COUNT = 1 << 18 };
    static uint32_t numbers[COUNT];
    struct err e = ERR_NONE;
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    struct sigaction act = {.sa_handler =
                                nothing}; /* no SA_RESTART: the signal cuts a write short */
    int ends[2], how;
    for (uint32_t i = 0; i < COUNT; i++)
        numbers[i] = i;
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        count_on(ends[0], COUNT);
    }
    (void)close(ends[0]);
    cr_assert_eq(sigaction(SIGALRM, &act, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    cr_expect_eq(io_write(ends[1], SPAN(numbers, sizeof numbers), &e), ST_OK, "%s", e.detail);
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    (void)close(ends[1]);
    cr_expect_eq(waitpid(pid, &how, 0), pid);
    cr_expect_eq(how, 0);
}

Test(io, a_write_that_stops_short_is_an_error)
{
    struct err e = ERR_NONE;
    struct rlimit ten = {10, 10};
    uint64_t size;
    int fd = created("f");
    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &ten), 0);
    cr_expect_eq(io_write(fd, span_text("0123456789abcdef"), &e), ST_IO);
    cr_expect_eq(e.sys, EFBIG);
    cr_expect_eq(io_write_at(fd, span_text("abcdef"), 8, &e), ST_IO);
    cr_expect_eq(io_size(fd, &size, &e), ST_OK);
    cr_expect_eq(size, 10u);
    cr_expect_eq(io_close(fd, &e), ST_OK);
}

Test(io, a_lock_waits_no_longer_than_asked_and_ends_with_its_file)
{
    struct err e = ERR_NONE;
    int a = created("lock"), b;
    cr_assert_eq(io_open(dir, "lock", O_RDWR, 0, &b, &e), ST_OK);
    cr_expect_eq(io_lock(a, 0, &e), ST_OK);
    cr_expect_eq(io_lock(b, 30, &e), ST_BUSY);
    cr_expect_str_eq(err_code(&e), "locked");
    cr_expect_eq(io_close(a, &e), ST_OK);
    cr_expect_eq(io_lock(b, 0, &e), ST_OK);
    cr_expect_eq(io_close(b, &e), ST_OK);
}

Test(io, a_lock_is_had_as_soon_as_it_is_free)
{
    struct err e = ERR_NONE;
    int a = created("lock"), b;
    cr_assert_eq(io_lock(a, 0, &e), ST_OK);
    pid_t pid = fork();
    if (pid == 0) {
        (void)usleep(50000);
        (void)flock(a, LOCK_UN);
        _exit(0);
    }
    cr_assert_eq(io_open(dir, "lock", O_RDWR, 0, &b, &e), ST_OK);
    cr_expect_eq(io_lock(b, 5000, &e), ST_OK);
    cr_expect_eq(waitpid(pid, NULL, 0), pid);
    cr_expect_eq(io_close(a, &e), ST_OK);
    cr_expect_eq(io_close(b, &e), ST_OK);
}

Test(io, no_file_is_longer_than_a_number_can_say)
{
    struct err e = ERR_NONE;
    int fd;
    cr_assert_eq(io_open(dir, "f", O_RDWR | O_CREAT, 0600, &fd, &e), ST_OK);
    cr_expect_neq(io_reserve(fd, UINT64_MAX, &e), ST_OK);
    cr_expect_eq(e.sys, EFBIG);
    e = ERR_NONE;
    cr_expect_neq(io_truncate(fd, UINT64_MAX, &e), ST_OK);
    cr_expect_eq(e.sys, EFBIG);
    (void)close(fd);
}
