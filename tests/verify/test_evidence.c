#include "base/canon.h"
#include "base/text.h"
#include "tests/support/verify_room.h"
#include "verify/evidence.h"
#include "verify/evidence_format.h"
#include <criterion/criterion.h>
#include <string.h>

static struct gate_check some_checks[2] = {
    {.name = "container", .verdict = VERDICT_PASS, .message = "slm1 version 1"},
    {.name = "budget kv",
     .verdict = VERDICT_PASS,
     .measured = "1024",
     .limit = "4096",
     .unit = "bytes",
     .message = "budget kv 1024 ≤ 4096 bytes"}};

static struct gate_result some_result(void)
{
    return (struct gate_result){.verdict = VERDICT_PASS,
                                .checks = some_checks,
                                .check_count = 2,
                                .started = "2026-01-02T03:04:05Z",
                                .ended = "2026-01-02T03:04:06Z",
                                .sandbox = "seccomp+rlimits"};
}

static struct bound some_bound(void)
{
    return (struct bound){.gate = GATE_STRUCTURAL,
                          .artifact = digest_of(span_text("artifact")),
                          .content = digest_of(span_text("content")),
                          .runtime = digest_of(span_text("runtime")),
                          .program = digest_of(span_text("program")),
                          .policy_section = digest_of(span_text("{}"))};
}

static void encode(struct buf *out)
{
    struct err e = ERR_NONE;
    struct gate_result r = some_result();
    struct bound b = some_bound();
    cr_assert_eq(evidence_encode(&b, &r, "tiny@1", NULL, out, &e), ST_OK, "%s", e.detail);
}

Test(evidence, what_was_encoded_is_decoded)
{
    struct err e = ERR_NONE;
    struct bound b = some_bound();
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(evidence_release) struct evidence v = {0};
    encode(&text);
    cr_assert_eq(evidence_decode(buf_span(&text), &v, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(v.gate, GATE_STRUCTURAL);
    cr_expect_eq(v.verdict, VERDICT_PASS);
    cr_expect_null(identity_difference(&v.bound, &b));
    cr_assert_eq(v.check_count, 2u);
    cr_expect_str_eq(v.checks[1].measured, "1024");
    cr_expect_eq(v.ended, 1767323046);
}

Test(evidence, reads_as_an_in_toto_test_result)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    encode(&text);
    cr_assert_eq(json_parse(buf_span(&text), EVIDENCE_MAX, &v, &e), ST_OK);
    cr_expect_str_eq(json_as_string(json_get(v, "_type")), "https://in-toto.io/Statement/v1");
    cr_expect_str_eq(json_as_string(json_get(v, "predicateType")),
                     "https://in-toto.io/attestation/test-result/v0.1");
    const struct json *p = json_get(v, "predicate");
    cr_expect_str_eq(json_as_string(json_get(p, "result")), "PASSED");
    cr_expect_eq(json_count(json_get(p, "passedTests")), 2u);
    cr_expect_eq(json_count(json_get(v, "subject")), 2u);
    cr_expect_str_eq(json_as_string(json_get(json_at(json_get(v, "subject"), 0), "name")),
                     "tiny@1");
}

Test(evidence, whatever_is_no_pass_reads_as_failed)
{
    static const enum verdict verdicts[] = {VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_ERROR};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        struct bound b = some_bound();
        struct gate_check checks[2] = {some_checks[0], some_checks[1]};
        struct gate_result r = some_result();
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        SCOPED(evidence_release) struct evidence v = {0};
        checks[0].verdict = r.verdict = verdicts[i];
        r.checks = checks;
        cr_assert_eq(evidence_encode(&b, &r, "tiny@1", NULL, &text, &e), ST_OK);
        cr_assert_eq(evidence_decode(buf_span(&text), &v, &e), ST_OK, "%s", e.detail);
        cr_expect_eq(v.verdict, verdicts[i]);
        cr_expect_str_eq(json_as_string(json_get(json_get(v.statement, "predicate"), "result")),
                         "FAILED");
    }
}

