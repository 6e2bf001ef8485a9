#include "base/canon.h"
#include "base/text.h"
#include "promote/statement.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct statement sample(enum decision_kind kind)
{
    struct statement s = {.kind = kind,
                          .store = "0123456789abcdef0123456789abcdef",
                          .name = "tiny",
                          .version = "1.0",
                          .channel = "preview",
                          .policy_name = "preview-basic",
                          .number = 7,
                          .self_signed = true,
                          .time = "2026-01-02T03:04:05Z"};
    s.restores = kind == DECISION_ROLLBACK ? 3 : 0;
    if (kind == DECISION_ROLLBACK)
        snprintf(s.reason, sizeof s.reason, "it \"rambles\"\n");
    s.artifact = digest_of(span_text("artifact"));
    s.policy = digest_of(span_text("policy"));
    s.basis.trust = digest_of(span_text("trust"));
    s.basis.runtime = digest_of(span_text("runtime"));
    s.before = digest_of(span_text("before"));
    s.basis.evidence[GATE_STRUCTURAL] = digest_of(span_text("structural"));
    s.basis.evidence[GATE_SMOKE] = digest_of(span_text("smoke"));
    return s;
}

static struct buf encode(const struct statement *s)
{
    struct err e = ERR_NONE;
    struct buf b = BUF_EMPTY;
    cr_assert_eq(statement_encode(s, &b, &e), ST_OK, "%s", e.detail);
    return b;
}

Test(statement, decodes_to_what_was_encoded)
{
    for (enum decision_kind k = DECISION_PROMOTE; k <= DECISION_ROLLBACK; k++) {
        struct err e = ERR_NONE;
        struct statement s = sample(k), back;
        SCOPED(buf_release) struct buf text = encode(&s), again = BUF_EMPTY;
        cr_assert_eq(statement_decode(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
        cr_assert_eq(statement_encode(&back, &again, &e), ST_OK);
        cr_expect(span_equal(buf_span(&text), buf_span(&again)));
        cr_expect_eq(back.kind, k);
        cr_expect_eq(back.restores, s.restores);
        cr_expect_str_eq(back.reason, s.reason);
        cr_expect(digest_equal(&back.basis.evidence[GATE_SMOKE], &s.basis.evidence[GATE_SMOKE]));
        cr_expect(digest_is_zero(&back.basis.evidence[GATE_TASK]));
    }
}

Test(statement, is_an_in_toto_statement_with_a_verification_summary)
{
    static const char *const parts[] = {
        "\"_type\":\"https://in-toto.io/Statement/v1\"",
        "\"predicateType\":\"https://slsa.dev/verification_summary/v1\"",
        "\"resourceUri\":\"assay:0123456789abcdef0123456789abcdef/tiny@1.0#preview\"",
        "\"verificationResult\":\"PASSED\"",
        "\"timeVerified\":\"2026-01-02T03:04:05Z\"",
        "\"slsaVersion\":\"1.1\"",
        "\"verifiedLevels\":[\"ASSAY_PREVIEW\"]",
        "\"verifier\":{\"id\":\"assay:0123456789abcdef0123456789abcdef\"}",
        "\"inputAttestations\":[{\"digest\":{\"sha256\":\"",
        "\"policy\":{\"digest\":{\"sha256\":\""};
    struct statement s = sample(DECISION_PROMOTE);
    SCOPED(buf_release) struct buf text = encode(&s);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_expect_not_null(memmem(text.p, text.n, parts[i], strlen(parts[i])), "%s", parts[i]);
}

/* Puts `with` in place of `what`, makes it canonical again and decodes that. */
static enum status changed(const char *what, const char *with)
{
    struct err e = ERR_NONE;
    struct statement s = sample(DECISION_PROMOTE), back;
    SCOPED(buf_release) struct buf text = encode(&s), other = BUF_EMPTY, canonical = BUF_EMPTY;
    uint8_t *at = memmem(text.p, text.n, what, strlen(what));
    cr_assert_not_null(at, "%s", what);
    buf_append(&other, SPAN(text.p, (size_t)(at - text.p)));
    buf_text(&other, with);
    at += strlen(what);
    buf_append(&other, SPAN(at, text.n - (size_t)(at - text.p)));
    cr_assert_eq(canon_text(buf_span(&other), &canonical, &e), ST_OK, "%s: %s", what, e.detail);
    return statement_decode(buf_span(&canonical), &back, &e);
}

Test(statement, that_contradicts_itself_or_says_more_is_refused)
{
    static const char *const rows[][2] = {
        {"\"PASSED\"", "\"FAILED\""},
        {"tiny@1.0#preview", "tiny@1.0#stable"},
        {"tiny@1.0#preview", "tiny@2.0#preview"},
        {"assay:0123456789abcdef0123456789abcdef/tiny",
         "assay:1123456789abcdef0123456789abcdef/tiny"},
        {"\"name\":\"tiny@1.0\"", "\"name\":\"tiny@1.1\""},
        {"ASSAY_PREVIEW", "SLSA_BUILD_LEVEL_3"},
        {"Statement/v1", "Statement/v0.1"},
        {"verification_summary/v1", "verification_summary/v0.2"},
        {"\"slsaVersion\":\"1.1\"", "\"slsaVersion\":\"1.1\",\"extra\":1"},
        {"\"kind\":\"promote\"", "\"kind\":\"rumour\""},
        {"\"number\":7", "\"number\":\"7\""},
        {"/evidence/smoke", "/evidence/structural"},
        {"/evidence/smoke", "/evidence/magic"},
        {"\"lab\":false,", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(changed(rows[i][0], rows[i][1]), ST_FORMAT, "%s → %s", rows[i][0], rows[i][1]);
    cr_expect_eq(changed("\"number\":7", "\"number\":8"), ST_OK,
                 "another number is another decision, a valid one");
}
