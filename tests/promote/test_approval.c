#include "base/text.h"
#include "store/envelope.h"
#include "tests/support/people_room.h"
#include "verify/trust_edit.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400)

/* ann and ben agree, and the day is over. */
static void agree(struct people_room *p)
{
    struct err e;
    struct approval a = people_asked(p, &people_stable);
    cr_assert_eq(people_vote(p, ANN, &a, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(people_vote(p, BEN, &a, &e), ST_OK, "%s", e.detail);
    people_wait(p, DAY);
}

Test(approval, of_two_people_and_a_day_in_preview_make_it_stable)
{
    struct people_room p;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "0 of 2 people with the role release"));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "ann, ben, cat"), "%s",
                       law_unmet(&d, "approvals"));
    cr_expect_not_null(strstr(law_unmet(&d, "soak"), "0 s of 1 d"));
    cr_expect_eq(d.soaked_until, p.l.r.clock.fixed + DAY);
    agree(&p);
    const struct promotion what = {.artifact = &p.l.a, .channel = "stable"};
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
    cr_expect_eq(d.basis.approval_count, 2);
    cr_assert_eq(channel_holder(p.l.r.s, "tiny", "stable", &h, &e), ST_OK);
    cr_expect_eq(decision_prove(&p.l.by, &h, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}

Test(approval, counts_people_and_not_keys_or_files)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    people_wait(&p, DAY);
    struct approval a = people_asked(&p, &people_stable);
    cr_assert_eq(people_vote(&p, ANN, &a, &e), ST_OK);
    cr_assert_eq(people_vote(&p, ANN2, &a, &e), ST_OK);
    uint64_t seq = people_seq(&p);
    cr_assert_eq(people_vote(&p, ANN, &a, &e), ST_OK); /* the very same file */
    cr_expect_eq(people_seq(&p), seq);
    snprintf(a.reason, sizeof a.reason, "once more");
    cr_assert_eq(people_vote(&p, ANN, &a, &e), ST_OK);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "1 of 2"), "%s", law_unmet(&d, ""));
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

Test(approval, that_rejects_stands_until_the_same_person_agrees)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    agree(&p);
    cr_assert(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    struct approval a = people_asked(&p, &people_stable);
    a.approve = false;
    snprintf(a.reason, sizeof a.reason, "it leaks");
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_str_eq(law_unmet(&d, "approvals"), "cat rejects it: it leaks");
    people_wait(&p, 1);
    a = people_asked(&p, &people_stable);
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK);
    cr_expect_not(people_allowed(&p, &d), "another's word does not lift it");
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

/* ---- what makes it void ---- */

static void evidence(struct people_room *p, enum verdict v)
{
    law_evidence(&p->l, &p->l.a, GATE_SMOKE, &(struct law_case){.verdict = v});
}

Test(approval, is_void_after_newer_evidence_that_is_no_pass_and_not_after_a_pass)
{
    struct people_room p;
    struct decision d;
    people_make(&p);
    agree(&p);
    evidence(&p, VERDICT_PASS);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    evidence(&p, VERDICT_FAIL);
    cr_expect_not(people_allowed(&p, &d));
    evidence(&p, VERDICT_PASS);
    cr_expect_not(people_allowed(&p, &d), "a pass after it does not bring the word back");
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "later evidence of the gate smoke"), "%s",
                       law_unmet(&d, ""));
    agree(&p);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

