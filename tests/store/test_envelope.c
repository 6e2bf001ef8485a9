
#include "base/base64.h"
#include "base/text.h"
#include "store/envelope_join.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char type[] = "application/vnd.assay.test+json";

/* Two keys and an envelope by the first, in a folder of their own. */
struct room {
    struct temp t;
    struct signer *a, *b;
    struct buf json;
};

static struct room room_make(struct span payload)
{
    struct err e = ERR_NONE;
    struct room r = {.t = temp_make(), .json = BUF_EMPTY};
    r.a = temp_key(&r.t, "a");
    r.b = temp_key(&r.t, "b");
    cr_assert_eq(envelope_sign(type, payload, r.a, &r.json, &e), ST_OK, "%s", e.detail);
    return r;
}

static void room_end(struct room *r)
{
    signer_close(r->a);
    signer_close(r->b);
    buf_release(&r->json);
    temp_remove(&r->t);
}

static void refused(const char *json, enum status st, const char *code)
{
    struct err e = ERR_NONE;
    struct envelope v = {0};
    cr_expect_eq(envelope_parse(span_text(json), &v, &e), st, "%s", json);
    if (code != NULL)
        cr_expect_str_eq(err_code(&e), code, "%s", json);
    cr_expect_null(v.payload.p);
}

Test(envelope, encoding_equals_the_published_vector)
{
    SCOPED(buf_release) struct buf pae = BUF_EMPTY;
    static const char want[] = "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    envelope_pae("http://example.com/HelloWorld", span_text("hello world"), &pae);
    cr_expect(span_equal(buf_span(&pae), span_text(want)));
}

Test(envelope, encoding_counts_bytes_not_characters_and_nothing_follows_an_empty_body)
{
    SCOPED(buf_release) struct buf pae = BUF_EMPTY;
    envelope_pae("\xc3\xa9", SPAN(NULL, 0), &pae);
    cr_expect(span_equal(buf_span(&pae), span_text("DSSEv1 2 \xc3\xa9 0 ")));
}

Test(envelope, hands_out_the_very_bytes_that_were_signed)
{
    static const uint8_t payload[] = {0, 1, 2, 255, '{'};
    struct room r = room_make(SPAN(payload, sizeof payload));
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope v = {0};
    cr_assert_eq(envelope_parse(buf_span(&r.json), &v, &e), ST_OK, "%s", e.detail);
    cr_expect_str_eq(v.type, type);
    cr_expect(span_equal(buf_span(&v.payload), SPAN(payload, sizeof payload)));
    cr_expect(envelope_signed_by(&v, signer_public(r.a)));
    cr_expect_not(envelope_signed_by(&v, signer_public(r.b)));
    room_end(&r);
}

Test(envelope, no_flipped_bit_of_payload_or_signature_passes)
{
    struct room r = room_make(span_text("{\"n\":1}"));
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope v = {0};
    cr_assert_eq(envelope_parse(buf_span(&r.json), &v, &e), ST_OK);
    for (size_t bit = 0; bit < 8 * v.payload.n; bit++) {
        v.payload.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not(envelope_signed_by(&v, signer_public(r.a)));
        v.payload.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * KEY_SIGNATURE_BYTES; bit++) {
        v.signatures[0].sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not(envelope_signed_by(&v, signer_public(r.a)));
        v.signatures[0].sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_expect(envelope_signed_by(&v, signer_public(r.a)));
    room_end(&r);
}

Test(envelope, no_flipped_bit_of_its_text_yields_another_signed_document)
{
    struct room r = room_make(span_text("{\"n\":1}"));
    for (size_t bit = 0; bit < 8 * r.json.n; bit++) {
        struct err e = ERR_NONE;
        SCOPED(envelope_release) struct envelope v = {0};
        r.json.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (envelope_parse(buf_span(&r.json), &v, &e) == ST_OK &&
            envelope_signed_by(&v, signer_public(r.a))) {
            /* Only the hint may change unnoticed: it decides nothing. */
            cr_expect_str_eq(v.type, type);
            cr_expect(span_equal(buf_span(&v.payload), span_text("{\"n\":1}")));
        }
        r.json.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    room_end(&r);
}

Test(envelope, a_signature_of_one_type_never_verifies_as_another)
{
    static const char *const types[] = {
        "application/vnd.assay.manifest+json", "application/vnd.assay.trust+json",
        "application/vnd.assay.policy+json",   "application/vnd.assay.ledger-entry+json",
        "application/vnd.in-toto+json",        "application/vnd.in-toto+jso"};
    size_t n = sizeof types / sizeof types[0];
    struct room r = room_make(span_text("{}"));
    for (size_t i = 0; i < n; i++) {
        struct err e = ERR_NONE;
        SCOPED(buf_release) struct buf json = BUF_EMPTY;
        SCOPED(envelope_release) struct envelope v = {0};
        cr_assert_eq(envelope_sign(types[i], span_text("{}"), r.a, &json, &e), ST_OK);
        cr_assert_eq(envelope_parse(buf_span(&json), &v, &e), ST_OK);
        for (size_t k = 0; k < n; k++) {
            snprintf(v.type, sizeof v.type, "%s", types[k]);
            cr_expect_eq(envelope_signed_by(&v, signer_public(r.a)), i == k, "%s as %s", types[i],
                         types[k]);
        }
    }
    room_end(&r);
}

Test(envelope, takes_a_second_signature_but_not_the_same_key_twice)
{
    struct room r = room_make(span_text("{}"));
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope v = {0}, both = {0};
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    cr_assert_eq(envelope_parse(buf_span(&r.json), &v, &e), ST_OK);
    cr_expect_eq(envelope_cosign(&v, r.a, &json, &e), ST_EXISTS);
    e = ERR_NONE;
    cr_assert_eq(envelope_cosign(&v, r.b, &json, &e), ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&json), &both, &e), ST_OK);
    cr_expect_eq(both.count, 2);
    cr_expect(envelope_signed_by(&both, signer_public(r.a)));
    cr_expect(envelope_signed_by(&both, signer_public(r.b)));
    room_end(&r);
}

