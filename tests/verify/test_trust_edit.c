#include "tests/support/store_room.h"
#include "verify/trust_edit.h"
#include "verify/trust_format.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define KEYS 3

/* One person's trust in a store: k0 holds every role. k1 and k2 are others' keys. */
struct room {
    struct store_room r;
    struct signer *keys[KEYS];
    char id[KEYS][KEY_ID_TEXT];
    struct trust *now, *next;
    struct err e;
};

static void load(struct room *x)
{
    trust_free(x->now);
    x->now = NULL;
    cr_assert_eq(trust_load(x->r.s, &x->now, &x->e), ST_OK, "%s", x->e.detail);
}

static void begin(struct room *x)
{
    trust_free(x->next);
    x->e = ERR_NONE;
    cr_assert_eq(trust_edit_begin(x->now, true, &x->next, &x->e), ST_OK);
}

static enum status finish(struct room *x, const char *signers)
{
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    x->e = ERR_NONE;
    enum status st = trust_propose(x->next, x->keys[signers[0] - '0'], &envelope, &x->e);
    for (const char *k = signers + 1; st == ST_OK && *k != '\0'; k++) {
        SCOPED(envelope_release) struct envelope v = {0};
        SCOPED(buf_release) struct buf more = BUF_EMPTY;
        cr_assert_eq(envelope_parse(buf_span(&envelope), &v, &x->e), ST_OK);
        cr_assert_eq(envelope_cosign(&v, x->keys[*k - '0'], &more, &x->e), ST_OK);
        envelope.n = 0;
        buf_append(&envelope, buf_span(&more));
    }
    if (st == ST_OK)
        st = trust_install(x->r.s, buf_span(&envelope), x->r.clock, x->r.log, &x->e);
    if (st == ST_OK)
        load(x);
    return st;
}

static void room_begin(struct room *x)
{
    struct public_key all[ROLE_COUNT];
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    *x = (struct room){.r = room_make()};
    for (int i = 0; i < KEYS; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        x->keys[i] = temp_key(&x->r.t, name);
        key_id_text(signer_public(x->keys[i]), x->id[i]);
    }
    for (int r = 0; r < ROLE_COUNT; r++)
        all[r] = *signer_public(x->keys[0]);
    cr_assert_eq(trust_single(all, "ann", x->r.clock.fixed + 86400, x->keys[0], &envelope, &x->e),
                 ST_OK, "%s", x->e.detail);
    struct digest first = digest_of(buf_span(&envelope));
    room_found(&x->r, &first);
    cr_assert_eq(trust_install(x->r.s, buf_span(&envelope), x->r.clock, x->r.log, &x->e), ST_OK);
    load(x);
}

static void room_end(struct room *x)
{
    trust_free(x->now);
    trust_free(x->next);
    for (int i = 0; i < KEYS; i++)
        signer_close(x->keys[i]);
    room_remove(&x->r);
}

static enum status add(struct room *x, enum role r, int key, const char *owner)
{
    return trust_edit_add(x->next, r, signer_public(x->keys[key]), owner, &x->e);
}

static enum status check(struct room *x, enum role r, int key)
{
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    x->e = ERR_NONE;
    cr_assert_eq(envelope_sign("text/x", span_text("hello"), x->keys[key], &envelope, &x->e),
                 ST_OK);
    cr_assert_eq(envelope_parse(buf_span(&envelope), &v, &x->e), ST_OK);
    return trust_check(x->now, r, &v, x->r.clock.fixed, &x->e);
}

Test(trust_edit, gives_a_key_a_role_and_ends_being_self_signed)
{
    struct room x;
    room_begin(&x);
    cr_expect(trust_facts(x.now).self_signed);
    cr_expect_eq(check(&x, ROLE_GATE, 1), ST_UNTRUSTED);
    begin(&x);
    cr_assert_eq(add(&x, ROLE_GATE, 1, "ben"), ST_OK);
    cr_assert_eq(finish(&x, "0"), ST_OK, "%s", x.e.detail);
    cr_expect_eq(trust_facts(x.now).version, 2);
    cr_expect_not(trust_facts(x.now).self_signed);
    cr_expect_eq(check(&x, ROLE_GATE, 1), ST_OK, "%s", x.e.detail);
    cr_expect_eq(check(&x, ROLE_RELEASE, 1), ST_UNTRUSTED);
    room_end(&x);
}

