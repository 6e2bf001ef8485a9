#include "base/files.h"
#include "base/text.h"
#include "store/check.h"
#include "store/quarantine.h"
#include "store/quarantine_facts.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define HEX      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
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

/* Two files, of which the second is at fault at `offset`. */
static enum status reject_folder(struct store_room *r, struct span one, struct span two,
                                 uint64_t offset, struct quarantine_facts *out, struct err *e)
{
    SCOPED(change_scope) struct change *c = NULL;
    struct err why = ERR_NONE;
    struct content content[2];
    struct span_source from[2] = {{one}, {two}};
    struct quarantine_file files[2] = {{.path = "a"}, {.path = "sub/\xc3\x9f"}};
    const struct change_entry how = {.type = "quarantine", .clock = r->clock, .log = r->log};
    (void)err_at(&why, ST_MODEL_HEADER, "parse", "slm1-dim", offset, "a dimension is zero");
    enum status st = change_begin(r->s, &c, e);
    for (size_t i = 0; st == ST_OK && i < 2; i++) {
        st = change_content(c, source_over(&from[i]), NULL, &content[i], e);
        files[i].content = content[i].sha256;
        files[i].bytes = content[i].bytes;
    }
    const struct quarantine_reject what = {
        .name = "folder", .kind = QUARANTINE_FOLDER, .inside = &files[1], .why = &why};
    return st == ST_OK ? quarantine_put_folder(c, files, 2, &what, &how, out, e) : st;
}

Test(quarantine, a_folder_is_kept_whole_with_the_file_at_fault_and_its_bytes_around_the_offset)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts put = {0}, f = {0};
    SCOPED(buf_release) struct buf one = room_bytes(1000, 1), two = room_bytes(700000, 2);
    const struct digest want = digest_of(buf_span(&two));
    struct quarantine_view v;
    const uint64_t offsets[] = {ERR_NO_OFFSET, 3, 299999, 699990, 700000};
    const uint64_t froms[] = {0, 0, 299920, 699920, 699936};
    for (size_t i = 0; i < 5; i++) {
        OK(reject_folder(&r, buf_span(&one), buf_span(&two), offsets[i], &put, &e));
        quarantine_facts_release(&f);
        room_reopen(&r);
        OK(quarantine_get(r.s, put.id, &f, &e));
        cr_expect_eq(f.kind, QUARANTINE_FOLDER);
        cr_expect_eq(f.offset, offsets[i]);
        cr_expect_str_eq(f.inside.path, "sub/\xc3\x9f");
        cr_expect(digest_equal(&f.inside.sha256, &want));
        cr_expect_eq(f.inside.bytes, two.n);
        OK(quarantine_look(r.s, &f, &v, &e));
        cr_expect_eq(v.from, froms[i], "%zu: %llu", i, (unsigned long long)v.from);
        cr_assert_eq(v.n, two.n - v.from < sizeof v.p ? two.n - v.from : sizeof v.p);
        cr_expect_eq(memcmp(v.p, two.p + v.from, v.n), 0, "offset %zu", i);
        cr_assert_eq(
            temp_run(&r.t,
                     "mkdir %zu && tar -C %zu -xf store/quarantine/%s && "
                     "sha256sum %zu/sub/* | grep -q ^%.2x && wc -c < %zu/a | grep -qx 1000",
                     i, i, put.id, i, want.b[0], i),
            0);
        quarantine_facts_release(&put);
    }
    room_remove(&r);
}

Test(quarantine, a_folder_keeps_within_the_quota_with_all_its_files)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts put = {0};
    SCOPED(buf_release) struct buf one = room_bytes(1000, 1), two = room_bytes(70000, 2);
    unsigned n = 0;
    OK(room_set(&r, "quota/quarantine/bytes", "71000", NULL, &e));
    cr_assert_eq(reject_folder(&r, buf_span(&one), buf_span(&two), 0, &put, &e), ST_QUOTA);
    cr_assert_str_eq(err_code(&e), "quota-quarantine");
    OK(quarantine_each(r.s, count, &n, &e));
    cr_assert_eq(n, 0);
    OK(room_set(&r, "quota/quarantine/bytes", "100000", NULL, &e));
    OK(reject_folder(&r, buf_span(&one), buf_span(&two), 0, &put, &e));
    room_remove(&r);
}

Test(quarantine, of_a_path_that_is_too_long_the_end_is_kept_from_a_whole_character_on)
{
    struct err e = ERR_NONE, why = ERR_NONE;
    struct store_room r = room_make();
    SCOPED(quarantine_facts_release) struct quarantine_facts f = {0};
    SCOPED(change_scope) struct change *c = NULL;
    struct span_source from = {span_text("x")};
    const struct change_entry how = {.type = "quarantine", .clock = r.clock, .log = r.log};
    char path[400] = "";
    memset(path, 'd', 100);
    memcpy(path + 100, "\xc3\x9f/", 3);
    memset(path + 103, 'n', 253);
    (void)err_at(&why, ST_FORMAT, "archive", "archive-link", 7, "a link");
    const struct quarantine_reject what = {.name = path, .kind = QUARANTINE_ARCHIVE, .why = &why};
    OK(change_begin(r.s, &c, &e));
    OK(quarantine_take(c, source_over(&from), 1, &what, &how, &f, &e));
    cr_expect_str_eq(f.name, path + 102);
    change_scope(&c);
    c = NULL;
    room_remove(&r);
}

Test(quarantine, an_entry_without_a_kind_is_untold_and_one_with_a_foul_inside_is_none)
{
    struct err e = ERR_NONE;
    const char *const ends[] = {
        "}", ",\"kind\":\"heap\"}", ",\"inside\":{}}",
        ",\"inside\":{\"bytes\":1,\"from\":0,\"path\":\"a\",\"sha256\":\"" HEX
        "\",\"view\":\"0\"}}"};
    for (size_t i = 0; i < 4; i++) {
        char text[1024];
        SCOPED(quarantine_facts_release) struct quarantine_facts f = {0};
        text_fmt(text, sizeof text,
                 "{\"bytes\":1,\"claimed\":null,\"code\":\"c\",\"id\":\"4-0a1b2c3d4e5f\","
                 "\"message\":\"m\",\"name\":\"n\",\"offset\":null,\"parsed\":null,"
                 "\"sha256\":\"%s\",\"stage\":\"s\",\"status\":\"t\",\"time\":\"T\"%s",
                 HEX, ends[i]);
        enum status st = quarantine_facts_read(span_text(text), &f, &e);
        cr_expect_eq(st, i < 2 ? ST_OK : ST_CORRUPT, "%zu", i);
        cr_expect_eq(f.kind, QUARANTINE_UNTOLD);
    }
}
