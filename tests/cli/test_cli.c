#include "base/text.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "tests/support/law_room.h"
#include <criterion/criterion.h>
#include <string.h>

/* tiny@1 holds tiny@preview by a decision; tiny@2 was only admitted. */
struct handing {
    struct law_room l;
    struct artifact b; /* tiny@2 */
    struct cli c;
};

static void handing_make(struct handing *h)
{
    struct decision d;
    law_make(&h->l);
    SCOPED(buf_release) struct buf model = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
    h->b = law_admit(&h->l, buf_span(&model), "tiny", "2");
    law_pass(&h->l, &h->l.a);
    cr_assert(law_promote(&h->l, &h->l.a, &d), "%s", law_unmet(&d, ""));
    h->c = (struct cli){.store = h->l.r.s, .trust = h->l.trust, .clock = h->l.by.clock};
}

static void handing_remove(struct handing *h)
{
    lease_scope(&h->c.lease);
    buf_release(&h->c.out);
    buf_release(&h->c.hints);
    artifact_release(&h->b);
    law_remove(&h->l);
}

/* Makes the state say that NAME@preview is held by an artifact, as who holds only the key of the
 * ledger could. */
static void say_holder(struct handing *h, const char *name, const struct digest *artifact)
{
    struct holder real;
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    cr_assert_eq(channel_holder(h->l.r.s, "tiny", "preview", &real, &e), ST_OK);
    real.artifact = *artifact;
    channel_value(&real, false, &value);
    buf_byte(&value, 0);
    channel_key(name, "preview", key);
    cr_assert_eq(room_set(&h->l.r, key, (const char *)value.p, NULL, &e), ST_OK, "%s", e.detail);
}

static enum status hand_out(struct handing *h, const char *ref, struct err *e)
{
    SCOPED(artifact_release) struct artifact a = {0};
    *e = ERR_NONE;
    return cli_artifact(&h->c, ref, true, &a, e);
}

Test(cli, hands_out_of_a_channel_what_a_decision_put_there)
{
    struct handing h;
    struct err e;
    handing_make(&h);
    cr_expect_eq(hand_out(&h, "tiny@preview", &e), ST_OK, "%s", e.detail);
    say_holder(&h, "tiny", &h.b.digest);
    cr_expect_eq(hand_out(&h, "tiny@preview", &e), ST_UNPROVEN);
    handing_remove(&h);
}

Test(cli, takes_the_proof_of_one_name_for_no_other)
{
    struct handing h;
    struct err e;
    handing_make(&h);
    say_holder(&h, "other", &h.b.digest);
    cr_expect_eq(hand_out(&h, "other@preview", &e), ST_CORRUPT);
    say_holder(&h, "other", &h.l.a.digest);
    cr_expect_eq(hand_out(&h, "other@preview", &e), ST_CORRUPT);
    handing_remove(&h);
}

static enum status verify_all(struct handing *h, struct err *e)
{
    *e = ERR_NONE;
    h->c.quiet = true;
    enum status st = cmd_verify(&h->c, e);
    h->c.out.n = 0;
    return st;
}

Test(cli, verify_asks_whether_evidence_and_decisions_say_what_they_are_there_for)
{
    struct handing h;
    struct err e;
    handing_make(&h);
    cr_expect_eq(verify_all(&h, &e), ST_OK, "%s", e.detail);
    law_evidence(&h.l, &h.b, GATE_SMOKE, &(struct law_case){.signer = ROLE_RELEASE});
    cr_expect_eq(status_exit(verify_all(&h, &e)), 5);
    handing_remove(&h);
}

Test(cli, verify_names_a_channel_whose_holder_no_decision_put_there)
{
    struct handing h;
    struct err e;
    handing_make(&h);
    say_holder(&h, "other", &h.b.digest);
    cr_expect_eq(verify_all(&h, &e), ST_UNPROVEN);
    handing_remove(&h);
}
