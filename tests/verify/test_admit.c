#include "base/files.h"
#include "base/text.h"
#include "tests/support/ascii_model.h"
#include "tests/support/gguf_make.h"
#include "tests/support/verify_room.h"
#include "verify/admit_name.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static struct buf model(void)
{
    return make_ascii_slm1(&(struct make){.dtype = MAKE_Q8_0});
}

/* ---- names -------------------------------------------------------------------------------- */

Test(admit, a_name_is_the_cleaned_stem)
{
    static const struct {
        const char *label, *name;
        bool folder;
    } cases[] = {{"stories260K-f32.gguf", "stories260k-f32", false},
                 {"/tmp/My Model (1).slm", "my-model--1", false},
                 {"-", "stdin", false},
                 {".hidden", "hidden", false},
                 {"___", "unnamed", false},
                 {"dir/v1.2/", "v1.2", true},
                 {"a.tar.zst", "a.tar", false},
                 {"\x1b]0;x\x07.bin", "0-x", false},
                 {"M\xc3\xa4rchen.gguf", "m--rchen", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[MANIFEST_NAME_MAX];
        admit_default_name(cases[i].label, cases[i].folder, name);
        cr_expect_str_eq(name, cases[i].name);
        cr_expect(manifest_name_valid(name), "%s", name);
    }
    char longest[400], name[MANIFEST_NAME_MAX];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    admit_default_name(longest, false, name);
    cr_expect_eq(strlen(name), 128u);
    cr_expect(manifest_name_valid(name));
}

/* ---- what is admitted --------------------------------------------------------------------- */

Test(admit, a_file_that_claims_nothing_is_opaque)
{
    struct err e = ERR_NONE;
    struct one_file f;
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    one_file(&f, "dir/Notes.txt", span_text("some words"));
    f.request.license = "CC0-1.0";
    f.request.source_uri = "https://example.org/notes";
    cr_assert_eq(verify_room_add(&v, &f, &out, &e), ST_OK, "%s", e.detail);
    cr_expect_not(out.manifest.model.present);
    cr_expect_not(out.existed);
    cr_expect_str_eq(out.manifest.name, "notes");
    cr_expect_eq(strlen(out.manifest.version), 12u);
    cr_expect_str_eq(out.manifest.license, "CC0-1.0");
    cr_expect_str_eq(out.manifest.files[0].path, "Notes.txt");
    cr_expect_eq(out.content.bytes, 10u);
    verify_room_remove(&v);
}

Test(admit, a_model_is_admitted_with_its_facts)
{
    struct err e = ERR_NONE;
    struct one_file f;
    SCOPED(admit_result_release) struct admit_result out = {0};
    SCOPED(buf_release) struct buf m = model();
    struct verify_room v = verify_room_make();
    one_file(&f, "tiny.slm", buf_span(&m));
    cr_assert_eq(verify_room_add(&v, &f, &out, &e), ST_OK, "%s: %s", err_code(&e), e.detail);
    const struct manifest_model *facts = &out.manifest.model;
    cr_expect(facts->present);
    cr_expect_str_eq(facts->format, "slm1");
    cr_expect_str_eq(facts->quantization, "q8_0");
    cr_expect_str_eq(facts->tokenizer_kind, "byte");
    cr_expect_eq(facts->vocab, 260u);
    cr_expect_eq(facts->hidden, 32u);
    cr_expect_eq(strlen(facts->internal_checksum), 16u);
    verify_room_remove(&v);
}

Test(admit, the_same_again_exists_and_is_no_error)
{
    struct err e = ERR_NONE;
    struct one_file f;
    struct store_facts before, after;
    SCOPED(buf_release) struct buf m = model();
    struct verify_room v = verify_room_make();
    SCOPED(admit_result_release) struct admit_result first = {0};
    SCOPED(admit_result_release) struct admit_result second = {0};
    one_file(&f, "tiny.slm", buf_span(&m));
    cr_assert_eq(verify_room_add(&v, &f, &first, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(store_facts(v.r.s, &before, &e), ST_OK);
    one_file(&f, "tiny.slm", buf_span(&m));
    cr_assert_eq(verify_room_add(&v, &f, &second, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(store_facts(v.r.s, &after, &e), ST_OK);
    cr_expect(second.existed);
    cr_expect(digest_equal(&first.artifact, &second.artifact));
    cr_expect_eq(second.content.new_bytes, 0u);
    cr_expect_eq(before.seq, after.seq, "the ledger grew");
    verify_room_remove(&v);
}

Test(admit, a_version_never_changes_its_bytes)
{
    struct err e = ERR_NONE;
    struct one_file f;
    struct artifact a;
    struct verify_room v = verify_room_make();
    SCOPED(admit_result_release) struct admit_result first = {0};
    SCOPED(admit_result_release) struct admit_result second = {0};
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.version = "1";
    cr_assert_eq(verify_room_add(&v, &f, &first, &e), ST_OK);
    one_file(&f, "notes.txt", span_text("other words"));
    f.request.version = "1";
    cr_expect_eq(verify_room_add(&v, &f, &second, &e), ST_EXISTS);
    cr_expect_not_null(strstr(e.detail, "notes@1"), "%s", e.detail);
    cr_expect_not(second.quarantined);
    e = ERR_NONE;
    cr_assert_eq(artifact_find(v.r.s, v.trust, "notes@1", v.now, &a, &e), ST_OK);
    cr_expect(digest_equal(&a.digest, &first.artifact));
    artifact_release(&a);
    verify_room_remove(&v);
}

/* words@1 was admitted as notes.txt, of a licence; adds these words under another file name. */
static enum status add_again(const char *words, const char *license, const char *revision,
                             bool *same, struct admit_result *again, struct err *e)
{
    struct one_file f;
    struct verify_room v = verify_room_make();
    SCOPED(admit_result_release) struct admit_result first = {0};
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.name = "words";
    f.request.version = "1";
    f.request.license = "CC0-1.0";
    cr_assert_eq(verify_room_add(&v, &f, &first, e), ST_OK, "%s", e->detail);
    one_file(&f, "other.bin", span_text(words));
    f.request.name = "words";
    f.request.version = "1";
    f.request.license = license;
    f.request.revision = revision;
    enum status st = verify_room_add(&v, &f, again, e);
    *same = digest_equal(&first.artifact, &again->artifact) &&
            digest_equal(&first.content.sha256, &again->content.sha256);
    verify_room_remove(&v);
    return st;
}

Test(admit, the_same_bytes_under_another_file_name_are_the_artifact_that_has_the_name)
{
    struct err e = ERR_NONE;
    bool same = false;
    SCOPED(admit_result_release) struct admit_result again = {0};
    cr_assert_eq(add_again("some words", NULL, NULL, &same, &again, &e), ST_OK, "%s", e.detail);
    cr_expect(same && again.existed && again.as_before && !again.brought_back);
    cr_expect_str_eq(again.manifest.files[0].path, "notes.txt");
    cr_expect_str_eq(again.manifest.license, "CC0-1.0");
}

Test(admit, what_is_said_of_the_same_bytes_may_not_contradict_what_was_signed)
{
    struct err e = ERR_NONE;
    bool same = false;
    SCOPED(admit_result_release) struct admit_result a = {0};
    SCOPED(admit_result_release) struct admit_result b = {0};
    SCOPED(admit_result_release) struct admit_result c = {0};
    cr_expect_eq(add_again("some words", "MIT", NULL, &same, &a, &e), ST_EXISTS);
    cr_expect_not_null(strstr(e.detail, "leave --license out"), "%s", e.detail);
    cr_expect_eq(add_again("some words", "CC0-1.0", "r2", &same, &b, &e), ST_EXISTS);
    cr_expect_not_null(strstr(e.detail, "leave --revision out"), "%s", e.detail);
    cr_expect_eq(add_again("some wordz", NULL, NULL, &same, &c, &e), ST_EXISTS);
    cr_expect_not_null(strstr(e.detail, "never changes its bytes"), "%s", e.detail);
}

Test(admit, a_folder_is_one_artifact_whose_digest_is_its_listing)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf m = model();
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct span_source readme = {span_text("read me")}, bytes = {buf_span(&m)};
    struct admit_file files[] = {{.path = "tiny.slm", .from = source_over(&bytes)},
                                 {.path = "README", .from = source_over(&readme)}};
    struct admit_request r = {.label = "pack/", .given = files, .given_count = 2, .folder = true};
    cr_assert_eq(admit(v.r.s, v.trust, &v.admit, &r, NULL, &out, &e), ST_OK, "%s", e.detail);
    char a[DIGEST_TEXT], b[DIGEST_TEXT], listing[400];
    struct digest da = digest_of(span_text("read me")), db = digest_of(buf_span(&m));
    digest_text(&da, a);
    digest_text(&db, b);
    text_fmt(listing, sizeof listing, "%s  README\n%s  tiny.slm\n", a, b);
    struct digest whole = digest_of(span_text(listing));
    cr_expect(digest_equal(&out.content.sha256, &whole));
    cr_expect_str_eq(out.manifest.name, "pack");
    cr_expect(out.manifest.model.present);
    struct artifact found;
    struct loaded *l = NULL;
    cr_assert_eq(artifact_open(v.r.s, v.trust, &out.artifact, v.now, &found, &e), ST_OK, "%s",
                 e.detail);
    cr_expect_eq(artifact_load(v.r.s, &found, &l, NULL, &e), ST_OK, "%s", e.detail);
    loaded_close(l);
    artifact_release(&found);
    verify_room_remove(&v);
}

Test(admit, a_folder_of_two_models_is_to_be_added_one_by_one)
{
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf m = model();
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct span_source one = {buf_span(&m)}, two = {buf_span(&m)};
    struct admit_file files[] = {{.path = "a.slm", .from = source_over(&one)},
                                 {.path = "b.slm", .from = source_over(&two)}};
    struct admit_request r = {.label = "pack", .given = files, .given_count = 2, .folder = true};
    cr_expect_eq(admit(v.r.s, v.trust, &v.admit, &r, NULL, &out, &e), ST_USAGE);
    cr_expect_not_null(strstr(e.detail, "one by one"), "%s", e.detail);
    cr_expect_eq(verify_room_quarantined(&v), 0u);
    verify_room_remove(&v);
}

/* ---- what is asked for makes no sense ------------------------------------------------------ */

Test(admit, a_channels_name_is_no_version)
{
    static const char *const channels[] = {"preview", "stable", "candidate", "retired",
                                           "quarantined"};
    struct verify_room v = verify_room_make();
    for (size_t i = 0; i < 5; i++) {
        struct err e = ERR_NONE;
        struct one_file f;
        SCOPED(admit_result_release) struct admit_result out = {0};
        one_file(&f, "notes.txt", span_text("words"));
        f.request.version = channels[i];
        cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_USAGE, "%s", channels[i]);
        cr_expect_str_eq(err_code(&e), "version");
    }
    verify_room_remove(&v);
}

Test(admit, a_name_that_is_none_is_refused)
{
    static const char *const names[] = {"",    "A",       "a b", "../x", "-rf",
                                        "a/b", "\x1b[2J", ".",   "a@b"};
    struct verify_room v = verify_room_make();
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++) {
        struct err e = ERR_NONE;
        struct one_file f;
        SCOPED(admit_result_release) struct admit_result out = {0};
        one_file(&f, "notes.txt", span_text("words"));
        f.request.name = names[i];
        cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_USAGE, "\"%s\"", names[i]);
    }
    verify_room_remove(&v);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void expect_refused(struct verify_room *v, struct one_file *f, enum status st,
                           const char *stage, const char *code)
{
    struct err e = ERR_NONE;
    struct store_facts before, after;
    SCOPED(admit_result_release) struct admit_result out = {0};
    size_t held = verify_room_quarantined(v);
    cr_assert_eq(store_facts(v->r.s, &before, &e), ST_OK);
    cr_expect_eq(verify_room_add(v, f, &out, &e), st, "%s: %s: %s", status_slug(e.status),
                 err_code(&e), e.detail);
    cr_expect(out.quarantined);
    cr_expect_str_eq(err_code(&e), code);
    cr_expect_str_eq(e.stage != NULL ? e.stage : "", stage);
    cr_expect_str_eq(out.quarantine.code, code);
    cr_expect_str_eq(out.quarantine.stage, stage);
    cr_expect_eq(out.quarantine.offset, e.offset);
    cr_expect_str_eq(out.quarantine.name, f->request.label);
    cr_expect_eq(verify_room_quarantined(v), held + 1);
    cr_assert_eq(store_facts(v->r.s, &after, &e), ST_OK);
    cr_expect_eq(after.seq, before.seq + 1);
}

Test(admit, another_digest_than_expected_goes_to_quarantine)
{
    struct one_file f;
    struct verify_room v = verify_room_make();
    struct digest other = digest_of(span_text("other words"));
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.expect = &other;
    expect_refused(&v, &f, ST_QUARANTINED, "digest", "expect");
    struct err e = ERR_NONE;
    struct artifact a;
    cr_expect_eq(artifact_find(v.r.s, v.trust, "notes", v.now, &a, &e), ST_USAGE);
    struct digest right = digest_of(span_text("some words"));
    SCOPED(admit_result_release) struct admit_result out = {0};
    one_file(&f, "notes.txt", span_text("some words"));
    f.request.expect = &right;
    e = ERR_NONE;
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_OK);
    verify_room_remove(&v);
}

Test(admit, what_claims_to_be_a_model_and_is_none_goes_to_quarantine)
{
    struct one_file f;
    struct verify_room v = verify_room_make();
    one_file(&f, "words.slm", span_text("these are no tensors"));
    struct err e = ERR_NONE;
    SCOPED(admit_result_release) struct admit_result out = {0};
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_QUARANTINED);
    cr_expect(out.quarantined);
    one_file(&f, "words.gguf", span_text("these are no tensors"));
    SCOPED(admit_result_release) struct admit_result again = {0};
    cr_expect_eq(verify_room_add(&v, &f, &again, &e), ST_QUARANTINED);
    verify_room_remove(&v);
}