/* Replaces the first `from` by `to` and makes it canonical again, as a forger with a key could. */
static void forge(const struct buf *in, const char *from, const char *to, struct buf *out)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    const uint8_t *at = memmem(in->p, in->n, from, strlen(from));
    cr_assert_not_null(at, "%s", from);
    size_t before = (size_t)(at - in->p);
    buf_append(&text, SPAN(in->p, before));
    buf_text(&text, to);
    buf_append(&text, SPAN(at + strlen(from), in->n - before - strlen(from)));
    cr_assert_eq(canon_text(buf_span(&text), out, &e), ST_OK, "%s", to);
}

Test(evidence, what_is_said_twice_has_to_agree)
{
    static const struct {
        const char *from, *to;
    } forgeries[] = {
        {"\"result\":\"PASSED\"", "\"result\":\"WARNED\""},
        {"verdict\":\"pass\",\"warned", "verdict\":\"fail\",\"warned"},
        {"\"unit\":\"\",\"verdict\":\"pass\"", "\"unit\":\"\",\"verdict\":\"fail\""},
        {"\"passedTests\":[\"container\",", "\"passedTests\":["},
        {"\"passedTests\":[\"container\",", "\"passedTests\":[\"other\","},
        {"\"failedTests\":[]", "\"failedTests\":[\"container\"]"},
        {"\"warnedTests\":[]", "\"warnedTests\":[\"x\"]"},
        {"\"gate\":\"structural\"", "\"gate\":\"smoke \""},
        {"\"gate\":\"structural\"", "\"gate\":1"},
        {"\"measured\":\"1024\"", "\"measured\":\"1e400\""},
        {"\"measured\":\"1024\"", "\"measured\":\"NaN\""},
        {"\"measured\":\"1024\"", "\"measured\":\"1,5\""},
        {"\"measured\":\"1024\"", "\"measured\":1024"},
        {"\"measured\":\"1024\",", ""},
        {"\"ended\":\"2026-01-02T03:04:06Z\"", "\"ended\":\"2026-01-02T03:04:04Z\""},
        {"\"ended\":\"2026-01-02T03:04:06Z\"", "\"ended\":\"yesterday\""},
        {"\"name\":\"runtime\"", "\"name\":\"other\""},
        {"Statement/v1", "Statement/v2"},
        {"test-result/v0.1", "test-result/v0.2"},
    };
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    encode(&text);
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        struct err e = ERR_NONE;
        SCOPED(buf_release) struct buf forged = BUF_EMPTY;
        SCOPED(evidence_release) struct evidence v = {0};
        forge(&text, forgeries[i].from, forgeries[i].to, &forged);
        cr_expect_eq(evidence_decode(buf_span(&forged), &v, &e), ST_FORMAT, "%s", forgeries[i].to);
    }
}

Test(evidence, every_part_is_read_as_what_it_is)
{
    static const struct {
        const char *from, *to, *what;
    } forgeries[] = {
        {"\"sandbox\":\"seccomp+rlimits\"", "\"sandbox\":1", "record of the run"},
        {"\"sandbox\":\"seccomp+rlimits\"", "\"browser\":1,\"sandbox\":\"s\"", "record of the run"},
        {"\"sandbox\":\"seccomp+rlimits\"", "\"baseline\":\"0\",\"sandbox\":\"s\"",
         "record of the run"},
        {"\"machine\":{", "\"machine\":1,\"other\":{", "record of the run"},
        {"evidence:cases\":\"\"", "evidence:cases\":1", "digest of cases"},
        {"evidence:cases\":\"\"", "evidence:cases\":\"00\"", "digest of cases"},
        {"evidence:checks\":[", "evidence:checks\":{},\"other\":[", "list of checks"},
        {"evidence:checks\":[", "evidence:checks\":[],\"other\":[", "list of checks"},
        {"bound\":{\"artifact\":\"", "bound\":{\"artifact\":\"0", "list of bound identities"},
        {"bound\":{\"artifact\":", "bound\":{\"more\":1,\"artifact\":", "gate"},
    };
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    encode(&text);
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        struct err e = ERR_NONE;
        SCOPED(buf_release) struct buf forged = BUF_EMPTY;
        SCOPED(evidence_release) struct evidence v = {0};
        forge(&text, forgeries[i].from, forgeries[i].to, &forged);
        cr_expect_eq(evidence_decode(buf_span(&forged), &v, &e), ST_FORMAT, "%s", forgeries[i].to);
        cr_expect_not_null(strstr(e.detail, forgeries[i].what), "%s: %s", forgeries[i].to,
                           e.detail);
    }
}

