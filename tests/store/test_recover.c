#include "base/files.h"
#include "store/check.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

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

static bool state_is(struct store *s, const char *key, const char *value)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    return store_get(s, key, &b, &e) == ST_OK && span_equal(buf_span(&b), span_text(value));
}

/* -- the index is only a fold --------------------------------------------------------------------
 */

static enum status list(void *ctx, const char *key, struct span value, struct err *e)
{
    (void)e;
    buf_text(ctx, key);
    buf_byte(ctx, '=');
    buf_append(ctx, value);
    buf_byte(ctx, '\n');
    return ST_OK;
}

/* A store with everything in it that the index has to know, and what it answers. */
struct full {
    struct content a, b;
    struct digest doc;
    struct buf one, two, state;
    struct store_facts facts;
};

static void full_release(struct full *f)
{
    buf_release(&f->one);
    buf_release(&f->two);
    buf_release(&f->state);
}

static void fill(struct store_room *r, struct full *f)
{
    struct err e = ERR_NONE;
    *f = (struct full){.one = room_bytes(500000, 1), .two = room_bytes(900, 2)};
    OK(room_add(r, buf_span(&f->one), &f->a, &e));
    OK(room_add(r, buf_span(&f->two), &f->b, &e));
    OK(room_document(r, span_text("document"), &f->doc, &e));
    OK(room_set(r, "kept", "1", NULL, &e));
    OK(room_set(r, "gone", "1", NULL, &e));
    OK(room_set(r, "gone", NULL, NULL, &e));
    OK(store_scan(r->s, "", list, &f->state, &e));
    OK(store_facts(r->s, &f->facts, &e));
}

static void assert_same(struct store_room *r, struct full *f)
{
    struct err e = ERR_NONE;
    struct store_facts now;
    SCOPED(buf_release) struct buf state = BUF_EMPTY, doc = BUF_EMPTY;
    OK(store_scan(r->s, "", list, &state, &e));
    cr_assert(span_equal(buf_span(&state), buf_span(&f->state)));
    OK(store_facts(r->s, &now, &e));
    cr_assert_eq(memcmp(&now.seq, &f->facts.seq, sizeof now.seq), 0);
    cr_assert(digest_equal(&now.head, &f->facts.head));
    cr_assert_eq(now.packs, f->facts.packs);
    cr_assert_eq(now.chunks, f->facts.chunks);
    cr_assert_eq(now.stored_bytes, f->facts.stored_bytes);
    OK(room_reads(r, &f->a.sha256, buf_span(&f->one), &e));
    OK(room_reads(r, &f->b.sha256, buf_span(&f->two), &e));
    OK(store_document(r->s, &f->doc, &doc, &e));
    assert_sound(r);
}

static const char *const spoils[] = {
    "rm -r store/index",                                 /* gone */
    "rm store/index/data.mdb",                           /* half gone */
    "truncate -s 5000 store/index/data.mdb",             /* cut */
    "truncate -s 0 store/index/data.mdb",                /* emptied */
    "head -c 40000 /dev/zero > store/index/data.mdb",    /* zeroed */
    "head -c 40000 /dev/urandom > store/index/data.mdb", /* garbage */
    "rm -r store/index; mkdir store/index.new.1; echo x > store/index.new.1/data.mdb", /* a rebuild
                                                                                          that died
                                                                                        */
};

Test(recover, a_spoiled_index_is_folded_again_and_answers_the_same)
{
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        SCOPED(full_release) struct full f;
        struct store_room r = room_make();
        fill(&r, &f);
        store_close(r.s);
        r.s = NULL;
        cr_assert_eq(temp_run(&r.t, "%s", spoils[i]), 0);
        room_reopen(&r);
        assert_same(&r, &f);
        cr_assert_eq(temp_run(&r.t, "test ! -e store/index.new.1"), 0);
        room_remove(&r);
    }
}

Test(recover, a_rebuilt_index_answers_the_same)
{
    struct err e = ERR_NONE;
    SCOPED(full_release) struct full f;
    struct store_room r = room_make();
    fill(&r, &f);
    store_close(r.s);
    r.s = NULL;
    OK(index_rebuild(r.path, NULL, &e));
    room_reopen(&r);
    assert_same(&r, &f);
    room_remove(&r);
}

