#include "promote/exception.h"
#include "promote/leave.h"
#include "tests/support/people_room.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400)

static struct ask slow(struct people_room *p, int64_t lasts)
{
    struct ask ask = {.kind = ASK_WAIVE, .gate = GATE_SMOKE, .check = "load time"};
    time_format(p->l.r.clock.fixed + lasts, ask.until);
    snprintf(ask.reason, sizeof ask.reason, "a slow disk");
    return ask;
}

static bool waived(struct people_room *p, const struct ask *ask, struct decision *d)
{
    struct err e = ERR_NONE;
    enum status st = waive(&p->l.by, p->l.keys[ROLE_POLICY], &p->l.a, ask, d, &e);
    cr_assert_eq(st, ST_OK, "%s", e.detail);
    return d->allowed;
}

static void be_slow(struct people_room *p)
{
    law_evidence(&p->l, &p->l.a, GATE_SMOKE,
                 &(struct law_case){.check = "load time", .measured = "100001"});
}

static bool preview(struct people_room *p, struct decision *d)
{
    const struct promotion what = {.artifact = &p->l.a, .channel = "preview", .dry_run = true};
    return people_promote(p, &what, d) == ST_OK && d->allowed;
}

Test(waiver, lets_one_check_pass_until_it_ends_and_no_other)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    be_slow(&p);
    cr_expect_not(preview(&p, &d));
    struct ask ask = slow(&p, 5 * DAY);
    cr_expect_not(waived(&p, &ask, &d), "nobody agreed yet");
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "0 of 1"));
    cr_expect_eq(d.seq, 0);
    struct approval a = people_asked(&p, &ask);
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK, "%s", e.detail);
    cr_assert(waived(&p, &ask, &d), "%s", law_unmet(&d, ""));
    cr_expect_gt(d.seq, 0);
    cr_expect(preview(&p, &d), "%s", law_unmet(&d, ""));
    cr_expect_eq(d.basis.waiver_count, 1);
    law_evidence(&p.l, &p.l.a, GATE_SMOKE,
                 &(struct law_case){.check = "first token", .measured = NULL});
    cr_expect(preview(&p, &d), "the law has no limit on the first token");
    law_evidence(&p.l, &p.l.a, GATE_SMOKE, &(struct law_case){.verdict = VERDICT_FAIL});
    cr_expect_not(preview(&p, &d), "other checks are not waived");
    be_slow(&p);
    people_wait(&p, 5 * DAY);
    be_slow(&p);
    cr_expect_not(preview(&p, &d), "it has ended");
    people_remove(&p);
}

Test(waiver, holds_by_the_decision_made_under_it_after_it_ended)
{
    struct people_room p;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    law_evidence(&p.l, &p.l.a, GATE_SMOKE, &(struct law_case){.age = 0});
    struct ask ask = slow(&p, DAY);
    struct approval a = people_asked(&p, &ask);
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK, "%s", e.detail);
    cr_assert(waived(&p, &ask, &d), "%s", law_unmet(&d, ""));
    law_evidence(&p.l, &p.l.a, GATE_SMOKE,
                 &(struct law_case){.check = "load time", .measured = "100001"});
    cr_assert(law_promote(&p.l, &p.l.a, &d), "%s", law_unmet(&d, ""));
    people_wait(&p, 2 * DAY);
    cr_assert_eq(channel_holder(p.l.r.s, "tiny", "preview", &h, &e), ST_OK);
    cr_expect_eq(decision_prove(&p.l.by, &h, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}

Test(waiver, that_the_law_does_not_know_or_that_lasts_too_long_is_refused)
{
    struct people_room p;
    struct decision d;
    people_make(&p);
    struct ask ask = slow(&p, 11 * DAY);
    cr_expect_not(waived(&p, &ask, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "until"), "10 d"), "%s", law_unmet(&d, ""));
    ask = slow(&p, -DAY);
    cr_expect_not(waived(&p, &ask, &d));
    cr_expect_str_neq(law_unmet(&d, "until"), "");
    ask = slow(&p, DAY);
    ask.gate = GATE_STRUCTURAL;
    cr_expect_not(waived(&p, &ask, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "waivable"), "nobody waive checks of structural"));
    law_set(&p.l, policy_builtin("preview-basic"));
    ask = slow(&p, DAY);
    cr_expect_not(waived(&p, &ask, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "waivable"), "nobody"));
    people_remove(&p);
}

