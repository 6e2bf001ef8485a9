#include "base/text.h"
#include "runtime/session.h"
#include "tests/support/verify_room.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void add_text(struct verify_room *v, const char *label, const char *version,
                     const char *text)
{
    struct err e = ERR_NONE;
    struct one_file f;
    SCOPED(admit_result_release) struct admit_result out = {0};
    one_file(&f, label, span_text(text));
    f.request.version = version;
    cr_assert_eq(verify_room_add(v, &f, &out, &e), ST_OK, "%s: %s", err_code(&e), e.detail);
}

static enum status find(struct verify_room *v, const char *ref, struct artifact *a, struct err *e)
{
    *e = ERR_NONE;
    return artifact_find(v->r.s, v->trust, ref, v->now, a, e);
}

Test(artifact, is_found_by_name_and_version_and_by_either_digest)
{
    struct err e;
    struct artifact a, b;
    char hex[DIGEST_TEXT], ref[100];
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK, "%s", e.detail);
    cr_expect_str_eq(a.manifest.name, "notes");
    cr_expect(a.self_signed);
    cr_expect_str_eq(a.channel, "");
    digest_text(&a.digest, hex);
    for (size_t i = 0; i < 4; i++) {
        static const int digits[] = {64, 64, 8, 12};
        text_fmt(ref, sizeof ref, "%s%.*s", i % 2 == 1 ? "sha256:" : "", digits[i], hex);
        cr_expect_eq(find(&v, ref, &b, &e), ST_OK, "%s: %s", ref, e.detail);
        cr_expect(digest_equal(&a.digest, &b.digest), "%s", ref);
        artifact_release(&b);
    }
    digest_text(&a.content, hex);
    cr_expect_eq(find(&v, hex, &b, &e), ST_OK, "%s", e.detail);
    cr_expect(digest_equal(&a.digest, &b.digest));
    artifact_release(&a);
    artifact_release(&b);
    verify_room_remove(&v);
}

Test(artifact, content_of_two_artifacts_is_ambiguous)
{
    struct err e;
    struct artifact a;
    char hex[DIGEST_TEXT];
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    add_text(&v, "notes.txt", "2", "some words");
    struct digest content = digest_of(span_text("some words"));
    digest_text(&content, hex);
    cr_expect_eq(find(&v, hex, &a, &e), ST_AMBIGUOUS);
    cr_expect_not_null(strstr(e.detail, ", "), "%s", e.detail);
    verify_room_remove(&v);
}

Test(artifact, what_is_no_ref_is_refused_before_the_store_is_asked)
{
    struct err e;
    struct artifact a;
    struct verify_room v = verify_room_make();
    static const char *const no_refs[] = {
        "",          "abc",  "1234567", "ABCDEF0123", "no such thing", "@",       "x@",
        "@1",        "X@1",  "a@b@c",   "../x",       "a/b@1",         "sha256:", "sha256:12",
        "a@\x1b[2J", "a@..", "-rf@1",   "12345678g",  "a@1/../2",      "name/a@1"};
    for (size_t i = 0; i < sizeof no_refs / sizeof no_refs[0]; i++)
        cr_expect_eq(find(&v, no_refs[i], &a, &e), ST_USAGE, "\"%s\"", no_refs[i]);
    cr_expect_eq(find(&v, "gone@1", &a, &e), ST_NOT_FOUND);
    cr_expect_eq(find(&v, "gone@stable", &a, &e), ST_NOT_FOUND);
    cr_expect_str_eq(e.detail, "nothing named gone is in stable");
    cr_expect_eq(find(&v, "0123456789abcdef", &a, &e), ST_NOT_FOUND);
    verify_room_remove(&v);
}

Test(artifact, a_channel_is_looked_up_before_a_version)
{
    struct err e;
    struct artifact a, b;
    char hex[DIGEST_TEXT], holder[200];
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    digest_text(&a.digest, hex);
    text_fmt(holder, sizeof holder, "{\"artifact\":\"%s\"}", hex);
    cr_assert_eq(room_set(&v.r, "channel/notes/preview", holder, NULL, &e), ST_OK);
    cr_expect_eq(find(&v, "notes@preview", &b, &e), ST_OK, "%s", e.detail);
    cr_expect_str_eq(b.channel, "preview");
    cr_expect(digest_equal(&a.digest, &b.digest));
    artifact_release(&a);
    artifact_release(&b);
    verify_room_remove(&v);
}

