#include "base/files.h"
#include "base/text.h"
#include "store/check.h"
#include "store/store_inside.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

Test(store, a_store_is_made_once)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    cr_assert_eq(room_create(&r, &e), ST_EXISTS);
    cr_assert_str_eq(err_code(&e), "store-exists");
    cr_assert_eq(temp_run(&r.t, "! ls -d store.init.*"), 0);
    room_remove(&r);
}

Test(store, an_empty_folder_gives_way_and_another_does_not)
{
    struct err e = ERR_NONE;
    struct store_room r = room_bare();
    cr_assert_eq(temp_run(&r.t, "mkdir store && touch store/precious"), 0);
    cr_assert_eq(room_create(&r, &e), ST_EXISTS);
    cr_assert_str_eq(err_code(&e), "path-taken");
    cr_assert_eq(
        temp_run(&r.t, "test -e store/precious && rm store/precious && ! ls -d store.init.*"), 0);
    OK(room_create(&r, &e));
    room_reopen(&r);
    room_remove(&r);
}

Test(store, nothing_is_there_before_it_is_published)
{
    struct err e = ERR_NONE;
    struct store_room r = room_bare();
    const struct store_birth birth = {.log = r.log, .clock = r.clock, .lab = true};
    struct store *s = NULL;
    OK(store_create(r.path, &birth, &s, &e));
    cr_assert_eq(access(r.path, F_OK), -1);
    store_close(s);
    cr_assert_eq(temp_run(&r.t, "! ls -d store*"), 0);
    room_remove(&r);
}

/* Says that it is ready, and makes a store as soon as it is told to. */
static pid_t second_maker(const struct store_room *r, int end)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_room own = room_bare(); /* a key is not passed on to a child */
    const struct store_birth birth = {.log = own.log, .clock = own.clock};
    char byte;
    if (write(end, "r", 1) != 1 || read(end, &byte, 1) != 1)
        _exit(255);
    enum status st = store_create(r->path, &birth, &s, &e);
    store_close(s);
    room_remove(&own);
    _exit(st);
}

/* When the first maker's folder is there and not locked yet, the second comes, and has 100 ms. */
static int second_comes(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    int *end = ctx;
    char byte;
    const struct timespec while_it_sweeps = {.tv_nsec = 100000000};
    (void)fd;
    (void)bytes;
    if (!text_equal(call, "open") || path == NULL || strstr(path, ".init.") == NULL)
        return 0;
    io_watch(NULL, NULL);
    cr_assert_eq(read(*end, &byte, 1), 1);
    cr_assert_eq(write(*end, "g", 1), 1);
    (void)nanosleep(&while_it_sweeps, NULL);
    return 0;
}

Test(store, no_maker_sweeps_a_folder_that_another_has_just_made)
{
    struct err e = ERR_NONE;
    struct store_room r = room_bare();
    const struct store_birth birth = {.log = r.log, .clock = r.clock};
    struct store *s = NULL;
    int ends[2], how = -1;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t second = second_maker(&r, ends[0]);
    io_watch(second_comes, &ends[1]);
    OK(store_create(r.path, &birth, &s, &e));
    cr_assert_eq(waitpid(second, &how, 0), second);
    cr_expect_eq(how, 0, "the second maker: %d", how);
    store_close(s);
    room_remove(&r);
}

static int no_first_lock(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    int *locks = ctx;
    (void)path;
    (void)fd;
    (void)bytes;
    return text_equal(call, "lock") && ++*locks == 1 ? ENOLCK : 0;
}

Test(store, none_is_made_in_a_folder_that_cannot_be_locked)
{
    struct err e = ERR_NONE;
    struct store_room r = room_bare();
    const struct store_birth birth = {.log = r.log, .clock = r.clock};
    struct store *s = NULL;
    int locks = 0;
    io_watch(no_first_lock, &locks);
    cr_expect_eq(store_create(r.path, &birth, &s, &e), ST_IO);
    io_watch(NULL, NULL);
    cr_expect_eq(strncmp(e.subject, r.t.path, strlen(r.t.path)), 0, "%s", e.subject);
    store_close(s);
    room_remove(&r);
}

Test(store, one_writer_has_the_lock_and_the_next_is_told_which_it_waits_for)
{
    SCOPED(fd_release) int mine = -1;
    SCOPED(fd_release) int second = -1;
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(store_lock(r.s, 0, &mine, &e));
    cr_expect_eq(store_lock(r.s, 0, &second, &e), ST_BUSY);
    cr_expect_eq(second, -1);
    cr_expect_not_null(strstr(e.subject, "store/lock"), "%s", e.subject);
    fd_release(&mine);
    e = ERR_NONE;
    OK(store_lock(r.s, 0, &second, &e));
    room_remove(&r);
}