Test(evidence, a_verdict_better_than_its_checks_is_found)
{
    static const enum verdict hidden[] = {VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_ERROR};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        struct bound b = some_bound();
        struct gate_check checks[2] = {some_checks[0], some_checks[1]};
        struct gate_result r = some_result();
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        SCOPED(evidence_release) struct evidence v = {0};
        checks[1].verdict = hidden[i];
        r.checks = checks;
        cr_assert_eq(evidence_encode(&b, &r, "tiny@1", NULL, &text, &e), ST_OK);
        cr_expect_eq(evidence_decode(buf_span(&text), &v, &e), ST_FORMAT, "%s",
                     verdict_name(hidden[i]));
    }
}

Test(evidence, a_digest_changed_in_one_place_is_found)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    encode(&text);
    struct bound b = some_bound();
    const struct digest *ds[] = {&b.artifact, &b.content, &b.runtime, &b.program,
                                 &b.policy_section};
    for (size_t i = 0; i < 5; i++) {
        struct err e = ERR_NONE;
        char hex[DIGEST_TEXT], other[DIGEST_TEXT];
        SCOPED(buf_release) struct buf forged = BUF_EMPTY;
        SCOPED(evidence_release) struct evidence v = {0};
        digest_text(ds[i], hex);
        memcpy(other, hex, sizeof other);
        other[9] = other[9] == '0' ? '1' : '0';
        forge(&text, hex, other, &forged);
        cr_expect_eq(evidence_decode(buf_span(&forged), &v, &e), ST_FORMAT, "%zu", i);
    }
}

Test(evidence, no_truncation_is_read)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    encode(&text);
    for (size_t n = 0; n < text.n; n += 7) {
        struct err e = ERR_NONE;
        SCOPED(evidence_release) struct evidence v = {0};
        cr_expect_eq(evidence_decode(SPAN(text.p, n), &v, &e), ST_FORMAT, "%zu bytes", n);
    }
}

/* ---- in a store --------------------------------------------------------------------------- */

static struct digest gate_and_commit(struct verify_room *v, const struct artifact *a, enum gate g,
                                     const char *section, const struct signer *key)
{
    struct err e = ERR_NONE;
    struct bound b;
    struct digest out;
    SCOPED(gate_result_release) struct gate_result r = {0};
    cr_assert_eq(identity_bind(g, a, span_text(section), &b, &e), ST_OK);
    cr_assert_eq(gate_run(g, v->r.s, a, NULL, span_text(section), v->r.clock, NULL, &r, &e), ST_OK,
                 "%s", e.detail);
    cr_assert_eq(evidence_commit(v->r.s, &b, &r, key, v->r.log, v->r.clock, &out, &e), ST_OK, "%s",
                 e.detail);
    return out;
}

