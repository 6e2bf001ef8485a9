/* The quota holds on the disk, to the byte and at every call, the sweep's reserve included. */
#include "base/files.h"
#include "store/gc.h"
#include "store/reserve.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)
#define KIB      1024u

struct sum {
    const struct store_room *r;
    const char *folder;
    uint64_t bytes;
};

static enum status add_file(void *ctx, const char *name, struct err *e)
{
    struct sum *s = ctx;
    char path[600];
    struct stat st;
    (void)e;
    snprintf(path, sizeof path, "%s/%s/%s", s->r->path, s->folder, name);
    if (stat(path, &st) == 0)
        s->bytes += (uint64_t)st.st_size;
    return ST_OK;
}

/* What counts against the quota, as it lies. */
static uint64_t on_disk(const struct store_room *r)
{
    static const char *const folders[] = {"packs", "staging", "quarantine"};
    struct err e = ERR_NONE;
    struct sum s = {.r = r, .bytes = reserve_size(r->s)};
    char path[300];
    for (size_t i = 0; i < 3; i++) {
        s.folder = folders[i];
        snprintf(path, sizeof path, "%s/%s", r->path, folders[i]);
        OK(folder_each(AT_FDCWD, path, add_file, &s, &e));
    }
    return s.bytes;
}

static void set_quota(struct store_room *r, uint64_t bytes)
{
    struct err e = ERR_NONE;
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)bytes);
    OK(room_set(r, "quota/bytes", text, NULL, &e));
}

/* The most that lay there at any call of base/io. */
struct watch {
    const struct store_room *r;
    uint64_t most;
    bool inside;
};

static int look(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct watch *w = ctx;
    (void)call, (void)path, (void)fd, (void)bytes;
    if (w->inside) /* looking takes calls, too */
        return 0;
    w->inside = true;
    const uint64_t now = on_disk(w->r);
    w->most = now > w->most ? now : w->most;
    w->inside = false;
    return 0;
}

/* With `quota` bytes: does the content fit, and how much lay there at most? */
static bool fits(size_t content, uint64_t quota, uint64_t *most)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct watch w = {.r = &r};
    set_quota(&r, quota);
    io_watch(look, &w);
    const enum status st = room_install(&r, "a", 1, content, 1, &e);
    io_watch(NULL, NULL);
    cr_assert(st == ST_OK || st == ST_QUOTA, "%s: %s", err_code(&e), e.detail);
    w.most = on_disk(&r) > w.most ? on_disk(&r) : w.most;
    cr_expect_leq(w.most, quota, "%zu bytes of content, quota %llu, %llu lay there", content,
                  (unsigned long long)quota, (unsigned long long)w.most);
    *most = w.most;
    room_remove(&r);
    return st == ST_OK;
}

Test(quota, the_smallest_that_lets_an_add_through_holds_all_that_lies_there)
{
    static const size_t sizes[] = {90001, 401111};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t most = 0;
        cr_assert(fits(sizes[i], 16 << 20, &most));
        uint64_t low = most - 8 * KIB, high = most + 8 * KIB;
        while (low + 1 < high) {
            const uint64_t middle = (low + high) / 2;
            if (fits(sizes[i], middle, &most))
                high = middle;
            else
                low = middle;
        }
        cr_expect(fits(sizes[i], high, &most), "%zu bytes: no quota near %llu will do", sizes[i],
                  (unsigned long long)most);
    }
}

Test(quota, a_sweep_in_a_store_that_is_full_stays_within_and_gives_the_reserve_back)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct gc_report report;
    OK(room_install(&r, "shared", 4, 200 * KIB, 1, &e));
    OK(room_install(&r, "part", 1, 200 * KIB, 3, &e));
    OK(room_forget(&r, "shared", &e));
    const uint64_t reserve = reserve_size(r.s), quota = on_disk(&r) + 100 * KIB;
    const struct gc_options o = {.clock = r.clock, .log = r.log};
    struct watch w = {.r = &r};
    set_quota(&r, quota);
    io_watch(look, &w);
    OK(gc_run(r.s, &o, NULL, &report, &e));
    io_watch(NULL, NULL);
    cr_assert_geq(report.freed, 600 * KIB);
    cr_assert_leq(w.most, quota, "quota %llu, %llu lay there", (unsigned long long)quota,
                  (unsigned long long)w.most);
    cr_assert_eq(reserve_size(r.s), reserve);
    room_remove(&r);
}

Test(quota, the_reserve_lends_what_is_missing_and_takes_it_back)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct reserve_use use = {0};
    OK(room_install(&r, "a", 1, 300 * KIB, 1, &e));
    const uint64_t reserve = reserve_size(r.s);
    set_quota(&r, on_disk(&r) + 12 * KIB); /* room for what its blocks may need beside */
    OK(reserve_use_packs(r.s, 100 * KIB, &use, &e));
    cr_expect_eq(reserve_size(r.s), reserve - 88 * KIB);
    reserve_use_release(&use);
    cr_expect_eq(reserve_size(r.s), reserve);
    room_remove(&r);
}

Test(quota, whoever_writes_next_brings_a_lost_reserve_back)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    OK(room_install(&r, "a", 1, 300 * KIB, 1, &e));
    const uint64_t reserve = reserve_size(r.s);
    OK(io_unlink(r.s->dir, STORE_RESERVE, false, &e));
    OK(room_set(&r, "k", "v", NULL, &e));
    cr_expect_eq(reserve_size(r.s), reserve);
    set_quota(&r, on_disk(&r) - 100 * KIB); /* taken away: as much as the quota lets it have */
    OK(io_unlink(r.s->dir, STORE_RESERVE, false, &e));
    OK(room_set(&r, "k", "w", NULL, &e));
    cr_expect_leq(reserve_size(r.s), reserve - 100 * KIB);
    cr_expect_gt(reserve_size(r.s), reserve - 110 * KIB);
    OK(room_set(&r, "quota/bytes", NULL, NULL, &e));
    cr_expect_eq(reserve_size(r.s), reserve);
    room_remove(&r);
}

Test(quota, a_sweep_frees_what_it_can_though_the_quota_was_set_below_what_is_stored)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct gc_report planned, report;
    struct gc_options o = {.clock = r.clock, .log = r.log, .dry_run = true};
    OK(room_install(&r, "shared", 4, 200 * KIB, 1, &e));
    OK(room_install(&r, "part", 1, 200 * KIB, 3, &e));
    OK(room_forget(&r, "shared", &e));
    set_quota(&r, 1);
    OK(gc_run(r.s, &o, NULL, &planned, &e));
    o.dry_run = false;
    OK(gc_run(r.s, &o, NULL, &report, &e));
    cr_expect_eq(report.freed, planned.freed);
    cr_expect_geq(report.freed, 600 * KIB);
    room_remove(&r);
}
