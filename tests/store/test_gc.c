#include "base/files.h"
#include "store/check.h"
#include "store/gc.h"
#include "store/install.h"
#include "store/lease.h"
#include "store/quota.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)
#define KIB      1024u

static void see(void *ctx, const struct finding *f)
{
    (void)ctx;
    cr_log_error("%s: %s: %s", f->object, f->code, f->detail);
}

static void assert_sound(struct store_room *r)
{
    struct err e = ERR_NONE;
    struct check_report report;
    OK(check_store(r->s, NULL, see, NULL, &report, &e));
    cr_assert_eq(report.findings, 0);
}

static struct gc_report sweep(struct store_room *r, bool dry)
{
    struct err e = ERR_NONE;
    struct gc_report report;
    const struct gc_options o = {.dry_run = dry, .clock = r->clock, .log = r->log};
    OK(gc_run(r->s, &o, NULL, &report, &e));
    return report;
}

/* Bytes of a folder's files. */
static uint64_t on_disk(struct store_room *r, const char *folder);

struct sum {
    char path[300];
    uint64_t bytes;
};

static enum status add_file(void *ctx, const char *name, struct err *e)
{
    struct sum *s = ctx;
    char path[600];
    struct stat st;
    (void)e;
    snprintf(path, sizeof path, "%s/%s", s->path, name);
    if (stat(path, &st) == 0)
        s->bytes += (uint64_t)st.st_size;
    return ST_OK;
}

static uint64_t on_disk(struct store_room *r, const char *folder)
{
    struct err e = ERR_NONE;
    struct sum s = {.bytes = 0};
    snprintf(s.path, sizeof s.path, "%s/%s", r->path, folder);
    OK(folder_each(AT_FDCWD, s.path, add_file, &s, &e));
    return s.bytes;
}

static void read_back(struct store_room *r, size_t n, uint64_t seed)
{
    SCOPED(buf_release) struct buf bytes = room_bytes(n, seed);
    struct digest d = digest_of(buf_span(&bytes));
    struct err e = ERR_NONE;
    OK(room_reads(r, &d, buf_span(&bytes), &e));
}

Test(gc, what_no_artifact_needs_goes_and_gives_back_exactly_what_was_promised)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    OK(room_install(&r, "a", 1, 300 * KIB, 1, &e));
    OK(room_install(&r, "b", 1, 300 * KIB, 2, &e));
    cr_assert_eq(sweep(&r, false).freed, 0, "everything is needed");
    OK(room_forget(&r, "a", &e));
    const uint64_t before = on_disk(&r, "packs");
    const struct gc_report promise = sweep(&r, true);
    cr_assert_eq(on_disk(&r, "packs"), before, "a dry run changes nothing");
    const struct gc_report done = sweep(&r, false);
    cr_assert_geq(done.freed, 300 * KIB);
    cr_assert_eq(done.freed, promise.freed);
    cr_assert_eq(before - on_disk(&r, "packs"), promise.freed);
    read_back(&r, 300 * KIB, 2);
    assert_sound(&r);
    room_reopen(&r);
    assert_sound(&r);
    OK(room_install(&r, "a", 1, 300 * KIB, 1, &e));
    read_back(&r, 300 * KIB, 1);
    assert_sound(&r);
    room_remove(&r);
}

Test(gc, a_pack_that_is_mostly_free_is_written_anew)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    OK(room_install(&r, "shared", 4, 200 * KIB, 1, &e)); /* one pack of four contents */
    OK(room_install(&r, "part", 1, 200 * KIB, 3, &e));   /* needs one of them */
    OK(room_forget(&r, "shared", &e));
    const uint64_t before = on_disk(&r, "packs");
    const struct gc_report promise = sweep(&r, true), done = sweep(&r, false);
    cr_assert_eq(done.written, 1);
    cr_assert_geq(done.freed, 600 * KIB);
    cr_assert_eq(done.freed, promise.freed);
    cr_assert_eq(before - on_disk(&r, "packs"), promise.freed);
    read_back(&r, 200 * KIB, 3);
    assert_sound(&r);
    cr_assert_eq(sweep(&r, false).freed, 0, "a second run finds nothing to do");
    room_remove(&r);
}

Test(gc, many_small_packs_become_one)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct store_facts facts;
    char name[8];
    for (uint64_t i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "s%u", (unsigned)i);
        OK(room_install(&r, name, 1, 8 * KIB, i, &e));
    }
    const uint64_t before = on_disk(&r, "packs");
    const struct gc_report promise = sweep(&r, true), done = sweep(&r, false);
    OK(store_facts(r.s, &facts, &e));
    cr_assert_eq(facts.packs, 1);
    cr_assert_eq(done.dropped, 20);
    cr_assert_eq(before - on_disk(&r, "packs"), promise.freed);
    for (uint64_t i = 0; i < 20; i++)
        read_back(&r, 8 * KIB, i);
    assert_sound(&r);
    room_remove(&r);
}

Test(gc, a_leased_pack_stays_and_goes_once_its_holder_is_gone)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct lease *l = NULL;
    bool fresh = false;
    OK(room_install(&r, "a", 1, 100 * KIB, 1, &e));
    OK(room_forget(&r, "a", &e));
    OK(lease_open(r.s, "test", &l, &e));
    OK(lease_pack(l, 1, &fresh, &e));
    cr_assert(fresh);
    struct gc_report held = sweep(&r, false);
    cr_assert_eq(held.dropped, 0);
    cr_assert_eq(held.leased, 1);
    lease_close(l);
    cr_assert_eq(sweep(&r, false).dropped, 1);
    assert_sound(&r);
    room_remove(&r);
}