Test(admit, a_changed_byte_is_refused_with_stage_and_offset)
{
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf m = model();
    static const size_t places[] = {0, 4, 8, 24, 40, 60, 72, 101, 110, 400};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct one_file f;
        struct err e = ERR_NONE;
        SCOPED(admit_result_release) struct admit_result out = {0};
        m.p[places[i]] ^= 0x40;
        one_file(&f, "tiny.slm", buf_span(&m));
        cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_QUARANTINED, "byte %zu: %s", places[i],
                     e.detail);
        cr_expect_neq(e.code, NULL);
        cr_expect_neq(e.stage, NULL);
        cr_expect_str_neq(out.quarantine.stage, "");
        m.p[places[i]] ^= 0x40;
    }
    verify_room_remove(&v);
}

Test(admit, a_truncated_model_is_refused_and_what_was_parsed_is_kept)
{
    struct one_file f;
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(buf_release) struct buf m = model();
    SCOPED(admit_result_release) struct admit_result out = {0};
    one_file(&f, "tiny.slm", SPAN(m.p, m.n - 64));
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_QUARANTINED, "%s", e.detail);
    SCOPED(json_scope) struct json *parsed = NULL;
    cr_assert_eq(json_parse(buf_span(&out.quarantine.parsed), 65536, &parsed, &e), ST_OK);
    uint64_t hidden = 0;
    cr_expect(json_as_u64(json_get(parsed, "hidden"), &hidden));
    cr_expect_eq(hidden, 32u);
    verify_room_remove(&v);
}

