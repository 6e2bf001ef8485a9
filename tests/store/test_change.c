#include "base/files.h"
#include "store/check.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s: %s", err_code(&e), e.subject, e.detail)

static bool state_is(struct store *s, const char *key, const char *value)
{
    SCOPED(buf_release) struct buf b = BUF_EMPTY;
    struct err e = ERR_NONE;
    enum status st = store_get(s, key, &b, &e);
    return value == NULL ? st == ST_NOT_FOUND
                         : st == ST_OK && span_equal(buf_span(&b), span_text(value));
}

Test(change, what_was_committed_is_there_after_opening_again)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    struct digest d;
    SCOPED(buf_release) struct buf bytes = room_bytes(3000000, 1), doc = BUF_EMPTY;
    OK(room_set(&r, "name/a@1", "one", NULL, &e));
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    OK(room_document(&r, span_text("a document"), &d, &e));
    room_reopen(&r);
    cr_assert(state_is(r.s, "name/a@1", "one"));
    OK(room_reads(&r, &c.sha256, buf_span(&bytes), &e));
    OK(store_document(r.s, &d, &doc, &e));
    cr_assert(span_equal(buf_span(&doc), span_text("a document")));
    cr_assert_eq(c.bytes, 3000000);
    cr_assert_eq(c.new_bytes, 3000000);
    struct digest whole = digest_of(buf_span(&bytes));
    cr_assert(digest_equal(&whole, &c.sha256));
    room_remove(&r);
}

Test(change, an_empty_content_is_a_content)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    uint64_t n = 1;
    OK(room_add(&r, SPAN(NULL, 0), &c, &e));
    OK(store_content_size(r.s, &c.sha256, &n, &e));
    cr_assert_eq(n, 0);
    OK(room_reads(&r, &c.sha256, SPAN(NULL, 0), &e));
    room_remove(&r);
}

Test(change, the_same_bytes_are_stored_once)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct content c;
    struct store_facts before, after;
    SCOPED(buf_release) struct buf bytes = room_bytes(1000000, 2);
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    OK(store_facts(r.s, &before, &e));
    OK(room_add(&r, buf_span(&bytes), &c, &e));
    OK(store_facts(r.s, &after, &e));
    cr_assert_eq(c.new_bytes, 0);
    cr_assert_eq(c.stored_bytes, 0);
    cr_assert_eq(before.stored_bytes, after.stored_bytes);
    cr_assert_eq(before.packs, after.packs);
    cr_assert_eq(after.seq, before.seq + 1);
    room_remove(&r);
}

Test(change, a_released_change_leaves_nothing)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct change *c = NULL;
    struct content out;
    struct store_facts f;
    SCOPED(buf_release) struct buf bytes = room_bytes(100000, 3), got = BUF_EMPTY;
    struct span_source from = {buf_span(&bytes)};
    OK(change_begin(r.s, &c, &e));
    OK(change_content(c, source_over(&from), NULL, &out, &e));
    change_release(c);
    cr_assert_eq(store_content_read(r.s, &out.sha256, sink_buf(&got), NULL, &e), ST_NOT_FOUND);
    OK(store_facts(r.s, &f, &e));
    cr_assert_eq(f.packs, 0);
    cr_assert_eq(temp_run(&r.t, "test -z \"$(ls -A store/staging)\""), 0);
    room_remove(&r);
}

Test(change, staged_content_reads_back_before_the_commit)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct change *c = NULL;
    struct content out;
    SCOPED(buf_release) struct buf bytes = room_bytes(700000, 4), got = BUF_EMPTY;
    struct span_source from = {buf_span(&bytes)};
    OK(change_begin(r.s, &c, &e));
    OK(change_content(c, source_over(&from), NULL, &out, &e));
    OK(change_read_back(c, &out.sha256, sink_buf(&got), &e));
    cr_assert(span_equal(buf_span(&got), buf_span(&bytes)));
    struct digest other = digest_of(span_text("other"));
    cr_assert_eq(change_read_back(c, &other, sink_buf(&got), &e), ST_NOT_FOUND);
    change_release(c);
    room_remove(&r);
}

Test(change, a_broken_expectation_is_a_conflict_and_changes_nothing)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct store_facts before, after;
    const struct expect absent = {"name/a@1", NULL}, wrong = {"name/a@1", "two"},
                        right = {"name/a@1", "one"};
    OK(room_set(&r, "name/a@1", "one", &absent, &e));
    OK(store_facts(r.s, &before, &e));
    cr_assert_eq(room_set(&r, "name/a@1", "three", &absent, &e), ST_CONFLICT);
    cr_assert_str_eq(e.subject, "name/a@1");
    cr_assert_eq(room_set(&r, "name/a@1", "three", &wrong, &e), ST_CONFLICT);
    OK(store_facts(r.s, &after, &e));
    cr_assert_eq(before.seq, after.seq);
    OK(room_set(&r, "name/a@1", NULL, &right, &e));
    cr_assert(state_is(r.s, "name/a@1", NULL));
    OK(room_set(&r, "name/a@1", "four", &absent, &e));
    cr_assert(state_is(r.s, "name/a@1", "four"));
    room_remove(&r);
}

Test(change, what_is_kept_is_set_once_and_its_entry_stays_too)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct check_report report = {0};
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    uint64_t first = 0, again = 0;
    static const char *const keys[] = {STORE_ONCE "x", "evidence/x", "approval/x", "retired/x"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        OK(room_set(&r, keys[i], "one", NULL, &e));
        OK(store_get_seq(r.s, keys[i], &value, &first, &e));
        OK(room_set(&r, keys[i], "one", NULL, &e));
        OK(store_get_seq(r.s, keys[i], &value, &again, &e));
        cr_expect_eq(again, first, "%s: said again, and as new", keys[i]);
        cr_expect_eq(room_set(&r, keys[i], "two", NULL, &e), ST_CONFLICT);
        cr_expect_eq(room_set(&r, keys[i], NULL, NULL, &e), ST_CONFLICT);
        cr_expect(state_is(r.s, keys[i], "one"));
    }
    e = (struct err)ERR_NONE;
    OK(check_ledger(r.s, NULL, NULL, NULL, &report, &e));
    cr_expect_eq(report.findings, 0);
    room_remove(&r);
}

Test(change, another_key_than_the_stores_cannot_commit)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct signer *own = r.log;
    r.log = temp_key(&r.t, "stranger");
    cr_assert_eq(room_set(&r, "a", "b", NULL, &e), ST_SIGNATURE);
    signer_close(r.log);
    r.log = NULL;
    cr_assert_eq(room_set(&r, "a", "b", NULL, &e), ST_SIGNATURE);
    r.log = own;
    OK(room_set(&r, "a", "b", NULL, &e));
    room_remove(&r);
}

Test(change, a_key_beyond_its_limit_never_reaches_the_ledger)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    char key[STORE_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[STORE_KEY_MAX + 1] = '\0';
    cr_assert_eq(room_set(&r, key, "v", NULL, &e), ST_INVALID_LENGTH);
    key[STORE_KEY_MAX] = '\0';
    OK(room_set(&r, key, "v", NULL, &e));
    cr_assert(state_is(r.s, key, "v"));
    room_remove(&r);
}
