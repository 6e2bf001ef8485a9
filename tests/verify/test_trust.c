#include "base/canon.h"
#include "base/text.h"
#include "store/manifest.h"
#include "tests/support/store_room.h"
#include "verify/trust.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define KEYS 4

/* A store, and four keys of two owners to build trust documents of. */
struct room {
    struct store_room r;
    struct signer *keys[KEYS];
    char id[KEYS][KEY_ID_TEXT], hex[KEYS][65];
    int64_t now;
};

static void room_begin(struct room *x)
{
    *x = (struct room){.r = room_make()};
    x->now = x->r.clock.fixed;
    for (int i = 0; i < KEYS; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        x->keys[i] = temp_key(&x->r.t, name);
        key_id_text(signer_public(x->keys[i]), x->id[i]);
        hex_encode(x->hex[i], SPAN(signer_public(x->keys[i])->bytes, KEY_PUBLIC_BYTES));
    }
}

static void room_end(struct room *x)
{
    for (int i = 0; i < KEYS; i++)
        signer_close(x->keys[i]);
    room_remove(&x->r);
}

/* keys k0, k1 (ann), k2 (ben); the roles as given; expires in a day. */
static void document(const struct room *x, const char *keys, const char *roles, unsigned version,
                     bool self, struct buf *out)
{
    char when[TIME_TEXT_MAX];
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    time_format(x->now + 86400, when);
    buf_fmt(&json,
            "{\"schema\":\"assay.trust/1\",\"version\":%u,\"expires\":\"%s\",\"self_signed\":%s,",
            version, when, self ? "true" : "false");
    if (keys != NULL)
        buf_fmt(&json, "\"keys\":%s,", keys);
    else
        buf_fmt(&json,
                "\"keys\":{\"%s\":{\"owner\":\"ann\",\"public\":\"%s\"},\"%s\":{\"owner\":\"ann\","
                "\"public\":\"%s\"},"
                "\"%s\":{\"owner\":\"ben\",\"public\":\"%s\"}},",
                x->id[0], x->hex[0], x->id[1], x->hex[1], x->id[2], x->hex[2]);
    buf_fmt(&json, "\"roles\":%s}", roles);
    cr_assert_eq(canon_text(buf_span(&json), out, &e), ST_OK, "%s: %.*s", e.detail, (int)json.n,
                 (char *)json.p);
}

/* As long as it has no trust, the store is made for whichever comes. */
static void found_for(struct room *x, struct span envelope)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    struct err none = ERR_NONE;
    struct digest first = digest_of(envelope);
    if (store_get(x->r.s, "trust", &value, &none) == ST_NOT_FOUND)
        room_found(&x->r, &first);
}

/* Signed by the listed keys ("02"), installed. */
static enum status install(struct room *x, struct span payload, const char *signers, struct err *e)
{
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    *e = ERR_NONE;
    cr_assert_eq(envelope_sign(TRUST_TYPE, payload, x->keys[signers[0] - '0'], &envelope, e),
                 ST_OK);
    for (const char *k = signers + 1; *k != '\0'; k++) {
        SCOPED(envelope_release) struct envelope v = {0};
        SCOPED(buf_release) struct buf more = BUF_EMPTY;
        cr_assert_eq(envelope_parse(buf_span(&envelope), &v, e), ST_OK);
        cr_assert_eq(envelope_cosign(&v, x->keys[*k - '0'], &more, e), ST_OK);
        envelope.n = 0;
        buf_append(&envelope, buf_span(&more));
    }
    found_for(x, buf_span(&envelope));
    return trust_install(x->r.s, buf_span(&envelope), x->r.clock, x->r.log, e);
}

static enum status set_up(struct room *x, const char *keys, const char *roles, unsigned version,
                          bool self, const char *signers, struct err *e)
{
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    document(x, keys, roles, version, self, &payload);
    return install(x, buf_span(&payload), signers, e);
}

/* root: k0; gate: two of k0, k1, k2; release: k1. */
static void roles_text(const struct room *x, char *out, size_t cap)
{
    snprintf(out, cap,
             "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1},\"gate\":{\"keys\":[\"%s\",\"%s\",\"%"
             "s\"],\"threshold\":2},"
             "\"release\":{\"keys\":[\"%s\"],\"threshold\":1}}",
             x->id[0], x->id[0], x->id[1], x->id[2], x->id[1]);
}