Test(approval, is_void_once_the_policy_or_the_trust_is_another)
{
    for (int i = 0; i < 2; i++) {
        struct people_room p;
        struct decision d;
        struct err e = ERR_NONE;
        people_make(&p);
        struct approval a = people_asked(&p, &people_stable);
        agree(&p);
        if (i == 0) {
            char yaml[2048];
            snprintf(yaml, sizeof yaml,
                     "schema: assay.policy/1\nname: three\nchannels: {preview: {from: candidate, "
                     "gates: [smoke]}, stable: {from: preview, allow_self_signed: true, gates: "
                     "[structural], approvals: {role: release, threshold: 2}}}\n");
            law_set(&p.l, yaml);
            law_pass(&p.l, &p.l.a);
        } else {
            SCOPED(trust_scope) struct trust *next = NULL;
            SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
            cr_assert_eq(trust_edit_begin(p.l.trust, true, &next, &e), ST_OK);
            cr_assert_eq(trust_propose(next, p.l.keys[ROLE_ROOT], &envelope, &e), ST_OK);
            cr_assert_eq(trust_install(p.l.r.s, buf_span(&envelope), p.l.r.clock, p.l.r.log, &e),
                         ST_OK, "%s", e.detail);
            people_reload(&p);
        }
        cr_expect_not(people_allowed(&p, &d));
        cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "0 of 2"), "%s", law_unmet(&d, ""));
        cr_expect_eq(people_vote(&p, CAT, &a, &e), ST_SET_BACK);
        cr_expect_str_eq(err_code(&e), i == 0 ? "approval-policy" : "approval-trust");
        people_remove(&p);
    }
}

Test(approval, is_void_once_another_decision_about_the_channel_came)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    struct approval late = people_asked(&p, &people_stable);
    agree(&p);
    const struct promotion what = {.artifact = &p.l.a, .channel = "stable"};
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
    cr_expect_eq(people_vote(&p, CAT, &late, &e), ST_SET_BACK);
    cr_expect_str_eq(err_code(&e), "approval-holder");
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_expect(d.allowed && d.held, "the same again is done already");
    evidence(&p, VERDICT_PASS); /* the same artifact again, on newer evidence: ask again */
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "another decision"), "%s",
                       law_unmet(&d, ""));
    people_remove(&p);
}

Test(approval, holds_no_longer_than_it_says)
{
    struct people_room p;
    struct decision d;
    people_make(&p);
    agree(&p);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    people_wait(&p, 7 * DAY);
    evidence(&p, VERDICT_PASS);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "expired"), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

/* ---- attacks ---- */

static void ten_years_ahead(struct people_room *p, struct approval *a)
{
    time_format(p->l.r.clock.fixed + 3650 * DAY, a->time);
    time_format(p->l.r.clock.fixed + 3660 * DAY, a->ask.expires);
}

static void ten_years_behind(struct people_room *p, struct approval *a)
{
    time_format(p->l.r.clock.fixed - 3650 * DAY, a->time);
}

static void over(struct people_room *p, struct approval *a)
{
    time_format(p->l.r.clock.fixed - 20 * DAY, a->ask.made);
    time_format(p->l.r.clock.fixed - 10 * DAY, a->time);
    time_format(p->l.r.clock.fixed - 5 * DAY, a->ask.expires);
}

static void other_store(struct people_room *p, struct approval *a)
{
    (void)p;
    a->ask.store[3] = a->ask.store[3] == '0' ? '1' : '0';
}

static void other_head(struct people_room *p, struct approval *a)
{
    (void)p;
    a->head.store[3] = a->head.store[3] == '0' ? '1' : '0';
}

static void forked_head(struct people_room *p, struct approval *a)
{
    (void)p;
    a->head.hash.b[0] ^= 1;
}

static void later_head(struct people_room *p, struct approval *a)
{
    (void)p;
    a->head.seq += 1000;
}

static void other_policy(struct people_room *p, struct approval *a)
{
    (void)p;
    a->ask.policy.b[0] ^= 1;
}

static void other_trust(struct people_room *p, struct approval *a)
{
    (void)p;
    a->ask.trust.b[0] ^= 1;
}

static void other_artifact(struct people_room *p, struct approval *a)
{
    (void)p;
    a->ask.artifact.b[0] ^= 1;
}

static void other_holder(struct people_room *p, struct approval *a)
{
    (void)p;
    a->ask.holder.b[0] ^= 1;
}

static void honest(struct people_room *p, struct approval *a)
{
    (void)p;
    (void)a;
}

