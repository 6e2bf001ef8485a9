#include "base/base64.h"
#include "store/envelope_join.h"
#include "store/minisig.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <string.h>

/* The n-th line without its end. */
static struct span line(const struct buf *text, unsigned n)
{
    struct span rest = buf_span(text);
    for (;; n--) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        cr_assert(end != NULL);
        size_t length = (size_t)(end - rest.p);
        if (n == 0)
            return SPAN(rest.p, length);
        rest = SPAN(rest.p + length + 1, rest.n - length - 1);
    }
}

Test(minisig, is_four_lines_and_its_second_signature_covers_first_and_comment)
{
    struct temp t = temp_make();
    struct signer *s = temp_key(&t, "k");
    struct err e = ERR_NONE;
    uint8_t raw[76], global[66], both[64 + 5];
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    cr_assert_eq(minisig_write(span_text("bytes"), "hello", s, &out, &e), ST_OK, "%s", e.detail);
    struct buf first = buf_over(raw, sizeof raw), second = buf_over(global, sizeof global);
    cr_assert(base64_decode(&first, line(&out, 1)));
    cr_assert(base64_decode(&second, line(&out, 3)));
    cr_expect_eq(first.n, 74);
    cr_expect_eq(second.n, 64);
    cr_expect(memcmp(raw, "ED", 2) == 0, "prehashed");
    cr_expect(memcmp(raw + 2, signer_public(s)->id, 8) == 0);
    cr_expect(span_equal(line(&out, 2), span_text("trusted comment: hello")));
    memcpy(both, raw + 10, 64);
    memcpy(both + 64, "hello", 5);
    cr_expect(key_verify(signer_public(s), SPAN(both, sizeof both), global));
    cr_expect_not(key_verify(signer_public(s), span_text("bytes"), raw + 10),
                  "it is over the hash, not over the file");
    signer_close(s);
    temp_remove(&t);
}

Test(minisig, takes_one_line_of_comment)
{
    struct temp t = temp_make();
    struct signer *s = temp_key(&t, "k");
    struct err e = ERR_NONE;
    char large[MINISIG_COMMENT_MAX + 2];
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    cr_expect_eq(minisig_write(span_text("b"), "two\nlines", s, &out, &e), ST_INVALID_LENGTH);
    cr_expect_eq(minisig_write(span_text("b"), "two\rlines", s, &out, &e), ST_INVALID_LENGTH);
    cr_expect_eq(minisig_write(span_text("b"), large, s, &out, &e), ST_INVALID_LENGTH);
    cr_expect_eq(out.n, 0);
    large[MINISIG_COMMENT_MAX] = '\0';
    cr_expect_eq(minisig_write(span_text("b"), large, s, &out, &e), ST_OK, "%s", e.detail);
    signer_close(s);
    temp_remove(&t);
}

static void sign(const char *type, const char *payload, const struct signer *s,
                 struct envelope *out)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    cr_assert_eq(envelope_sign(type, span_text(payload), s, &text, &e), ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&text), out, &e), ST_OK);
}

Test(envelope_join, carries_each_signature_over_once)
{
    struct temp t = temp_make();
    struct signer *k[2] = {temp_key(&t, "a"), temp_key(&t, "b")};
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope one = {0};
    SCOPED(envelope_release) struct envelope two = {0};
    SCOPED(envelope_release) struct envelope other = {0};
    SCOPED(envelope_release) struct envelope back = {0};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    sign("text/x", "payload", k[0], &one);
    sign("text/x", "payload", k[1], &two);
    sign("text/x", "another", k[1], &other);
    cr_assert_eq(envelope_join(&one, &two, &e), ST_OK);
    cr_assert_eq(envelope_join(&one, &two, &e), ST_OK);
    cr_expect_eq(one.count, 2);
    cr_expect_eq(envelope_join(&one, &other, &e), ST_FORMAT);
    cr_assert_eq(envelope_write(&one, &text, &e), ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
    cr_expect(envelope_signed_by(&back, signer_public(k[0])));
    cr_expect(envelope_signed_by(&back, signer_public(k[1])));
    signer_close(k[0]);
    signer_close(k[1]);
    temp_remove(&t);
}