static struct trust *two_of_three(struct room *x)
{
    char roles[512];
    struct err e;
    struct trust *t = NULL;
    roles_text(x, roles, sizeof roles);
    cr_assert_eq(set_up(x, NULL, roles, 1, false, "0", &e), ST_OK, "%s", e.detail);
    cr_assert_eq(trust_load(x->r.s, &t, &e), ST_OK, "%s", e.detail);
    return t;
}

static void sign(struct room *x, const char *type, const char *signers, struct envelope *v)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    cr_assert_eq(envelope_sign(type, span_text("{}"), x->keys[signers[0] - '0'], &json, &e), ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&json), v, &e), ST_OK);
    for (const char *k = signers + 1; *k != '\0'; k++) {
        SCOPED(buf_release) struct buf more = BUF_EMPTY;
        cr_assert_eq(envelope_cosign(v, x->keys[*k - '0'], &more, &e), ST_OK);
        envelope_release(v);
        cr_assert_eq(envelope_parse(buf_span(&more), v, &e), ST_OK);
    }
}

static void checked(const struct trust *t, enum role r, const struct envelope *v, int64_t now,
                    enum status want, const char *code)
{
    struct err e = ERR_NONE;
    cr_expect_eq(trust_check(t, r, v, now, &e), want, "%s: %s", code, e.detail);
    if (want != ST_OK)
        cr_expect_str_eq(err_code(&e), code);
}

Test(trust, counts_distinct_keys_of_the_role_up_to_its_threshold)
{
    struct room x;
    room_begin(&x);
    SCOPED(trust_scope) struct trust *t = two_of_three(&x);
    SCOPED(envelope_release) struct envelope one = {0}, two = {0}, mixed = {0}, strangers = {0};
    sign(&x, "t", "1", &one);
    sign(&x, "t", "20", &two);
    sign(&x, "t", "31", &mixed);
    sign(&x, "t", "3", &strangers);
    checked(t, ROLE_GATE, &two, x.now, ST_OK, "");
    checked(t, ROLE_GATE, &one, x.now, ST_UNTRUSTED, "below-threshold");
    checked(t, ROLE_GATE, &mixed, x.now, ST_UNTRUSTED, "below-threshold");
    checked(t, ROLE_GATE, &strangers, x.now, ST_UNTRUSTED, "unknown-signer");
    checked(t, ROLE_RELEASE, &two, x.now, ST_UNTRUSTED, "wrong-role");
    checked(t, ROLE_RELEASE, &mixed, x.now, ST_OK, "");
    checked(t, ROLE_POLICY, &two, x.now, ST_UNTRUSTED, "no-role");
    checked(t, ROLE_NONE, &two, x.now, ST_UNTRUSTED, "no-role");
    room_end(&x);
}

Test(trust, does_not_count_the_same_signature_twice_or_one_that_was_stripped)
{
    struct room x;
    room_begin(&x);
    SCOPED(trust_scope) struct trust *t = two_of_three(&x);
    SCOPED(envelope_release) struct envelope v = {0};
    sign(&x, "t", "1", &v);
    v.signatures[1] = v.signatures[0];
    memcpy(v.signatures[1].keyid, x.id[2], KEY_ID_TEXT); /* under another name */
    v.count = 2;
    checked(t, ROLE_GATE, &v, x.now, ST_UNTRUSTED, "below-threshold");
    v.count = 0;
    checked(t, ROLE_GATE, &v, x.now, ST_SIGNATURE, "unsigned");
    room_end(&x);
}

Test(trust, tells_a_changed_document_from_a_strangers)
{
    struct room x;
    room_begin(&x);
    SCOPED(trust_scope) struct trust *t = two_of_three(&x);
    SCOPED(envelope_release) struct envelope v = {0};
    sign(&x, "t", "1", &v);
    v.payload.p[0] ^= 1;
    checked(t, ROLE_RELEASE, &v, x.now, ST_SIGNATURE, "signature-wrong");
    room_end(&x);
}

Test(trust, a_signature_of_one_type_counts_as_no_other)
{
    static const char *const types[] = {TRUST_TYPE, MANIFEST_TYPE,
                                        "application/vnd.assay.policy+json",
                                        "application/vnd.in-toto+json"};
    struct room x;
    room_begin(&x);
    SCOPED(trust_scope) struct trust *t = two_of_three(&x);
    for (size_t i = 0; i < 4; i++) {
        SCOPED(envelope_release) struct envelope v = {0};
        sign(&x, types[i], "1", &v);
        for (size_t k = 0; k < 4; k++) {
            struct err e = ERR_NONE;
            snprintf(v.type, sizeof v.type, "%s", types[k]);
            cr_expect_eq(trust_check(t, ROLE_RELEASE, &v, x.now, &e) == ST_OK, i == k);
        }
    }
    room_end(&x);
}