Test(recover, an_index_of_another_store_is_not_believed)
{
    SCOPED(full_release) struct full f, g;
    struct store_room r = room_make(), other = room_make();
    fill(&r, &f);
    fill(&other, &g);
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(temp_run(&r.t, "rm -r store/index && cp -r %s/index store/index", other.path), 0);
    room_reopen(&r);
    assert_same(&r, &f);
    room_remove(&r);
    room_remove(&other);
}

/* -- what was in flight --------------------------------------------------------------------------
 */

Test(recover, an_older_index_is_brought_up_to_date)
{
    struct err e = ERR_NONE;
    SCOPED(full_release) struct full f;
    struct store_room r = room_make();
    OK(room_set(&r, "early", "1", NULL, &e));
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(temp_run(&r.t, "cp -r store/index old && cp store/ledger.head head"), 0);
    room_reopen(&r);
    fill(&r, &f);
    store_close(r.s);
    r.s = NULL;
    /* as if the process had died after ledger and packs, before head and index */
    cr_assert_eq(
        temp_run(&r.t, "rm -r store/index && mv old store/index && cp head store/ledger.head"), 0);
    room_reopen(&r);
    assert_same(&r, &f);
    room_remove(&r);
}

Test(recover, a_torn_line_is_no_entry_and_the_next_writer_cuts_it)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(room_set(&r, "a", "1", NULL, &e));
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(temp_run(&r.t, "printf '{\"entry\":{\"body\"' >> store/ledger"), 0);
    room_reopen(&r);
    cr_assert(state_is(r.s, "a", "1"));
    assert_sound(&r);
    cr_assert_eq(temp_run(&r.t, "tail -c 8 store/ledger | grep -q body"), 0);
    OK(room_set(&r, "a", "2", NULL, &e));
    cr_assert_neq(temp_run(&r.t, "grep -q '\"body\"$' store/ledger"), 0);
    room_reopen(&r);
    cr_assert(state_is(r.s, "a", "2"));
    assert_sound(&r);
    room_remove(&r);
}

Test(recover, a_last_line_in_tatters_that_the_head_does_not_know_is_no_entry)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(room_set(&r, "a", "1", NULL, &e));
    store_close(r.s);
    r.s = NULL;
    /* power went with the end of the line on the disk and its beginning not */
    cr_assert_eq(
        temp_run(&r.t, "head -c 300 /dev/zero >> store/ledger && echo '\"}' >> store/ledger"), 0);
    room_reopen(&r);
    assert_sound(&r);
    OK(room_set(&r, "a", "2", NULL, &e));
    room_reopen(&r);
    cr_assert(state_is(r.s, "a", "2"));
    assert_sound(&r);
    room_remove(&r);
}

Test(recover, a_damaged_last_line_that_the_head_knows_is_corrupt_not_cut)
{
    const char *const edits[] = {
        "printf x | dd of=store/ledger bs=1 conv=notrunc seek=$(($(stat -c %s store/ledger) - 1))",
        "printf ! | dd of=store/ledger bs=1 conv=notrunc seek=$(($(stat -c %s store/ledger) - 9))"};
    for (size_t i = 0; i < 4; i++) {
        struct err e = ERR_NONE;
        struct store *s = NULL;
        struct store_room r = room_make();
        struct check_report report;
        OK(room_set(&r, "a", "1", NULL, &e));
        cr_assert_eq(temp_run(&r.t, "%s", edits[i % 2]), 0);
        OK(check_ledger(r.s, NULL, NULL, NULL, &report, &e));
        cr_assert_eq(report.findings, 1);
        store_close(r.s);
        r.s = NULL;
        if (i >= 2) {
            cr_assert_eq(temp_run(&r.t, "rm -r store/index"), 0);
            cr_assert_eq(store_open(r.path, &s, &e), ST_CORRUPT);
            cr_assert_str_eq(e.subject, "ledger");
        }
        room_remove(&r);
    }
}

static const char *const cuts[] = {
    "head -n -1 store/ledger > l && cat l > store/ledger", /* an entry dropped */
    "truncate -s -5 store/ledger",                         /* its last bytes */
    "truncate -s 0 store/ledger",                          /* emptied */
    "rm store/ledger",                                     /* gone */
    "head -n -1 store/ledger > l && cat l > store/ledger && rm -r store/index", /* and the index
                                                                                   gone */
};

