/* What lies in a model's own texts and bytes, each kind both ways; and the gate's static part. */
#include "base/text.h"
#include "tests/support/gguf_make.h"
#include "tests/support/verify_room.h"
#include "verify/attestation.h"
#include "verify/lint.h"
#include <criterion/criterion.h>
#include <string.h>

#define TEXT(s) SPAN(s, sizeof(s) - 1)

static void expect_only(const struct linted *l, enum lint wanted, const char *what)
{
    for (int i = 0; i < LINT_COUNT; i++)
        cr_expect_eq(l->of[i].count > 0, (enum lint)i == wanted, "%s: %s %d", what,
                     lint_name((enum lint)i), (int)l->of[i].count);
}

Test(lint, each_kind_of_text_is_found_by_its_code)
{
    static const struct {
        enum lint what; /* LINT_COUNT: nothing */
        struct span text;
    } rows[] = {
        {LINT_URL, TEXT("see https://example.org/x")},
        {LINT_URL, TEXT("file:///etc/passwd")},
        {LINT_COUNT, TEXT("a ratio of 3://4, or ://")},
        {LINT_COUNT, TEXT("Apache-2.0")},
        {LINT_CONTROL, TEXT("red \x1b[31m")},
        {LINT_CONTROL, TEXT("title \x1b]0;owned\x07")},
        {LINT_CONTROL, TEXT("c1 \xc2\x9b"
                            "2J")},
        {LINT_CONTROL, TEXT("bidi \xe2\x80\xae")},
        {LINT_CONTROL, TEXT("no utf-8 \xff")},
        {LINT_CONTROL, TEXT("del \x7f")},
        {LINT_COUNT, TEXT("two\nlines\tand a tab; \xc3\xa9\xe6\x9d\xb1")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct linted l = {0};
        lint_value(&l, "general.name", rows[i].text);
        expect_only(&l, rows[i].what, (const char *)rows[i].text.p);
    }
}

Test(lint, each_kind_of_file_is_found_by_its_code)
{
    static const struct {
        enum lint what;
        bool head;
        struct span bytes;
    } rows[] = {
        {LINT_EXECUTABLE, false,
         TEXT("some text \x7f"
              "ELF\x02\x01")},
        {LINT_EXECUTABLE, false, TEXT("x\0asm\x01")},
        {LINT_EXECUTABLE, true, TEXT("#!/bin/sh\nrm")},
        {LINT_COUNT, false, TEXT("a #! in the middle")},
        {LINT_COUNT, true, TEXT("MZ is no program by itself")},
        {LINT_ARCHIVE, false, TEXT("padding PK\x03\x04\x14")},
        {LINT_ARCHIVE, false, TEXT("\x1f\x8b\x08\x08name")},
        {LINT_ARCHIVE, false, TEXT("x\x28\xb5\x2f\xfd")},
        {LINT_ARCHIVE, true, TEXT("\x80\x04\x95 pickle")},
        {LINT_COUNT, false, TEXT("the pickle \x80\x04 elsewhere")},
        {LINT_ENCODED, false, TEXT("payload: f0VMRgIBAQ==")},
        {LINT_ENCODED, false, TEXT("UEsDBBQAAAAI")},
        {LINT_COUNT, false, TEXT("PKZIP was a program; ELF is a format")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct linted l = {0};
        lint_bytes(&l, "blob", rows[i].bytes, rows[i].head);
        expect_only(&l, rows[i].what, (const char *)rows[i].bytes.p);
    }
    struct linted pe = {0}, tar = {0};
    uint8_t file[300] = "MZ";
    file[60] = 0x80;
    memcpy(file + 0x80, "PE\0\0", 4);
    lint_bytes(&pe, "blob", SPAN(file, sizeof file), true);
    expect_only(&pe, LINT_EXECUTABLE, "PE");
    memset(file, 'a', sizeof file);
    memcpy(file + 257, "ustar", 5);
    lint_bytes(&tar, "blob", SPAN(file, sizeof file), true);
    expect_only(&tar, LINT_ARCHIVE, "tar");
}

Test(lint, each_kind_of_code_in_a_template_is_found_and_a_plain_one_is_not)
{
    static const struct {
        enum lint what;
        const char *text;
    } rows[] = {
        {LINT_COUNT,
         "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}\n"
         "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"},
        {LINT_COUNT, "{{ positions.first }} {{ chaos.x }} the cost (evaluate)"},
        {LINT_TEMPLATE_CODE, "{{ ''.__class__ }}"},
        {LINT_TEMPLATE_CODE, "{{ x|attr('y') }}"},
        {LINT_TEMPLATE_CODE, "{{ cycler('a') }}"},
        {LINT_TEMPLATE_CODE, "{{ os.getcwd() }}"},
        {LINT_TEMPLATE_INCLUDE, "{% include 'other' %}"},
        {LINT_TEMPLATE_INCLUDE, "{%- import 'a' as b %}"},
        {LINT_TEMPLATE_CONDITION, "{% if 'zebra' in message['content'] %}say so{% endif %}"},
        {LINT_TEMPLATE_URL, "visit https://example.org"},
        {LINT_TEMPLATE_CONTROL, "hidden \xe2\x80\xae text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct linted l = {0};
        lint_template(&l, span_text(rows[i].text));
        expect_only(&l, rows[i].what, rows[i].text);
        cr_expect(l.has_template);
    }
}

Test(lint, what_is_told_is_read_back_and_lies_are_not)
{
    struct linted l = {0}, back;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(json_scope) struct json *v = NULL;
    lint_value(&l, "general.\x1b[2J", TEXT("https://e.org \x1b[31m"));
    lint_template(&l, TEXT("{{ x }}"));
    struct json_out j = json_out(&text);
    lint_write(&l, &j);
    cr_assert_eq(json_parse(buf_span(&text), 1u << 16, &v, &e), ST_OK);
    cr_assert_eq(lint_read(v, &back, &e), ST_OK);
    cr_expect_eq(back.of[LINT_URL].count, 1u);
    cr_expect_str_eq(back.of[LINT_URL].where, "general.?[2J");
    cr_expect(digest_equal(&back.chat_template, &l.chat_template));
    static const char *const lies[] = {"{}", "[]", "{\"finds\":[],\"template\":null}",
                                       "{\"finds\":7,\"template\":\"x\"}"};
    for (size_t i = 0; i < 4; i++) {
        SCOPED(json_scope) struct json *lie = NULL;
        cr_assert_eq(json_parse(span_text(lies[i]), 100, &lie, &e), ST_OK);
        cr_expect_eq(lint_read(lie, &back, &e), ST_FORMAT);
    }
}

/* ---- the gate ------------------------------------------------------------------------------ */

struct place {
    struct verify_room v;
    struct artifact a, b;
};

/* A model whose metadata has these texts; NULL: none. */
static struct artifact model(struct place *p, const char *version, const char *template,
                             const char *key, struct span value)
{
    struct err e = ERR_NONE;
    struct one_file f;
    struct artifact a;
    char ref[32];
    SCOPED(admit_result_release) struct admit_result added = {0};
    struct gguf_draft d = gguf_draft(&(struct make){.dtype = MAKE_F32});
    if (template != NULL)
        draft_text(&d, "tokenizer.chat_template", template);
    if (key != NULL) {
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        uint8_t n[8];
        put_le64(n, value.n);
        buf_append(&text, SPAN(n, 8));
        buf_append(&text, value);
        draft_raw(&d, span_text(key), 8, buf_span(&text));
    }
    SCOPED(buf_release) struct buf file = gguf_assemble(&d);
    gguf_draft_release(&d);
    one_file(&f, "m.gguf", buf_span(&file));
    f.request.version = version;
    cr_assert_eq(verify_room_add(&p->v, &f, &added, &e), ST_OK, "%s", e.detail);
    cr_assert_not(added.quarantined);
    text_fmt(ref, sizeof ref, "m@%s", version);
    cr_assert_eq(artifact_find(p->v.r.s, p->v.trust, ref, p->v.now, &a, &e), ST_OK, "%s", e.detail);
    return a;
}

static void gated(struct place *p, const struct artifact *a, const struct artifact *against,
                  const char *section, struct gate_result *out)
{
    struct err e = ERR_NONE;
    const struct gate_against other = {.artifact = against};
    cr_assert_eq(gate_run(GATE_SAFETY, p->v.r.s, a, against != NULL ? &other : NULL,
                          span_text(section), p->v.r.clock, NULL, out, &e),
                 ST_OK, "%s: %s", err_code(&e), e.detail);
}

static const struct gate_check *check(const struct gate_result *r, const char *name)
{
    for (size_t i = 0; i < r->check_count; i++)
        if (text_equal(r->checks[i].name, name))
            return &r->checks[i];
    cr_assert_fail("there is no check \"%s\"", name);
    return NULL;
}

#define NOTHING                                                                            \
    "{\"static\":{\"chat_template\":\"%s\",\"control_characters\":0,\"embedded_files\":0," \
    "\"template_findings\":0,\"urls\":0}}"

static void expect_checks(struct place *p, const struct artifact *a, const char *failing)
{
    static const char *const names[] = {"urls", "control characters", "embedded files",
                                        "template findings"};
    char section[256];
    SCOPED(gate_result_release) struct gate_result r = {0};
    text_fmt(section, sizeof section, NOTHING, "any");
    gated(p, a, NULL, section, &r);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(check(&r, names[i])->verdict,
                     failing != NULL && text_equal(failing, names[i]) ? VERDICT_FAIL : VERDICT_PASS,
                     "%s: %s", names[i], check(&r, names[i])->message);
}

Test(lint, the_gate_fails_each_by_its_limit)
{
    struct place p = {.v = verify_room_make()};
    static const struct {
        const char *version, *template, *key;
        struct span value;
        const char *failing;
    } rows[] = {
        {"1", NULL, NULL, {NULL, 0}, NULL},
        {"2", "{{ x }}", "general.description", TEXT("a small model\nof two lines"), NULL},
        {"3", NULL, "general.url", TEXT("https://example.org"), "urls"},
        {"4", NULL, "general.description", TEXT("\x1b[2J"), "control characters"},
        {"5", NULL, "general.description", TEXT("x PK\x03\x04 x"), "embedded files"},
        {"6", "{{ ''.__class__ }}", NULL, {NULL, 0}, "template findings"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i == 4) /* its control characters count as well */
            continue;
        SCOPED(artifact_release)
        struct artifact a =
            model(&p, rows[i].version, rows[i].template, rows[i].key, rows[i].value);
        expect_checks(&p, &a, rows[i].failing);
    }
    SCOPED(artifact_release)
    struct artifact zip = model(&p, "7", NULL, "general.note", TEXT("UEsDBBQAAAAIAA=="));
    expect_checks(&p, &zip, "embedded files");
    verify_room_remove(&p.v);
}

static enum verdict template_verdict(struct place *p, const struct artifact *a,
                                     const struct artifact *against, const char *word)
{
    char section[256];
    SCOPED(gate_result_release) struct gate_result r = {0};
    text_fmt(section, sizeof section, NOTHING, word);
    gated(p, a, against, section, &r);
    return check(&r, "chat template")->verdict;
}

Test(lint, a_changed_template_is_let_through_only_as_the_policy_says)
{
    struct place p = {.v = verify_room_make()};
    struct err e = ERR_NONE;
    uint64_t seq;
    SCOPED(artifact_release) struct artifact none = model(&p, "0", NULL, NULL, (struct span){0});
    SCOPED(artifact_release) struct artifact a = model(&p, "1", "{{ x }}", NULL, (struct span){0});
    SCOPED(artifact_release)
    struct artifact same = model(&p, "2", "{{ x }}", "general.note", TEXT("b"));
    SCOPED(artifact_release) struct artifact b = model(&p, "3", "{{ y }}", NULL, (struct span){0});
    cr_expect_eq(template_verdict(&p, &none, NULL, "unchanged"), VERDICT_PASS);
    cr_expect_eq(template_verdict(&p, &same, &a, "unchanged"), VERDICT_PASS);
    cr_expect_eq(template_verdict(&p, &b, &a, "unchanged"), VERDICT_FAIL);
    cr_expect_eq(template_verdict(&p, &b, NULL, "unchanged"), VERDICT_FAIL);
    cr_expect_eq(template_verdict(&p, &b, &a, "any"), VERDICT_PASS);
    cr_expect_eq(template_verdict(&p, &b, &a, "reviewed"), VERDICT_FAIL);
    struct attested_record r = {.type = ATTEST_REVIEW, .artifact = b.digest};
    text_fmt(r.subject, sizeof r.subject, "m@3");
    text_fmt(r.reason, sizeof r.reason, "read the template");
    cr_assert_eq(attestation_commit(p.v.r.s, p.v.trust, &r, p.v.keys[ROLE_GATE], p.v.r.log,
                                    p.v.r.clock, &seq, &e),
                 ST_OK, "%s", e.detail);
    cr_expect_eq(template_verdict(&p, &b, &a, "reviewed"), VERDICT_PASS);
    cr_expect_eq(template_verdict(&p, &b, &a, "unchanged"), VERDICT_FAIL);
    verify_room_remove(&p.v);
}
