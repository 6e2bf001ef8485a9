#include "base/text.h"
#include "promote/policy_store.h"
#include "store/envelope.h"
#include "tests/support/law_room.h"
#include "verify/trust_edit.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static enum status load(struct law_room *l, struct policy *out, struct err *e)
{
    *e = ERR_NONE;
    return policy_load(l->r.s, l->trust, l->r.clock.fixed, out, e);
}

/* Points the state at an envelope around `payload`, as somebody with the log key and nothing else
 * could. */
static void forge(struct law_room *l, const char *type, struct span payload, enum role signer,
                  const struct digest *policy)
{
    struct err e = ERR_NONE;
    struct digest envelope;
    char a[DIGEST_TEXT], b[DIGEST_TEXT], value[400];
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    cr_assert_eq(envelope_sign(type, payload, l->keys[signer], &json, &e), ST_OK);
    cr_assert_eq(room_document(&l->r, buf_span(&json), &envelope, &e), ST_OK);
    digest_text(&envelope, a);
    digest_text(policy, b);
    snprintf(value, sizeof value,
             "{\"envelope\":\"%s\",\"name\":\"x\",\"policy\":\"%s\",\"version\":9}", a, b);
    cr_assert_eq(room_set(&l->r, "policy", value, NULL, &e), ST_OK);
}

static void refused(struct law_room *l, enum status st, const char *code)
{
    struct err e;
    struct policy p = {0};
    cr_expect_eq(load(l, &p, &e), st, "%s: %s", code, e.detail);
    cr_expect_str_eq(err_code(&e), code);
    policy_release(&p);
}

Test(policy, installed_is_what_is_loaded_after_its_signature_was_checked)
{
    struct law_room l;
    struct err e;
    SCOPED(policy_release) struct policy p = {0};
    law_make(&l);
    cr_assert_eq(load(&l, &p, &e), ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&p.digest, &l.policy.digest));
    law_remove(&l);
}

Test(policy, the_same_again_changes_nothing)
{
    struct law_room l;
    struct err e = ERR_NONE;
    uint64_t seq = 9;
    struct store_facts before, after;
    law_make(&l);
    cr_assert_eq(store_facts(l.r.s, &before, &e), ST_OK);
    cr_assert_eq(
        policy_install(l.r.s, &l.policy, l.keys[ROLE_POLICY], l.r.log, l.r.clock, &seq, &e), ST_OK);
    cr_assert_eq(store_facts(l.r.s, &after, &e), ST_OK);
    cr_expect_eq(seq, 0);
    cr_expect_eq(before.seq, after.seq);
    law_remove(&l);
}

Test(policy, the_same_again_is_signed_anew_after_its_key_was_revoked)
{
    struct law_room l;
    struct err e = ERR_NONE;
    char id[KEY_ID_TEXT];
    uint64_t seq = 0;
    SCOPED(trust_scope) struct trust *next = NULL;
    SCOPED(trust_scope) struct trust *now = NULL;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(policy_release) struct policy p = {0};
    law_make(&l);
    struct signer *fresh = temp_key(&l.r.t, "fresh");
    key_id_text(signer_public(l.keys[ROLE_POLICY]), id);
    cr_assert_eq(trust_edit_begin(l.trust, true, &next, &e), ST_OK);
    cr_assert_eq(trust_edit_add(next, ROLE_POLICY, signer_public(fresh), "ann", &e), ST_OK);
    cr_assert_eq(trust_edit_revoke(next, id, l.r.clock.fixed, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(trust_propose(next, l.keys[ROLE_ROOT], &envelope, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(trust_install(l.r.s, buf_span(&envelope), l.r.clock, l.r.log, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(policy_install(l.r.s, &l.policy, fresh, l.r.log, l.r.clock, &seq, &e), ST_OK, "%s",
                 e.detail);
    cr_expect_gt(seq, 0);
    cr_assert_eq(trust_load(l.r.s, &now, &e), ST_OK);
    cr_expect_eq(policy_load(l.r.s, now, l.r.clock.fixed, &p, &e), ST_OK, "%s", e.detail);
    signer_close(fresh);
    law_remove(&l);
}

Test(policy, is_installed_only_by_the_role_policy)
{
    struct law_room l;
    struct err e = ERR_NONE;
    uint64_t seq = 0;
    SCOPED(policy_release) struct policy other = {0}, p = {0};
    law_make(&l);
    static const char yaml[] = "schema: assay.policy/1\nname: other\nchannels: {}\n";
    cr_assert_eq(policy_parse_yaml(span_text(yaml), "p", &other, &e), ST_OK);
    cr_expect_eq(policy_install(l.r.s, &other, l.keys[ROLE_RELEASE], l.r.log, l.r.clock, &seq, &e),
                 ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "wrong-role");
    cr_assert_eq(load(&l, &p, &e), ST_OK);
    cr_expect_str_eq(p.name, "preview-basic", "the law in force stays");
    law_remove(&l);
}

Test(policy, that_was_forged_or_swapped_is_refused)
{
    struct law_room l;
    law_make(&l);
    struct span canonical = buf_span(&l.policy.canonical);
    struct digest other = digest_of(span_text("other"));
    forge(&l, POLICY_TYPE, canonical, ROLE_GATE, &l.policy.digest);
    refused(&l, ST_UNTRUSTED, "wrong-role");
    forge(&l, "application/vnd.in-toto+json", canonical, ROLE_POLICY, &l.policy.digest);
    refused(&l, ST_SIGNATURE, "wrong-type");
    forge(&l, POLICY_TYPE, canonical, ROLE_POLICY, &other);
    refused(&l, ST_CORRUPT, "policy-digest");
    forge(&l, POLICY_TYPE, span_text("{}"), ROLE_POLICY, &l.policy.digest);
    refused(&l, ST_CONFIG, "policy-member");
    struct err e = ERR_NONE;
    cr_assert_eq(room_set(&l.r, "policy", "{}", NULL, &e), ST_OK);
    refused(&l, ST_CORRUPT, "policy-pointer");
    cr_assert_eq(room_set(&l.r, "policy", NULL, NULL, &e), ST_OK);
    refused(&l, ST_NOT_FOUND, "no-policy");
    law_remove(&l);
}

Test(policy, is_not_loaded_under_an_expired_trust)
{
    struct law_room l;
    law_make(&l);
    l.r.clock.fixed += 365 * LAW_DAY;
    refused(&l, ST_EXPIRED, "trust-expired");
    law_remove(&l);
}