Test(recover, a_ledger_that_was_cut_is_noticed)
{
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct err e = ERR_NONE;
        struct store *s = NULL;
        struct store_room r = room_make();
        OK(room_set(&r, "a", "1", NULL, &e));
        OK(room_set(&r, "a", "2", NULL, &e));
        store_close(r.s);
        r.s = NULL;
        cr_assert_eq(temp_run(&r.t, "%s", cuts[i]), 0);
        cr_assert_eq(store_open(r.path, &s, &e), ST_SET_BACK, "%s: %s", cuts[i], e.detail);
        cr_assert_eq(status_exit(e.status), 6);
        room_remove(&r);
    }
}

Test(recover, an_entry_changed_dropped_or_forged_in_the_middle_is_noticed)
{
    const char *const edits[] = {"sed -i 2d store/ledger",
                                 "sed -i '2s/\"a\":\"1\"/\"a\":\"9\"/' store/ledger",
                                 "sed -i '2{h;d};3{p;x}' store/ledger"};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        struct check_report report;
        struct store *s = NULL;
        struct store_room r = room_make();
        for (int n = 0; n < 4; n++)
            OK(room_set(&r, "a", "1", NULL, &e));
        cr_assert_eq(temp_run(&r.t, "%s", edits[i]), 0);
        OK(check_ledger(r.s, NULL, NULL, NULL, &report, &e));
        cr_assert_gt(report.findings, 0, "%s", edits[i]);
        store_close(r.s);
        r.s = NULL;
        cr_assert_eq(temp_run(&r.t, "rm -r store/index"), 0);
        cr_assert_eq(store_open(r.path, &s, &e), ST_CORRUPT, "%s", edits[i]);
        cr_assert_str_eq(e.subject, "ledger");
        room_remove(&r);
    }
}

/* -- every call fails once, or it and all after it -----------------------------------------------
 */

struct fault {
    unsigned at, seen; /* the call to fail, calls so far */
    bool sticky;       /* as if the process were dead from then on */
    int with;
};

static int strike(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct fault *f = ctx;
    (void)call, (void)path, (void)fd, (void)bytes;
    f->seen++;
    return f->seen == f->at || (f->sticky && f->seen > f->at) ? f->with : 0;
}

static enum status faulty_add(struct store_room *r, struct fault *f, struct span bytes,
                              struct content *c, struct err *e)
{
    f->seen = 0;
    io_watch(strike, f);
    enum status st = room_add(r, bytes, c, e);
    store_close(r->s);
    r->s = NULL;
    io_watch(NULL, NULL);
    return st;
}

static void sweep_add(bool sticky, int with)
{
    struct store_room r = room_make();
    for (unsigned n = 1;; n++) {
        struct err e = ERR_NONE;
        struct fault f = {.at = n, .sticky = sticky, .with = with};
        struct content c = {0}, again;
        SCOPED(buf_release) struct buf bytes = room_bytes(5000, n);
        enum status st = faulty_add(&r, &f, buf_span(&bytes), &c, &e);
        room_reopen(&r);
        assert_sound(&r);
        if (st == ST_OK)
            OK(room_reads(&r, &c.sha256, buf_span(&bytes), &e));
        OK(room_add(&r, buf_span(&bytes), &again, &e));
        OK(room_reads(&r, &again.sha256, buf_span(&bytes), &e));
        cr_assert_eq(temp_run(&r.t, "test -z \"$(ls -A store/staging)\""), 0,
                     "call %u left something", n);
        if (f.seen < n) {
            cr_assert_gt(n, 30, "the sweep struck only %u calls", n);
            cr_assert_eq(st, ST_OK);
            break;
        }
        room_reopen(&r);
    }
    room_remove(&r);
}

Test(recover, an_add_whose_nth_call_fails_leaves_a_store_that_takes_it_again)
{
    sweep_add(false, EIO);
}

Test(recover, an_add_on_a_full_disk_leaves_a_store_that_takes_it_again)
{
    sweep_add(false, ENOSPC);
}

Test(recover, an_add_that_dies_at_its_nth_call_leaves_a_store_that_takes_it_again)
{
    sweep_add(true, EIO);
}