#define SIG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ONE "\"signatures\":[{\"keyid\":\"x\",\"sig\":\"" SIG "\"}]"

Test(envelope, reads_both_alphabets_of_base64_and_needs_no_keyid)
{
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope a = {0}, b = {0};
    cr_assert_eq(
        envelope_parse(span_text("{\"payload\":\"-_8=\",\"payloadType\":\"t\"," ONE "}"), &a, &e),
        ST_OK);
    cr_assert_eq(envelope_parse(span_text("{\"payload\":\"+/8=\",\"payloadType\":\"t\","
                                          "\"signatures\":[{\"sig\":\"" SIG "\"}]}"),
                                &b, &e),
                 ST_OK);
    cr_expect(span_equal(buf_span(&a.payload), buf_span(&b.payload)));
}

Test(envelope, refuses_what_is_not_exactly_an_envelope)
{
    refused("", ST_FORMAT, NULL);
    refused("[]", ST_FORMAT, "envelope-members");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[]}", ST_SIGNATURE,
            "unsigned");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\"}", ST_FORMAT, "envelope-signatures");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"\"," ONE "}", ST_FORMAT, "envelope-type");
    refused("{\"payload\":\"e30=\"," ONE "}", ST_FORMAT, "envelope-type");
    refused("{\"payloadType\":\"t\"," ONE "}", ST_FORMAT, "envelope-payload");
    refused("{\"payload\":\"e3 0=\",\"payloadType\":\"t\"," ONE "}", ST_FORMAT, "envelope-payload");
    refused("{\"payload\":\"e30=\",\"payload\":\"e30=\",\"payloadType\":\"t\"," ONE "}", ST_FORMAT,
            NULL);
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"alg\":\"none\"," ONE "}", ST_FORMAT,
            "envelope-members");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
            ST_FORMAT, "envelope-signature");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[{\"alg\":\"none\",\"sig\":"
            "\"" SIG "\"}]}",
            ST_FORMAT, "envelope-signature");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[1]}", ST_FORMAT,
            "envelope-signature");
    refused("{\"payload\":\"e30=\",\"payloadType\":\"t\"," ONE "} x", ST_FORMAT, NULL);
}

Test(envelope, refuses_more_signatures_than_its_limit)
{
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    buf_text(&json, "{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[");
    for (int i = 0; i < ENVELOPE_SIGNATURES + 1; i++)
        buf_fmt(&json, "%s{\"sig\":\"" SIG "\"}", i > 0 ? "," : "");
    buf_text(&json, "]}");
    buf_byte(&json, '\0');
    refused((const char *)json.p, ST_FORMAT, "envelope-signatures");
}

Test(envelope, none_is_made_that_no_reader_would_take)
{
    struct temp t = temp_make();
    SCOPED(signer_scope) struct signer *s = temp_key(&t, "k");
    SCOPED(buf_release) struct buf out = BUF_EMPTY, large = BUF_EMPTY;
    struct err e = ERR_NONE;
    char kind[ENVELOPE_TYPE_MAX + 1] = "";
    cr_expect_eq(envelope_sign(kind, span_text("x"), s, &out, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "envelope-type");
    memset(kind, 't', ENVELOPE_TYPE_MAX);
    e = ERR_NONE;
    cr_expect_eq(envelope_sign(kind, span_text("x"), s, &out, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "envelope-type");
    memset(buf_space(&large, ENVELOPE_MAX), 'x', ENVELOPE_MAX);
    e = ERR_NONE;
    cr_expect_eq(envelope_sign("t", buf_span(&large), s, &out, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "envelope-size");
    cr_expect_eq(out.n, 0);
    temp_remove(&t);
}

Test(envelope, a_seventeenth_signature_is_neither_made_nor_joined)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    SCOPED(envelope_release) struct envelope v = {0};
    for (unsigned i = 0; i <= ENVELOPE_SIGNATURES; i++) {
        char name[8];
        SCOPED(buf_release) struct buf out = BUF_EMPTY;
        text_fmt(name, sizeof name, "k%u", i);
        SCOPED(signer_scope) struct signer *s = temp_key(&t, name);
        enum status st = i == 0 ? envelope_sign("t", span_text("x"), s, &out, &e)
                                : envelope_cosign(&v, s, &out, &e);
        if (i < ENVELOPE_SIGNATURES) {
            cr_assert_eq(st, ST_OK);
            envelope_release(&v);
            cr_assert_eq(envelope_parse(buf_span(&out), &v, &e), ST_OK);
            continue;
        }
        cr_expect_eq(st, ST_INVALID_LENGTH);
        SCOPED(envelope_release) struct envelope one = {0};
        out.n = 0;
        cr_assert_eq(envelope_sign("t", span_text("x"), s, &out, &e), ST_OK);
        cr_assert_eq(envelope_parse(buf_span(&out), &one, &e), ST_OK);
        cr_expect_eq(envelope_join(&v, &one, &e), ST_INVALID_LENGTH);
        cr_expect_eq(v.count, ENVELOPE_SIGNATURES);
    }
    temp_remove(&t);
}
