/* Each rule that a trust document can break by itself, by the words that are said of it. */
#include "base/canon.h"
#include "base/heap.h"
#include "base/text.h"
#include "store/key.h"
#include "tests/support/temp.h"
#include "verify/trust_format.h"
#include <criterion/criterion.h>
#include <string.h>

#define OWNED "{\"owner\":\"ann\",\"public\":\"%s\"}"

/* A document of two keys, and what stands in it. */
struct paper {
    struct temp t;
    char id[2][KEY_ID_TEXT], hex[2][65];
    struct buf text;
};

static void paper_open(struct paper *p)
{
    *p = (struct paper){.t = temp_make(), .text = BUF_EMPTY};
    for (int i = 0; i < 2; i++) {
        struct signer *s = temp_key(&p->t, i == 0 ? "a" : "b");
        key_id_text(signer_public(s), p->id[i]);
        hex_encode(p->hex[i], SPAN(signer_public(s)->bytes, KEY_PUBLIC_BYTES));
        signer_close(s);
    }
    buf_fmt(&p->text,
            "{\"expires\":\"2030-01-01T00:00:00Z\",\"keys\":{\"%s\":" OWNED "},"
            "\"revoked\":{\"%s\":{\"public\":\"%s\",\"since\":\"2026-01-01T00:00:00Z\"}},"
            "\"roles\":{\"root\":{\"keys\":[\"%s\"],\"threshold\":1}},"
            "\"schema\":\"assay.trust/1\",\"self_signed\":true,\"version\":1}",
            p->id[0], p->hex[0], p->id[1], p->hex[1], p->id[0]);
}

static void paper_close(struct paper *p)
{
    buf_release(&p->text);
    temp_remove(&p->t);
}

/* With `to` in place of the first `from`. */
static enum status decode(const struct paper *p, const char *from, const char *to, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY, canonical = BUF_EMPTY;
    const uint8_t *at = memmem(p->text.p, p->text.n, from, strlen(from));
    struct trust *t = heap_zero(1, sizeof *t);
    cr_assert_not_null(at, "%s", from);
    buf_append(&text, SPAN(p->text.p, (size_t)(at - p->text.p)));
    buf_text(&text, to);
    at += strlen(from);
    buf_append(&text, SPAN(at, (size_t)(p->text.p + p->text.n - at)));
    *e = ERR_NONE;
    cr_assert_eq(canon_text(buf_span(&text), &canonical, e), ST_OK, "%s: %s", to, e->detail);
    enum status st = trust_decode(buf_span(&canonical), t, e);
    heap_free(t);
    return st;
}

/* Refused with these words in the code or the detail. */
static void wrong(const struct paper *p, const char *from, const char *to, const char *words)
{
    struct err e;
    cr_expect_neq(decode(p, from, to, &e), ST_OK, "%s", to);
    cr_expect(strstr(e.detail, words) != NULL || text_equal(err_code(&e), words), "%s: %s: %s", to,
              err_code(&e), e.detail);
    cr_expect_str_eq(e.stage, "trust");
}

Test(trust_format, a_whole_document_is_read)
{
    struct paper p;
    struct err e;
    paper_open(&p);
    cr_expect_eq(decode(&p, "\"version\":1", "\"version\":4294967296", &e), ST_OK, "%s", e.detail);
    paper_close(&p);
}

Test(trust_format, every_member_is_there_and_of_its_kind)
{
    static const struct {
        const char *from, *to, *words;
    } rows[] = {
        {"\"version\":1", "\"version\":0", "trust-version"},
        {"\"version\":1", "\"version\":4294967297", "trust-version"},
        {"\"version\":1", "\"version\":\"1\"", "trust-version"},
        {"\"self_signed\":true", "\"self_signed\":\"true\"", "must be true or false"},
        {"assay.trust/1", "assay.trust/2", "trust-schema"},
        {"\"schema\":\"assay.trust/1\"", "\"schema\":1", "trust-schema"},
        {"2030-01-01T00:00:00Z", "2030-01-01", "trust-expires"},
        {"\"2030-01-01T00:00:00Z\"", "2030", "trust-expires"},
        {"\"version\":1", "\"notes\":1", "trust-unknown"},
        {",\"version\":1", "", "trust-missing"},
        {"\"owner\":\"ann\",", "", "trust-missing"},
        {"\"since\":\"2026-01-01T00:00:00Z\"", "\"since\":\"once\"", "must say since when"},
        {"\"since\":\"2026-01-01T00:00:00Z\"", "\"since\":1", "must say since when"},
        {"\"roles\":{\"root\":", "\"roles\":{\"gate\":", "trust-roles"},
        {"\"owner\":\"ann\"", "\"owner\":\"\"", "must say its owner"},
        {"\"owner\":\"ann\"", "\"owner\":1", "must say its owner"},
        {"\"threshold\":1", "\"threshold\":0", "trust-threshold"},
    };
    struct paper p;
    paper_open(&p);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong(&p, rows[i].from, rows[i].to, rows[i].words);
    paper_close(&p);
}