Test(trust_edit, refuses_a_role_twice_another_owner_and_no_owner)
{
    struct room x;
    char long_owner[200];
    room_begin(&x);
    begin(&x);
    cr_expect_eq(add(&x, ROLE_GATE, 0, "ann"), ST_EXISTS);
    cr_expect_eq(add(&x, ROLE_GATE, 0, "eve"), ST_USAGE);
    cr_expect_eq(add(&x, ROLE_GATE, 1, ""), ST_USAGE);
    cr_expect_eq(add(&x, ROLE_GATE, 1, "\xff"), ST_USAGE);
    memset(long_owner, 'a', sizeof long_owner - 1);
    long_owner[sizeof long_owner - 1] = '\0';
    cr_expect_eq(add(&x, ROLE_GATE, 1, long_owner), ST_USAGE);
    struct public_key twin = *signer_public(x.keys[1]);
    memcpy(twin.id, signer_public(x.keys[0])->id, sizeof twin.id);
    cr_expect_eq(trust_edit_add(x.next, ROLE_GATE, &twin, "ben", &x.e), ST_UNTRUSTED,
                 "two keys of one id");
    room_end(&x);
}

Test(trust_edit, moves_the_root_only_with_old_and_new_signing)
{
    struct room x;
    room_begin(&x);
    for (int i = 0; i < 3; i++) {
        begin(&x);
        cr_assert_eq(add(&x, ROLE_ROOT, 1, "ben"), ST_OK);
        cr_assert_eq(trust_edit_remove(x.next, ROLE_ROOT, x.id[0], &x.e), ST_OK);
        cr_expect_eq(finish(&x, i == 0   ? "0"
                                : i == 1 ? "1"
                                         : "01"),
                     i < 2 ? ST_UNTRUSTED : ST_OK, "%d: %s", i, x.e.detail);
    }
    begin(&x);
    cr_expect_eq(finish(&x, "0"), ST_UNTRUSTED, "the former root has no say");
    begin(&x);
    trust_edit_expires(x.next, x.r.clock.fixed + 2 * 86400);
    cr_expect_eq(finish(&x, "1"), ST_OK, "%s", x.e.detail);
    cr_expect_eq(trust_facts(x.now).expires, x.r.clock.fixed + 2 * 86400);
    room_end(&x);
}

Test(trust_edit, keeps_thresholds_within_the_keys_of_the_role)
{
    struct room x;
    room_begin(&x);
    for (unsigned n = 0; n < 4; n++) {
        begin(&x);
        cr_assert_eq(add(&x, ROLE_GATE, 1, "ben"), ST_OK);
        trust_edit_threshold(x.next, ROLE_GATE, n);
        cr_expect_eq(trust_propose(x.next, NULL, NULL, &x.e),
                     n == 1 || n == 2 ? ST_OK : ST_UNTRUSTED, "%u", n);
    }
    begin(&x);
    cr_assert_eq(trust_edit_remove(x.next, ROLE_NONE, x.id[0], &x.e), ST_OK);
    cr_expect_eq(trust_propose(x.next, NULL, NULL, &x.e), ST_FORMAT, "no key, no root");
    room_end(&x);
}

