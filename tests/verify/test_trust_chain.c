/* What the log key alone can do to trust: nothing. Each test writes entries that it signed. */
#include "base/files.h"
#include "base/json_write.h"
#include "base/text.h"
#include "store/ledger.h"
#include "tests/support/verify_room.h"
#include "verify/trust_edit.h"
#include "verify/trust_format.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), ST_OK, "%s: %s", err_code(&e), e.detail)

/* The next version, signed by that key. */
static void next_version(struct verify_room *v, const struct trust *now, const struct signer *by,
                         int64_t expires, struct buf *out)
{
    struct err e = ERR_NONE;
    SCOPED(trust_scope) struct trust *t = NULL;
    OK(trust_edit_begin(now, true, &t, &e));
    trust_edit_expires(t, expires);
    OK(trust_propose(t, by, out, &e));
    (void)v;
}

static enum status install(struct verify_room *v, const struct buf *envelope, struct err *e)
{
    *e = ERR_NONE;
    enum status st = trust_install(v->r.s, buf_span(envelope), v->r.clock, v->r.log, e);
    struct err none = ERR_NONE;
    if (st == ST_OK) {
        trust_free(v->trust);
        v->trust = NULL;
        cr_assert_eq(trust_load(v->r.s, &v->trust, &none), ST_OK, "%s", none.detail);
    }
    return st;
}

static void pointer(uint64_t version, const struct digest *d, char out[160])
{
    char hex[DIGEST_TEXT];
    digest_text(d, hex);
    snprintf(out, 160, "{\"digest\":\"%s\",\"version\":%llu}", hex, (unsigned long long)version);
}

static void key_of(uint64_t version, const struct digest *d, char out[STORE_KEY_MAX])
{
    char hex[DIGEST_TEXT];
    trust_once_prefix(version, out);
    digest_text(d, hex);
    size_t n = strlen(out);
    snprintf(out + n, STORE_KEY_MAX - n, "%s", hex);
}

/* Of the trust in force. */
static void once_key(const struct verify_room *v, char out[STORE_KEY_MAX])
{
    struct trust_facts f = trust_facts(v->trust);
    key_of(f.version, &f.digest, out);
}

static void claim(struct verify_room *v, uint64_t version, const struct digest *d)
{
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX];
    key_of(version, d, key);
    OK(room_set(&v->r, key, "", NULL, &e));
}

static void loads_as(struct verify_room *v, enum status want, const char *code)
{
    struct err e = ERR_NONE;
    SCOPED(trust_scope) struct trust *t = NULL;
    cr_expect_eq(trust_load(v->r.s, &t, &e), want, "%s: %s", err_code(&e), e.detail);
    cr_expect_str_eq(err_code(&e), code);
    cr_expect_eq(t != NULL, want == ST_OK);
}

/* A trust of the thief's own: every role is his log key's. */
static void thiefs_trust(struct verify_room *v, uint64_t version, struct buf *out)
{
    struct err e = ERR_NONE;
    struct public_key keys[ROLE_COUNT];
    SCOPED(trust_scope) struct trust *t = NULL;
    SCOPED(envelope_release) struct envelope parsed = {0};
    SCOPED(buf_release) struct buf single = BUF_EMPTY;
    for (int r = 0; r < ROLE_COUNT; r++)
        keys[r] = *signer_public(v->r.log);
    OK(trust_single(keys, "thief", v->now + 9 * 86400, v->r.log, &single, &e));
    OK(trust_open(buf_span(&single), &parsed, &t, &e));
    t->version = version;
    OK(trust_propose(t, v->r.log, out, &e));
}

Test(trust_chain, names_no_other_trust_by_pointer_or_by_claim)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf other = BUF_EMPTY;
    struct digest d;
    char value[160], before[160];
    struct digest first = trust_facts(v.trust).digest;
    pointer(1, &first, before);
    for (uint64_t version = 1; version <= 3; version++) {
        other.n = 0;
        thiefs_trust(&v, version, &other);
        OK(room_document(&v.r, buf_span(&other), &d, &e));
        pointer(version, &d, value);
        OK(room_set(&v.r, "trust", value, NULL, &e));
        loads_as(&v, ST_UNTRUSTED, "trust-anchor");
        claim(&v, version, &d);
        loads_as(&v, ST_UNTRUSTED, "trust-anchor");
        OK(room_set(&v.r, "trust", before, NULL, &e));
        loads_as(&v, ST_OK, "ok");
    }
    OK(room_set(&v.r, "trust", NULL, NULL, &e));
    loads_as(&v, ST_UNTRUSTED, "no-trust");
    verify_room_remove(&v);
}