Test(admit, a_foreign_format_is_refused_by_name)
{
    static const uint8_t pickle[] = "\x80\x02}q\x00(X\x05\x00\x00\x00modelq\x01K\x01u.";
    struct one_file f;
    struct verify_room v = verify_room_make();
    one_file(&f, "weights.pkl", SPAN(pickle, sizeof pickle - 1));
    expect_refused(&v, &f, ST_QUARANTINED, "container", "foreign-format");
    verify_room_remove(&v);
}

Test(admit, a_model_asked_for_has_to_be_one)
{
    struct one_file f;
    struct err e = ERR_NONE;
    struct verify_room v = verify_room_make();
    SCOPED(admit_result_release) struct admit_result out = {0};
    SCOPED(admit_result_release) struct admit_result hidden = {0};
    SCOPED(buf_release) struct buf m = model();
    one_file(&f, "words", span_text("these are no tensors"));
    f.request.format = "slm1";
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_QUARANTINED);
    one_file(&f, "tiny", buf_span(&m));
    f.request.format = "opaque";
    e = ERR_NONE;
    cr_expect_eq(verify_room_add(&v, &f, &hidden, &e), ST_USAGE,
                 "a model cannot be passed off as opaque");
    verify_room_remove(&v);
}

/* ---- a publisher's manifest ---------------------------------------------------------------- */