Test(trust_edit, a_revoked_key_signs_nothing_and_never_comes_back)
{
    struct room x;
    room_begin(&x);
    begin(&x);
    cr_assert_eq(add(&x, ROLE_GATE, 1, "ben"), ST_OK);
    cr_assert_eq(add(&x, ROLE_RELEASE, 1, "ben"), ST_OK);
    cr_assert_eq(finish(&x, "0"), ST_OK, "%s", x.e.detail);
    begin(&x);
    cr_assert_eq(trust_edit_revoke(x.next, x.id[1], 1000, &x.e), ST_OK);
    cr_expect_eq(trust_edit_revoke(x.next, x.id[1], 1000, &x.e), ST_NOT_FOUND);
    cr_expect_eq(trust_edit_revoke(x.next, "0123456789ABCDEF", 1000, &x.e), ST_NOT_FOUND);
    cr_expect_eq(trust_edit_revoke(x.next, "nonsense", 1000, &x.e), ST_NOT_FOUND);
    cr_assert_eq(finish(&x, "0"), ST_OK, "%s", x.e.detail);
    cr_expect_eq(check(&x, ROLE_GATE, 1), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&x.e), "key-revoked");
    cr_expect_eq(check(&x, ROLE_GATE, 0), ST_OK);
    begin(&x);
    cr_assert_eq(add(&x, ROLE_GATE, 1, "ben"), ST_OK);
    cr_expect_eq(finish(&x, "0"), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&x.e), "key-revoked");
    begin(&x);
    x.next->revoked_count = 0;
    cr_expect_eq(finish(&x, "0"), ST_SET_BACK);
    cr_expect_str_eq(err_code(&x.e), "revocation-lost");
    room_end(&x);
}

Test(trust_edit, a_proposal_opens_without_its_signatures_being_enough)
{
    struct room x;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(envelope_release) struct envelope v = {0};
    SCOPED(trust_scope) struct trust *t = NULL;
    unsigned need = 0;
    room_begin(&x);
    begin(&x);
    cr_assert_eq(add(&x, ROLE_ROOT, 1, "ben"), ST_OK);
    trust_edit_threshold(x.next, ROLE_ROOT, 2);
    cr_assert_eq(trust_propose(x.next, x.keys[2], &envelope, &x.e), ST_OK);
    cr_assert_eq(trust_open(buf_span(&envelope), &v, &t, &x.e), ST_OK, "%s", x.e.detail);
    cr_expect_eq(trust_signers(t, ROLE_ROOT, &v, &need), 0);
    cr_expect_eq(need, 2);
    cr_expect_eq(trust_install(x.r.s, buf_span(&envelope), x.r.clock, x.r.log, &x.e), ST_UNTRUSTED);
    room_end(&x);
}

/* A key that nobody has, of that number. */
static struct public_key made_up(unsigned n)
{
    struct public_key k = {.id = {(uint8_t)n, 1}, .bytes = {(uint8_t)n, 7}};
    return k;
}

Test(trust_edit, holds_as_many_keys_and_revocations_as_its_document_may_have)
{
    struct room x;
    room_begin(&x);
    begin(&x);
    enum status st = ST_OK;
    for (unsigned i = 0; st == ST_OK && i < TRUST_KEYS_MAX; i++) {
        const struct public_key k = made_up(i);
        st = trust_edit_add(x.next, ROLE_GATE, &k, "ann", &x.e);
    }
    cr_expect_eq(st, ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&x.e), "trust-keys");
    cr_expect_eq(x.next->key_count, TRUST_KEYS_MAX);
    x.next->revoked_count = TRUST_REVOKED_MAX;
    cr_expect_eq(trust_edit_revoke(x.next, x.id[0], 1000, &x.e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&x.e), "trust-revoked");
    room_end(&x);
}

Test(trust_edit, takes_no_role_from_a_key_that_has_it_not)
{
    struct room x;
    room_begin(&x);
    begin(&x);
    cr_assert_eq(add(&x, ROLE_GATE, 1, "ben"), ST_OK);
    x.e = ERR_NONE;
    cr_expect_eq(trust_edit_remove(x.next, ROLE_RELEASE, x.id[1], &x.e), ST_NOT_FOUND);
    cr_expect_str_eq(err_code(&x.e), "trust-no-key");
    x.e = ERR_NONE;
    cr_expect_eq(trust_edit_remove(x.next, ROLE_NONE, x.id[2], &x.e), ST_NOT_FOUND);
    cr_expect_eq(x.next->key_count, 2, "a stranger's key takes no other with it");
    room_end(&x);
}