Test(trust, expires_at_its_second)
{
    struct room x;
    room_begin(&x);
    SCOPED(trust_scope) struct trust *t = two_of_three(&x);
    SCOPED(envelope_release) struct envelope v = {0};
    sign(&x, "t", "1", &v);
    checked(t, ROLE_RELEASE, &v, x.now + 86399, ST_OK, "");
    checked(t, ROLE_RELEASE, &v, x.now + 86400, ST_EXPIRED, "trust-expired");
    checked(t, ROLE_RELEASE, &v, x.now + 3652 * INT64_C(86400), ST_EXPIRED, "trust-expired");
    room_end(&x);
}

/* One document that breaks one rule; %0 … stand for key ids. */
static void broken(struct room *x, const char *keys, const char *roles, bool self, enum status st,
                   const char *code)
{
    struct err e;
    cr_expect_eq(set_up(x, keys, roles, 1, self, "0", &e), st, "%s: %s", roles, e.detail);
    cr_expect_str_eq(err_code(&e), code, "%s: %s", roles, e.detail);
}

Test(trust, refuses_the_same_key_under_two_ids)
{
    struct room x;
    char keys[512], roles[256];
    room_begin(&x);
    snprintf(keys, sizeof keys,
             "{\"%s\":{\"owner\":\"ann\",\"public\":\"%s\"},\"0000000000000001\":{\"owner\":"
             "\"ben\",\"public\":\"%s\"}}",
             x.id[0], x.hex[0], x.hex[0]);
    snprintf(roles, sizeof roles,
             "{\"root\":{\"keys\":[\"%s\",\"0000000000000001\"],\"threshold\":2}}", x.id[0]);
    broken(&x, keys, roles, false, ST_UNTRUSTED, "trust-same-key");
    room_end(&x);
}

Test(trust, refuses_thresholds_that_are_no_thresholds)
{
    static const char *const thresholds[] = {"0", "-1", "2", "2147483648", "9007199254740991"};
    struct room x;
    char roles[256];
    room_begin(&x);
    for (size_t i = 0; i < sizeof thresholds / sizeof thresholds[0]; i++) {
        snprintf(roles, sizeof roles, "{\"root\":{\"keys\":[\"%s\"],\"threshold\":%s}}", x.id[0],
                 thresholds[i]);
        broken(&x, NULL, roles, false, ST_UNTRUSTED, "trust-threshold");
    }
    room_end(&x);
}

Test(trust, refuses_roles_that_name_a_key_twice_or_one_it_does_not_hold)
{
    struct room x;
    char roles[256];
    room_begin(&x);
    snprintf(roles, sizeof roles, "{\"root\":{\"keys\":[\"%s\",\"%s\"],\"threshold\":2}}", x.id[0],
             x.id[0]);
    broken(&x, NULL, roles, false, ST_FORMAT, "trust-role");
    snprintf(roles, sizeof roles, "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1}}", x.id[3]);
    broken(&x, NULL, roles, false, ST_FORMAT, "trust-role");
    snprintf(
        roles, sizeof roles,
        "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1},\"boss\":{\"keys\":[],\"threshold\":1}}",
        x.id[0]);
    broken(&x, NULL, roles, false, ST_FORMAT, "trust-role");
    snprintf(roles, sizeof roles, "{\"gate\":{\"keys\":[\"%s\"],\"threshold\":1}}", x.id[0]);
    broken(&x, NULL, roles, false, ST_FORMAT, "trust-roles");
    room_end(&x);
}

Test(trust, names_a_member_that_it_does_not_know)
{
    struct room x;
    char roles[256];
    room_begin(&x);
    snprintf(roles, sizeof roles, "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1,\"until\":1}}",
             x.id[0]);
    broken(&x, NULL, roles, false, ST_FORMAT, "trust-unknown");
    room_end(&x);
}

Test(trust, of_one_owner_must_say_so)
{
    struct room x;
    char keys[512], roles[256];
    room_begin(&x);
    snprintf(keys, sizeof keys,
             "{\"%s\":{\"owner\":\"ann\",\"public\":\"%s\"},\"%s\":{\"owner\":\"ann\",\"public\":"
             "\"%s\"}}",
             x.id[0], x.hex[0], x.id[1], x.hex[1]);
    snprintf(roles, sizeof roles, "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1}}", x.id[0]);
    broken(&x, keys, roles, false, ST_FORMAT, "trust-self-signed");
    room_end(&x);
}

