/* The ledger's last line and ledger.head, each other's copy. */
#include "base/files.h"
#include "store/check.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s", e.detail)

/* A store of two entries and more, closed; its ledger and its head. */
static struct store_room two_entries(struct buf *ledger, struct buf *head)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(room_set(&r, "color", "red", NULL, &e));
    OK(room_set(&r, "color", "blue", NULL, &e));
    temp_read(&r.t, "store/ledger", ledger);
    temp_read(&r.t, "store/ledger.head", head);
    cr_assert(span_equal(SPAN(ledger->p + ledger->n - head->n, head->n), buf_span(head)));
    return r;
}

static void expect_file(struct store_room *r, const char *name, struct span want)
{
    SCOPED(buf_release) struct buf now = BUF_EMPTY;
    temp_read(&r->t, name, &now);
    cr_expect(span_equal(buf_span(&now), want), "%s", name);
}

static void close_room(struct store_room *r)
{
    store_close(r->s);
    r->s = NULL;
}

static void expect_as_it_was(struct store_room *r, struct span ledger)
{
    struct err e = ERR_NONE;
    enum ledger_mended mended = LEDGER_LINE;
    OK(ledger_mend(r->path, &mended, &e));
    cr_expect_eq(mended, LEDGER_AS_IT_WAS);
    expect_file(r, "store/ledger", ledger);
}

static void expect_put_back(struct store_room *r, struct span ledger)
{
    struct err e = ERR_NONE;
    enum ledger_mended mended = LEDGER_AS_IT_WAS;
    close_room(r);
    OK(ledger_mend(r->path, &mended, &e));
    cr_expect_eq(mended, LEDGER_LINE);
    expect_file(r, "store/ledger", ledger);
    expect_as_it_was(r, ledger);
    room_reopen(r);
    OK(room_set(r, "color", "green", NULL, &e));
}

Test(mend, nothing_is_appended_behind_a_line_that_the_head_does_not_copy)
{
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    struct err e = ERR_NONE;
    struct store_room r = two_entries(&ledger, &head);
    ledger.p[ledger.n - 20] ^= 1;
    temp_write(&r.t, "store/ledger", buf_span(&ledger));
    cr_expect_eq(room_set(&r, "color", "green", NULL, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "ledger-line");
    expect_file(&r, "store/ledger", buf_span(&ledger));
    expect_file(&r, "store/ledger.head", buf_span(&head));
    room_remove(&r);
}

Test(mend, a_last_line_that_is_damaged_is_put_back_from_the_head)
{
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    struct store_room r = two_entries(&ledger, &head);
    ledger.p[ledger.n - 20] ^= 1;
    temp_write(&r.t, "store/ledger", buf_span(&ledger));
    ledger.p[ledger.n - 20] ^= 1;
    expect_put_back(&r, buf_span(&ledger));
    room_remove(&r);
}

Test(mend, nothing_is_put_back_where_the_index_is_another_ledgers)
{
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    struct err e = ERR_NONE;
    struct store_room r = two_entries(&ledger, &head);
    close_room(&r);
    cr_assert_eq(temp_run(&r.t, "cp -r store fork"), 0);
    room_reopen(&r);
    OK(room_set(&r, "color", "green", NULL, &e));
    close_room(&r);
    cr_assert_eq(temp_run(&r.t, "mv store/index other && rm -r store && mv fork store"), 0);
    room_reopen(&r);
    OK(room_set(&r, "color", "black", NULL, &e));
    close_room(&r);
    cr_assert_eq(temp_run(&r.t, "rm -r store/index && mv other store/index"), 0);
    ledger.n = 0;
    temp_read(&r.t, "store/ledger", &ledger);
    ledger.p[ledger.n - 20] ^= 1;
    temp_write(&r.t, "store/ledger", buf_span(&ledger));
    expect_as_it_was(&r, buf_span(&ledger));
    room_remove(&r);
}

Test(mend, a_last_line_that_was_cut_off_is_put_back_from_the_head)
{
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    struct store_room r = two_entries(&ledger, &head);
    temp_write(&r.t, "store/ledger", SPAN(ledger.p, ledger.n - 30));
    expect_put_back(&r, buf_span(&ledger));
    room_remove(&r);
}

Test(mend, two_lines_that_were_cut_off_are_not_made_up)
{
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    struct err e = ERR_NONE;
    struct store_room r = two_entries(&ledger, &head);
    ledger.n -= head.n + 30;
    temp_write(&r.t, "store/ledger", buf_span(&ledger));
    close_room(&r);
    expect_as_it_was(&r, buf_span(&ledger));
    cr_expect_eq(store_open(r.path, &r.s, &e), ST_SET_BACK);
    room_remove(&r);
}

/* No new file in the store's folder: what its head would be. */
static int no_new_file(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx, (void)fd, (void)bytes;
    return strcmp(call, "open") == 0 && path != NULL && strncmp(path, ".pending.", 9) == 0 ? EACCES
                                                                                           : 0;
}

Test(mend, a_head_that_cannot_be_written_leaves_the_ledger_as_it_was)
{
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    SCOPED(buf_release) struct buf head = BUF_EMPTY;
    struct err e = ERR_NONE;
    struct store_room r = two_entries(&ledger, &head);
    io_watch(no_new_file, NULL);
    enum status st = room_set(&r, "color", "green", NULL, &e);
    io_watch(NULL, NULL);
    cr_expect_neq(st, ST_OK);
    expect_file(&r, "store/ledger", buf_span(&ledger));
    e = ERR_NONE;
    OK(room_set(&r, "color", "green", NULL, &e));
    room_remove(&r);
}