static void sweep_create(bool sticky)
{
    for (unsigned n = 1;; n++) {
        struct err e = ERR_NONE;
        struct fault f = {.at = n, .sticky = sticky, .with = EIO};
        struct store_room r = room_bare();
        io_watch(strike, &f);
        enum status st = room_create(&r, &e);
        io_watch(NULL, NULL);
        if (st != ST_OK) {
            st = room_create(&r, &e);
            cr_assert(st == ST_OK || st == ST_EXISTS, "after call %u: %s", n, e.detail);
        }
        room_reopen(&r);
        assert_sound(&r);
        OK(room_set(&r, "a", "1", NULL, &e));
        cr_assert_eq(temp_run(&r.t, "! ls -d store.init.* store/.pending.* 2>/dev/null"), 0,
                     "call %u", n);
        room_remove(&r);
        if (f.seen < n) {
            cr_assert_gt(n, 30, "the sweep struck only %u calls", n);
            break;
        }
    }
}

Test(recover, a_store_whose_making_fails_or_dies_at_its_nth_call_can_be_made_again)
{
    sweep_create(false);
    sweep_create(true);
}

/* -- many at once --------------------------------------------------------------------------------
 */

#define WRITERS 4
#define ENTRIES 15

static int write_some(struct store_room *r, unsigned who)
{
    struct err e = ERR_NONE;
    static struct signer *inherited; /* a fork wipes secret keys, so each writer opens its own */
    inherited = r->log;
    (void)inherited;
    if (signer_open_file(r->t.dir, "log.key", NULL, NULL, &r->log, &e) != ST_OK ||
        store_open(r->path, &r->s, &e) != ST_OK)
        return 1;
    for (unsigned i = 0; i < ENTRIES; i++) {
        char key[64];
        struct content c;
        SCOPED(buf_release)
        struct buf mine = room_bytes(3000, who * 100 + i), shared = room_bytes(3000, 5000 + i);
        snprintf(key, sizeof key, "writer/%u/%u", who, i);
        if (room_set(r, key, "1", NULL, &e) != ST_OK ||
            room_add(r, buf_span(&mine), &c, &e) != ST_OK ||
            room_add(r, buf_span(&shared), &c, &e) != ST_OK)
            return 2;
    }
    store_close(r->s);
    signer_close(r->log);
    return 0;
}

Test(recover, processes_that_commit_at_once_all_get_their_turn)
{
    struct err e = ERR_NONE;
    struct store_facts f;
    struct store_room r = room_make();
    store_close(r.s);
    r.s = NULL;
    for (unsigned i = 0; i < WRITERS; i++)
        if (fork() == 0)
            _exit(write_some(&r, i));
    for (unsigned i = 0; i < WRITERS; i++) {
        int status = 0;
        cr_assert_gt(wait(&status), 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a writer ended with %x", status);
    }
    room_reopen(&r);
    OK(store_facts(r.s, &f, &e));
    cr_assert_eq(f.seq, 1 + 3 * WRITERS * ENTRIES);
    assert_sound(&r);
    room_remove(&r);
}

/* -- what is missing -----------------------------------------------------------------------------
 */

Test(recover, a_cut_ledger_is_told_by_its_last_whole_entry)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct store *again = NULL;
    OK(room_set(&r, "a", "1", NULL, &e));
    OK(room_set(&r, "a", "2", NULL, &e));
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(temp_run(&r.t, "truncate -s -10 store/ledger"), 0);
    cr_assert_eq(store_open(r.path, &again, &e), ST_SET_BACK);
    cr_expect_not_null(strstr(e.detail, "ends with entry 2, but entry 3 was"), "%s", e.detail);
    room_remove(&r);
}

Test(recover, an_empty_folder_that_a_copy_lost_is_made_again)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    OK(room_set(&r, "a", "1", NULL, &e));
    store_close(r.s);
    r.s = NULL;
    cr_assert_eq(temp_run(&r.t, "rmdir store/staging store/quarantine"), 0);
    room_reopen(&r);
    cr_assert(state_is(r.s, "a", "1"));
    OK(room_set(&r, "a", "2", NULL, &e));
    assert_sound(&r);
    cr_expect_eq(
        temp_run(&r.t, "test \"$(stat -c %%a store/staging store/quarantine | uniq)\" = 700"), 0);
    room_remove(&r);
}
