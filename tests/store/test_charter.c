#include "base/text.h"
#include "store/charter.h"
#include <criterion/criterion.h>
#include <string.h>

static struct charter sample(void)
{
    struct charter c = {.created = "2026-01-02T03:04:05Z", .lab = true};
    c.log_key.bytes[0] = 1;
    c.log_key.id[0] = 2;
    c.nonce[0] = 3;
    c.trust.b[0] = 4;
    return c;
}

Test(charter, reads_back_what_it_wrote)
{
    struct err e = ERR_NONE;
    struct charter c = sample(), back;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    cr_assert_eq(charter_encode(&c, &text, &e), ST_OK);
    cr_assert_eq(charter_decode(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
    cr_expect_str_eq(back.id, c.id);
    cr_expect(digest_equal(&back.trust, &c.trust) && digest_equal(&back.digest, &c.digest));
    cr_expect(back.lab && memcmp(&back.log_key, &c.log_key, sizeof c.log_key) == 0);
    c.trust = (struct digest){{0}};
    text.n = 0;
    cr_assert_eq(charter_encode(&c, &text, &e), ST_OK);
    cr_assert_eq(charter_decode(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&back.trust, &c.trust), "null is no trust");
}

Test(charter, puts_no_other_log_key_trust_or_kind_under_a_stores_id)
{
    struct err e = ERR_NONE;
    struct charter c = sample(), other[5], back;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    cr_assert_eq(charter_encode(&c, &text, &e), ST_OK);
    for (size_t i = 0; i < 5; i++)
        other[i] = c;
    other[0].log_key.bytes[31] ^= 1;
    other[1].trust.b[31] ^= 1;
    other[2].lab = false;
    other[3].nonce[15] ^= 1;
    other[4].trust = (struct digest){{0}};
    for (size_t i = 0; i < 5; i++) {
        SCOPED(buf_release) struct buf forged = BUF_EMPTY;
        cr_assert_eq(charter_encode(&other[i], &forged, &e), ST_OK);
        cr_expect_str_neq(other[i].id, c.id, "%zu", i);
        uint8_t *at = memmem(forged.p, forged.n, other[i].id, 32);
        cr_assert_not_null(at);
        memcpy(at, c.id, 32);
        cr_expect_eq(charter_decode(buf_span(&forged), &back, &e), ST_CORRUPT, "%zu", i);
        cr_expect_str_eq(err_code(&e), "store-format");
    }
}

Test(charter, is_one_object_in_canonical_form)
{
    static const char *const wrong[] = {"", "{", "[]", "1", "{ }", "{}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct err e = ERR_NONE;
        struct charter back;
        cr_expect_eq(charter_decode(span_text(wrong[i]), &back, &e), ST_CORRUPT, "%s", wrong[i]);
        cr_expect_eq(strstr(e.detail, "is not canonical JSON") != NULL, i < 5, "%s: %s", wrong[i],
                     e.detail);
    }
}
