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
