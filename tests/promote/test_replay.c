#include "promote/leave.h"
#include "promote/policy_store.h"
#include "promote/replay.h"
#include "tests/support/people_room.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400)

static struct past audit(struct people_room *p, uint64_t seq)
{
    struct past past;
    struct err e = ERR_NONE;
    cr_assert_eq(replay_entry(&p->l.by, seq, &past, &e), ST_OK, "%s", e.detail);
    cr_assert_str_eq(past.trouble, "");
    return past;
}

/* Stable, by two people after a day; refused once before. The entries of both. */
static void story(struct people_room *p, uint64_t *refused, uint64_t *granted)
{
    const struct promotion what = {.artifact = &p->l.a, .channel = "stable"};
    struct decision d;
    struct err e = ERR_NONE;
    people_make(p);
    cr_assert_eq(people_promote(p, &what, &d), ST_OK);
    cr_assert_not(d.allowed);
    *refused = d.seq;
    struct approval a = people_asked(p, &people_stable);
    cr_assert_eq(people_vote(p, ANN, &a, &e), ST_OK);
    cr_assert_eq(people_vote(p, BEN, &a, &e), ST_OK);
    people_wait(p, DAY);
    cr_assert_eq(people_promote(p, &what, &d), ST_OK);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
    *granted = d.seq;
}

Test(replay, an_audit_decides_the_same_again_long_after)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    uint64_t refused = 0, granted = 0;
    story(&p, &refused, &granted);
    people_wait(&p, 100 * DAY);
    law_set(&p.l, policy_builtin("strict")); /* another law by now */
    cr_assert_eq(demote(&p.l.by, "tiny", "stable", "old", &h, &e), ST_OK, "%s", e.detail);
    struct past past = audit(&p, granted);
    cr_expect(past.was_allowed && past.decision.allowed, "%s", law_unmet(&past.decision, ""));
    cr_expect_str_eq(past.channel, "stable");
    past = audit(&p, refused);
    cr_expect_not(past.was_allowed || past.decision.allowed);
    cr_expect_not_null(strstr(law_unmet(&past.decision, "approvals"), "0 of 2"));
    cr_expect_not_null(strstr(law_unmet(&past.decision, "soak"), "0 s of 1 d"));
    struct past out;
    cr_expect_eq(replay_entry(&p.l.by, 1, &out, &e), ST_USAGE);
    e = ERR_NONE;
    cr_expect_eq(replay_entry(&p.l.by, 9999, &out, &e), ST_NOT_FOUND);
    people_remove(&p);
}

struct tally {
    unsigned looked, flips, troubles;
    char why[400];
};

static enum status count(void *ctx, const struct past *p, struct err *e)
{
    struct tally *t = ctx;
    (void)e;
    t->looked++;
    t->troubles += p->trouble[0] != '\0';
    if (p->trouble[0] != '\0' || p->decision.allowed == p->was_allowed)
        return ST_OK;
    t->flips++;
    snprintf(t->why, sizeof t->why, "%s", law_unmet(&p->decision, ""));
    return ST_OK;
}

static struct tally test(struct people_room *p, const char *yaml)
{
    struct tally t = {.looked = 0};
    struct err e = ERR_NONE;
    SCOPED(policy_release) struct policy law = {0};
    cr_assert_eq(policy_parse_yaml(span_text(yaml), "p", &law, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(replay_history(&p->l.by, &law, count, &t, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(t.troubles, 0);
    return t;
}

#define HEAD "schema: assay.policy/1\nname: new\n"
#define PREVIEW                                                                               \
    "channels:\n  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: " \
    "true}\n"
#define STABLE(more)                                                                             \
    PREVIEW "  stable: {from: preview, gates: [structural, smoke], allow_self_signed: true" more \
            "}\n"

Test(replay, of_the_history_says_what_another_law_would_have_decided_and_why)
{
    struct people_room p;
    uint64_t refused = 0, granted = 0;
    story(&p, &refused, &granted);
    /* Three decisions so far: preview granted, stable refused, stable granted. */
    struct tally t = test(&p, HEAD STABLE(", soak: 1 d, approvals: {role: release, threshold: 2}"));
    cr_expect_eq(t.looked, 3);
    cr_expect_eq(t.flips, 0, "%s", t.why);
    t = test(&p, HEAD STABLE(", approvals: {role: release, threshold: 3}"));
    cr_expect_eq(t.flips, 1);
    cr_expect_not_null(strstr(t.why, "2 of 3"), "%s", t.why);
    t = test(&p, HEAD STABLE(", soak: 2 d"));
    cr_expect_eq(t.flips, 1);
    cr_expect_not_null(strstr(t.why, "1 d of 2 d"), "%s", t.why);
    t = test(&p, HEAD STABLE(""));
    cr_expect_eq(t.flips, 1, "the refusal would have been granted");
    t = test(&p, HEAD "gates: {smoke: {limits: {load_ms: 41}}}\n" STABLE(", soak: 1 d"));
    cr_expect_eq(t.flips, 2, "both grants: measured 42");
    cr_expect_not_null(strstr(t.why, "load time: 42"), "%s", t.why);
    t = test(&p, HEAD "gates: {smoke: {tokens: 64}}\n" STABLE(", soak: 1 d"));
    cr_expect_eq(t.flips, 2);
    cr_expect_not_null(strstr(t.why, "tokens was another"), "%s", t.why);
    t = test(&p, HEAD PREVIEW);
    cr_expect_eq(t.flips, 1);
    cr_expect_not_null(strstr(t.why, "opens no channel stable"), "%s", t.why);
    people_remove(&p);
}

Test(replay, changes_nothing)
{
    struct people_room p;
    uint64_t refused = 0, granted = 0;
    story(&p, &refused, &granted);
    uint64_t seq = people_seq(&p);
    test(&p, HEAD PREVIEW);
    audit(&p, granted);
    cr_expect_eq(people_seq(&p), seq);
    people_remove(&p);
}
