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

/* An enactment as whoever holds that key would sign it. */
static void sign(struct law_room *l, const char *type, const struct enactment *n, enum role signer,
                 struct buf *out)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    cr_assert_eq(enactment_encode(n, &payload, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(envelope_sign(type, buf_span(&payload), l->keys[signer], out, &e), ST_OK);
}

static void place(struct law_room *l, uint64_t version, const struct digest *envelope)
{
    struct err e = ERR_NONE;
    char hex[DIGEST_TEXT], key[STORE_KEY_MAX];
    digest_text(envelope, hex);
    snprintf(key, sizeof key, "once/policy/%016llu", (unsigned long long)version);
    cr_assert_eq(room_set(&l->r, key, hex, NULL, &e), ST_OK, "%s", e.detail);
}

static void point(struct law_room *l, uint64_t version, const struct digest *envelope,
                  const struct digest *policy)
{
    struct err e = ERR_NONE;
    char a[DIGEST_TEXT], b[DIGEST_TEXT], value[400];
    digest_text(envelope, a);
    digest_text(policy, b);
    snprintf(value, sizeof value,
             "{\"envelope\":\"%s\",\"name\":\"x\",\"policy\":\"%s\",\"version\":%llu}", a, b,
             (unsigned long long)version);
    cr_assert_eq(room_set(&l->r, "policy", value, NULL, &e), ST_OK);
}

/* The place of version 2 is taken by an envelope, and the state points there, as somebody with the
 * log key and nothing else could. */
static void forge(struct law_room *l, const struct buf *json, const struct digest *policy)
{
    struct err e = ERR_NONE;
    struct digest envelope;
    cr_assert_eq(room_document(&l->r, buf_span(json), &envelope, &e), ST_OK);
    place(l, 2, &envelope);
    point(l, 2, &envelope, policy);
}

/* What would rightly follow the law that law_make installed. */
static struct enactment second(struct law_room *l)
{
    struct err e = ERR_NONE;
    struct store_facts facts;
    SCOPED(buf_release) struct buf now = BUF_EMPTY;
    struct enactment n = {.version = 2, .policy = l->policy}; /* borrowed */
    cr_assert_eq(store_facts(l->r.s, &facts, &e), ST_OK);
    cr_assert_eq(policy_envelope(l->r.s, &now, &e), ST_OK);
    n.before = digest_of(buf_span(&now));
    snprintf(n.store, sizeof n.store, "%s", facts.id);
    return n;
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

struct forgery {
    const char *type;
    enum role signer;
    bool other_store, other_version, other_before, other_digest;
    enum status st;
    const char *code;
};

Test(policy, that_was_forged_or_swapped_is_refused)
{
    static const char other_type[] = "application/vnd.in-toto+json";
    static const struct forgery rows[] = {
        {POLICY_TYPE, ROLE_POLICY, false, false, false, false, ST_OK, "ok"},
        {POLICY_TYPE, ROLE_GATE, false, false, false, false, ST_UNTRUSTED, "wrong-role"},
        {other_type, ROLE_POLICY, false, false, false, false, ST_SIGNATURE, "wrong-type"},
        {POLICY_TYPE, ROLE_POLICY, true, false, false, false, ST_UNPROVEN, "policy-store"},
        {POLICY_TYPE, ROLE_POLICY, false, true, false, false, ST_SET_BACK, "policy-set-back"},
        {POLICY_TYPE, ROLE_POLICY, false, false, true, false, ST_SET_BACK, "policy-set-back"},
        {POLICY_TYPE, ROLE_POLICY, false, false, false, true, ST_CORRUPT, "policy-digest"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct forgery *f = &rows[i];
        struct law_room l;
        SCOPED(buf_release) struct buf json = BUF_EMPTY;
        law_make(&l);
        struct enactment n = second(&l);
        n.store[0] = f->other_store ? (n.store[0] == '0' ? '1' : '0') : n.store[0];
        n.version += f->other_version;
        n.before.b[0] ^= f->other_before;
        sign(&l, f->type, &n, f->signer, &json);
        struct digest policy = l.policy.digest;
        policy.b[0] ^= f->other_digest;
        forge(&l, &json, &policy);
        refused(&l, f->st, f->code);
        law_remove(&l);
    }
}

Test(policy, never_goes_back_whatever_the_state_says)
{
    struct law_room l;
    struct err e = ERR_NONE;
    uint64_t seq = 0;
    SCOPED(policy_release) struct policy other = {0};
    SCOPED(buf_release) struct buf old = BUF_EMPTY, now = BUF_EMPTY;
    law_make(&l);
    cr_assert_eq(policy_envelope(l.r.s, &old, &e), ST_OK);
    const struct digest first = digest_of(buf_span(&old));
    static const char yaml[] = "schema: assay.policy/1\nname: other\nchannels: {}\n";
    cr_assert_eq(policy_parse_yaml(span_text(yaml), "p", &other, &e), ST_OK);
    cr_assert_eq(policy_install(l.r.s, &other, l.keys[ROLE_POLICY], l.r.log, l.r.clock, &seq, &e),
                 ST_OK, "%s", e.detail);
    cr_assert_eq(policy_envelope(l.r.s, &now, &e), ST_OK);
    const struct digest newest = digest_of(buf_span(&now));
    point(&l, 1, &first, &l.policy.digest);
    refused(&l, ST_SET_BACK, "policy-set-back");
    cr_expect_eq(policy_enact(l.r.s, buf_span(&old), l.r.log, l.r.clock, &seq, &e), ST_OK);
    cr_expect_eq(seq, 0, "what the state names is not installed again");
    refused(&l, ST_SET_BACK, "policy-set-back");
    point(&l, 2, &first, &l.policy.digest); /* the place is another's */
    refused(&l, ST_UNTRUSTED, "policy-place");
    point(&l, 3, &first, &l.policy.digest); /* nobody took that place */
    refused(&l, ST_UNTRUSTED, "policy-place");
    place(&l, 3, &first); /* an older one in a new place */
    refused(&l, ST_SET_BACK, "policy-set-back");
    point(&l, 2, &newest, &other.digest);
    refused(&l, ST_SET_BACK, "policy-set-back");
    law_remove(&l);
}

Test(policy, that_the_store_lost_is_put_back_from_its_very_bytes)
{
    struct law_room l;
    struct err e = ERR_NONE;
    uint64_t seq = 0, again = 0;
    SCOPED(policy_release) struct policy held = {0};
    SCOPED(buf_release) struct buf payload = BUF_EMPTY, file = BUF_EMPTY, other = BUF_EMPTY;
    law_make(&l);
    struct enactment n = second(&l);
    cr_assert_eq(enactment_encode(&n, &payload, &e), ST_OK);
    cr_assert_eq(envelope_sign(POLICY_TYPE, buf_span(&payload), l.keys[ROLE_POLICY], &file, &e),
                 ST_OK);
    cr_assert_eq(envelope_sign(POLICY_TYPE, buf_span(&payload), l.keys[ROLE_GATE], &other, &e),
                 ST_OK);
    const struct digest d = digest_of(buf_span(&file));
    place(&l, 2, &d);
    point(&l, 2, &d, &l.policy.digest);
    refused(&l, ST_NOT_FOUND, "no-record");
    cr_expect_eq(policy_enact(l.r.s, buf_span(&other), l.r.log, l.r.clock, &seq, &e), ST_UNTRUSTED,
                 "other bytes are not what was lost");
    e = ERR_NONE;
    cr_assert_eq(policy_enact(l.r.s, buf_span(&file), l.r.log, l.r.clock, &seq, &e), ST_OK, "%s",
                 e.detail);
    cr_expect_gt(seq, 0);
    cr_expect_eq(policy_load(l.r.s, l.trust, l.r.clock.fixed, &held, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(policy_enact(l.r.s, buf_span(&file), l.r.log, l.r.clock, &again, &e), ST_OK);
    cr_expect_eq(again, 0, "nothing is lost any more");
    law_remove(&l);
}

Test(policy, of_a_time_is_the_one_whose_place_was_taken_last_before_it)
{
    struct law_room l;
    struct err e = ERR_NONE;
    uint64_t seq = 0, from = 0, until = 0;
    SCOPED(policy_release) struct policy other = {0}, then = {0}, later = {0}, none = {0};
    law_make(&l);
    static const char yaml[] = "schema: assay.policy/1\nname: other\nchannels: {}\n";
    cr_assert_eq(policy_parse_yaml(span_text(yaml), "p", &other, &e), ST_OK);
    cr_assert_eq(policy_install(l.r.s, &other, l.keys[ROLE_POLICY], l.r.log, l.r.clock, &seq, &e),
                 ST_OK);
    cr_assert_eq(policy_at(l.r.s, l.trust, seq, &then, &from, &until, &e), ST_OK, "%s", e.detail);
    cr_expect_str_eq(then.name, "preview-basic", "the entry itself was written under the old law");
    cr_expect_eq(until, seq);
    cr_assert_eq(policy_at(l.r.s, l.trust, seq + 1, &later, &from, &until, &e), ST_OK);
    cr_expect_str_eq(later.name, "other");
    cr_expect(from == seq && until == UINT64_MAX);
    cr_expect_eq(policy_at(l.r.s, l.trust, 2, &none, &from, &until, &e), ST_NOT_FOUND);
    law_remove(&l);
}

Test(policy, that_does_not_parse_or_is_not_there_is_said_so)
{
    struct law_room l;
    law_make(&l);
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