Test(evidence, a_gates_run_is_committed_and_found_again)
{
    struct err e = ERR_NONE;
    SCOPED(evidence_release) struct evidence newest = {0};
    SCOPED(evidence_release) struct evidence none = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    cr_expect_eq(evidence_newest(v.r.s, v.trust, &a.digest, GATE_STRUCTURAL, v.now, &newest, &e),
                 ST_NOT_FOUND);
    e = ERR_NONE;
    struct digest first = gate_and_commit(&v, &a, GATE_STRUCTURAL, "{}", v.keys[ROLE_GATE]);
    struct digest second = gate_and_commit(&v, &a, GATE_STRUCTURAL,
                                           "{\"budgets\":{\"kv_bytes\":1}}", v.keys[ROLE_GATE]);
    cr_expect_not(digest_equal(&first, &second));
    cr_assert_eq(evidence_newest(v.r.s, v.trust, &a.digest, GATE_STRUCTURAL, v.now, &newest, &e),
                 ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&newest.digest, &second));
    cr_expect_eq(newest.verdict, VERDICT_FAIL);
    cr_expect_eq(evidence_newest(v.r.s, v.trust, &a.digest, GATE_SMOKE, v.now, &none, &e),
                 ST_NOT_FOUND);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(evidence, is_fresh_only_while_everything_bound_is_equal)
{
    struct err e = ERR_NONE;
    bool fresh = true;
    struct bound b;
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    cr_assert_eq(identity_bind(GATE_STRUCTURAL, &a, span_text("{}"), &b, &e), ST_OK);
    SCOPED(evidence_release) struct evidence none = {0};
    cr_assert_eq(evidence_fresh(v.r.s, v.trust, &b, v.now, 0, &none, &fresh, &e), ST_OK);
    cr_expect_not(fresh);
    gate_and_commit(&v, &a, GATE_STRUCTURAL, "{}", v.keys[ROLE_GATE]);
    SCOPED(evidence_release) struct evidence same = {0};
    cr_assert_eq(evidence_fresh(v.r.s, v.trust, &b, v.now, 60, &same, &fresh, &e), ST_OK);
    cr_expect(fresh);
    SCOPED(evidence_release) struct evidence old = {0};
    cr_assert_eq(evidence_fresh(v.r.s, v.trust, &b, v.now + 61, 60, &old, &fresh, &e), ST_OK);
    cr_expect_not(fresh, "too old");
    struct digest *ds[] = {&b.content, &b.runtime, &b.program, &b.policy_section};
    static const char *const names[] = {"content", "runtime", "program", "policy_section"};
    for (size_t i = 0; i < 4; i++) {
        SCOPED(evidence_release) struct evidence other = {0};
        ds[i]->b[0] ^= 1;
        cr_assert_eq(evidence_fresh(v.r.s, v.trust, &b, v.now, 0, &other, &fresh, &e), ST_OK);
        cr_expect_not(fresh, "%s", names[i]);
        cr_expect_str_eq(identity_difference(&other.bound, &b), names[i]);
        ds[i]->b[0] ^= 1;
    }
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(evidence, of_another_role_or_a_stranger_counts_for_nothing)
{
    static const enum role roles[] = {ROLE_NONE, ROLE_PUBLISHER, ROLE_RELEASE, ROLE_POLICY,
                                      ROLE_ROOT};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        struct err e = ERR_NONE;
        SCOPED(evidence_release) struct evidence got = {0};
        gate_and_commit(&v, &a, GATE_STRUCTURAL, "{}", v.keys[roles[i]]);
        enum status st =
            evidence_newest(v.r.s, v.trust, &a.digest, GATE_STRUCTURAL, v.now, &got, &e);
        cr_expect_eq(status_exit(st), 5, "role %d: %s", roles[i], status_slug(st));
    }
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(evidence, of_one_artifact_does_not_pass_for_another)
{
    struct err e = ERR_NONE;
    struct one_file f;
    char hex[DIGEST_TEXT], key[200];
    SCOPED(admit_result_release) struct admit_result other = {0};
    SCOPED(evidence_release) struct evidence got = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    struct digest envelope = gate_and_commit(&v, &a, GATE_STRUCTURAL, "{}", v.keys[ROLE_GATE]);
    one_file(&f, "notes.txt", span_text("words"));
    cr_assert_eq(verify_room_add(&v, &f, &other, &e), ST_OK);
    digest_text(&other.artifact, hex);
    text_fmt(key, sizeof key, "evidence/%s/structural/0000000000000009", hex);
    digest_text(&envelope, hex);
    cr_assert_eq(room_set(&v.r, key, hex, NULL, &e), ST_OK);
    cr_expect_eq(evidence_newest(v.r.s, v.trust, &other.artifact, GATE_STRUCTURAL, v.now, &got, &e),
                 ST_CORRUPT);
    digest_text(&a.digest, hex);
    text_fmt(key, sizeof key, "evidence/%s/smoke/0000000000000009", hex);
    digest_text(&envelope, hex);
    cr_assert_eq(room_set(&v.r, key, hex, NULL, &e), ST_OK);
    cr_expect_eq(evidence_newest(v.r.s, v.trust, &a.digest, GATE_SMOKE, v.now, &got, &e),
                 ST_CORRUPT);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(evidence, that_is_put_on_top_again_is_told)
{
    struct err e = ERR_NONE;
    char hex[DIGEST_TEXT], key[STORE_KEY_MAX];
    SCOPED(evidence_release) struct evidence got = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    const struct digest old = gate_and_commit(&v, &a, GATE_STRUCTURAL, "{}", v.keys[ROLE_GATE]);
    v.r.clock.fixed += 10;
    v.now += 10;
    (void)gate_and_commit(&v, &a, GATE_STRUCTURAL, "{\"budgets\":{\"kv_bytes\":1}}",
                          v.keys[ROLE_GATE]);
    digest_text(&a.digest, hex);
    text_fmt(key, sizeof key, "evidence/%s/structural/0000000000000009", hex);
    digest_text(&old, hex);
    cr_assert_eq(room_set(&v.r, key, hex, NULL, &e), ST_OK);
    cr_expect_eq(evidence_newest(v.r.s, v.trust, &a.digest, GATE_STRUCTURAL, v.now, &got, &e),
                 ST_SET_BACK);
    cr_expect_str_eq(err_code(&e), "evidence-again");
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(evidence, is_no_other_document_that_a_gates_key_signed)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY, envelope = BUF_EMPTY;
    SCOPED(evidence_release) struct evidence got = {0};
    struct verify_room v = verify_room_make();
    encode(&text);
    cr_assert_eq(envelope_sign(MANIFEST_TYPE, buf_span(&text), v.keys[ROLE_GATE], &envelope, &e),
                 ST_OK);
    cr_expect_eq(evidence_verify(v.trust, buf_span(&envelope), v.now, &got, &e), ST_SIGNATURE);
    cr_expect_str_eq(err_code(&e), "evidence-type");
    e = ERR_NONE;
    cr_expect_eq(evidence_verify(v.trust, span_text("{}"), v.now, &got, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "envelope-type");
    verify_room_remove(&v);
}

/* ---- identities --------------------------------------------------------------------------- */

Test(evidence, binds_the_program_that_ran)
{
    struct err e = ERR_NONE;
    struct digest once, twice;
    cr_assert_eq(identity_program(&once, &e), ST_OK);
    cr_assert_eq(identity_program(&twice, &e), ST_OK);
    cr_expect(digest_equal(&once, &twice));
}

Test(evidence, describes_the_machine_in_one_object)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    identity_describe(&text);
    cr_assert_eq(json_parse(buf_span(&text), 65536, &v, &e), ST_OK, "%s", e.detail);
    static const char *const members[] = {"cpu",     "cpu_features", "kernel",
                                          "machine", "memory",       "os"};
    for (size_t i = 0; i < 6; i++)
        cr_expect_not_null(json_as_string(json_get(v, members[i])), "%s", members[i]);
}

Test(evidence, about_what_has_no_name_or_under_a_key_that_names_nothing_is_refused)
{
    struct err e = ERR_NONE;
    struct digest out;
    struct bound b;
    char hex[DIGEST_TEXT], key[STORE_KEY_MAX];
    SCOPED(evidence_release) struct evidence got = {0};
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    const struct gate_result r = some_result();
    digest_text(&a.digest, hex);
    text_fmt(key, sizeof key, "evidence/%s/structural/0000000000000009", hex);
    cr_assert_eq(room_set(&v.r, key, "no digest", NULL, &e), ST_OK);
    cr_expect_eq(evidence_newest(v.r.s, v.trust, &a.digest, GATE_STRUCTURAL, v.now, &got, &e),
                 ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-value");
    cr_assert_eq(identity_bind(GATE_STRUCTURAL, &a, span_text("{}"), &b, &e), ST_OK);
    text_fmt(key, sizeof key, "artifact/%s", hex);
    cr_assert_eq(room_set(&v.r, key, "{}", NULL, &e), ST_OK);
    e = ERR_NONE;
    cr_expect_eq(evidence_commit(v.r.s, &b, &r, v.keys[ROLE_GATE], v.r.log, v.r.clock, &out, &e),
                 ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-value");
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(evidence, says_what_it_was_compared_with)
{
    struct err e = ERR_NONE;
    struct gate_result r = some_result();
    struct bound b = some_bound();
    char hex[DIGEST_TEXT];
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    r.baseline = digest_of(span_text("baseline"));
    digest_text(&r.baseline, hex);
    cr_assert_eq(evidence_encode(&b, &r, "tiny@1", NULL, &text, &e), ST_OK, "%s", e.detail);
    cr_expect_not_null(memmem(text.p, text.n, hex, strlen(hex)));
}
