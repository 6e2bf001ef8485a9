#include "promote/entry.h"
#include "promote/leave.h"
#include "promote/soak.h"
#include "tests/support/people_room.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define HOUR INT64_C(3600)

static struct soak count(struct people_room *p, const struct digest *artifact, uint64_t enough)
{
    struct err e = ERR_NONE;
    struct holder seat;
    struct soak out = {.seconds = 0};
    cr_assert_eq(channel_seat(p->l.r.s, "tiny", "preview", &seat, &e), ST_OK);
    const struct soak_question q = {.name = "tiny",
                                    .channel = "preview",
                                    .artifact = *artifact,
                                    .newest = seat.decision,
                                    .now = p->l.r.clock.fixed,
                                    .before = UINT64_MAX,
                                    .enough = enough};
    cr_assert_eq(soak_time(p->l.r.s, p->l.trust, &q, &out, &e), ST_OK, "%s", e.detail);
    return out;
}

/* Another version, gated, in preview. */
static struct artifact second(struct people_room *p)
{
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
    struct decision d;
    struct artifact b = law_admit(&p->l, buf_span(&model), "tiny", "2");
    law_pass(&p->l, &b);
    cr_assert(law_promote(&p->l, &b, &d), "%s", law_unmet(&d, ""));
    return b;
}

Test(soak, counts_from_the_first_signed_entry_and_not_the_time_outside)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    people_wait(&p, 2 * HOUR);
    cr_expect_eq(count(&p, &p.l.a.digest, UINT64_MAX).seconds, 2 * HOUR);
    SCOPED(artifact_release) struct artifact b = second(&p);
    people_wait(&p, 5 * HOUR);
    struct soak s = count(&p, &p.l.a.digest, UINT64_MAX);
    cr_expect_eq(s.seconds, 2 * HOUR, "outside does not count");
    cr_expect_not(s.holds);
    cr_expect_eq(count(&p, &b.digest, UINT64_MAX).seconds, 5 * HOUR);
    cr_assert_eq(rollback(&p.l.by, "tiny", "preview", NULL, "worse", &h, &e), ST_OK, "%s",
                 e.detail);
    people_wait(&p, 3 * HOUR);
    s = count(&p, &p.l.a.digest, UINT64_MAX);
    cr_expect_eq(s.seconds, 5 * HOUR, "both stays together: %llu", (unsigned long long)s.seconds);
    cr_expect(s.holds);
    people_remove(&p);
}

Test(soak, goes_on_through_a_renewed_decision_and_stops_at_a_demotion)
{
    struct people_room p;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    people_wait(&p, HOUR);
    law_pass(&p.l, &p.l.a);
    cr_assert(law_promote(&p.l, &p.l.a, &d));
    cr_expect_not(d.held, "newer evidence makes a new decision");
    people_wait(&p, HOUR);
    cr_expect_eq(count(&p, &p.l.a.digest, UINT64_MAX).seconds, 2 * HOUR);
    cr_assert_eq(demote(&p.l.by, "tiny", "preview", "odd", &h, &e), ST_OK, "%s", e.detail);
    people_wait(&p, HOUR);
    struct soak s = count(&p, &p.l.a.digest, UINT64_MAX);
    cr_expect_eq(s.seconds, 2 * HOUR);
    cr_expect_not(s.holds);
    people_remove(&p);
}

Test(soak, stops_counting_at_what_is_enough)
{
    struct people_room p;
    people_make(&p);
    people_wait(&p, 10 * HOUR);
    struct soak s = count(&p, &p.l.a.digest, HOUR);
    cr_expect_geq(s.seconds, HOUR);
    cr_expect(s.holds && s.proven);
    people_remove(&p);
}

Test(soak, of_a_clock_that_was_set_back_counts_nothing)
{
    struct people_room p;
    people_make(&p);
    people_wait(&p, -HOUR);
    cr_expect_eq(count(&p, &p.l.a.digest, UINT64_MAX).seconds, 0);
    people_remove(&p);
}

