#include "base/files.h"
#include "store/check.h"
#include "store/envelope.h"
#include "store/log_head.h"
#include "tests/support/store_room.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s", err_code(&e), e.detail)

static void text_of(const struct log_head *h, struct buf *out)
{
    struct json_out j = json_out(out);
    log_head_write(&j, h);
}

Test(log_head, reads_back_what_it_wrote)
{
    struct err e = ERR_NONE;
    struct log_head h = {.store = "00112233445566778899aabbccddeeff", .seq = 7}, back;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    h.hash.b[3] = 9;
    text_of(&h, &text);
    OK(json_parse(buf_span(&text), 4096, &root, &e));
    OK(log_head_parse(root, &back, &e));
    cr_expect_str_eq(back.store, h.store);
    cr_expect_eq(back.seq, 7);
    cr_expect(digest_equal(&back.hash, &h.hash));
}

Test(log_head, takes_no_object_of_another_shape)
{
#define HASH "0000000000000000000000000000000000000000000000000000000000000001"
#define ID   "00112233445566778899aabbccddeeff"
    static const char *const bad[] = {
        "{}",
        "[]",
        "\"" HASH "\"",
        "{\"hash\":\"" HASH "\",\"seq\":1}",
        "{\"hash\":\"" HASH "\",\"seq\":0,\"store\":\"" ID "\"}",
        "{\"hash\":\"" HASH "\",\"seq\":\"1\",\"store\":\"" ID "\"}",
        "{\"hash\":\"" HASH "\",\"seq\":-1,\"store\":\"" ID "\"}",
        "{\"hash\":\"" HASH "0\",\"seq\":1,\"store\":\"" ID "\"}",
        "{\"hash\":\"" HASH "\",\"seq\":1,\"store\":\"" ID "0\"}",
        "{\"hash\":\"" HASH "\",\"seq\":1,\"store\":\"\"}",
        "{\"hash\":\"" HASH "\",\"seq\":1,\"store\":\"" ID "\",\"x\":1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = ERR_NONE;
        struct log_head h;
        SCOPED(json_scope) struct json *root = NULL;
        OK(json_parse(span_text(bad[i]), 4096, &root, &e));
        cr_expect_eq(log_head_parse(root, &h, &e), ST_FORMAT, "%s", bad[i]);
        cr_expect_str_eq(err_code(&e), "head-format", "%s", bad[i]);
    }
}

static void found_in(const struct log_head *h, const char *before, const char *after,
                     struct signer *signer)
{
    struct err e = ERR_NONE;
    struct log_head got = {.seq = 0};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    buf_text(&text, before);
    text_of(h, &text);
    buf_text(&text, after);
    OK(log_head_find(buf_span(&text), &got, &e));
    cr_expect_eq(got.seq, h->seq, "%s", before);
    got.seq = 0;
    OK(envelope_sign("a/b", buf_span(&text), signer, &envelope, &e));
    OK(log_head_find(buf_span(&envelope), &got, &e));
    cr_expect_eq(got.seq, h->seq, "in an envelope: %s", before);
}

Test(log_head, is_found_in_a_document_a_statement_and_an_envelope)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct log_head h, got;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    OK(log_head_now(r.s, &h, &e));
    found_in(&h, "{\"head\":", ",\"schema\":\"x\"}", r.log);
    found_in(&h, "{\"predicate\":{\"head\":", "}}", r.log);
    found_in(&h, "{\"predicate\":{\"list\":[1],\"x\":{\"head\":", "}}}", r.log);
    OK(file_read(r.t.dir, "store/ledger.head", 4096, &line, &e));
    OK(log_head_find(buf_span(&line), &got, &e));
    cr_expect(got.seq == h.seq && digest_equal(&got.hash, &h.hash), "a copy of ledger.head");
    OK(log_head_check(r.s, &got, &e));
    cr_expect_eq(log_head_find(span_text("{\"a\":1}"), &got, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "no-head");
    room_remove(&r);
}

static unsigned set_backs(struct store_room *r, const struct log_head *h)
{
    struct err e = ERR_NONE;
    struct check_report report;
    OK(check_ledger(r->s, h, NULL, NULL, &report, &e));
    return (unsigned)report.findings;
}

static void verdict(struct store_room *r, const struct log_head *h, enum status want,
                    const char *code)
{
    struct err e = ERR_NONE;
    cr_expect_eq(log_head_check(r->s, h, &e), want, "%s", e.detail);
    cr_expect_str_eq(err_code(&e), code);
    if (want != ST_UNPROVEN)
        cr_expect_eq(set_backs(r, h), want == ST_OK ? 0 : 1, "%s", code);
}

Test(log_head, tells_a_ledger_that_goes_on_from_one_that_was_set_back_or_forked)
{
    struct err e = ERR_NONE;
    struct store_room r = room_make();
    struct log_head now, other;
    OK(log_head_now(r.s, &now, &e));
    verdict(&r, &now, ST_OK, "ok");
    OK(room_set(&r, "a", "1", NULL, &e));
    OK(room_set(&r, "a", "2", NULL, &e));
    verdict(&r, &now, ST_OK, "ok");
    other = now;
    other.seq = 4;
    verdict(&r, &other, ST_SET_BACK, "head-beyond");
    other.seq = 2;
    verdict(&r, &other, ST_SET_BACK, "head-forked");
    other = now;
    other.hash.b[31] ^= 1;
    verdict(&r, &other, ST_SET_BACK, "head-forked");
    other = now;
    other.store[0] = other.store[0] == '0' ? '1' : '0';
    verdict(&r, &other, ST_UNPROVEN, "head-store");
    struct check_report report;
    cr_expect_eq(check_ledger(r.s, &other, NULL, NULL, &report, &e), ST_UNPROVEN);
    room_remove(&r);
}