/* The envelope of a manifest that says what `out` says, changed by `change`, signed by `key`. */
static void sign_manifest(const struct manifest *m, const struct signer *key, struct buf *envelope)
{
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    cr_assert_eq(manifest_encode(m, &payload, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(envelope_sign(MANIFEST_TYPE, buf_span(&payload), key, envelope, &e), ST_OK);
}

/* What the bytes of the model say, learned in another store. */
static struct admit_result learned(const struct buf *m)
{
    struct one_file f;
    struct err e = ERR_NONE;
    struct admit_result out = {0};
    struct verify_room other = verify_room_make();
    one_file(&f, memcmp(m->p, "GGUF", 4) == 0 ? "tiny.gguf" : "tiny.slm", buf_span(m));
    f.request.version = "7";
    cr_assert_eq(verify_room_add(&other, &f, &out, &e), ST_OK, "%s: %s", err_code(&e), e.detail);
    verify_room_remove(&other);
    return out;
}

Test(admit, a_signed_manifest_admits_exactly_what_it_says)
{
    struct one_file f;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf m = model();
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(admit_result_release) struct admit_result said = learned(&m);
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    sign_manifest(&said.manifest, v.keys[ROLE_PUBLISHER], &envelope);
    one_file(&f, "tiny.slm", buf_span(&m));
    f.request.manifest_envelope = buf_span(&envelope);
    cr_assert_eq(verify_room_add(&v, &f, &out, &e), ST_OK, "%s: %s", err_code(&e), e.detail);
    cr_expect_str_eq(out.manifest.version, "7");
    cr_expect(digest_equal(&out.artifact, &said.artifact));
    verify_room_remove(&v);
}

Test(admit, every_field_of_a_signed_manifest_is_compared_and_named)
{
    SCOPED(buf_release) struct buf m = model();
    SCOPED(admit_result_release) struct admit_result said = learned(&m);
    struct verify_room v = verify_room_make();
    static const char *const fields[] = {"model.parameters", "model.quantization",
                                         "model.shape.context", "model.tokenizer.sha256",
                                         "model.internal_checksum"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct one_file f;
        struct err e = ERR_NONE;
        SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
        SCOPED(admit_result_release) struct admit_result out = {0};
        struct manifest wrong = said.manifest;
        switch (i) {
        case 0: wrong.model.parameters++; break;
        case 1: memcpy(wrong.model.quantization, "f32", 4); break;
        case 2: wrong.model.context++; break;
        case 3: wrong.model.tokenizer_sha256.b[0] ^= 1; break;
        default:
            wrong.model.internal_checksum[3] = wrong.model.internal_checksum[3] == '0' ? '1' : '0';
            break;
        }
        sign_manifest(&wrong, v.keys[ROLE_PUBLISHER], &envelope);
        one_file(&f, "tiny.slm", buf_span(&m));
        f.request.manifest_envelope = buf_span(&envelope);
        cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_QUARANTINED, "%s", fields[i]);
        cr_expect_str_eq(err_code(&e), "manifest-field");
        cr_expect_not_null(strstr(e.detail, fields[i]), "%s: %s", fields[i], e.detail);
    }
    verify_room_remove(&v);
}

Test(admit, a_manifest_of_other_bytes_or_by_a_stranger_is_refused)
{
    struct one_file f;
    SCOPED(buf_release) struct buf m = model();
    SCOPED(buf_release) struct buf other = make_ascii_slm1(&(struct make){.dtype = MAKE_F32});
    SCOPED(buf_release) struct buf good = BUF_EMPTY;
    SCOPED(buf_release) struct buf strange = BUF_EMPTY;
    SCOPED(buf_release) struct buf gate = BUF_EMPTY;
    SCOPED(admit_result_release) struct admit_result said = learned(&m);
    struct verify_room v = verify_room_make();
    sign_manifest(&said.manifest, v.keys[ROLE_PUBLISHER], &good);
    sign_manifest(&said.manifest, v.keys[ROLE_NONE], &strange);
    sign_manifest(&said.manifest, v.keys[ROLE_GATE], &gate);
    one_file(&f, "tiny.slm", buf_span(&other));
    f.request.manifest_envelope = buf_span(&good);
    expect_refused(&v, &f, ST_QUARANTINED, "digest", "manifest-content");
    struct span wrong[] = {buf_span(&strange), buf_span(&gate)};
    for (size_t i = 0; i < 2; i++) {
        struct err e = ERR_NONE;
        SCOPED(admit_result_release) struct admit_result out = {0};
        one_file(&f, "tiny.slm", buf_span(&m));
        f.request.manifest_envelope = wrong[i];
        enum status st = verify_room_add(&v, &f, &out, &e);
        cr_expect_eq(status_exit(st), 5, "%s: %s", status_slug(st), e.detail);
        cr_expect(out.quarantined);
        cr_expect_str_eq(out.quarantine.stage, "signature");
    }
    verify_room_remove(&v);
}

Test(admit, what_is_asked_for_may_not_contradict_the_manifest)
{
    struct one_file f;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf m = model();
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(admit_result_release) struct admit_result said = learned(&m);
    SCOPED(admit_result_release) struct admit_result out = {0};
    struct verify_room v = verify_room_make();
    sign_manifest(&said.manifest, v.keys[ROLE_PUBLISHER], &envelope);
    one_file(&f, "tiny.slm", buf_span(&m));
    f.request.manifest_envelope = buf_span(&envelope);
    f.request.version = "8";
    cr_expect_eq(verify_room_add(&v, &f, &out, &e), ST_USAGE);
    cr_expect_not_null(strstr(e.detail, "version"), "%s", e.detail);
    verify_room_remove(&v);
}

/* ---- other people's files ------------------------------------------------------------------ */

static void add_corpus(struct verify_room *v, const char *name, struct admit_result *out,
                       enum status *st, struct err *e)
{
    char path[512];
    struct one_file f;
    SCOPED(buf_release) struct buf bytes = BUF_EMPTY;
    text_fmt(path, sizeof path, "%s/%s", getenv("ASSAY_CORPUS"), name);
    cr_assert_eq(file_read(AT_FDCWD, path, 64u << 20, &bytes, e), ST_OK, "%s", path);
    one_file(&f, path, buf_span(&bytes));
    *st = verify_room_add(v, &f, out, e);
}

Test(admit, models_of_the_corpus_are_admitted)
{
    static const char *const names[] = {"gguf/stories260K-f32.gguf", "gguf/stories260K-f16.gguf",
                                        "gguf/stories260K-q8_0.gguf"};
    if (getenv("ASSAY_CORPUS") == NULL)
        cr_skip_test("ASSAY_CORPUS is not set");
    struct verify_room v = verify_room_make();
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        enum status st;
        SCOPED(admit_result_release) struct admit_result out = {0};
        add_corpus(&v, names[i], &out, &st, &e);
        cr_expect_eq(st, ST_OK, "%s: %s: %s", names[i], err_code(&e), e.detail);
        cr_expect_str_eq(out.manifest.model.format, "gguf");
        cr_expect_eq(out.manifest.model.vocab, 512u);
    }
    verify_room_remove(&v);
}

