#include "promote/entry.h"
#include "promote/leave.h"
#include "tests/support/people_room.h"
#include "verify/trust_edit.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct artifact next_version(struct people_room *p, const char *version, enum make_dtype t)
{
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = t});
    struct decision d;
    struct artifact b = law_admit(&p->l, buf_span(&model), "tiny", version);
    law_pass(&p->l, &b);
    cr_assert(law_promote(&p->l, &b, &d), "%s", law_unmet(&d, ""));
    return b;
}

Test(leave, demote_empties_the_channel_and_the_next_promotion_goes_on_with_its_chain)
{
    struct people_room p;
    struct holder h, now;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    cr_assert_eq(demote(&p.l.by, "tiny", "preview", "it leaks", &h, &e), ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&h.artifact, &p.l.a.digest));
    cr_expect_eq(channel_holder(p.l.r.s, "tiny", "preview", &now, &e), ST_NOT_FOUND);
    cr_expect_eq(demote(&p.l.by, "tiny", "preview", "again", &now, &e), ST_NOT_FOUND);
    char state[16];
    cr_assert_eq(channel_state(p.l.r.s, &p.l.a.digest, "tiny", state, &e), ST_OK);
    cr_expect_str_eq(state, "candidate");
    cr_assert(law_promote(&p.l, &p.l.a, &d), "%s", law_unmet(&d, ""));
    cr_assert_eq(channel_holder(p.l.r.s, "tiny", "preview", &now, &e), ST_OK);
    cr_expect_eq(now.number, 3);
    cr_expect_eq(decision_prove(&p.l.by, &now, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}

Test(leave, an_empty_channel_is_filled_again_by_a_rollback)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    SCOPED(artifact_release) struct artifact b = next_version(&p, "2", MAKE_Q8_0);
    cr_assert_eq(demote(&p.l.by, "tiny", "preview", "it leaks", &h, &e), ST_OK);
    cr_assert_eq(rollback(&p.l.by, "tiny", "preview", NULL, "the one before", &h, &e), ST_OK, "%s",
                 e.detail);
    cr_expect(digest_equal(&h.artifact, &p.l.a.digest), "the one that was demoted is not chosen");
    cr_expect_eq(decision_prove(&p.l.by, &h, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}

Test(leave, retire_takes_it_out_of_every_channel_for_good)
{
    struct people_room p;
    struct holder h;
    struct decision d;
    struct err e = ERR_NONE;
    unsigned left = 0;
    uint64_t seq = 0;
    people_make(&p);
    struct approval a = people_asked(
        &p, &(struct ask){.kind = ASK_EMERGENCY, .channel = "stable", .reason = "now"});
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK);
    const struct promotion what = {.artifact = &p.l.a, .channel = "stable", .emergency = "now"};
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
    uint64_t before = people_seq(&p);
    cr_assert_eq(retire(&p.l.by, &p.l.a, "superseded", &left, &seq, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(left, 2);
    cr_expect_eq(seq, before + 1, "one entry for all of it");
    cr_expect_eq(channel_holder(p.l.r.s, "tiny", "preview", &h, &e), ST_NOT_FOUND);
    cr_expect_eq(channel_holder(p.l.r.s, "tiny", "stable", &h, &e), ST_NOT_FOUND);
    char state[16];
    cr_assert_eq(channel_state(p.l.r.s, &p.l.a.digest, "tiny", state, &e), ST_OK);
    cr_expect_str_eq(state, "retired");
    cr_expect_not(law_promote(&p.l, &p.l.a, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "retired"), "nothing brings it back"));
    cr_expect_eq(rollback(&p.l.by, "tiny", "stable", &p.l.a.digest, "back", &h, &e), ST_REFUSED);
    e = ERR_NONE;
    cr_expect_eq(retire(&p.l.by, &p.l.a, "again", &left, &seq, &e), ST_EXISTS);
    people_remove(&p);
}

Test(leave, needs_a_reason_and_the_keys)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    cr_expect_eq(demote(&p.l.by, "tiny", "preview", "", &h, &e), ST_USAGE);
    e = ERR_NONE;
    p.l.by.release = p.keys[EVE];
    cr_expect_eq(demote(&p.l.by, "tiny", "preview", "x", &h, &e), ST_UNTRUSTED);
    e = ERR_NONE;
    p.l.by.release = NULL;
    cr_expect_eq(demote(&p.l.by, "tiny", "preview", "x", &h, &e), ST_SIGNATURE);
    e = ERR_NONE;
    cr_expect_eq(channel_holder(p.l.r.s, "tiny", "preview", &h, &e), ST_OK);
    people_remove(&p);
}

Test(channel, protects_holders_and_as_many_former_ones_as_the_policy_retains)
{
    struct people_room p;
    struct holder by;
    struct err e = ERR_NONE;
    bool kept = false;
    people_make(&p);
    SCOPED(artifact_release) struct artifact b = next_version(&p, "2", MAKE_Q8_0);
    SCOPED(artifact_release) struct artifact c = next_version(&p, "3", MAKE_Q4_0);
    const struct {
        const struct digest *artifact;
        uint64_t retain;
        bool kept;
    } rows[] = {{&c.digest, 0, true},
                {&b.digest, 0, false},
                {&b.digest, 1, true},
                {&p.l.a.digest, 1, false},
                {&p.l.a.digest, 2, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(
            channel_protects(p.l.r.s, "tiny", rows[i].artifact, rows[i].retain, &kept, &by, &e),
            ST_OK, "%s", e.detail);
        cr_expect_eq(kept, rows[i].kept, "row %zu", i);
    }
    cr_assert_eq(channel_protects(p.l.r.s, "other", &c.digest, 9, &kept, &by, &e), ST_OK);
    cr_expect_not(kept);
    people_remove(&p);
}

/* What comes into the ledger between a look and its commit is looked at. */
Test(leave, a_decision_is_not_committed_behind_an_entry_that_it_did_not_see)
{
    struct people_room p;
    struct err e = ERR_NONE;
    struct holder h;
    SCOPED(standing_release) struct standing on = {.held = false};
    people_make(&p);
    uint64_t seen = people_seq(&p);
    law_pass(&p.l, &p.l.a); /* somebody else's evidence */
    struct statement s = {
        .kind = DECISION_PROMOTE, .artifact = p.l.a.digest, .policy = p.l.policy.digest};
    snprintf(s.name, sizeof s.name, "tiny");
    snprintf(s.version, sizeof s.version, "1");
    snprintf(s.channel, sizeof s.channel, "preview");
    cr_assert_eq(standing_read(p.l.r.s, "tiny", "preview", &on, &e), ST_OK);
    cr_assert_eq(entry_prepare(&p.l.by, &on, &s, &e), ST_OK);
    cr_expect_eq(entry_commit(&p.l.by, &on, &s, NULL, seen, &h, &e), ST_CONFLICT);
    cr_expect_str_eq(err_code(&e), "moved");
    people_remove(&p);
}

/* Somebody else's command revokes ben's key while this one has the older trust loaded. */
static void revoke_ben(struct people_room *p)
{
    SCOPED(trust_scope) struct trust *next = NULL;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    struct err e = ERR_NONE;
    char id[KEY_ID_TEXT];
    key_id_text(signer_public(p->keys[BEN]), id);
    cr_assert_eq(trust_edit_begin(p->l.trust, true, &next, &e), ST_OK);
    cr_assert_eq(trust_edit_revoke(next, id, p->l.r.clock.fixed, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(trust_propose(next, p->l.keys[ROLE_ROOT], &envelope, &e), ST_OK);
    cr_assert_eq(trust_install(p->l.r.s, buf_span(&envelope), p->l.r.clock, p->l.r.log, &e), ST_OK,
                 "%s", e.detail);
}

static void expect_changed(enum status st, struct err *e, const char *what)
{
    cr_expect_eq(st, ST_CONFLICT, "%s: %s", what, e->detail);
    cr_expect_str_eq(err_code(e), "trust-changed", "%s", what);
    *e = ERR_NONE;
}

Test(leave, nothing_is_decided_under_a_trust_that_was_replaced_meanwhile)
{
    struct people_room p;
    struct err e = ERR_NONE;
    struct holder h;
    struct decision d;
    unsigned left = 0;
    uint64_t seq = 0;
    people_make(&p);
    SCOPED(artifact_release) struct artifact b = next_version(&p, "2", MAKE_Q8_0);
    law_pass(&p.l, &b);
    revoke_ben(&p);
    const uint64_t before = people_seq(&p);
    const struct promotion again = {.artifact = &b, .channel = "preview"};
    expect_changed(promote(&p.l.by, &again, &d, &e), &e, "promote");
    expect_changed(rollback(&p.l.by, "tiny", "preview", NULL, "x", &h, &e), &e, "rollback");
    expect_changed(demote(&p.l.by, "tiny", "preview", "x", &h, &e), &e, "demote");
    expect_changed(retire(&p.l.by, &b, "x", &left, &seq, &e), &e, "retire");
    cr_expect_eq(people_seq(&p), before);
    people_reload(&p);
    cr_expect_eq(demote(&p.l.by, "tiny", "preview", "x", &h, &e), ST_OK, "%s", e.detail);
    people_remove(&p);
}
