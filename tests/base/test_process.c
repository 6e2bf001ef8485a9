#include "base/clock.h"
#include "base/io.h"
#include "base/process.h"
#include "base/text.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
    int ends[2];
    struct buf out;
    struct process_end end;
    struct err e;
    pid_t pid;
};

static enum status collected(struct run *r, int (*body)(void *ctx), size_t limit, unsigned ms)
{
    r->out = BUF_EMPTY;
    r->e = ERR_NONE;
    cr_assert_eq(pipe(r->ends), 0);
    cr_assert_eq(process_fork(body, r, &r->pid, &r->e), ST_OK);
    (void)close(r->ends[1]);
    enum status st = process_collect(r->pid, r->ends[0], limit, ms, &r->out, &r->end, &r->e);
    (void)close(r->ends[0]);
    cr_expect_eq(waitpid(r->pid, NULL, WNOHANG), -1, "the child is reaped");
    return st;
}

static void say(const struct run *r, const char *text)
{
    if (write(r->ends[1], text, strlen(text)) < 0)
        _exit(99);
}

static int speaks_and_leaves(void *ctx)
{
    say(ctx, "hello");
    return 7;
}

Test(process, its_words_and_its_exit_code_come_back)
{
    struct run r;
    cr_expect_eq(collected(&r, speaks_and_leaves, 100, 5000), ST_OK);
    cr_expect(span_equal(buf_span(&r.out), span_text("hello")));
    cr_expect(r.end.exit_code == 7 && r.end.signal == 0 && !r.end.deadline);
    cr_expect_gt(r.end.peak_bytes, 100000u);
    cr_expect_gt(r.end.wall_ns, 0u);
    buf_release(&r.out);
}

static int crashes(void *ctx)
{
    say(ctx, "last words");
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
    return 0;
}

Test(process, a_crash_names_its_signal_and_keeps_what_was_said)
{
    struct run r;
    cr_expect_eq(collected(&r, crashes, 100, 5000), ST_OK);
    cr_expect(r.end.exit_code == -1 && r.end.signal == SIGSEGV && !r.end.deadline);
    cr_expect(span_equal(buf_span(&r.out), span_text("last words")));
    buf_release(&r.out);
}

_Noreturn static int hangs(void *ctx)
{
    (void)signal(SIGTERM, SIG_IGN);
    say(ctx, "x");
    for (;;)
        (void)pause();
}

Test(process, a_hang_ends_at_its_deadline)
{
    struct run r;
    cr_expect_eq(collected(&r, hangs, 100, 150), ST_OK);
    cr_expect(r.end.deadline && r.end.signal == SIGKILL && r.end.exit_code == -1);
    cr_expect_geq(r.end.wall_ns, UINT64_C(150000000));
    cr_expect_lt(r.end.wall_ns, UINT64_C(3000000000));
    cr_expect_eq(r.out.n, 1u);
    buf_release(&r.out);
}

_Noreturn static int floods(void *ctx)
{
    for (;;)
        say(ctx, "0123456789");
}

Test(process, a_flood_is_cut_at_its_limit)
{
    struct run r;
    cr_expect_eq(collected(&r, floods, 12345, 20000), ST_OUTPUT_EXCEEDED);
    cr_expect_eq(r.out.n, 12345u);
    cr_expect(!r.end.deadline && r.end.signal == SIGKILL);
    cr_expect_str_eq(err_code(&r.e), "child-flood");
    buf_release(&r.out);
}

static int says_much_and_leaves(void *ctx)
{
    for (int i = 0; i < 6000; i++)
        say(ctx, "0123456789");
    return 0;
}

Test(process, all_that_lay_in_the_pipe_is_read)
{
    struct run r;
    cr_expect_eq(collected(&r, says_much_and_leaves, 60000, 5000), ST_OK);
    cr_expect_eq(r.out.n, 60000u);
    buf_release(&r.out);
    cr_expect_eq(collected(&r, says_much_and_leaves, 59999, 5000), ST_OUTPUT_EXCEEDED);
    buf_release(&r.out);
}

/* Fails the read of that number. */
static int not_now(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    int *number = ctx;
    (void)path;
    (void)fd;
    (void)bytes;
    return text_equal(call, "read") && --*number == 0 ? EAGAIN : 0;
}