Test(admit, formats_of_others_in_the_corpus_are_refused)
{
    static const char *const names[] = {"llama2c/stories260K.bin",
                                        "llama2c/stories260K-transposed.bin",
                                        "bad/mangled-utf8-gpt-2.gguf"};
    if (getenv("ASSAY_CORPUS") == NULL)
        cr_skip_test("ASSAY_CORPUS is not set");
    struct verify_room v = verify_room_make();
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_NONE;
        enum status st;
        SCOPED(admit_result_release) struct admit_result out = {0};
        add_corpus(&v, names[i], &out, &st, &e);
        cr_expect_eq(st, ST_QUARANTINED, "%s: %s: %s", names[i], err_code(&e), e.detail);
    }
    verify_room_remove(&v);
}

Test(admit, a_licence_inside_the_model_outweighs_a_signed_manifest)
{
    struct one_file f;
    SCOPED(gguf_draft_release)
    struct gguf_draft draft = gguf_draft(&(struct make){.dtype = MAKE_F32});
    SCOPED(buf_release) struct buf m = gguf_assemble(&draft);
    SCOPED(buf_release) struct buf envelope = BUF_EMPTY;
    SCOPED(admit_result_release) struct admit_result said = learned(&m);
    struct verify_room v = verify_room_make();
    cr_assert_str_eq(said.manifest.license, "Apache-2.0");
    text_fmt(said.manifest.license, sizeof said.manifest.license, "MIT");
    sign_manifest(&said.manifest, v.keys[ROLE_PUBLISHER], &envelope);
    one_file(&f, "tiny.gguf", buf_span(&m));
    f.request.manifest_envelope = buf_span(&envelope);
    expect_refused(&v, &f, ST_QUARANTINED, "manifest", "license");
    verify_room_remove(&v);
}