static const struct {
    void (*forge)(struct people_room *p, struct approval *a);
    enum person who;
    enum status status;
    const char *code;
} forged[] = {
    {honest, EVE, ST_UNTRUSTED, "unknown-signer"},
    {ten_years_ahead, BEN, ST_EXPIRED, "approval-future"},
    {ten_years_behind, BEN, ST_EXPIRED, "approval-early"},
    {over, BEN, ST_EXPIRED, "approval-expired"},
    {other_store, BEN, ST_UNPROVEN, "approval-store"},
    {other_head, BEN, ST_UNPROVEN, "head-store"},
    {forked_head, BEN, ST_SET_BACK, "head-forked"},
    {later_head, BEN, ST_SET_BACK, "head-beyond"},
    {other_policy, BEN, ST_SET_BACK, "approval-policy"},
    {other_trust, BEN, ST_SET_BACK, "approval-trust"},
    {other_holder, BEN, ST_SET_BACK, "approval-holder"},
    {other_artifact, BEN, ST_NOT_FOUND, "no-artifact"},
};

Test(approval, that_is_forged_aged_or_replayed_is_refused_by_its_own_code_and_changes_nothing)
{
    struct people_room p;
    people_make(&p);
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        struct err e = ERR_NONE;
        struct approval a = people_asked(&p, &people_stable);
        uint64_t seq = people_seq(&p);
        forged[i].forge(&p, &a);
        cr_expect_eq(people_vote(&p, forged[i].who, &a, &e), forged[i].status, "row %zu: %s %s", i,
                     err_code(&e), e.detail);
        cr_expect_str_eq(err_code(&e), forged[i].code, "row %zu: %s", i, e.detail);
        cr_expect_eq(people_seq(&p), seq, "row %zu", i);
    }
    people_remove(&p);
}

/* Takes the file as it is, edited by the row, and adds it. */
static enum status add(struct people_room *p, const struct buf *file, struct err *e)
{
    struct approval a;
    uint64_t seq = 0;
    *e = ERR_NONE;
    return approval_add(&p->l.by, buf_span(file), &a, &seq, e);
}

Test(approval, with_its_signature_stripped_doubled_or_of_another_type_is_refused)
{
    struct people_room p;
    struct err e = ERR_NONE;
    people_make(&p);
    struct approval a = people_asked(&p, &people_stable);
    SCOPED(buf_release) struct buf good = people_signed(&p, BEN, &a);
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(buf_release) struct buf twice = BUF_EMPTY, typed = BUF_EMPTY, bare = BUF_EMPTY;
    cr_assert_eq(envelope_parse(buf_span(&good), &v, &e), ST_OK);
    cr_assert_eq(envelope_cosign(&v, p.keys[CAT], &twice, &e), ST_OK);
    cr_expect_eq(add(&p, &twice, &e), ST_SIGNATURE);
    cr_expect_str_eq(err_code(&e), "approval-signatures");
    cr_assert_eq(envelope_sign("application/vnd.assay.request+json", buf_span(&v.payload),
                               p.keys[BEN], &typed, &e),
                 ST_OK);
    cr_expect_eq(add(&p, &typed, &e), ST_SIGNATURE);
    cr_expect_str_eq(err_code(&e), "wrong-type");
    const char *cut = memmem(good.p, good.n, "\"signatures\":[", 14);
    cr_assert_not_null(cut);
    buf_append(&bare, SPAN(good.p, (size_t)(cut - (const char *)good.p) + 14));
    buf_text(&bare, "]}");
    cr_expect_eq(add(&p, &bare, &e), ST_SIGNATURE);
    people_remove(&p);
}