Test(waiver, needs_the_key_of_the_role_policy)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    struct ask ask = slow(&p, DAY);
    struct approval a = people_asked(&p, &ask);
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK);
    uint64_t seq = people_seq(&p);
    cr_expect_eq(waive(&p.l.by, p.l.keys[ROLE_RELEASE], &p.l.a, &ask, &d, &e), ST_UNTRUSTED);
    cr_expect_eq(people_seq(&p), seq);
    people_remove(&p);
}

/* The law of the room, but for how long a waiver may last. */
static const char shorter[] =
    "schema: assay.policy/1\nname: shorter\n"
    "gates: {smoke: {limits: {load_ms: 100 s}}}\n"
    "channels: {preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true}}\n"
    "waivers: {longest: %d d, approvals: {role: release, threshold: 1}, never: [structural]}\n";

Test(waiver, that_lasts_longer_than_the_law_in_force_lets_it_is_none)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    char yaml[1024];
    people_make(&p);
    struct ask ask = slow(&p, 5 * DAY);
    struct approval a = people_asked(&p, &ask);
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK, "%s", e.detail);
    cr_assert(waived(&p, &ask, &d), "%s", law_unmet(&d, ""));
    for (int days = 5; days >= 4; days--) {
        snprintf(yaml, sizeof yaml, shorter, days);
        law_set(&p.l, yaml);
        law_pass(&p.l, &p.l.a);
        be_slow(&p);
        cr_expect_eq(preview(&p, &d), days == 5, "%d d: %s", days, law_unmet(&d, ""));
    }
    people_remove(&p);
}

/* ---- freezes ---- */

static enum status freeze(struct people_room *p, const char *target, const struct signer *key,
                          int64_t lasts, struct err *e)
{
    struct freeze f = {.target = ""};
    uint64_t seq = 0;
    snprintf(f.target, sizeof f.target, "%s", target);
    snprintf(f.reason, sizeof f.reason, "an audit");
    time_format(p->l.r.clock.fixed, f.time);
    time_format(p->l.r.clock.fixed + lasts, f.until);
    *e = ERR_NONE;
    return freeze_commit(&p->l.by, key, &f, &seq, e);
}

