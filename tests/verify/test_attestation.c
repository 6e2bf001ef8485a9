#include "base/text.h"
#include "tests/support/verify_room.h"
#include "verify/attestation.h"
#include <criterion/criterion.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s", err_code(&e), e.detail)

static struct attested_record sample(enum attestation type)
{
    struct attested_record r = {
        .type = type, .subject = "tiny@1", .reason = "because", .time = "2026-01-02T03:04:05Z"};
    r.artifact.b[0] = 7;
    if (type == ATTEST_SOURCE) {
        r.source.b[0] = 9;
        text_fmt(r.uri, sizeof r.uri, "https://example.org/x");
    }
    return r;
}

Test(attestation, what_was_encoded_is_decoded_and_nothing_else)
{
    for (enum attestation t = ATTEST_SOURCE; t < ATTEST_COUNT; t++) {
        struct err e = ERR_NONE;
        struct attested_record r = sample(t), back;
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        OK(attestation_encode(&r, &text, &e));
        OK(attestation_decode(buf_span(&text), &back, &e));
        cr_expect(back.type == t && digest_equal(&back.artifact, &r.artifact) &&
                  digest_equal(&back.source, &r.source));
        cr_expect_str_eq(back.reason, "because");
        for (size_t i = 0; i < text.n; i++) {
            struct err why = ERR_NONE;
            cr_expect_eq(attestation_decode(SPAN(text.p, i), &back, &why), ST_FORMAT, "%zu", i);
        }
    }
}

Test(attestation, a_source_names_something_and_the_others_do_not)
{
    struct err e = ERR_NONE;
    struct attested_record none = sample(ATTEST_SOURCE), one = sample(ATTEST_REVIEW), back;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    none.source = (struct digest){{0}};
    OK(attestation_encode(&none, &text, &e));
    cr_expect_eq(attestation_decode(buf_span(&text), &back, &e), ST_FORMAT);
    text.n = 0;
    one.source.b[0] = 1;
    OK(attestation_encode(&one, &text, &e));
    cr_expect_eq(attestation_decode(buf_span(&text), &back, &e), ST_FORMAT);
}

Test(attestation, is_said_by_its_role_and_the_newest_counts)
{
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    for (enum attestation t = ATTEST_SOURCE; t < ATTEST_COUNT; t++) {
        for (enum role r = ROLE_NONE; r < ROLE_COUNT; r++) {
            struct err e = ERR_NONE;
            struct attested_record one = sample(t), found;
            uint64_t seq = 0;
            one.artifact = a.digest;
            text_fmt(one.reason, sizeof one.reason, "by %s", role_name(r));
            enum status st =
                attestation_commit(v.r.s, v.trust, &one, v.keys[r], v.r.log, v.r.clock, &seq, &e);
            cr_expect_eq(st, r == attestation_role(t) ? ST_OK : ST_UNTRUSTED, "%s by %s: %s",
                         attestation_name(t), role_name(r), e.detail);
            e = ERR_NONE;
            st = attestation_newest(v.r.s, v.trust, t, &a.digest, v.now, &found, &e);
            cr_expect_eq(st, r >= attestation_role(t) ? ST_OK : ST_NOT_FOUND, "%s: %s",
                         attestation_name(t), e.detail);
        }
    }
    verify_room_remove(&v);
}

Test(attestation, under_the_key_of_another_type_or_artifact_is_refused)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(artifact_release) struct artifact a = verify_room_model(&v);
    struct attested_record one = sample(ATTEST_REVIEW), found;
    struct digest other = a.digest;
    uint64_t seq = 0;
    one.artifact = a.digest;
    other.b[0] ^= 1;
    OK(attestation_commit(v.r.s, v.trust, &one, v.keys[ROLE_GATE], v.r.log, v.r.clock, &seq, &e));
    cr_expect_eq(
        attestation_open(v.r.s, v.trust, ATTEST_REVIEW, &other, &one.envelope, v.now, &found, &e),
        ST_CORRUPT);
    e = ERR_NONE;
    cr_expect_eq(attestation_open(v.r.s, v.trust, ATTEST_SUPPORT, &a.digest, &one.envelope, v.now,
                                  &found, &e),
                 ST_UNTRUSTED);
    e = ERR_NONE;
    cr_expect_eq(attestation_open(v.r.s, v.trust, ATTEST_REVIEW, &a.digest, &one.envelope,
                                  v.now + 99 * 86400, &found, &e),
                 ST_EXPIRED);
    e = ERR_NONE;
    OK(attestation_open(v.r.s, v.trust, ATTEST_REVIEW, &a.digest, &one.envelope, TRUST_ANY_TIME,
                        &found, &e));
    verify_room_remove(&v);
}