Test(approval, damaged_in_any_byte_is_refused)
{
    struct people_room p;
    struct err e = ERR_NONE;
    people_make(&p);
    struct approval a = people_asked(&p, &people_stable);
    SCOPED(buf_release) struct buf file = people_signed(&p, BEN, &a);
    uint64_t seq = people_seq(&p);
    const uint8_t *hint = memmem(file.p, file.n, "\"keyid\":\"", 9);
    cr_assert_not_null(hint);
    for (size_t at = 0; at < file.n; at += 7) {
        uint8_t was = file.p[at];
        if (file.p + at >= hint + 9 && file.p + at < hint + 25)
            continue; /* the key id is a hint and may change */
        file.p[at] = was == 'A' ? 'B' : 'A';
        cr_expect_neq(add(&p, &file, &e), ST_OK, "byte %zu", at);
        file.p[at] = was;
    }
    cr_expect_eq(people_seq(&p), seq);
    cr_expect_eq(add(&p, &file, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}

Test(approval, for_one_thing_is_worth_nothing_for_another)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    people_wait(&p, DAY);
    struct approval stable = people_asked(&p, &people_stable);
    struct approval preview =
        people_asked(&p, &(struct ask){.kind = ASK_PROMOTE, .channel = "preview"});
    struct approval emergency = people_asked(
        &p, &(struct ask){.kind = ASK_EMERGENCY, .channel = "stable", .reason = "it burns"});
    cr_assert_eq(people_vote(&p, ANN, &preview, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(people_vote(&p, BEN, &emergency, &e), ST_OK, "%s", e.detail);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "0 of 2"), "%s", law_unmet(&d, ""));
    cr_assert_eq(people_vote(&p, CAT, &stable, &e), ST_OK);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "1 of 2"), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

/* ---- emergencies ---- */

Test(approval, of_one_person_is_enough_for_an_emergency_which_leaves_out_the_soak)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    const struct promotion what = {
        .artifact = &p.l.a, .channel = "stable", .emergency = "the old one leaks"};
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_expect_not(d.allowed);
    cr_expect_str_eq(law_unmet(&d, "soak"), "");
    struct approval a = people_asked(
        &p, &(struct ask){.kind = ASK_EMERGENCY, .channel = "stable", .reason = "it leaks"});
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_expect(d.allowed, "%s", law_unmet(&d, ""));
    struct statement s;
    cr_assert_eq(decision_open(p.l.r.s, p.l.trust, &d.envelope, TRUST_ANY_TIME, &s, &e), ST_OK);
    cr_expect_eq(s.kind, DECISION_EMERGENCY);
    cr_expect_str_eq(s.reason, "the old one leaks");
    people_remove(&p);
}

/* ---- requests ---- */

Test(request, says_to_its_reader_what_the_store_says)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(request_release) struct request r = {.root = NULL};
    SCOPED(judgement_release) struct judgement j = {.trust = NULL};
    struct ask ask = people_stable;
    people_make(&p);
    people_wait(&p, 3600);
    cr_assert_eq(request_make(&p.l.by, &p.l.a, REQUEST_VALID, &ask, &file, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(request_open(buf_span(&file), &r, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(request_judge(&r, p.l.r.clock.fixed, &j, &e), ST_OK, "%s", e.detail);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_eq(j.decision.rule_count, d.rule_count);
    for (size_t i = 0; i < d.rule_count && i < j.decision.rule_count; i++) {
        cr_expect_str_eq(j.decision.rules[i].rule, d.rules[i].rule);
        cr_expect_eq(j.decision.rules[i].met, d.rules[i].met, "%s: %s", d.rules[i].rule,
                     j.decision.rules[i].message);
    }
    people_remove(&p);
}

Test(request, damaged_in_any_byte_is_refused)
{
    struct people_room p;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    struct ask ask = people_stable;
    people_make(&p);
    cr_assert_eq(request_make(&p.l.by, &p.l.a, REQUEST_VALID, &ask, &file, &e), ST_OK);
    const uint8_t *hint = memmem(file.p, file.n, "\"keyid\":\"", 9);
    for (size_t at = 0; at < file.n; at += 61) {
        SCOPED(request_release) struct request r = {.root = NULL};
        uint8_t was = file.p[at];
        if (file.p + at >= hint + 9 && file.p + at < hint + 25)
            continue;
        file.p[at] = was == 'A' ? 'B' : 'A';
        e = ERR_NONE;
        cr_expect_neq(request_open(buf_span(&file), &r, &e), ST_OK, "byte %zu", at);
        file.p[at] = was;
    }
    people_remove(&p);
}

/* Signs the request again with a document or a member replaced: what eve with a log key of her own
 * could do. */
static enum status resigned(struct people_room *p, const char *what, const char *with,
                            struct err *e)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY, payload = BUF_EMPTY, again = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(request_release) struct request r = {.root = NULL};
    SCOPED(judgement_release) struct judgement j = {.trust = NULL};
    struct ask ask = people_stable;
    cr_assert_eq(request_make(&p->l.by, &p->l.a, REQUEST_VALID, &ask, &file, e), ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&file), &v, e), ST_OK);
    const uint8_t *at = memmem(v.payload.p, v.payload.n, what, strlen(what));
    cr_assert_not_null(at, "%s", what);
    buf_append(&payload, SPAN(v.payload.p, (size_t)(at - v.payload.p)));
    buf_text(&payload, with);
    buf_append(&payload,
               SPAN(at + strlen(what), v.payload.n - (size_t)(at - v.payload.p) - strlen(what)));
    cr_assert_eq(envelope_sign(REQUEST_TYPE, buf_span(&payload), p->l.r.log, &again, e), ST_OK);
    *e = ERR_NONE;
    enum status st = request_open(buf_span(&again), &r, e);
    return st == ST_OK ? request_judge(&r, p->l.r.clock.fixed, &j, e) : st;
}

