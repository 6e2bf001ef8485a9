#include "base/files.h"
#include "store/check.h"
#include "store/quarantine.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

static enum status reject(struct store_room *r, struct span bytes, struct span parsed,
                          struct span set, struct quarantine_facts *out, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    struct err why = ERR_NONE;
    struct content content;
    struct span_source from = {bytes};
    const struct change_entry how = {
        .type = "quarantine", .set = set, .clock = r->clock, .log = r->log};
    (void)err_at(&why, ST_MODEL_HEADER, "parse", "slm1-dim", 12, "a dimension is zero \x1b[2J\xff");
    enum status st = change_begin(r->s, &c, e);
    if (st == ST_OK)
        st = change_content(c, source_over(&from), NULL, &content, e);
    const struct quarantine_reject what = {.name = "bad.slm",
                                           .why = &why,
                                           .parsed = parsed,
                                           .claimed = span_text("{\"version\":\"1\"}")};
    return st == ST_OK ? quarantine_put(c, &content.sha256, &what, &how, out, e) : st;
}

Test(quarantine, what_was_rejected_is_kept_with_all_that_is_known)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts put = {0}, f = {0};
    SCOPED(buf_release) struct buf bytes = room_bytes(300000, 1), none = BUF_EMPTY;
    uint8_t window[64];
    size_t got = 0;
    OK(reject(&r, buf_span(&bytes), span_text("{\"z\":1,\"magic\":\"SLM1\"}"),
              span_text("{\"seen\":\"yes\"}"), &put, &e));
    room_reopen(&r);
    OK(quarantine_get(r.s, put.id, &f, &e));
    cr_assert_eq(f.bytes, 300000);
    cr_assert_str_eq(f.name, "bad.slm");
    cr_assert_str_eq(f.stage, "parse");
    cr_assert_str_eq(f.code, "slm1-dim");
    cr_assert_str_eq(f.status, "model-header");
    cr_assert_eq(f.offset, 12);
    cr_assert_str_eq(f.time, "2026-01-02T03:04:05Z");
    cr_assert(span_equal(buf_span(&f.parsed), span_text("{\"magic\":\"SLM1\",\"z\":1}")));
    cr_assert(span_equal(buf_span(&f.claimed), span_text("{\"version\":\"1\"}")));
    OK(quarantine_bytes(r.s, &f, 65530, window, sizeof window, &got, &e));
    cr_assert_eq(got, 64);
    cr_assert_eq(memcmp(window, bytes.p + 65530, 64), 0);
    OK(quarantine_bytes(r.s, &f, 299990, window, sizeof window, &got, &e));
    cr_assert_eq(got, 10);
    OK(quarantine_bytes(r.s, &f, UINT64_MAX - 3, window, sizeof window, &got, &e));
    cr_assert_eq(got, 0);
    OK(store_get(r.s, "seen", &none, &e));
    none.n = 0;
    cr_assert_eq(store_content_read(r.s, &f.sha256, sink_buf(&none), NULL, &e), ST_NOT_FOUND);
    room_remove(&r);
}

static enum status count(void *ctx, const struct quarantine_facts *f, struct err *e)
{
    unsigned *n = ctx;
    (void)e, (void)f;
    ++*n;
    return ST_OK;
}

