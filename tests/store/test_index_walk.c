#include "base/files.h"
#include "base/io.h"
#include "store/index.h"
#include "store/index_walk.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

/* One transaction of puts, replacements and deletions; some values need overflow pages. */
static void churn(struct index *x, unsigned *state, unsigned changes)
{
    static uint8_t value[40000];
    struct err e = ERR_NONE;
    struct index_write *w = NULL;
    OK(index_begin(x, &w, &e));
    for (unsigned i = 0; i < changes; i++) {
        char key[200];
        *state = *state * 1103515245u + 12345u;
        const unsigned r = *state >> 8;
        const enum index_table t = (enum index_table)(r % INDEX_TABLES);
        int n = snprintf(key, sizeof key, "%*u", (int)(4 + r / 7 % 150), r / 11 % 400);
        const struct span k = SPAN(key, (size_t)n);
        if (r / 13 % 3 == 0)
            OK(index_delete(w, t, k, &e));
        else
            OK(index_put(w, t, k, SPAN(value, r / 17 % (r % 40 == 0 ? sizeof value : 300)), &e));
    }
    OK(index_commit(w, &e));
}

Test(index_walk, whatever_lmdb_writes_is_sound)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_view *held = NULL;
    unsigned state = 1;
    OK(index_open(t.path, true, &x, &e));
    OK(index_sound(x, true, &e));
    for (unsigned i = 0; i < 300; i++) {
        churn(x, &state, i % 50 == 49 ? 800 : 1 + i % 30);
        OK(index_sound(x, true, &e));
        OK(index_sound(x, false, &e));
        if (i % 40 == 10)
            OK(index_view_open(x, &held, &e)); /* its pages stay, so others must be found */
        if (i % 40 == 30) {
            index_view_close(held);
            held = NULL;
        }
    }
    index_view_close(held);
    index_close(x);
    OK(index_open(t.path, false, &x, &e));
    index_close(x);
    temp_remove(&t);
}

Test(index_walk, a_tree_that_was_emptied_is_sound)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    struct index_write *w = NULL;
    char key[32];
    OK(index_open(t.path, true, &x, &e));
    for (unsigned pass = 0; pass < 2; pass++) {
        OK(index_begin(x, &w, &e));
        for (unsigned i = 0; i < 2000; i++) {
            const struct span k = SPAN(key, (size_t)snprintf(key, sizeof key, "%u", i));
            if (pass == 0)
                OK(index_put(w, INDEX_STATE, k, span_text("value"), &e));
            else
                OK(index_delete(w, INDEX_STATE, k, &e));
        }
        OK(index_commit(w, &e));
        OK(index_sound(x, true, &e));
    }
    index_close(x);
    temp_remove(&t);
}

/* Writes until the other end of the pipe is closed; the file grows with nearly every transaction.
 */
static void write_on(const char *path, int until, unsigned state)
{
    static uint8_t value[12000];
    struct err e = ERR_NONE;
    struct index *x = NULL;
    struct index_write *w = NULL;
    struct pollfd over = {.fd = until, .events = POLLIN};
    if (index_open(path, false, &x, &e) != ST_OK)
        _exit(1);
    for (unsigned i = 0; poll(&over, 1, 0) == 0; i++) {
        const struct span key = SPAN(&i, sizeof i);
        churn(x, &state, 3);
        OK(index_begin(x, &w, &e));
        if (i < 1000)
            OK(index_put(w, INDEX_STATE, key, SPAN(value, sizeof value), &e));
        OK(index_commit(w, &e));
    }
    index_close(x);
    _exit(0);
}

Test(index_walk, a_writer_who_commits_meanwhile_is_no_damage)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    unsigned state = 7;
    int status = 0, ends[2];
    cr_assert_eq(pipe(ends), 0);
    OK(index_open(t.path, true, &x, &e));
    churn(x, &state, 100);
    index_close(x);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        write_on(t.path, ends[0], state);
    }
    for (unsigned opened = 0; opened < 100; opened++) {
        OK(index_open(t.path, false, &x, &e));
        if (opened % 8 == 0)
            OK(index_sound(x, true, &e));
        index_close(x);
    }
    close(ends[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ends[0]);
    temp_remove(&t);
}

/* Another process lengthens the file ahead of the n-th read. */
struct lengthen {
    const char *path;
    unsigned at, seen;
};

static int lengthen(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct lengthen *l = ctx;
    int status = 0;
    (void)path;
    (void)fd;
    (void)bytes;
    if (strcmp(call, "pread") != 0 || ++l->seen != l->at)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        static uint8_t value[100000];
        struct err e = ERR_NONE;
        struct index *x = NULL;
        struct index_write *w = NULL;
        io_watch(NULL, NULL);
        bool fine = index_open(l->path, false, &x, &e) == ST_OK;
        for (unsigned i = 0; fine && i < 2; i++) {
            const unsigned number = 2 * l->at + i;
            const struct span key = SPAN(&number, sizeof number);
            fine = index_begin(x, &w, &e) == ST_OK &&
                   index_put(w, INDEX_STATE, key, SPAN(value, sizeof value), &e) == ST_OK &&
                   index_commit(w, &e) == ST_OK;
        }
        _exit(fine ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : EIO;
}

Test(index_walk, a_file_that_grows_between_two_reads_is_not_cut)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    unsigned state = 7;
    struct lengthen l = {.path = t.path};
    OK(index_open(t.path, true, &x, &e));
    churn(x, &state, 20);
    index_close(x);
    do {
        l.at++;
        l.seen = 0;
        io_watch(lengthen, &l);
        enum status st = index_open(t.path, false, &x, &e);
        io_watch(NULL, NULL);
        cr_assert_eq(st, ST_OK, "read %u: %s: %s: %s", l.at, err_code(&e), e.subject, e.detail);
        index_close(x);
    } while (l.seen >= l.at);
    cr_assert_gt(l.at, 5);
    temp_remove(&t);
}

/* The page's number stands in it: no page takes another one's place unnoticed. */
Test(index_walk, a_page_in_anothers_place_is_found)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    unsigned state = 3, told = 0;
    uint64_t size = 0;
    static uint8_t page[4096], was[4096];
    OK(index_open(t.path, true, &x, &e));
    churn(x, &state, 400);
    index_close(x);
    int fd = openat(t.dir, "data.mdb", O_RDWR);
    OK(io_size(fd, &size, &e));
    OK(io_read_at(fd, page, sizeof page, 5 * 4096, &e));
    for (uint64_t at = 2 * 4096; at + 4096 <= size; at += 4096) {
        struct err why = ERR_NONE;
        OK(io_read_at(fd, was, sizeof was, at, &e));
        OK(io_write_at(fd, SPAN(page, sizeof page), at, &e));
        enum status st = index_open(t.path, false, &x, &why);
        if (st == ST_OK)
            index_close(x); /* a free page, or the very one */
        else
            cr_expect_str_eq(err_code(&why), "index-page", "%s", why.detail);
        told += st == ST_CORRUPT;
        OK(io_write_at(fd, SPAN(was, sizeof was), at, &e));
    }
    cr_assert_gt(told, 20);
    close(fd);
    temp_remove(&t);
}