/* What its carrier would say with a log key of his own: the store has held it for years. */
Test(request, under_another_log_key_than_the_one_its_stores_id_stands_for_is_refused)
{
    struct people_room p;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    struct ask ask = people_stable;
    people_make(&p);
    cr_assert_eq(request_make(&p.l.by, &p.l.a, REQUEST_VALID, &ask, &file, &e), ST_OK);
    for (int charter = 0; charter < 2; charter++) {
        SCOPED(buf_release) struct buf payload = BUF_EMPTY, again = BUF_EMPTY;
        SCOPED(envelope_release) struct envelope v = {0};
        SCOPED(request_release) struct request r = {.root = NULL};
        char from[2 * KEY_PUBLIC_BYTES + 1], to[2 * KEY_PUBLIC_BYTES + 1];
        cr_assert_eq(envelope_parse(buf_span(&file), &v, &e), ST_OK);
        buf_append(&payload, buf_span(&v.payload));
        hex_encode(from, SPAN(signer_public(p.l.r.log)->bytes, KEY_PUBLIC_BYTES));
        hex_encode(to, SPAN(signer_public(p.keys[EVE])->bytes, KEY_PUBLIC_BYTES));
        uint8_t *at = memmem(payload.p, payload.n, from, strlen(from));
        cr_assert_not_null(at);
        if (charter == 1)
            memcpy(at, to, strlen(to));
        cr_assert_eq(envelope_sign(REQUEST_TYPE, buf_span(&payload), p.keys[EVE], &again, &e),
                     ST_OK);
        cr_expect_eq(request_open(buf_span(&again), &r, &e), ST_SIGNATURE);
        cr_expect_str_eq(err_code(&e), charter == 1 ? "request-charter" : "signature-wrong");
        e = ERR_NONE;
    }
    people_remove(&p);
}

Test(request, with_a_document_exchanged_is_refused_even_when_the_log_key_signed_it)
{
    static const struct {
        const char *what, *with;
    } rows[] = {{"\"channel\":\"stable\"", "\"channel\":\"nowhere\""},
                {"\"manifest\":\"{\\\"payload\\\":\\\"e", "\"manifest\":\"{\\\"payload\\\":\\\"f"},
                {"\"policy\":\"{\\\"payload\\\":\\\"e", "\"policy\":\"{\\\"payload\\\":\\\"f"},
                {"\"smoke\":\"{", "\"smoke\":\"{ "},
                {"\"schema\":\"assay.request/1\"", "\"schema\":\"assay.request/2\""},
                {"\"kind\":\"promote\"", "\"kind\":\"waive\""},
                {"\"version\":\"1\"", "\"version\":\"2\""}};
    struct people_room p;
    struct err e = ERR_NONE;
    people_make(&p);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_neq(resigned(&p, rows[i].what, rows[i].with, &e), ST_OK, "%s", rows[i].what);
    cr_expect_eq(resigned(&p, "\"lab\":true", "\"lab\":true", &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}
