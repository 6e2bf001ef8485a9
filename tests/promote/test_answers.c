/* Which answers count when some are lost, old, late or many. */
#include "tests/support/people_room.h"
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

static void evidence(struct people_room *p, enum verdict v)
{
    law_evidence(&p->l, &p->l.a, GATE_SMOKE, &(struct law_case){.verdict = v});
}

/* An answer in the ledger whose document is not in the store. */
static void lose(struct people_room *p, const struct buf *file)
{
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX], hex[DIGEST_TEXT], value[DIGEST_TEXT];
    struct digest d = digest_of(buf_span(file));
    digest_text(&p->l.a.digest, hex);
    digest_text(&d, value);
    snprintf(key, sizeof key, "approval/%s/%016llu", hex, (unsigned long long)people_seq(p) + 1);
    cr_assert_eq(room_set(&p->l.r, key, value, NULL, &e), ST_OK, "%s", e.detail);
}

Test(answers, that_cannot_be_read_may_be_a_rejection_until_its_file_is_added_again)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    agree(&p);
    struct approval a = people_asked(&p, &people_stable);
    SCOPED(buf_release) struct buf file = people_signed(&p, CAT, &a);
    lose(&p, &file);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "cannot be read"), "%s",
                       law_unmet(&d, ""));
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK, "%s", e.detail);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

Test(answers, that_was_signed_last_is_the_persons_word_whenever_it_was_added)
{
    for (int later = 0; later < 2; later++) { /* in the same second the rejection stands */
        struct people_room p;
        struct decision d;
        struct err e;
        people_make(&p);
        struct approval yes = people_asked(&p, &people_stable), no = yes;
        agree(&p);
        no.approve = false;
        time_format(p.l.r.clock.fixed - DAY + later, no.time);
        cr_assert_eq(people_vote(&p, CAT, &no, &e), ST_OK, "%s", e.detail);
        cr_assert_eq(people_vote(&p, CAT, &yes, &e), ST_OK, "%s", e.detail);
        cr_expect_not(people_allowed(&p, &d), "%d", later);
        cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "cat rejects"));
        people_remove(&p);
    }
}

Test(answers, is_not_enough_when_more_answers_lie_there_than_are_counted)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    agree(&p);
    struct approval a = people_asked(&p, &people_stable);
    for (int i = 0; i < APPROVALS_MAX; i++) {
        snprintf(a.reason, sizeof a.reason, "reading %d", i);
        cr_assert_eq(people_vote(&p, i % 2 == 0 ? ANN : BEN, &a, &e), ST_OK);
    }
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "more than 64 answers"), "%s",
                       law_unmet(&d, ""));
    people_remove(&p);
}

Test(answers, that_rejects_is_not_flooded_out_of_sight)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    people_wait(&p, DAY);
    struct approval a = people_asked(&p, &people_stable);
    a.approve = false;
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK);
    a.approve = true;
    for (int i = 0; i < APPROVALS_MAX; i++) {
        snprintf(a.reason, sizeof a.reason, "reading %d", i);
        cr_assert_eq(people_vote(&p, i % 2 == 0 ? ANN : BEN, &a, &e), ST_OK);
    }
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "cat rejects"), "%s", law_unmet(&d, ""));
    people_remove(&p);
}

Test(answers, that_were_lost_can_be_added_again_even_when_they_are_void)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    struct approval a = people_asked(&p, &people_stable);
    SCOPED(buf_release) struct buf file = people_signed(&p, CAT, &a);
    lose(&p, &file);
    people_wait(&p, 20 * DAY);
    evidence(&p, VERDICT_PASS);
    agree(&p);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "cannot be read"));
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK, "%s", e.detail);
    cr_expect(people_allowed(&p, &d), "%s", law_unmet(&d, ""));
    cr_expect_eq(people_vote(&p, CAT, &a, &e), ST_EXPIRED, "it is there now");
    people_remove(&p);
}

Test(answers, is_void_after_newer_evidence_that_cannot_be_read)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    char prefix[STORE_KEY_MAX], key[STORE_KEY_MAX + 20], lost[DIGEST_TEXT];
    struct digest gone = digest_of(span_text("it was a fail"));
    people_make(&p);
    agree(&p);
    evidence_prefix(&p.l.a.digest, GATE_SMOKE, prefix);
    snprintf(key, sizeof key, "%s%016llu", prefix, (unsigned long long)people_seq(&p) + 1);
    digest_text(&gone, lost);
    cr_assert_eq(room_set(&p.l.r, key, lost, NULL, &e), ST_OK, "%s", e.detail);
    evidence(&p, VERDICT_PASS);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "later evidence of the gate smoke"), "%s",
                       law_unmet(&d, ""));
    people_remove(&p);
}

Test(answers, that_rejects_is_not_voided_by_evidence_or_age)
{
    struct people_room p;
    struct decision d;
    struct err e;
    people_make(&p);
    struct approval a = people_asked(&p, &people_stable);
    a.approve = false;
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK);
    evidence(&p, VERDICT_FAIL);
    evidence(&p, VERDICT_PASS);
    agree(&p);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "cat rejects"), "%s", law_unmet(&d, ""));
    people_wait(&p, 20 * DAY);
    evidence(&p, VERDICT_PASS);
    agree(&p);
    cr_expect_not(people_allowed(&p, &d));
    cr_expect_not_null(strstr(law_unmet(&d, "approvals"), "cat rejects"), "%s", law_unmet(&d, ""));
    people_remove(&p);
}