static enum status collected_when_gone(struct run *r, int failing)
{
    siginfo_t gone;
    *r = (struct run){.out = BUF_EMPTY};
    cr_assert_eq(pipe(r->ends), 0);
    cr_assert_eq(process_fork(says_much_and_leaves, r, &r->pid, &r->e), ST_OK);
    cr_assert_eq(waitid(P_PID, (id_t)r->pid, &gone, WEXITED | WNOWAIT), 0);
    (void)close(r->ends[1]);
    io_watch(not_now, &failing);
    enum status st = process_collect(r->pid, r->ends[0], 60000, 5000, &r->out, &r->end, &r->e);
    io_watch(NULL, NULL);
    (void)close(r->ends[0]);
    cr_expect_leq(failing, 0);
    return st;
}

Test(process, a_read_that_comes_to_nothing_cuts_nothing_off)
{
    struct run r;
    cr_expect_eq(collected_when_gone(&r, 2), ST_OK);
    cr_expect_eq(r.out.n, 60000u);
    buf_release(&r.out);
    cr_expect_eq(collected_when_gone(&r, 1), ST_BUSY, "there was something to read");
    buf_release(&r.out);
}

static int leaves_a_grandchild(void *ctx)
{
    pid_t pid = fork();
    if (pid == 0)
        hangs(ctx);
    struct run *r = ctx;
    return write(r->ends[1], &pid, sizeof pid) == sizeof pid ? 0 : 1;
}

Test(process, nobody_of_the_group_outlives_it)
{
    struct run r;
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    uint64_t began = clock_ticks();
    cr_expect_eq(collected(&r, leaves_a_grandchild, 100, 10000), ST_OK);
    cr_expect_lt(clock_ticks() - began, UINT64_C(5000000000), "nor holds the pipe open");
    pid_t left;
    cr_assert_geq(r.out.n, sizeof left);
    int how = 0;
    pid_t gone = wait(&how);
    cr_expect_gt(gone, 0);
    cr_expect(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    buf_release(&r.out);
}

static int is_its_own_group(void *ctx)
{
    (void)ctx;
    int sig = 0;
    (void)prctl(PR_GET_PDEATHSIG, &sig);
    return getpgrp() == getpid() && sig == SIGKILL ? 0 : 1;
}

Test(process, it_leads_a_group_and_dies_with_its_parent)
{
    struct run r;
    cr_expect_eq(collected(&r, is_its_own_group, 100, 5000), ST_OK);
    cr_expect_eq(r.end.exit_code, 0);
    buf_release(&r.out);
}

Test(process, without_output_only_the_end_is_awaited)
{
    struct run r = {.ends = {-1, -1}, .e = ERR_NONE};
    struct buf out = BUF_EMPTY;
    cr_assert_eq(process_fork(is_its_own_group, &r, &r.pid, &r.e), ST_OK);
    cr_expect_eq(process_collect(r.pid, -1, 0, 5000, &out, &r.end, &r.e), ST_OK);
    cr_expect_eq(r.end.exit_code, 0);
}

static int works(void *ctx)
{
    (void)ctx;
    volatile unsigned sum = 0;
    /* Long, since the wall time only counts from when it is collected. */
    uint64_t until = clock_ticks() + 400000000;
    while (clock_ticks() < until)
        sum = sum + 1;
    return 0;
}

Test(process, its_time_on_the_processor_is_measured)
{
    struct run r;
    cr_expect_eq(collected(&r, works, 100, 5000), ST_OK);
    cr_expect_gt(r.end.cpu_ns, 0u);
    cr_expect_geq(r.end.wall_ns, UINT64_C(50000000));
    buf_release(&r.out);
}

Test(process, an_interrupt_ends_the_child_and_is_told)
{
    struct run r;
    cr_expect(!process_interrupted());
    process_catch();
    pid_t helper = fork();
    if (helper == 0) {
        (void)usleep(100000);
        (void)kill(getppid(), SIGINT);
        _exit(0);
    }
    cr_expect_eq(collected(&r, hangs, 100, 20000), ST_INTERRUPTED);
    cr_expect(process_interrupted());
    cr_expect_eq(r.end.signal, SIGKILL);
    cr_expect_eq(waitpid(helper, NULL, 0), helper);
    buf_release(&r.out);
}

Test(process, a_terminal_that_goes_away_interrupts)
{
    (void)signal(SIGHUP, SIG_DFL);
    process_catch();
    cr_assert_eq(raise(SIGHUP), 0);
    cr_expect(process_interrupted());
}

Test(process, what_nohup_ignores_stays_ignored)
{
    (void)signal(SIGHUP, SIG_IGN);
    process_catch();
    cr_assert_eq(raise(SIGHUP), 0);
    cr_expect_not(process_interrupted());
}