Test(soak, is_not_filled_by_a_rollback_under_a_clock_set_back)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    people_make(&p);
    people_wait(&p, HOUR);
    SCOPED(artifact_release) struct artifact b = second(&p);
    people_wait(&p, 19 * HOUR);
    cr_assert_eq(room_set(&p.l.r, "note", "seen", NULL, &e), ST_OK);
    people_wait(&p, -18 * HOUR);
    cr_assert_eq(rollback(&p.l.by, "tiny", "preview", NULL, "worse", &h, &e), ST_OK, "%s",
                 e.detail);
    people_wait(&p, 19 * HOUR);
    struct soak s = count(&p, &p.l.a.digest, UINT64_MAX);
    cr_expect_eq(s.seconds, 2 * HOUR, "%llu h", (unsigned long long)s.seconds / HOUR);
    people_remove(&p);
}

/* As whoever holds the key release could sign it. */
Test(soak, begins_no_earlier_than_the_decision_before_or_the_day_it_came)
{
    struct people_room p;
    struct holder h;
    struct err e = ERR_NONE;
    SCOPED(standing_release) struct standing on = {.held = false};
    people_make(&p);
    people_wait(&p, HOUR);
    SCOPED(artifact_release) struct artifact b = second(&p);
    struct statement s = {.kind = DECISION_ROLLBACK,
                          .artifact = p.l.a.digest,
                          .policy = p.l.policy.digest,
                          .restores = 1};
    snprintf(s.name, sizeof s.name, "tiny");
    snprintf(s.version, sizeof s.version, "1");
    snprintf(s.channel, sizeof s.channel, "preview");
    cr_assert_eq(standing_read(p.l.r.s, "tiny", "preview", &on, &e), ST_OK);
    cr_assert_eq(entry_prepare(&p.l.by, &on, &s, &e), ST_OK);
    snprintf(s.time, sizeof s.time, "2001-01-01T00:00:00Z");
    cr_assert_eq(entry_commit(&p.l.by, &on, &s, NULL, 0, &h, &e), ST_OK, "%s", e.detail);
    people_wait(&p, HOUR);
    /* The hour before b, and the one since the entry that took a back, whatever it says. */
    cr_expect_eq(count(&p, &p.l.a.digest, UINT64_MAX).seconds, 2 * HOUR);
    const struct soak_question q = {.name = "tiny",
                                    .channel = "preview",
                                    .artifact = p.l.a.digest,
                                    .newest = h.decision,
                                    .now = p.l.r.clock.fixed,
                                    .before = UINT64_MAX,
                                    .added = p.l.r.clock.fixed - 60,
                                    .enough = UINT64_MAX};
    struct soak out;
    cr_assert_eq(soak_time(p.l.r.s, p.l.trust, &q, &out, &e), ST_OK);
    cr_expect_eq(out.seconds, 60);
    people_remove(&p);
}

Test(soak, by_a_chain_of_another_name_or_by_no_decision_counts_nothing)
{
    struct people_room p;
    struct err e = ERR_NONE;
    struct holder seat;
    struct soak out;
    people_make(&p);
    people_wait(&p, HOUR);
    cr_assert_eq(channel_seat(p.l.r.s, "tiny", "preview", &seat, &e), ST_OK);
    struct soak_question q = {.name = "tinier",
                              .channel = "preview",
                              .artifact = p.l.a.digest,
                              .newest = seat.decision,
                              .now = p.l.r.clock.fixed,
                              .enough = 1};
    cr_assert_eq(soak_time(p.l.r.s, p.l.trust, &q, &out, &e), ST_OK);
    cr_expect(out.seconds == 0 && !out.holds && !out.proven);
    q.name = "tiny";
    q.channel = "stable";
    cr_assert_eq(soak_time(p.l.r.s, p.l.trust, &q, &out, &e), ST_OK);
    cr_expect(out.seconds == 0 && !out.proven);
    q.newest = (struct digest){{0}};
    cr_assert_eq(soak_time(p.l.r.s, p.l.trust, &q, &out, &e), ST_OK);
    cr_expect(out.seconds == 0 && !out.proven);
    q.newest = p.l.a.digest; /* no decision at all */
    cr_assert_eq(soak_time(p.l.r.s, p.l.trust, &q, &out, &e), ST_OK);
    cr_expect(out.seconds == 0 && !out.proven);
    people_remove(&p);
}