Test(quarantine, entries_are_found_by_beginnings_that_are_unambiguous)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts a = {0}, b = {0}, f = {0};
    char hex[DIGEST_TEXT];
    unsigned n = 0;
    OK(reject(&r, span_text("one"), SPAN(NULL, 0), SPAN(NULL, 0), &a, &e));
    OK(reject(&r, span_text("two"), SPAN(NULL, 0), SPAN(NULL, 0), &b, &e));
    OK(quarantine_each(r.s, count, &n, &e));
    cr_assert_eq(n, 2);
    digest_text(&b.sha256, hex);
    hex[8] = '\0';
    OK(quarantine_get(r.s, hex, &f, &e));
    cr_assert_str_eq(f.id, b.id);
    hex[7] = '\0';
    cr_assert_eq(quarantine_get(r.s, hex, &f, &e), ST_NOT_FOUND);
    quarantine_facts_release(&f);
    OK(quarantine_get(r.s, "2-", &f, &e));
    cr_assert_str_eq(f.id, a.id);
    cr_assert_eq(quarantine_get(r.s, "", &f, &e), ST_NOT_FOUND);
    quarantine_facts_release(&b);
    OK(reject(&r, span_text("one"), SPAN(NULL, 0), SPAN(NULL, 0), &b, &e));
    digest_text(&a.sha256, hex);
    cr_assert_eq(quarantine_get(r.s, hex, &f, &e), ST_AMBIGUOUS);
    room_remove(&r);
}

Test(quarantine, bytes_that_changed_are_never_handed_out)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {0};
    uint8_t b = 0;
    size_t got = 0;
    OK(reject(&r, span_text("one"), SPAN(NULL, 0), SPAN(NULL, 0), &f, &e));
    cr_assert_eq(temp_run(&r.t, "printf onf > store/quarantine/%s", f.id), 0);
    cr_assert_eq(quarantine_bytes(r.s, &f, 0, &b, 1, &got, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "quarantine-hash");
    cr_assert_eq(got, 0);
    cr_assert_eq(temp_run(&r.t, "printf on > store/quarantine/%s", f.id), 0);
    cr_assert_eq(quarantine_bytes(r.s, &f, 0, &b, 1, &got, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "quarantine-size");
    cr_assert_eq(temp_run(&r.t, "rm store/quarantine/%s", f.id), 0);
    cr_assert_eq(quarantine_bytes(r.s, &f, 0, &b, 1, &got, &e), ST_CORRUPT);
    room_remove(&r);
}

struct fault {
    unsigned at, seen;
    bool sticky;
};

static int strike(void *ctx, const char *call, const char *path, int fd, uint64_t bytes)
{
    struct fault *f = ctx;
    (void)call, (void)path, (void)fd, (void)bytes;
    f->seen++;
    return f->seen == f->at || (f->sticky && f->seen > f->at) ? EIO : 0;
}

Test(quarantine, a_rejection_that_dies_at_its_nth_call_is_whole_or_nothing)
{
    struct fault f = {0};
    SCOPED(buf_release) struct buf bytes = room_bytes(200, 1);
    for (unsigned n = 1; f.seen + 1 >= n; n++) {
        struct store_room r = room_make();
        struct err e = ERR_NONE;
        struct check_report report;
        SCOPED(quarantine_facts_release) struct quarantine_facts q = {0};
        unsigned kept = 0, files = 0;
        f = (struct fault){.at = n, .sticky = n % 2 == 0};
        io_watch(strike, &f);
        enum status st = reject(&r, buf_span(&bytes), SPAN(NULL, 0), SPAN(NULL, 0), &q, &e);
        io_watch(NULL, NULL);
        quarantine_facts_release(&q);
        room_reopen(&r);
        OK(check_store(r.s, NULL, NULL, NULL, &report, &e));
        cr_assert_eq(report.findings, 0, "call %u", n);
        OK(quarantine_each(r.s, count, &kept, &e));
        cr_assert(kept == 1 || (st != ST_OK && kept == 0), "call %u", n);
        OK(reject(&r, buf_span(&bytes), SPAN(NULL, 0), SPAN(NULL, 0), &q, &e));
        OK(quarantine_each(r.s, count, &files, &e));
        cr_assert_eq(temp_run(&r.t, "test $(ls -A store/quarantine | wc -l) = %u", files), 0,
                     "call %u", n);
        room_remove(&r);
    }
    cr_assert_gt(f.seen, 30);
}

static enum status take(struct store_room *r, struct span bytes, uint64_t most,
                        struct quarantine_facts *out, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    struct err why = ERR_NONE;
    struct span_source from = {bytes};
    const struct change_entry how = {.type = "quarantine", .clock = r->clock, .log = r->log};
    (void)err_at(&why, ST_FORMAT, "archive", "archive-link", 7, "a link");
    enum status st = change_begin(r->s, &c, e);
    const struct quarantine_reject what = {.name = "a.tar", .why = &why};
    return st == ST_OK ? quarantine_take(c, source_over(&from), most, &what, &how, out, e) : st;
}

static enum status drop(struct store_room *r, const struct quarantine_facts *f, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    const struct change_entry how = {.type = "purge", .clock = r->clock, .log = r->log};
    enum status st = change_begin(r->s, &c, e);
    return st == ST_OK ? quarantine_drop(c, f, &how, e) : st;
}

Test(quarantine, bytes_that_were_never_staged_are_taken_as_they_are)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts put = {0}, f = {0};
    SCOPED(buf_release) struct buf bytes = room_bytes(200000, 3), back = BUF_EMPTY;
    struct digest want = digest_of(buf_span(&bytes));
    OK(take(&r, buf_span(&bytes), bytes.n, &put, &e));
    room_reopen(&r);
    OK(quarantine_get(r.s, put.id, &f, &e));
    cr_assert(digest_equal(&f.sha256, &want));
    cr_assert_str_eq(f.code, "archive-link");
    SCOPED(fd_release) int fd = -1;
    OK(quarantine_open(r.s, &f, &fd, &e));
    uint8_t *p = buf_space(&back, bytes.n);
    OK(io_read_at(fd, p, bytes.n, 0, &e));
    cr_assert(span_equal(buf_span(&back), buf_span(&bytes)));
    room_remove(&r);
}

