#include "base/pending.h"
#include "base/text.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static int dir = -1;

static void set_up(void)
{
    text_fmt(folder, sizeof folder, "/tmp/assay-pending-XXXXXX");
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

TestSuite(pending, .init = set_up, .fini = tear_down);

static enum status count_one(void *ctx, const char *name, struct err *e)
{
    int *n = ctx;
    (void)name, (void)e;
    ++*n;
    return ST_OK;
}

static int names(void)
{
    struct err e = ERR_NONE;
    int n = 0;
    cr_assert_eq(folder_each(dir, ".", count_one, &n, &e), ST_OK);
    return n;
}

static bool holds(const char *name, const char *text)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    return file_read(dir, name, 1000, &b, &e) == ST_OK && span_equal(buf_span(&b), span_text(text));
}

Test(pending, a_published_file_stands_alone_under_its_name)
{
    struct err e = ERR_NONE;
    struct stat st;
    cr_expect_eq(pending_file(dir, "f", 0640, span_text("one"), false, &e), ST_OK, "%s", e.detail);
    cr_expect(holds("f", "one"));
    cr_expect_eq(names(), 1);
    cr_expect_eq(fstatat(dir, "f", &st, 0), 0);
    cr_expect_eq(st.st_mode & 0777, 0640u);
}

Test(pending, a_taken_name_is_replaced_only_when_asked)
{
    struct err e = ERR_NONE;
    cr_expect_eq(pending_file(dir, "f", 0600, span_text("one"), false, &e), ST_OK);
    cr_expect_eq(pending_file(dir, "f", 0600, span_text("two"), false, &e), ST_EXISTS);
    cr_expect_str_eq(e.subject, "f");
    cr_expect(holds("f", "one"));
    cr_expect_eq(names(), 1);
    cr_expect_eq(pending_file(dir, "f", 0600, span_text("two"), true, &e), ST_OK);
    cr_expect(holds("f", "two"));
    cr_expect_eq(names(), 1);
}

Test(pending, what_is_released_was_never_there)
{
    struct err e = ERR_NONE;
    {
        SCOPED(pending_release) struct pending p = PENDING_NONE;
        cr_expect_eq(pending_open(dir, 0600, &p, &e), ST_OK);
        cr_expect_eq(io_write(p.fd, span_text("half"), &e), ST_OK);
        cr_expect_eq(names(), 1);
    }
    cr_expect_eq(names(), 0);
    struct pending none = PENDING_NONE;
    pending_release(&none);
}

/* The order of the calls that make it durable, and a failure at each. */
struct trace {
    int fail_at, seen;
    char calls[32][12];
};

static int record(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct trace *t = ctx;
    (void)path, (void)fd, (void)bytes;
    if (t->seen < 32)
        strncpy(t->calls[t->seen], call, 11);
    return ++t->seen == t->fail_at ? EIO : 0;
}

Test(pending, file_then_name_then_folder_become_durable)
{
    struct err e = ERR_NONE;
    struct trace t = {.fail_at = 0};
    io_watch(record, &t);
    cr_expect_eq(pending_file(dir, "f", 0600, span_text("one"), false, &e), ST_OK);
    io_watch(NULL, NULL);
    static const char *const want[] = {"open",   "lock",  "write", "fsync",
                                       "rename", "close", "fsync"};
    cr_assert_eq(t.seen, 7);
    for (int i = 0; i < 7; i++)
        cr_expect_str_eq(t.calls[i], want[i], "call %d", i);
}

Test(pending, whichever_call_fails_the_target_is_old_or_new)
{
    for (int n = 1;; n++) {
        struct err e = ERR_NONE;
        struct trace t = {.fail_at = n};
        cr_assert_eq(pending_file(dir, "f", 0600, span_text("old"), true, &e), ST_OK);
        io_watch(record, &t);
        enum status st = pending_file(dir, "f", 0600, span_text("new"), true, &e);
        io_watch(NULL, NULL);
        bool named = n >= 6; /* the close and the folder's sync come behind the rename */
        cr_expect_eq(st, t.seen < n ? ST_OK : ST_IO, "call %d", n);
        cr_expect(holds("f", st == ST_OK || named ? "new" : "old"), "call %d", n);
        cr_expect_eq(names(), 1, "call %d left something behind", n);
        if (t.seen < n)
            break;
    }
}

static int killing(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    if (record(ctx, call, path, fd, bytes) != 0)
        (void)raise(SIGKILL);
    return 0;
}

Test(pending, a_kill_at_any_call_leaves_old_or_new_and_the_sweep_clears_up)
{
    for (int n = 1; n <= 8; n++) {
        struct err e = ERR_NONE;
        cr_assert_eq(pending_file(dir, "f", 0600, span_text("old"), true, &e), ST_OK);
        pid_t pid = fork();
        if (pid == 0) {
            struct trace t = {.fail_at = n};
            io_watch(killing, &t);
            _exit(pending_file(dir, "f", 0600, span_text("new"), true, &e) == ST_OK ? 0 : 1);
        }
        int how;
        cr_assert_eq(waitpid(pid, &how, 0), pid);
        cr_expect_eq(WIFSIGNALED(how), n <= 7, "call %d: the kill did not happen", n);
        cr_expect(holds("f", "old") || holds("f", "new"));
        cr_expect_eq(pending_sweep(dir, &e), ST_OK);
        cr_expect_eq(names(), 1, "call %d left something behind", n);
    }
}

Test(pending, the_sweep_spares_the_living_and_foreign_names)
{
    struct err e = ERR_NONE;
    SCOPED(pending_release) struct pending p = PENDING_NONE;
    cr_assert_eq(pending_open(dir, 0600, &p, &e), ST_OK);
    cr_assert_eq(pending_file(dir, "pending.1.1", 0600, span_text(""), false, &e), ST_OK);
    int fd;
    cr_assert_eq(io_open(dir, ".pending.1.0", O_CREAT | O_WRONLY, 0600, &fd, &e), ST_OK);
    cr_assert_eq(io_close(fd, &e), ST_OK);
    cr_expect_eq(names(), 3);
    cr_expect_eq(pending_sweep(dir, &e), ST_OK);
    cr_expect_eq(names(), 2, "the dead one's file is gone although a process 1 lives");
    cr_expect_eq(pending_publish(&p, "mine", false, &e), ST_OK);
}
