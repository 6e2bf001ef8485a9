#include "promote/voided.h"
#include "tests/support/people_room.h"
#include "verify/trust_edit.h"
#include <criterion/criterion.h>
#include <string.h>

#define KINDS (VOIDED_POLICY + 1)

struct tally {
    unsigned of[KINDS];
};

static enum status count(void *ctx, const struct voided *v, struct err *e)
{
    struct tally *t = ctx;
    (void)e;
    t->of[v->kind]++;
    cr_expect(v->what[0] != '\0');
    return ST_OK;
}

/* What would be void without a key. */
static struct tally without(struct law_room *l, const struct signer *key)
{
    struct tally t = {{0}};
    struct err e = ERR_NONE;
    char id[KEY_ID_TEXT];
    SCOPED(trust_scope) struct trust *next = NULL;
    key_id_text(signer_public(key), id);
    cr_assert_eq(trust_edit_begin(l->trust, true, &next, &e), ST_OK);
    cr_assert_eq(trust_edit_revoke(next, id, 0, &e), ST_OK, "%s", e.detail);
    const struct promoter by = {.store = l->r.s, .trust = l->trust, .clock = l->r.clock};
    cr_assert_eq(voided_each(&by, next, count, &t, &e), ST_OK, "%s", e.detail);
    return t;
}

static void attest(struct law_room *l, enum attestation type)
{
    struct err e = ERR_NONE;
    struct attested_record r = {.type = type, .artifact = l->a.digest, .reason = "seen"};
    uint64_t seq = 0;
    if (type == ATTEST_SOURCE)
        r.source.b[0] = 1;
    cr_assert_eq(attestation_commit(l->r.s, l->trust, &r, l->keys[attestation_role(type)], l->r.log,
                                    l->r.clock, &seq, &e),
                 ST_OK, "%s", e.detail);
}

Test(voided, is_what_only_the_lost_key_had_signed_and_what_rests_on_it)
{
    static const struct {
        enum role role;
        unsigned of[KINDS]; /* in the order of enum voided_kind */
    } rows[] = {
        {ROLE_PUBLISHER, {1, 0, 0, 1, 0, 0, 1, 0}}, {ROLE_GATE, {0, 0, 2, 1, 0, 0, 1, 0}},
        {ROLE_RELEASE, {0, 0, 0, 0, 0, 0, 1, 0}},   {ROLE_POLICY, {0, 0, 0, 0, 0, 0, 0, 1}},
        {ROLE_ROOT, {0, 0, 0, 0, 0, 0, 0, 0}},
    };
    struct law_room l;
    struct decision d;
    law_make(&l);
    law_pass(&l, &l.a);
    cr_assert(law_promote(&l, &l.a, &d), "%s", law_unmet(&d, ""));
    attest(&l, ATTEST_SOURCE);
    attest(&l, ATTEST_REVIEW);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tally t = without(&l, l.keys[rows[i].role]);
        for (size_t k = 0; k < KINDS; k++)
            cr_expect_eq(t.of[k], rows[i].of[k], "%s: %s %u", role_name(rows[i].role),
                         voided_name((enum voided_kind)k), t.of[k]);
    }
    law_remove(&l);
}

Test(voided, is_a_decision_that_rests_on_a_lost_persons_approval)
{
    struct people_room p;
    struct decision d;
    struct err e = ERR_NONE;
    people_make(&p);
    struct approval a = people_asked(&p, &people_stable);
    cr_assert_eq(people_vote(&p, BEN, &a, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(people_vote(&p, CAT, &a, &e), ST_OK, "%s", e.detail);
    people_wait(&p, INT64_C(86400));
    const struct promotion what = {.artifact = &p.l.a, .channel = "stable"};
    cr_assert_eq(people_promote(&p, &what, &d), ST_OK);
    cr_assert(d.allowed, "%s", law_unmet(&d, ""));
    struct tally t = without(&p.l, p.keys[BEN]);
    cr_expect_eq(t.of[VOIDED_APPROVAL], 1);
    cr_expect_eq(t.of[VOIDED_DECISION], 1, "%u", t.of[VOIDED_DECISION]);
    cr_expect_eq(without(&p.l, p.keys[ANN2]).of[VOIDED_DECISION], 0, "she signed nothing");
    people_remove(&p);
}