Test(quarantine, bytes_that_were_never_staged_keep_within_the_quotas_as_others_do)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts put = {0};
    SCOPED(buf_release) struct buf bytes = room_bytes(200000, 3);
    unsigned n = 0;
    OK(room_set(&r, "quota/quarantine/bytes", "199999", NULL, &e));
    cr_assert_eq(take(&r, buf_span(&bytes), bytes.n, &put, &e), ST_QUOTA);
    cr_assert_str_eq(err_code(&e), "quota-quarantine");
    OK(room_set(&r, "quota/quarantine/bytes", "200000", NULL, &e));
    OK(room_set(&r, "quota/bytes", "199999", NULL, &e));
    cr_assert_eq(take(&r, buf_span(&bytes), bytes.n, &put, &e), ST_QUOTA);
    cr_assert_str_eq(err_code(&e), "quota-bytes");
    OK(quarantine_each(r.s, count, &n, &e));
    cr_assert_eq(n, 0);
    OK(room_set(&r, "quota/bytes", "1400000", NULL, &e)); /* no pack, so nothing to sweep it */
    OK(take(&r, buf_span(&bytes), bytes.n, &put, &e));
    room_remove(&r);
}

Test(quarantine, no_more_is_taken_than_was_said)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts put = {0};
    unsigned n = 0;
    cr_assert_eq(take(&r, span_text("four"), 3, &put, &e), ST_CONFLICT);
    OK(quarantine_each(r.s, count, &n, &e));
    cr_assert_eq(n, 0);
    room_remove(&r);
}

Test(quarantine, what_is_dropped_is_gone_with_its_bytes_and_known_to_the_ledger)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts a = {0}, b = {0}, f = {0};
    int fd = -1;
    OK(take(&r, span_text("one"), 3, &a, &e));
    OK(take(&r, span_text("two"), 3, &b, &e));
    OK(drop(&r, &a, &e));
    room_reopen(&r);
    cr_assert_eq(quarantine_get(r.s, a.id, &f, &e), ST_NOT_FOUND);
    OK(quarantine_get(r.s, b.id, &f, &e));
    cr_assert_eq(quarantine_open(r.s, &a, &fd, &e), ST_CORRUPT);
    cr_assert_str_eq(err_code(&e), "quarantine-gone");
    room_remove(&r);
}