Test(store, its_facts_say_who_signs_and_that_it_is_a_lab_store)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct store_facts f;
    OK(store_facts(r.s, &f, &e));
    cr_assert(f.lab);
    cr_assert_eq(strlen(f.id), 32);
    cr_assert_eq(f.seq, 1);
    cr_assert_eq(memcmp(f.log_key.bytes, signer_public(r.log)->bytes, KEY_PUBLIC_BYTES), 0);
    room_remove(&r);
}

Test(store, a_real_store_takes_no_injected_clock)
{
    struct err e = ERR_NONE;
    struct store_room r = room_bare();
    const struct store_birth birth = {.log = r.log};
    struct store *s = NULL;
    OK(store_create(r.path, &birth, &s, &e));
    OK(store_publish(s, &e));
    room_reopen(&r);
    cr_assert_eq(room_set(&r, "a", "1", NULL, &e), ST_USAGE);
    r.clock = CLOCK_REAL;
    OK(room_set(&r, "a", "1", NULL, &e));
    room_remove(&r);
}

Test(store, what_is_no_store_is_not_opened)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_room r = room_bare();
    cr_assert_eq(store_open(r.path, &s, &e), ST_NOT_FOUND);
    cr_assert_str_eq(err_code(&e), "no-store");
    cr_assert_eq(temp_run(&r.t, "mkdir store"), 0);
    cr_assert_eq(store_open(r.path, &s, &e), ST_NOT_FOUND);
    cr_assert_eq(temp_run(&r.t, "rmdir store && touch store"), 0);
    cr_assert_eq(store_open(r.path, &s, &e), ST_NOT_FOUND);
    room_remove(&r);
}

Test(store, a_folder_that_others_may_write_is_refused)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_room r = room_make();
    store_close(r.s);
    r.s = NULL;
    const unsigned modes[] = {0720, 0702, 0777};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(chmod(r.path, modes[i]), 0);
        cr_assert_eq(store_open(r.path, &s, &e), ST_UNTRUSTED);
        cr_assert_str_eq(err_code(&e), "store-owner");
    }
    cr_assert_eq(chmod(r.path, 0755), 0);
    OK(store_open(r.path, &s, &e));
    store_close(s);
    if (geteuid() == 0) {
        cr_assert_eq(chown(r.path, 12345, 12345), 0);
        cr_assert_eq(store_open(r.path, &s, &e), ST_UNTRUSTED);
    }
    room_remove(&r);
}

static enum status take(void *ctx, const char *key, struct span value, struct err *e)
{
    (void)e, (void)value;
    buf_text(ctx, key);
    buf_byte(ctx, ' ');
    return ((struct buf *)ctx)->n > 8 ? ST_CANCELLED : ST_OK;
}

Test(store, a_scan_goes_over_a_prefix_in_byte_order_and_may_be_ended)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(buf_release) struct buf keys = BUF_EMPTY;
    const char *const order[] = {"p/b", "q/a", "p/a", "p", "p/c", "o/z"};
    for (size_t i = 0; i < 6; i++)
        OK(room_set(&r, order[i], "1", NULL, &e));
    OK(store_scan(r.s, "p/", take, &keys, &e));
    cr_assert(span_equal(buf_span(&keys), span_text("p/a p/b p/c ")));
    keys.n = 0;
    OK(store_scan(r.s, "", take, &keys, &e));
    cr_assert(span_equal(buf_span(&keys), span_text("o/z p p/a ")));
    room_remove(&r);
}

Test(store, content_comes_as_a_sealed_memory_file_that_nobody_can_change)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    SCOPED(buf_release) struct buf bytes = room_bytes(400000, 1), got = BUF_EMPTY;
    SCOPED(fd_release) int fd = -1;
    uint64_t n = 0;
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    OK(store_content_memory(r.s, &c.sha256, &fd, &e));
    OK(io_size(fd, &n, &e));
    cr_assert_eq(n, 400000);
    OK(io_read_at(fd, buf_space(&got, 400000), 400000, 0, &e));
    cr_assert(span_equal(buf_span(&got), buf_span(&bytes)));
    cr_assert_neq(io_write_at(fd, span_text("x"), 0, &e), ST_OK);
    cr_assert_neq(io_truncate(fd, 3, &e), ST_OK);
    room_remove(&r);
}

#define MANY 1000

Test(store, a_thousand_small_contents_are_a_thousand_entries)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct store_facts f;
    struct check_report report;
    static struct content c[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "artifact %u", i);
        OK(room_add(&r, SPAN(text, n), &c[i], &e));
    }
    room_reopen(&r);
    OK(store_facts(r.s, &f, &e));
    cr_assert_eq(f.seq, 1 + MANY);
    cr_assert_eq(f.chunks, MANY);
    for (unsigned i = 0; i < MANY; i += 37) {
        char text[32];
        int n = snprintf(text, sizeof text, "artifact %u", i);
        OK(room_reads(&r, &c[i].sha256, SPAN(text, n), &e));
    }
    OK(check_store(r.s, NULL, NULL, NULL, &report, &e));
    cr_assert_eq(report.findings, 0);
    cr_assert_eq(report.entries, 1 + MANY);
    room_remove(&r);
}