Test(trust, is_installed_only_under_its_own_root)
{
    struct room x;
    char roles[512];
    struct err e;
    room_begin(&x);
    roles_text(&x, roles, sizeof roles);
    cr_expect_eq(set_up(&x, NULL, roles, 1, false, "1", &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "wrong-role");
    SCOPED(trust_scope) struct trust *t = NULL;
    e = ERR_NONE;
    cr_expect_eq(trust_load(x.r.s, &t, &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "no-trust");
    room_end(&x);
}

Test(trust, goes_from_version_to_version_under_both_roots_and_never_back)
{
    struct room x;
    char roles[512], next[256];
    struct err e;
    room_begin(&x);
    trust_free(two_of_three(&x));
    roles_text(&x, roles, sizeof roles);
    /* root moves from k0 to k2 */
    snprintf(next, sizeof next, "{\"root\":{\"keys\":[\"%s\"],\"threshold\":1}}", x.id[2]);
    cr_expect_eq(set_up(&x, NULL, next, 2, false, "2", &e), ST_UNTRUSTED,
                 "the old root did not sign");
    cr_expect_eq(set_up(&x, NULL, next, 2, false, "0", &e), ST_UNTRUSTED,
                 "the new root did not sign");
    cr_expect_eq(set_up(&x, NULL, next, 3, false, "02", &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "trust-gap");
    cr_expect_eq(set_up(&x, NULL, next, 1, false, "02", &e), ST_SET_BACK);
    cr_expect_str_eq(err_code(&e), "trust-set-back");
    cr_assert_eq(set_up(&x, NULL, next, 2, false, "02", &e), ST_OK, "%s", e.detail);
    cr_expect_eq(set_up(&x, NULL, next, 2, false, "02", &e), ST_OK,
                 "the same again changes nothing");
    cr_expect_eq(set_up(&x, NULL, roles, 1, false, "0", &e), ST_SET_BACK);
    cr_expect_eq(set_up(&x, NULL, roles, 3, false, "0", &e), ST_UNTRUSTED,
                 "the former root has no say");
    SCOPED(trust_scope) struct trust *t = NULL;
    cr_assert_eq(trust_load(x.r.s, &t, &e), ST_OK);
    cr_expect_eq(trust_facts(t).version, 2);
    room_end(&x);
}

Test(trust, of_a_single_person_holds_every_role_and_says_so)
{
    struct room x;
    struct err e = ERR_NONE;
    struct public_key keys[ROLE_COUNT] = {{{0}, {0}}};
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(buf_release) struct buf json = BUF_EMPTY;
    SCOPED(trust_scope) struct trust *t = NULL;
    SCOPED(envelope_release) struct envelope v = {0};
    room_begin(&x);
    for (enum role r = ROLE_ROOT; r < ROLE_COUNT; r++)
        keys[r] =
            *signer_public(x.keys[r == ROLE_POLICY ? 0 : r - 1]); /* root and policy share a key */
    cr_assert_eq(trust_single(keys, "ann", x.now + 86400, x.keys[0], &envelope, &e), ST_OK, "%s",
                 e.detail);
    found_for(&x, buf_span(&envelope));
    cr_assert_eq(trust_install(x.r.s, buf_span(&envelope), x.r.clock, x.r.log, &e), ST_OK, "%s",
                 e.detail);
    cr_assert_eq(trust_load(x.r.s, &t, &e), ST_OK);
    cr_expect(trust_facts(t).self_signed);
    sign(&x, "t", "0", &v);
    checked(t, ROLE_POLICY, &v, x.now, ST_OK, "");
    checked(t, ROLE_GATE, &v, x.now, ST_UNTRUSTED, "wrong-role");
    cr_assert_eq(trust_json(t, x.now, &json, &e), ST_OK);
    cr_expect_not_null(memmem(json.p, json.n, "\"days_left\":1", 13));
    room_end(&x);
}

Test(trust, document_signed_as_another_type_is_none)
{
    struct room x;
    char roles[512];
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    room_begin(&x);
    roles_text(&x, roles, sizeof roles);
    document(&x, NULL, roles, 1, false, &payload);
    cr_assert_eq(envelope_sign(MANIFEST_TYPE, buf_span(&payload), x.keys[0], &envelope, &e), ST_OK);
    cr_expect_eq(trust_install(x.r.s, buf_span(&envelope), x.r.clock, x.r.log, &e), ST_SIGNATURE);
    cr_expect_str_eq(err_code(&e), "wrong-type");
    room_end(&x);
}