Test(artifact, a_manifest_that_was_swapped_is_found_out)
{
    struct err e;
    struct artifact a, b;
    char hex[DIGEST_TEXT], key[100];
    SCOPED(buf_release) struct buf other = BUF_EMPTY;
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    add_text(&v, "other.txt", "1", "other words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    cr_assert_eq(find(&v, "other@1", &b, &e), ST_OK);
    digest_text(&b.digest, hex);
    text_fmt(key, sizeof key, "artifact/%s", hex);
    cr_assert_eq(store_get(v.r.s, key, &other, &e), ST_OK);
    buf_byte(&other, 0);
    digest_text(&a.digest, hex);
    text_fmt(key, sizeof key, "artifact/%s", hex);
    cr_assert_eq(room_set(&v.r, key, (const char *)other.p, NULL, &e), ST_OK);
    artifact_release(&a);
    cr_expect_eq(find(&v, "notes@1", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "manifest-digest");
    artifact_release(&a);
    artifact_release(&b);
    verify_room_remove(&v);
}

Test(artifact, a_trust_that_expired_finds_nothing)
{
    struct err e = ERR_NONE;
    struct artifact a;
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_expect_eq(artifact_find(v.r.s, v.trust, "notes@1", v.now + 100000, &a, &e), ST_EXPIRED);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(artifact, a_model_is_loaded_from_a_sealed_memory_file)
{
    struct err e = ERR_NONE;
    struct loaded *l = NULL;
    struct verify_room v = verify_room_make();
    struct artifact a = verify_room_model(&v);
    cr_assert_eq(artifact_load(v.r.s, &a, &l, NULL, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(model_facts(loaded_model(l))->format, MODEL_FORMAT_SLM1);
    cr_expect_lt(write(loaded_fd(l), "x", 1), 0);
    cr_expect_lt(ftruncate(loaded_fd(l), 0), 0);
    loaded_close(l);
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(artifact, an_opaque_one_is_never_loaded)
{
    struct err e;
    struct artifact a;
    struct loaded *l = NULL;
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    cr_expect_eq(artifact_load(v.r.s, &a, &l, NULL, &e), ST_USAGE);
    cr_expect_str_eq(err_code(&e), "opaque");
    artifact_release(&a);
    verify_room_remove(&v);
}

/* Puts another value under a key of the state, as the log key can. */
static void say(struct verify_room *v, const char *key, const char *value)
{
    struct err e = ERR_NONE;
    cr_assert_eq(room_set(&v->r, key, value, NULL, &e), ST_OK, "%s", e.detail);
}

Test(artifact, a_state_that_names_nothing_is_told_and_not_followed)
{
    struct err e;
    struct artifact a;
    struct verify_room v = verify_room_make();
    say(&v, "artifact/abcdef0123", "{}");
    cr_expect_eq(find(&v, "abcdef01", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-key");
    say(&v, "name/notes@1", "no digest");
    cr_expect_eq(find(&v, "notes@1", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-value");
    say(&v, "channel/notes/preview", "{\"artifact\":7}");
    cr_expect_eq(find(&v, "notes@preview", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-value");
    say(&v, "channel/notes/preview", "{\"artifact\":null}");
    cr_expect_eq(find(&v, "notes@preview", &a, &e), ST_NOT_FOUND);
    verify_room_remove(&v);
}

Test(artifact, facts_that_are_damaged_or_name_other_content_are_told)
{
    struct err e;
    struct artifact a;
    char hex[DIGEST_TEXT], key[STORE_KEY_MAX];
    SCOPED(buf_release) struct buf facts = BUF_EMPTY;
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    digest_text(&a.digest, hex);
    text_fmt(key, sizeof key, "artifact/%s", hex);
    cr_assert_eq(store_get(v.r.s, key, &facts, &e), ST_OK);
    buf_byte(&facts, 0);
    digest_text(&a.content, hex);
    artifact_release(&a);
    char *content = strstr((char *)facts.p, hex);
    cr_assert_not_null(content);
    content[5] = content[5] == '0' ? '1' : '0';
    say(&v, key, (const char *)facts.p);
    cr_expect_eq(find(&v, "notes@1", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "content-digest");
    artifact_release(&a);
    say(&v, key, "{}");
    cr_expect_eq(find(&v, "notes@1", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-value");
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(artifact, without_the_model_that_its_manifest_states_hands_none_out)
{
    struct err e;
    struct artifact a, b;
    const struct manifest_file *file = NULL;
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    struct manifest_file files[2] = {a.manifest.files[0], a.manifest.files[0]};
    b = a;
    b.manifest.files = files;
    b.manifest.file_count = 2;
    b.manifest.model.present = true;
    cr_expect_eq(artifact_model_file(v.r.s, &b, &file, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "no-model");
    cr_expect_null(file);
    artifact_release(&a);
    verify_room_remove(&v);
}

/* The facts of an artifact whose manifest is `payload`, which a publisher signed; found by the
 * first digits of its digest. */
static void say_artifact(struct verify_room *v, struct span payload, const struct digest *content,
                         char ref[DIGEST_TEXT])
{
    struct err e = ERR_NONE;
    struct digest envelope, artifact = digest_of(payload);
    char key[STORE_KEY_MAX], facts[400], manifest[DIGEST_TEXT], hex[DIGEST_TEXT];
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    cr_assert_eq(envelope_sign(MANIFEST_TYPE, payload, v->keys[ROLE_PUBLISHER], &text, &e), ST_OK);
    cr_assert_eq(room_document(&v->r, buf_span(&text), &envelope, &e), ST_OK);
    digest_text(&artifact, ref);
    digest_text(&envelope, manifest);
    digest_text(content, hex);
    text_fmt(key, sizeof key, "artifact/%s", ref);
    text_fmt(facts, sizeof facts,
             "{\"content\":\"%s\",\"manifest\":\"%s\",\"self_signed\":true,\"time\":\"\"}", hex,
             manifest);
    say(v, key, facts);
}

Test(artifact, a_manifest_that_is_none_names_no_artifact_whoever_signed_it)
{
    struct err e;
    struct artifact a;
    char ref[DIGEST_TEXT];
    const struct digest none = {{0}};
    struct verify_room v = verify_room_make();
    say_artifact(&v, span_text("{}"), &none, ref);
    cr_expect_eq(find(&v, ref, &a, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "manifest-missing");
    cr_expect_str_eq(e.stage, "manifest");
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(artifact, a_signature_that_the_state_names_wrongly_is_told)
{
    struct err e;
    struct artifact a;
    char hex[DIGEST_TEXT], key[STORE_KEY_MAX];
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    digest_text(&a.digest, hex);
    artifact_release(&a);
    text_fmt(key, sizeof key, "signature/%s/0123456789ABCDEF", hex);
    say(&v, key, "no digest");
    cr_expect_eq(find(&v, "notes@1", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "state-value");
    artifact_release(&a);
    verify_room_remove(&v);
}

Test(artifact, a_name_that_leads_to_another_artifact_is_found_out)
{
    struct err e;
    struct artifact a;
    char hex[DIGEST_TEXT];
    struct verify_room v = verify_room_make();
    add_text(&v, "notes.txt", "1", "some words");
    add_text(&v, "other.txt", "1", "other words");
    cr_assert_eq(find(&v, "other@1", &a, &e), ST_OK);
    digest_text(&a.digest, hex);
    artifact_release(&a);
    say(&v, "name/notes@1", hex);
    cr_expect_eq(find(&v, "notes@1", &a, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "ref-swapped");
    cr_expect_str_eq(e.subject, "notes@1");
    verify_room_remove(&v);
}

Test(artifact, bytes_that_are_no_model_are_not_run_whatever_their_manifest_says)
{
    struct err e;
    struct artifact a;
    char ref[DIGEST_TEXT];
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    SCOPED(loaded_scope) struct loaded *l = NULL;
    struct verify_room v = verify_room_make();
    struct artifact model = verify_room_model(&v);
    add_text(&v, "notes.txt", "1", "some words");
    cr_assert_eq(find(&v, "notes@1", &a, &e), ST_OK);
    a.manifest.model = model.manifest.model;
    cr_assert_eq(manifest_encode(&a.manifest, &payload, &e), ST_OK, "%s", e.detail);
    const struct digest content = a.content;
    artifact_release(&a);
    say_artifact(&v, buf_span(&payload), &content, ref);
    cr_assert_eq(find(&v, ref, &a, &e), ST_OK, "%s", e.detail);
    cr_expect_neq(artifact_load(v.r.s, &a, &l, NULL, &e), ST_OK);
    cr_expect_null(l);
    cr_expect_str_eq(e.subject, "notes@1");
    artifact_release(&a);
    artifact_release(&model);
    verify_room_remove(&v);
}

Test(artifact, is_published_by_as_many_as_the_role_asks_for)
{
    for (unsigned have = 0; have < 3; have++) {
        struct err e = ERR_NONE;
        const struct artifact a = {.publishers = have, .publishers_needed = 2};
        cr_expect_eq(artifact_published(&a, &e), have < 2 ? ST_UNTRUSTED : ST_OK);
        if (have < 2)
            cr_expect_str_eq(err_code(&e), "below-threshold");
    }
    struct err e = ERR_NONE;
    const struct artifact nobody = {.publishers = 0, .publishers_needed = 0};
    cr_expect_eq(artifact_published(&nobody, &e), ST_UNTRUSTED);
}