Test(gc, a_damaged_trailer_is_mended_by_writing_the_pack_anew)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct check_report report;
    char path[300];
    OK(room_install(&r, "a", 1, 100 * KIB, 1, &e));
    snprintf(path, sizeof path, "%s/packs/0000000000000001.pack", r.path);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR);
    cr_assert_eq(pwrite(fd, "x", 1, st.st_size - 30), 1);
    close(fd);
    OK(check_store(r.s, NULL, NULL, NULL, &report, &e));
    cr_assert_gt(report.findings, 0);
    cr_assert_eq(sweep(&r, false).written, 1);
    read_back(&r, 100 * KIB, 1);
    assert_sound(&r);
    room_remove(&r);
}

Test(gc, a_pack_with_a_damaged_chunk_is_left_to_a_repair)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    char path[300];
    OK(room_install(&r, "shared", 4, 100 * KIB, 1, &e));
    OK(room_install(&r, "part", 1, 100 * KIB, 1, &e));
    OK(room_forget(&r, "shared", &e));
    snprintf(path, sizeof path, "%s/packs/0000000000000001.pack", r.path);
    cr_assert_eq(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR);
    cr_assert_eq(pwrite(fd, "xxxxxxxx", 8, 200), 8);
    close(fd);
    struct gc_report got = sweep(&r, false);
    cr_assert_eq(got.damaged, 1);
    cr_assert_eq(got.dropped, 0);
    cr_assert_eq(access(path, F_OK), 0);
    OK(room_install(&r, "part", 1, 100 * KIB, 1, &e)); /* heals */
    cr_assert_eq(sweep(&r, false).damaged, 0);
    cr_assert_neq(access(path, F_OK), 0);
    read_back(&r, 100 * KIB, 1);
    assert_sound(&r);
    room_remove(&r);
}

/* -- quotas --------------------------------------------------------------------------------------
 */

Test(quota, an_add_beyond_the_bytes_is_refused_and_leaves_the_disk_within)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    OK(room_set(&r, "quota/bytes", "4194304", NULL, &e));
    OK(room_install(&r, "a", 1, 1024 * KIB, 1, &e));
    cr_assert_eq(room_install(&r, "b", 1, 2048 * KIB, 2, &e), ST_QUOTA);
    cr_assert_str_eq(err_code(&e), "quota-bytes");
    cr_assert_leq(on_disk(&r, "packs") + on_disk(&r, "staging"), 4194304);
    e = ERR_NONE;
    OK(room_forget(&r, "a", &e));
    cr_assert_gt(sweep(&r, false).freed, 0);
    OK(room_install(&r, "b", 1, 1024 * KIB, 2, &e));
    assert_sound(&r);
    room_remove(&r);
}

Test(quota, artifacts_are_counted_in_the_store_and_under_their_name)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    OK(room_set(&r, "quota/count", "2", NULL, &e));
    OK(room_install(&r, "a", 1, 1 * KIB, 1, &e));
    OK(room_install(&r, "b", 1, 1 * KIB, 2, &e));
    cr_assert_eq(room_install(&r, "c", 1, 1 * KIB, 3, &e), ST_QUOTA);
    e = ERR_NONE;
    OK(room_set(&r, "quota/count", "3", NULL, &e));
    OK(room_set(&r, "quota/name/room/bytes", "2500", NULL, &e));
    cr_assert_eq(room_install(&r, "c", 1, 1 * KIB, 3, &e), ST_QUOTA);
    cr_assert_str_eq(e.subject, "quota/name/room/bytes");
    e = ERR_NONE;
    OK(room_forget(&r, "a", &e));
    OK(room_install(&r, "c", 1, 1 * KIB, 3, &e));
    room_remove(&r);
}

Test(quota, the_sums_of_a_rebuilt_index_are_those_of_the_old_one)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct quota_use before, after;
    OK(room_install(&r, "a", 3, 90 * KIB, 1, &e));
    OK(room_install(&r, "b", 2, 90 * KIB, 2, &e));
    OK(room_forget(&r, "a", &e));
    (void)sweep(&r, false);
    OK(quota_use(r.s, &before, &e));
    store_close(r.s);
    r.s = NULL;
    OK(index_rebuild(r.path, NULL, &e));
    room_reopen(&r);
    OK(quota_use(r.s, &after, &e));
    cr_assert_eq(before.packs, after.packs);
    cr_assert_eq(before.reclaimable, after.reclaimable);
    cr_assert_eq(before.installed, after.installed);
    cr_assert_eq(before.installed_bytes, after.installed_bytes);
    assert_sound(&r);
    room_remove(&r);
}

/* Two adders write the same content; the pack of the later one goes, the earlier has more. */
Test(gc, a_copy_left_behind_by_a_sweep_is_no_damage)
{
    struct store_room r = room_make();
    struct err e = ERR_NONE;
    struct change *slow = NULL;
    struct content got;
    uint64_t seq = 0;
    SCOPED(buf_release) struct buf twice = room_bytes(30000, 6);
    struct span_source from = {buf_span(&twice)};
    const struct change_entry entry = {.type = "late", .clock = r.clock, .log = r.log};
    OK(change_begin(r.s, &slow, &e));
    OK(change_content(slow, source_over(&from), NULL, &got, &e));
    OK(room_install(&r, "six", 6, 30000, 1, &e));
    OK(room_install(&r, "five", 5, 30000, 1, &e));
    OK(change_commit(slow, &entry, &seq, &e));
    change_release(slow);
    assert_sound(&r);
    OK(room_forget(&r, "six", &e));
    cr_assert_eq(sweep(&r, false).dropped, 1);
    assert_sound(&r);
    OK(room_install(&r, "again", 1, 30000, 6, &e));
    assert_sound(&r);
    read_back(&r, 30000, 6);
    room_remove(&r);
}
