/* What a decision stands on, and what takes it away. */
#include "promote/entry.h"
#include "tests/support/law_room.h"
#include <criterion/criterion.h>
#include <string.h>

static void refused(struct law_room *l, const struct holder *h, enum status st, const char *code)
{
    struct err e = ERR_NONE;
    cr_expect_eq(decision_prove(&l->by, h, &e), st, "%s: %s", code, e.detail);
    cr_expect_str_eq(err_code(&e), code);
}

Test(grounds, on_the_same_evidence_is_made_again_under_another_law)
{
    struct law_room l;
    struct decision first, again;
    law_make(&l);
    law_channels(&l, "{preview: {from: candidate, gates: [smoke], allow_self_signed: true}}");
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &first), "%s", law_unmet(&first, ""));
    law_channels(&l, "{preview: {from: candidate, gates: [smoke], allow_self_signed: true},"
                     " stable: {from: preview, gates: [smoke], allow_self_signed: true}}");
    cr_assert(law_promote(&l, &l.a, &again), "%s", law_unmet(&again, ""));
    cr_expect_not(again.held);
    cr_expect_gt(again.seq, first.seq);
    law_remove(&l);
}

Test(grounds, about_what_was_retired_or_changed_meanwhile_proves_nothing)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    cr_assert_eq(channel_holder(l.r.s, "tiny", "preview", &h, &e), ST_OK);
    struct holder other = h;
    other.artifact.b[0] ^= 1;
    refused(&l, &other, ST_CONFLICT, "holder-changed");
    channel_retired_key(&l.a.digest, key);
    cr_assert_eq(room_set(&l.r, key, "", NULL, &e), ST_OK);
    refused(&l, &h, ST_UNPROVEN, "decision-retired");
    law_remove(&l);
}

Test(grounds, comes_from_no_holder_that_holds_its_channel_by_no_right)
{
    struct law_room l;
    struct decision d;
    struct holder h;
    struct err e = ERR_NONE;
    SCOPED(standing_release) struct standing on = {.held = false};
    const struct promotion what = {.artifact = &l.a, .channel = "stable"};
    law_make(&l);
    law_channels(&l, "{preview: {from: candidate, gates: [smoke], allow_self_signed: true},"
                     " stable: {from: preview, gates: [smoke], allow_self_signed: true}}");
    cr_assert_eq(standing_read(l.r.s, "tiny", "preview", &on, &e), ST_OK);
    struct statement s = law_statement(&l, &on);
    s.basis.evidence[GATE_SMOKE] =
        law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.verdict = VERDICT_FAIL});
    cr_assert_eq(entry_commit(&l.by, &on, &s, NULL, 0, &h, &e), ST_OK);
    law_evidence(&l, &l.a, GATE_SMOKE, &(struct law_case){.age = 0});
    cr_assert_eq(promote(&l.by, &what, &d, &e), ST_OK, "%s", e.detail);
    cr_expect_not(d.allowed);
    cr_expect_not_null(strstr(law_unmet(&d, "from"), "does not hold tiny@preview"), "%s",
                       law_unmet(&d, ""));
    law_remove(&l);
}