Test(freeze, of_a_name_or_a_channel_lets_nothing_in_until_it_ends)
{
    static const char *const targets[] = {"tiny", "tiny@preview", "@preview"};
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(freeze(&p, targets[i], p.keys[BEN], DAY, &e), ST_OK, "%s", e.detail);
        cr_expect_not(preview(&p, &d));
        cr_expect_not_null(strstr(law_unmet(&d, "freeze"), "an audit"), "%s", law_unmet(&d, ""));
        people_wait(&p, DAY);
        law_pass(&p.l, &p.l.a);
        cr_expect(preview(&p, &d), "%s: %s", targets[i], law_unmet(&d, ""));
    }
    cr_assert_eq(freeze(&p, "other", p.keys[BEN], DAY, &e), ST_OK);
    cr_assert_eq(freeze(&p, "@stable", p.keys[BEN], DAY, &e), ST_OK);
    cr_expect(preview(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

Test(freeze, can_be_made_by_release_or_policy_and_ended_by_policy_alone)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    uint64_t seq = 0;
    people_make(&p);
    cr_expect_eq(freeze(&p, "tiny", p.keys[EVE], DAY, &e), ST_UNTRUSTED);
    cr_expect_eq(freeze(&p, "tiny", p.l.keys[ROLE_GATE], DAY, &e), ST_UNTRUSTED);
    cr_expect_eq(freeze(&p, "tiny", p.l.keys[ROLE_POLICY], DAY, &e), ST_OK);
    cr_expect_eq(freeze(&p, "tiny", p.keys[BEN], DAY / 2, &e), ST_EXISTS, "never shorter");
    cr_expect_eq(freeze(&p, "tiny", p.keys[BEN], 2 * DAY, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(thaw_commit(&p.l.by, p.keys[BEN], "tiny", "done", &seq, &e), ST_UNTRUSTED);
    cr_expect_not(preview(&p, &d));
    e = ERR_NONE;
    cr_expect_eq(thaw_commit(&p.l.by, p.l.keys[ROLE_POLICY], "tiny", "done", &seq, &e), ST_OK, "%s",
                 e.detail);
    cr_expect(preview(&p, &d), "%s", law_unmet(&d, ""));
    cr_expect_eq(thaw_commit(&p.l.by, p.l.keys[ROLE_POLICY], "tiny", "done", &seq, &e),
                 ST_NOT_FOUND);
    people_remove(&p);
}

Test(freeze, that_cannot_be_proven_keeps)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    char hex[DIGEST_TEXT];
    people_make(&p);
    digest_text(&p.l.a.digest, hex);
    cr_assert_eq(room_set(&p.l.r, "freeze/tiny/0000000000000001", hex, NULL, &e), ST_OK);
    cr_expect_not(preview(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "freeze"), "cannot be proven"), "%s",
                       law_unmet(&d, ""));
    people_remove(&p);
}

Test(freeze, that_cannot_be_proven_is_replaced_by_the_role_policy_alone)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    char hex[DIGEST_TEXT];
    people_make(&p);
    digest_text(&p.l.a.digest, hex);
    cr_assert_eq(room_set(&p.l.r, "freeze/tiny/0000000000000001", hex, NULL, &e), ST_OK);
    cr_expect_eq(freeze(&p, "tiny", p.keys[BEN], DAY, &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "freeze-unproven", "%s", e.detail);
    cr_expect_not(preview(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "freeze"), "cannot be proven"));
    cr_expect_eq(freeze(&p, "tiny", p.l.keys[ROLE_POLICY], DAY, &e), ST_OK, "%s", e.detail);
    people_wait(&p, DAY);
    law_pass(&p.l, &p.l.a);
    cr_expect(preview(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

/* The log key alone: neither nothing, nor an older freeze or thaw that was genuine, takes it away.
 */
Test(freeze, is_not_lifted_by_who_can_write_entries)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    uint64_t seq = 0;
    const char *const places[] = {"freeze/tiny/0000000000000001", "freeze/tiny/0000000000000002",
                                  "freeze/tiny/0000000000000003"};
    SCOPED(buf_release) struct buf first = BUF_EMPTY;
    SCOPED(buf_release) struct buf thaw = BUF_EMPTY;
    people_make(&p);
    cr_assert_eq(freeze(&p, "tiny", p.keys[BEN], DAY, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(thaw_commit(&p.l.by, p.l.keys[ROLE_POLICY], "tiny", "done", &seq, &e), ST_OK);
    cr_assert_eq(freeze(&p, "tiny", p.keys[BEN], 2 * DAY, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(store_get(p.l.by.store, places[0], &first, &e), ST_OK);
    cr_assert_eq(store_get(p.l.by.store, places[1], &thaw, &e), ST_OK);
    buf_byte(&first, '\0');
    buf_byte(&thaw, '\0');
    cr_expect_neq(room_set(&p.l.r, places[2], NULL, NULL, &e), ST_OK);
    cr_expect_not(preview(&p, &d));
    e = ERR_NONE;
    cr_assert_eq(room_set(&p.l.r, "freeze/tiny/0000000000000004", (const char *)thaw.p, NULL, &e),
                 ST_OK, "%s", e.detail);
    cr_expect_not(preview(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "freeze"), "cannot be proven"));
    cr_assert_eq(room_set(&p.l.r, "freeze/tiny/0000000000000005", (const char *)first.p, NULL, &e),
                 ST_OK, "%s", e.detail);
    people_wait(&p, DAY);
    law_pass(&p.l, &p.l.a);
    cr_expect_not(preview(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "freeze"), "cannot be proven"));
    cr_expect_eq(thaw_commit(&p.l.by, p.l.keys[ROLE_POLICY], "tiny", "done", &seq, &e), ST_OK, "%s",
                 e.detail);
    cr_expect(preview(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

Test(freeze, never_stops_going_back)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    cr_assert_eq(freeze(&p, "tiny", p.keys[BEN], DAY, &e), ST_OK);
    cr_expect_eq(demote(&p.l.by, "tiny", "preview", "it leaks", &h, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}

Test(freeze, takes_no_target_that_is_none)
{
    static const char *const bad[] = {"",      "@",         "@beta",         "Tiny",
                                      "tiny@", "tiny@beta", "tiny@stable@x", "../x"};
    struct err e = ERR_NONE;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(freeze_target_check(bad[i], &e), ST_USAGE, "%s", bad[i]);
    cr_expect_eq(freeze_target_check("tiny@stable", &e), ST_OK);
}