Test(trust_chain, never_goes_back_whatever_the_state_says)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf second = BUF_EMPTY;
    char value[160], key[STORE_KEY_MAX];
    struct digest first = trust_facts(v.trust).digest;
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99, &second);
    OK(install(&v, &second, &e));
    cr_expect_eq(trust_facts(v.trust).version, 2);
    pointer(1, &first, value);
    OK(room_set(&v.r, "trust", value, NULL, &e));
    loads_as(&v, ST_SET_BACK, "trust-set-back");
    cr_expect_eq(install(&v, &second, &e), ST_SET_BACK, "nor is anything built on it");
    once_key(&v, key);
    cr_expect_eq(room_set(&v.r, key, NULL, NULL, &e), ST_CONFLICT);
    cr_expect_str_eq(err_code(&e), "state-once");
    e = ERR_NONE;
    cr_expect_eq(room_set(&v.r, key, "x", NULL, &e), ST_CONFLICT);
    e = ERR_NONE;
    OK(room_set(&v.r, key, "", NULL, &e));
    verify_room_remove(&v);
}

Test(trust_chain, an_entry_written_past_the_program_cannot_forget_a_version_either)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    SCOPED(buf_release) struct buf line = BUF_EMPTY;
    SCOPED(buf_release) struct buf ledger = BUF_EMPTY;
    char key[STORE_KEY_MAX];
    struct store_facts f;
    struct digest hash;
    once_key(&v, key);
    buf_fmt(&set, "{\"%s\":null}", key);
    OK(store_facts(v.r.s, &f, &e));
    OK(ledger_encode(f.seq + 1, &f.head, "test", "2026-01-02T03:04:05Z", span_text("{}"),
                     buf_span(&set), v.r.log, &line, &hash, &e));
    temp_read(&v.r.t, "store/ledger", &ledger);
    buf_append(&ledger, buf_span(&line));
    temp_write(&v.r.t, "store/ledger", buf_span(&ledger));
    temp_write(&v.r.t, "store/ledger.head", buf_span(&line));
    struct store *s = NULL;
    store_close(v.r.s);
    v.r.s = NULL;
    cr_expect_eq(store_open(v.r.path, &s, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-once", "%s", e.detail);
    store_close(s);
    verify_room_remove(&v);
}

Test(trust_chain, passes_over_what_only_claims_to_be_the_next)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf wrong = BUF_EMPTY;
    SCOPED(buf_release) struct buf right = BUF_EMPTY;
    struct digest d, nothing = digest_of(span_text("nothing"));
    OK(room_document(&v.r, span_text("no envelope"), &d, &e));
    claim(&v, 2, &d);
    next_version(&v, v.trust, v.keys[ROLE_GATE], v.now + 99, &wrong);
    OK(room_document(&v.r, buf_span(&wrong), &d, &e));
    claim(&v, 2, &d);
    struct digest first = trust_facts(v.trust).digest; /* a right one, of another version */
    claim(&v, 2, &first);
    loads_as(&v, ST_OK, "ok");
    claim(&v, 2, &nothing); /* no such document: it may be the next version */
    loads_as(&v, ST_CORRUPT, "trust-unreadable");
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99, &right);
    OK(install(&v, &right, &e));
    cr_expect_eq(trust_facts(v.trust).version, 2);
    verify_room_remove(&v);
}

Test(trust_chain, does_not_end_before_a_version_whose_document_is_lost)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf second = BUF_EMPTY;
    SCOPED(buf_release) struct buf third = BUF_EMPTY;
    char value[160], path[256];
    struct digest first = trust_facts(v.trust).digest;
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99, &second);
    OK(install(&v, &second, &e));
    room_newest_pack(&v.r, path);
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 199, &third);
    OK(install(&v, &third, &e));
    room_spoil(&v.r, path);
    loads_as(&v, ST_CORRUPT, "trust-unreadable");
    pointer(1, &first, value);
    OK(room_set(&v.r, "trust", value, NULL, &e)); /* what the thief of the log key would add */
    loads_as(&v, ST_CORRUPT, "trust-unreadable");
    struct digest last = digest_of(buf_span(&third));
    pointer(3, &last, value);
    OK(room_set(&v.r, "trust", value, NULL, &e));
    OK(install(&v, &second, &e));
    cr_expect_eq(trust_facts(v.trust).version, 3, "it is put back where it was");
    verify_room_remove(&v);
}

Test(trust_chain, refuses_two_documents_that_are_both_signed_as_one_version)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf one = BUF_EMPTY;
    SCOPED(buf_release) struct buf two = BUF_EMPTY;
    struct digest d;
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99, &one);
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 100, &two);
    OK(install(&v, &one, &e));
    OK(room_document(&v.r, buf_span(&two), &d, &e));
    claim(&v, 2, &d);
    loads_as(&v, ST_UNTRUSTED, "trust-fork");
    verify_room_remove(&v);
}