Test(trust_format, what_is_to_be_an_object_or_a_list_is_one)
{
    struct paper p;
    char text[512];
    paper_open(&p);
    text_fmt(text, sizeof text, "\"keys\":[\"%s\"]", p.id[0]);
    wrong(&p, text, "\"keys\":\"all\"", "must list its keys");
    text_fmt(text, sizeof text, "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1}}", p.id[0]);
    wrong(&p, text, "[]", "is missing or no object");
    wrong(&p, text, "1", "is missing or no object");
    wrong(&p, text, "{\"root\":1}", "is missing or no object");
    text_fmt(text, sizeof text, "{\"%s\":" OWNED "}", p.id[0], p.hex[0]);
    wrong(&p, text, "{}", "must hold 1 to 64 keys");
    wrong(&p, text, "[]", "must hold 1 to 64 keys");
    wrong(&p, text, "1", "must hold 1 to 64 keys");
    text_fmt(text, sizeof text, OWNED, p.hex[0]);
    wrong(&p, text, "1", "is missing or no object");
    text_fmt(text, sizeof text, "{\"%s\":{\"public\":\"%s\",\"since\":\"2026-01-01T00:00:00Z\"}}",
             p.id[1], p.hex[1]);
    wrong(&p, text, "{}", "when it is there");
    wrong(&p, text, "[]", "when it is there");
    wrong(&p, text, "1", "when it is there");
    paper_close(&p);
}

Test(trust_format, a_document_that_is_no_object_lacks_everything)
{
    static const char *const none[] = {"[]", "1", "\"trust\"", "{}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct err e = ERR_NONE;
        struct trust *t = heap_zero(1, sizeof *t);
        cr_expect_eq(trust_decode(span_text(none[i]), t, &e), ST_FORMAT, "%s", none[i]);
        cr_expect_str_eq(err_code(&e), i < 3 ? "trust-member" : "trust-missing", "%s", none[i]);
        heap_free(t);
    }
}

Test(trust_format, an_id_is_16_upper_case_digits_and_a_key_64)
{
    struct paper p;
    char from[256], to[256];
    paper_open(&p);
    text_fmt(from, sizeof from, "\"%s\":{\"owner\"", p.id[0]);
    wrong(&p, from, "\"0123\":{\"owner\"", "is no key id");
    wrong(&p, from, "\"abcdefabcdefabcd\":{\"owner\"", "is no key id");
    wrong(&p, from, "\"XBCDEFABCDEFABCD\":{\"owner\"", "is no key id");
    text_fmt(from, sizeof from, "\"owner\":\"ann\",\"public\":\"%s\"", p.hex[0]);
    wrong(&p, from, "\"owner\":\"ann\",\"public\":\"00\"", "must give its public key");
    wrong(&p, from, "\"owner\":\"ann\",\"public\":1", "must give its public key");
    text_fmt(to, sizeof to, "\"owner\":\"ann\",\"public\":\"%064d\"", 0);
    wrong(&p, from, to, "key-weak");
    text_fmt(from, sizeof from, "\"%s\":{\"public\"", p.id[1]);
    wrong(&p, from, "\"0123\":{\"public\"", "must give its id");
    text_fmt(from, sizeof from, "\"public\":\"%s\",\"since\"", p.hex[1]);
    wrong(&p, from, "\"public\":\"00\",\"since\"", "must give its id");
    wrong(&p, from, "\"public\":1,\"since\"", "must give its id");
    paper_close(&p);
}

Test(trust_format, an_owner_has_at_most_127_bytes)
{
    struct paper p;
    struct err e;
    char to[256];
    paper_open(&p);
    text_fmt(to, sizeof to, "\"owner\":\"%0127d\"", 0);
    cr_expect_eq(decode(&p, "\"owner\":\"ann\"", to, &e), ST_OK, "%s", e.detail);
    text_fmt(to, sizeof to, "\"owner\":\"%0128d\"", 0);
    wrong(&p, "\"owner\":\"ann\"", to, "must say its owner");
    paper_close(&p);
}

Test(trust_format, a_key_is_revoked_once)
{
    struct paper p;
    char from[256], to[512];
    paper_open(&p);
    text_fmt(from, sizeof from, "\"revoked\":{");
    text_fmt(to, sizeof to,
             "\"revoked\":{\"0000000000000000\":{\"public\":\"%s\",\"since\":"
             "\"2026-01-01T00:00:00Z\"},",
             p.hex[1]);
    wrong(&p, from, to, "is revoked twice");
    paper_close(&p);
}

/* n keys, each another one: multiples of a sound one would do, so they are made. */
static void many(struct buf *out, const struct paper *p, const char *before, size_t n)
{
    buf_text(out, before);
    for (size_t i = 0; i < n; i++)
        buf_fmt(out, "%s\"%s\"", i > 0 ? "," : "", p->id[0]);
}

Test(trust_format, a_role_lists_no_more_keys_than_there_can_be)
{
    struct paper p;
    char from[64];
    SCOPED(buf_release) struct buf to = BUF_EMPTY;
    paper_open(&p);
    text_fmt(from, sizeof from, "\"keys\":[\"%s\"", p.id[0]);
    many(&to, &p, "\"keys\":[", TRUST_KEYS_MAX + 1);
    buf_append(&to, SPAN("", 1));
    wrong(&p, from, (const char *)to.p, "must list its keys");
    paper_close(&p);
}
