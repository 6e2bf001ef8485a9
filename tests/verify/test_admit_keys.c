/* Who may sign what is admitted. */
#include "tests/support/verify_room.h"
#include "verify/trust_edit.h"
#include <criterion/criterion.h>
#include <string.h>

Test(admit, a_manifest_signed_as_something_else_is_refused_as_that)
{
    struct one_file f;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    cr_assert_eq(envelope_sign("application/vnd.assay.approval+json", span_text("{}"),
                               v.keys[ROLE_PUBLISHER], &envelope, &e),
                 ST_OK);
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.manifest_envelope = buf_span(&envelope);
    cr_expect_neq(verify_room_add(&v, &f, &out, &e), ST_OK);
    cr_expect_str_eq(err_code(&e), "manifest-type");
    cr_expect(out.quarantined);
    verify_room_remove(&v);
}

Test(admit, a_key_that_publishes_nothing_seals_nothing)
{
    struct one_file f;
    struct err e = ERR_NONE;
    struct artifact a;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    v.admit.publisher = v.keys[ROLE_GATE];
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.version = "1";
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_UNTRUSTED, "%s", e.detail);
    cr_expect_eq(artifact_find(v.r.s, v.trust, "notes@1", v.now, &a, &e), ST_NOT_FOUND);
    verify_room_remove(&v);
}

/* Gives a second key the role publisher. */
static void another_publisher(struct verify_room *v, const struct signer *key)
{
    struct err e = ERR_NONE;
    SCOPED(trust_scope) struct trust *next = NULL;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    cr_assert_eq(trust_edit_begin(v->trust, true, &next, &e), ST_OK);
    cr_assert_eq(trust_edit_add(next, ROLE_PUBLISHER, signer_public(key), "another", &e), ST_OK);
    cr_assert_eq(trust_propose(next, v->keys[ROLE_ROOT], &envelope, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(trust_install(v->r.s, buf_span(&envelope), v->r.clock, v->r.log, &e), ST_OK);
    trust_free(v->trust);
    v->trust = NULL;
    cr_assert_eq(trust_load(v->r.s, &v->trust, &e), ST_OK, "%s", e.detail);
}

Test(admit, a_lost_manifest_comes_back_by_the_key_that_signed_it_and_by_no_other)
{
    struct err e = ERR_NONE;
    struct store_facts before, after;
    struct content c;
    char pack[256];
    struct verify_room v = verify_room_make();
    const struct signer *const keys[] = {v.keys[ROLE_PUBLISHER], v.keys[ROLE_NONE],
                                         v.keys[ROLE_PUBLISHER]};
    another_publisher(&v, v.keys[ROLE_NONE]);
    cr_assert_eq(room_add(&v.r, span_text("some words"), &c, &e), ST_OK); /* in a pack of its own */
    for (size_t i = 0; i < 3; i++) {
        struct one_file f;
        SCOPED(admit_result_release) struct admit_result out = {0};
        one_file(&f, "notes.txt", span_text("some words"));
        f.request.version = "1";
        v.admit.publisher = keys[i];
        cr_assert_eq(store_facts(v.r.s, &before, &e), ST_OK);
        cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_OK, "%zu: %s", i, e.detail);
        cr_assert_eq(store_facts(v.r.s, &after, &e), ST_OK);
        cr_expect_eq(after.seq > before.seq, i != 1, "key %zu", i);
        if (i == 0) {
            room_newest_pack(&v.r, pack);
            cr_assert_eq(temp_run(&v.r.t, "rm %s", pack), 0);
            room_reopen(&v.r);
        }
    }
    verify_room_remove(&v);
}

/* Refused for its manifest, which is `envelope`. */
static void manifest_refused(struct verify_room *v, struct span envelope, const char *code)
{
    struct one_file f;
    struct err e = ERR_NONE;
    SCOPED(admit_result_release) struct admit_result out = {0};
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.manifest_envelope = envelope;
    cr_expect_eq(verify_room_add(v, &f, &out, &e), ST_QUARANTINED, "%s: %s", code, e.detail);
    cr_expect_str_eq(err_code(&e), code, "%s", e.detail);
    cr_expect(out.quarantined);
}

Test(admit, a_manifest_that_is_none_is_refused_for_what_is_wrong_with_it)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    struct verify_room v = verify_room_make();
    manifest_refused(&v, span_text("{}"), "envelope-type");
    cr_assert_eq(
        envelope_sign(MANIFEST_TYPE, span_text("{}"), v.keys[ROLE_PUBLISHER], &envelope, &e),
        ST_OK);
    manifest_refused(&v, buf_span(&envelope), "manifest-missing");
    verify_room_remove(&v);
}

Test(admit, without_a_trust_no_publishers_manifest_is_believed)
{
    struct one_file f;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    cr_assert_eq(
        envelope_sign(MANIFEST_TYPE, span_text("{}"), v.keys[ROLE_PUBLISHER], &envelope, &e),
        ST_OK);
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.manifest_envelope = buf_span(&envelope);
    cr_expect_eq(admit(v.r.s, NULL, &v.admit, &f.request, NULL, &out, &e), ST_UNTRUSTED);
    cr_expect_str_eq(err_code(&e), "no-trust");
    verify_room_remove(&v);
}

Test(admit, what_no_manifest_can_hold_is_said_of_the_file)
{
    char words[2000];
    struct one_file f;
    struct err e = ERR_NONE;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.license = words;
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "license");
    cr_expect_str_eq(e.subject, "notes.txt");
    e = ERR_NONE;
    one_file(&f, "notes.txt", span_text("some words"));
    f.file.path = "a\\b";
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "manifest-member");
    cr_expect_str_eq(e.subject, "notes.txt");
    verify_room_remove(&v);
}

Test(admit, the_name_of_an_artifact_that_was_removed_stays_its_own)
{
    struct one_file f;
    struct err e = ERR_NONE;
    char hex[DIGEST_TEXT];
    const struct digest other = digest_of(span_text("what it was"));
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    digest_text(&other, hex);
    cr_assert_eq(room_set(&v.r, "removed/notes@1", hex, NULL, &e), ST_OK, "%s", e.detail);
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.version = "1";
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_EXISTS, "%s", e.detail);
    cr_expect_str_eq(err_code(&e), "name-bound");
    cr_expect_not_null(strstr(e.detail, "which was removed"), "%s", e.detail);
    verify_room_remove(&v);
}
