#include "base/text.h"
#include "promote/entry.h"
#include "tests/support/law_room.h"
#include "verify/trust_edit.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct two {
    struct law_room l;
    struct artifact b; /* tiny@2 */
};

static void two_make(struct two *t)
{
    struct decision d;
    law_make(&t->l);
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
    t->b = law_admit(&t->l, buf_span(&model), "tiny", "2");
    law_pass(&t->l, &t->l.a);
    law_pass(&t->l, &t->b);
    cr_assert(law_promote(&t->l, &t->l.a, &d), "%s", law_unmet(&d, ""));
    cr_assert(law_promote(&t->l, &t->b, &d), "%s", law_unmet(&d, ""));
    cr_assert(digest_equal(&d.previous, &t->l.a.digest));
}

static void two_remove(struct two *t)
{
    artifact_release(&t->b);
    law_remove(&t->l);
}

static enum status count(void *ctx, const struct holder *h, struct err *e)
{
    (void)h;
    (void)e;
    ++*(unsigned *)ctx;
    return ST_OK;
}

Test(rollback, brings_the_last_holder_back_by_another_decision_that_proves)
{
    struct two t;
    struct holder h;
    struct err e = ERR_NONE;
    unsigned former = 0;
    two_make(&t);
    cr_assert_eq(rollback(&t.l.by, "tiny", "preview", NULL, "it rambles", &h, &e), ST_OK, "%s",
                 e.detail);
    cr_expect(digest_equal(&h.artifact, &t.l.a.digest));
    cr_expect_eq(h.number, 3);
    cr_expect_eq(decision_prove(&t.l.by, &h, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(channel_former(t.l.r.s, "tiny", "preview", count, &former, &e), ST_OK);
    cr_expect_eq(former, 1);
    /* What was rolled back does not come back by itself, only by name. */
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", NULL, "again", &h, &e), ST_NOT_FOUND);
    e = ERR_NONE;
    cr_assert_eq(rollback(&t.l.by, "tiny", "preview", &t.b.digest, "it did not", &h, &e), ST_OK,
                 "%s", e.detail);
    cr_expect(digest_equal(&h.artifact, &t.b.digest));
    cr_expect_eq(decision_prove(&t.l.by, &h, &e), ST_OK, "%s", e.detail);
    two_remove(&t);
}

Test(rollback, needs_a_reason_a_holder_and_somebody_who_held_it)
{
    struct two t;
    struct holder h;
    struct err e = ERR_NONE;
    two_make(&t);
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", NULL, "", &h, &e), ST_USAGE);
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", NULL, NULL, &h, &e), ST_USAGE);
    e = ERR_NONE;
    cr_expect_eq(rollback(&t.l.by, "tiny", "stable", NULL, "why not", &h, &e), ST_NOT_FOUND);
    e = ERR_NONE;
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", &t.b.digest, "why not", &h, &e), ST_USAGE);
    cr_expect_str_eq(err_code(&e), "holds-already");
    struct digest never = digest_of(span_text("never"));
    e = ERR_NONE;
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", &never, "why not", &h, &e), ST_NOT_FOUND);
    cr_expect_str_eq(err_code(&e), "no-former");
    two_remove(&t);
}

static enum status forget(void *ctx, const struct holder *h, struct err *e)
{
    (void)e;
    *(struct holder *)ctx = *h;
    return ST_OK;
}

Test(rollback, to_a_holder_whose_decision_was_forged_is_refused)
{
    struct two t;
    struct holder h, former = {0};
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    two_make(&t);
    cr_assert_eq(channel_former(t.l.r.s, "tiny", "preview", forget, &former, &e), ST_OK);
    former.artifact = digest_of(span_text("never"));
    channel_held_key(&former, key);
    channel_value(&former, true, &value);
    buf_byte(&value, 0);
    cr_assert_eq(room_set(&t.l.r, key, (const char *)value.p, NULL, &e), ST_OK);
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", NULL, "why not", &h, &e), ST_UNPROVEN);
    cr_expect_str_eq(err_code(&e), "decision-artifact");
    two_remove(&t);
}

Test(rollback, to_a_holder_whose_decision_no_evidence_bore_out_is_refused)
{
    struct two t;
    struct holder h;
    struct decision d;
    struct err e = ERR_NONE;
    SCOPED(standing_release) struct standing on = {.held = false};
    two_make(&t);
    cr_assert_eq(standing_read(t.l.r.s, "tiny", "preview", &on, &e), ST_OK);
    struct statement s = law_statement(&t.l, &on);
    s.basis.evidence[GATE_SMOKE] =
        law_evidence(&t.l, &t.l.a, GATE_SMOKE, &(struct law_case){.verdict = VERDICT_FAIL});
    cr_assert_eq(entry_commit(&t.l.by, &on, &s, NULL, 0, &h, &e), ST_OK, "%s", e.detail);
    cr_assert(law_promote(&t.l, &t.b, &d), "%s", law_unmet(&d, ""));
    cr_expect_eq(rollback(&t.l.by, "tiny", "preview", NULL, "why not", &h, &e), ST_UNPROVEN, "%s",
                 e.detail);
    cr_expect_str_eq(err_code(&e), "decision-unlawful");
    two_remove(&t);
}

Test(rollback, to_what_rests_on_a_key_that_was_lost_since_is_refused)
{
    static const enum role lost[] = {ROLE_GATE, ROLE_PUBLISHER};
    for (size_t i = 0; i < 2; i++) {
        struct two t;
        struct holder h;
        struct err e = ERR_NONE;
        char id[KEY_ID_TEXT];
        SCOPED(trust_scope) struct trust *next = NULL;
        SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
        two_make(&t);
        key_id_text(signer_public(t.l.keys[lost[i]]), id);
        cr_assert_eq(trust_edit_begin(t.l.trust, true, &next, &e), ST_OK);
        cr_assert_eq(
            trust_edit_add(next, lost[i], signer_public(t.l.keys[ROLE_ROOT]), "somebody", &e),
            ST_OK);
        cr_assert_eq(trust_edit_revoke(next, id, 0, &e), ST_OK, "%s", e.detail);
        cr_assert_eq(trust_propose(next, t.l.keys[ROLE_ROOT], &envelope, &e), ST_OK, "%s",
                     e.detail);
        cr_assert_eq(trust_install(t.l.r.s, buf_span(&envelope), t.l.r.clock, t.l.r.log, &e),
                     ST_OK);
        trust_free(t.l.trust);
        t.l.trust = NULL;
        cr_assert_eq(trust_load(t.l.r.s, &t.l.trust, &e), ST_OK);
        t.l.by.trust = t.l.trust;
        cr_expect_neq(rollback(&t.l.by, "tiny", "preview", NULL, "why not", &h, &e), ST_OK);
        cr_expect_str_eq(err_code(&e), "key-revoked", "%s: %s", role_name(lost[i]), e.detail);
        two_remove(&t);
    }
}