Test(trust_chain, a_crowd_of_claims_is_refused_by_its_limit)
{
    struct verify_room v = verify_room_make();
    for (unsigned i = 0; i <= 16; i++) {
        struct digest d;
        struct err e = ERR_NONE;
        OK(room_document(&v.r, SPAN(&i, sizeof i), &d, &e));
        loads_as(&v, ST_OK, "ok");
        claim(&v, 2, &d);
    }
    loads_as(&v, ST_UNTRUSTED, "trust-crowd");
    verify_room_remove(&v);
}

Test(trust_chain, begins_with_the_charters_trust_and_no_other)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf other = BUF_EMPTY;
    struct digest nobody = {{0}};
    thiefs_trust(&v, 1, &other);
    room_found(&v.r, &nobody);
    e = ERR_NONE;
    cr_expect_eq(trust_install(v.r.s, buf_span(&other), v.r.clock, v.r.log, &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "trust-anchor");
    loads_as(&v, ST_UNTRUSTED, "no-trust");
    verify_room_remove(&v);
}

Test(trust_chain, walks_many_versions)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    for (uint64_t i = 2; i <= 40; i++) {
        SCOPED(buf_release) struct buf next = BUF_EMPTY;
        next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99 + (int64_t)i, &next);
        OK(install(&v, &next, &e));
        cr_assert_eq(trust_facts(v.trust).version, i);
    }
    verify_room_remove(&v);
}

/* Records versions 2 to `last` in one entry, as a log key can whose root signed them all. */
static void record_many(struct verify_room *v, uint64_t last)
{
    struct err e = ERR_NONE;
    struct change *c = NULL;
    SCOPED(buf_release) struct buf set = BUF_EMPTY;
    struct json_out j = json_out(&set);
    uint64_t seq = 0;
    OK(change_begin(v->r.s, &c, &e));
    json_object(&j);
    for (uint64_t i = 2; i <= last; i++) {
        SCOPED(buf_release) struct buf next = BUF_EMPTY;
        SCOPED(envelope_release) struct envelope seal = {0};
        struct trust *t = NULL;
        struct digest d;
        char key[STORE_KEY_MAX];
        next_version(v, v->trust, v->keys[ROLE_ROOT], v->now + 99, &next);
        OK(trust_open(buf_span(&next), &seal, &t, &e));
        trust_free(v->trust);
        v->trust = t;
        OK(change_document(c, buf_span(&next), &d, &e));
        key_of(i, &d, key);
        json_key(&j, key);
        json_string(&j, "");
    }
    SCOPED(buf_release) struct buf end = BUF_EMPTY;
    trust_pointer_write(v->trust, &end);
    json_key(&j, TRUST_KEY);
    json_text(&j, buf_span(&end));
    json_close(&j);
    const struct change_entry entry = {
        .type = "test", .set = buf_span(&set), .clock = v->r.clock, .log = v->r.log};
    OK(change_commit(c, &entry, &seq, &e));
    change_release(c);
}

Test(trust_chain, ends_with_the_last_version_that_a_store_may_have)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf next = BUF_EMPTY;
    record_many(&v, TRUST_CHAIN_MAX);
    cr_assert_eq(trust_facts(v.trust).version, TRUST_CHAIN_MAX);
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99, &next);
    cr_expect_eq(install(&v, &next, &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "trust-versions");
    verify_room_remove(&v);
}

Test(trust_chain, begins_with_version_one)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf second = BUF_EMPTY;
    struct digest d;
    char end[160];
    next_version(&v, v.trust, v.keys[ROLE_ROOT], v.now + 99, &second);
    d = digest_of(buf_span(&second));
    room_found(&v.r, &d);
    OK(room_document(&v.r, buf_span(&second), &d, &e));
    claim(&v, 1, &d);
    pointer(2, &d, end);
    OK(room_set(&v.r, TRUST_KEY, end, NULL, &e));
    loads_as(&v, ST_UNTRUSTED, "trust-anchor");
    verify_room_remove(&v);
}

Test(trust_chain, a_pointer_that_names_no_trust_is_told)
{
    static const char *const values[] = {"{}", "{\"digest\":\"zz\",\"version\":1}",
                                         "{\"version\":1}"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct err e = ERR_NONE;
        struct verify_room v = verify_room_make();
        OK(room_set(&v.r, TRUST_KEY, values[i], NULL, &e));
        loads_as(&v, ST_CORRUPT, "trust-pointer");
        verify_room_remove(&v);
    }
}
