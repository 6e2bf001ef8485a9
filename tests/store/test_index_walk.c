#include "base/files.h"
#include "store/index.h"
#include "store/index_walk.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <fcntl.h>
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

Test(index_walk, a_writer_who_commits_meanwhile_is_no_damage)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    struct index *x = NULL;
    unsigned state = 7;
    int status = 0;
    OK(index_open(t.path, true, &x, &e));
    churn(x, &state, 500);
    index_close(x);
    pid_t child = fork();
    if (child == 0) {
        struct err mine = ERR_NONE;
        if (index_open(t.path, false, &x, &mine) != ST_OK)
            _exit(1);
        for (unsigned i = 0; i < 1500; i++)
            churn(x, &state, 3);
        index_close(x);
        _exit(0);
    }
    unsigned looked = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        OK(index_open(t.path, false, &x, &e));
        for (unsigned i = 0; i < 20; i++, looked++)
            OK(index_sound(x, true, &e));
        index_close(x);
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_gt(looked, 10);
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
