/* Which syncs come before what rests on them: told by the calls, since a test cannot cut the power.
 * The battery can, where a command makes them (tests/faults/power.c). */
#include "base/text.h"
#include "store/check.h"
#include "store/gc.h"
#include "store/lease.h"
#include "store/move.h"
#include "store/recover.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

/* "sync NAME", "rename NAME", "unlink NAME" and so on, a space behind each. */
struct story {
    char text[8192];
    size_t n;
};

static int tell(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct story *t = ctx;
    char link[64], name[4096] = "";
    const bool sync = strcmp(call, "fsync") == 0 || strcmp(call, "fdatasync") == 0;
    (void)bytes;
    if (!sync && strcmp(call, "rename") != 0 && strcmp(call, "unlink") != 0)
        return 0;
    text_fmt(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = sync ? readlink(link, name, sizeof name - 1) : 0;
    const char *said = n > 0 ? name : path != NULL ? path : "";
    const char *base = strrchr(said, '/');
    t->n += text_fmt(t->text + t->n, sizeof t->text - t->n, "%s %s ", sync ? "sync" : call,
                     base != NULL ? base + 1 : said);
    return 0;
}

/* Are these in it, in this order? The list ends with NULL. */
static void assert_order(const struct story *t, const char *const *what)
{
    const char *at = t->text;
    for (; *what != NULL; what++) {
        at = strstr(at, *what);
        cr_assert_not_null(at, "no %s there: %s", *what, t->text);
        at += strlen(*what);
    }
}

#define assert_told(t, ...) assert_order(t, (const char *const[]){__VA_ARGS__, NULL})

static void close_room(struct store_room *r)
{
    store_close(r->s);
    r->s = NULL;
}

/* A store whose index and head are older than its newest pack and entry. */
static struct store_room behind(void)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    close_room(&r);
    cr_assert_eq(temp_run(&r.t, "cp -r store/index old && cp store/ledger.head head"), 0);
    room_reopen(&r);
    OK(room_add(&r, span_text("acknowledged"), &c, &e));
    close_room(&r);
    cr_assert_eq(
        temp_run(&r.t, "rm -r store/index && mv old store/index && cp head store/ledger.head"), 0);
    return r;
}

Test(fold, what_a_dead_writer_left_is_synced_before_it_is_believed)
{
    struct store_room r = behind();
    struct story t = {.n = 0};
    io_watch(tell, &t);
    room_reopen(&r);
    io_watch(NULL, NULL);
    assert_told(&t, "sync 0000000000000001.pack ", "sync packs ", "sync ledger ", "rename");
    room_remove(&r);
}

Test(recover, an_index_is_synced_before_it_gets_its_name_and_its_folder_after)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct story t = {.n = 0};
    struct content c;
    OK(room_add(&r, span_text("acknowledged"), &c, &e));
    close_room(&r);
    io_watch(tell, &t);
    OK(index_rebuild(r.path, NULL, &e));
    io_watch(NULL, NULL);
    assert_told(&t, "sync packs ", "sync data.mdb ", "sync index.new.", "rename index ",
                "sync store ");
    room_remove(&r);
}

Test(store, a_folder_that_was_made_again_is_synced)
{
    struct store_room r = room_make();
    struct story t = {.n = 0};
    close_room(&r);
    cr_assert_eq(temp_run(&r.t, "rm -r store/staging"), 0);
    io_watch(tell, &t);
    room_reopen(&r);
    io_watch(NULL, NULL);
    assert_told(&t, "sync store ");
    room_remove(&r);
}

Test(mend, the_ledger_is_synced_before_a_head_is_made_from_it)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct story t = {.n = 0};
    enum ledger_mended mended = LEDGER_AS_IT_WAS;
    close_room(&r);
    cr_assert_eq(temp_run(&r.t, "rm store/ledger.head"), 0);
    io_watch(tell, &t);
    OK(ledger_mend(r.path, &mended, &e));
    io_watch(NULL, NULL);
    cr_assert_eq(mended, LEDGER_HEAD);
    assert_told(&t, "sync ledger ", "rename", "sync store ");
    room_remove(&r);
}

Test(drop, the_folder_is_synced_before_a_removed_pack_is_forgotten)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct story t = {.n = 0};
    struct gc_report report;
    const struct gc_options o = {.clock = r.clock, .log = r.log};
    OK(room_install(&r, "goes", 1, 3000, 1, &e));
    OK(room_forget(&r, "goes", &e));
    io_watch(tell, &t);
    OK(gc_run(r.s, &o, NULL, &report, &e));
    io_watch(NULL, NULL);
    assert_told(&t, "unlink 0000000000000001.pack ", "sync packs ");
    room_remove(&r);
}

Test(lease, what_a_long_add_made_is_kept_through_a_power_cut)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct story t = {.n = 0};
    struct lease *l = NULL;
    char own[64];
    text_fmt(own, sizeof own, "sync %ld.", (long)getpid());
    OK(lease_open(r.s, "test", &l, &e));
    lease_adding(l, true);
    io_watch(tell, &t);
    OK(lease_made(l, 7, &e));
    io_watch(NULL, NULL);
    lease_close(l);
    assert_told(&t, own, "sync leases ");
    room_remove(&r);
}

static int no_lock(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    (void)ctx, (void)path, (void)fd, (void)bytes;
    return strcmp(call, "lock") == 0 ? EIO : 0;
}

Test(lease, nobody_passes_a_gate_that_was_not_locked)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(fd_release) int gate = -1;
    io_watch(no_lock, NULL);
    enum status st = lease_gate(r.s, &gate, &e);
    io_watch(NULL, NULL);
    cr_expect_eq(st, ST_IO);
    cr_expect_eq(gate, -1);
    room_remove(&r);
}

Test(move, all_is_synced_before_the_store_gets_its_name_and_the_name_after)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct story t = {.n = 0};
    struct move_report report;
    struct content c;
    char to[200], parent[200];
    text_fmt(to, sizeof to, "%s/new", r.t.path);
    text_fmt(parent, sizeof parent, "sync %s ", strrchr(r.t.path, '/') + 1);
    const struct move_options o = {.to = to, .clock = r.clock, .log = r.log};
    OK(room_add(&r, span_text("moved"), &c, &e));
    io_watch(tell, &t);
    OK(move_store(r.s, &o, NULL, &report, &e));
    io_watch(NULL, NULL);
    assert_told(&t, "sync packs ", "sync quarantine ", "sync new.moving ", "rename new ", parent);
    room_remove(&r);
}

Test(key, of_a_name_that_is_taken_is_on_the_disk_before_that_is_said)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    struct public_key k;
    struct story told = {.n = 0};
    char folder[200];
    SCOPED(signer_scope) struct signer *s = temp_key(&t, "a");
    text_fmt(folder, sizeof folder, "sync %s ", strrchr(t.path, '/') + 1);
    io_watch(tell, &told);
    cr_assert_eq(key_generate(t.dir, "a", NULL, &k, &e), ST_EXISTS);
    io_watch(NULL, NULL);
    assert_told(&told, folder);
    temp_remove(&t);
}
