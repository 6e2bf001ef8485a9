
#include "base/base64.h"
#include "base/text.h"
#include "store/envelope.h"
#include "store/signer_command.h"
#include "tests/support/temp.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct span message = {.p = (const uint8_t *)"to be signed", .n = 12};

static bool have(const char *tool)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", tool);
    return system(command) == 0;
}

/* A legacy minisign signature file over `bytes`, made from two plain Ed25519 signatures. */
static void write_minisig(const struct temp *t, const struct signer *s, struct span bytes,
                          const char *name)
{
    static const char trusted[] = "made by hand";
    struct err e = ERR_NONE;
    uint8_t raw[74] = {'E', 'd'}, both[KEY_SIGNATURE_BYTES + sizeof trusted - 1],
            global[KEY_SIGNATURE_BYTES];
    memcpy(raw + 2, signer_public(s)->id, 8);
    cr_assert_eq(signer_sign(s, bytes, raw + 10, &e), ST_OK);
    memcpy(both, raw + 10, KEY_SIGNATURE_BYTES);
    memcpy(both + KEY_SIGNATURE_BYTES, trusted, sizeof trusted - 1);
    cr_assert_eq(signer_sign(s, SPAN(both, sizeof both), global, &e), ST_OK);
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    buf_text(&text, "untrusted comment: test\n");
    base64_encode(&text, SPAN(raw, sizeof raw));
    buf_fmt(&text, "\ntrusted comment: %s\n", trusted);
    base64_encode(&text, SPAN(global, sizeof global));
    buf_byte(&text, '\n');
    temp_write(t, name, buf_span(&text));
}

Test(key, signs_and_no_flipped_bit_of_signature_key_or_message_is_accepted)
{
    struct temp t = temp_make();
    SCOPED(signer_scope) struct signer *s = temp_key(&t, "a");
    struct err e = ERR_NONE;
    uint8_t sig[KEY_SIGNATURE_BYTES];
    struct public_key k = *signer_public(s);
    cr_assert_eq(signer_sign(s, message, sig, &e), ST_OK);
    cr_assert(key_verify(&k, message, sig));
    for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not(key_verify(&k, message, sig), "signature bit %zu", bit);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof k.bytes; bit++) {
        k.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not(key_verify(&k, message, sig), "key bit %zu", bit);
        k.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_expect_not(key_verify(&k, SPAN(message.p, message.n - 1), sig));
    k.id[0] ^= 1; /* a hint decides nothing */
    cr_expect(key_verify(&k, message, sig));
    temp_remove(&t);
}

Test(key, refuses_zero_and_small_order_keys)
{
    uint8_t sig[KEY_SIGNATURE_BYTES] = {0};
    struct public_key zero = {0}, one = {.bytes = {1}};
    cr_expect_not(key_verify(&zero, message, sig));
    cr_expect_not(key_verify(&one, message, sig));
    sig[0] =
        1; /* R the neutral element, S zero: verifies under a small-order key if nobody looks */
    cr_expect_not(key_verify(&one, message, sig));
}

Test(key, files_are_private_and_a_taken_name_is_refused)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    struct public_key k;
    struct stat about;
    SCOPED(signer_scope) struct signer *s = temp_key(&t, "a");
    cr_assert_eq(fstatat(t.dir, "a.key", &about, 0), 0);
    cr_expect_eq(about.st_mode & 07777u, 0600u);
    cr_assert_eq(fstatat(t.dir, "a.pub", &about, 0), 0);
    cr_expect_eq(about.st_mode & 07777u, 0644u);
    cr_expect_eq(key_generate(t.dir, "a", NULL, &k, &e), ST_EXISTS);
    temp_remove(&t);
}

Test(key, that_others_may_read_is_refused)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    SCOPED(signer_scope) struct signer *first = temp_key(&t, "a");
    static const unsigned modes[] = {0640, 0620, 0604, 0602, 0644, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        SCOPED(signer_scope) struct signer *s = NULL;
        e = ERR_NONE;
        cr_assert_eq(fchmodat(t.dir, "a.key", modes[i], 0), 0);
        cr_expect_eq(signer_open(t.dir, "a.key", NULL, NULL, &s, &e), ST_SIGNATURE);
        cr_expect_str_eq(err_code(&e), "key-exposed");
        cr_expect_str_eq(e.subject, "a.key");
    }
    temp_remove(&t);
}

Test(key, public_text_reads_back_and_every_other_text_is_refused)
{
    struct err e = ERR_NONE;
    struct temp t = temp_make();
    SCOPED(signer_scope) struct signer *real = temp_key(&t, "real");
    struct public_key k = *signer_public(real), back;
    memcpy(k.id, "\1\2\3\4\5\6\7\xf8", sizeof k.id);
    char id[KEY_ID_TEXT];
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    key_id_text(&k, id);
    cr_expect_str_eq(id, "F807060504030201");
    key_public_text(&k, NULL, &text);
    cr_assert_eq(key_public_parse(buf_span(&text), &back, &e), ST_OK);
    cr_expect_arr_eq(&k, &back, sizeof k);
    for (size_t n = 0; n + 1 < text.n; n++)
        cr_expect_eq(key_public_parse(SPAN(text.p, n), &back, &e), ST_FORMAT, "cut at %zu", n);
    buf_text(&text, "more\n");
    cr_expect_eq(key_public_parse(buf_span(&text), &back, &e), ST_FORMAT);
    temp_remove(&t);
}

Test(key, of_small_order_or_off_the_curve_is_no_key)
{
    /* 0, 1, and two of the points of order 8, as RFC 7748 lists them; then no point at all. */
    static const char *const weak[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0200000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        struct err e = ERR_NONE;
        struct public_key k = {.id = {1}}, back;
        SCOPED(buf_release) struct buf text = BUF_EMPTY;
        cr_assert(hex_decode(k.bytes, sizeof k.bytes, span_text(weak[i])));
        cr_expect_not(key_sound(&k), "%s", weak[i]);
        key_public_text(&k, NULL, &text);
        cr_expect_eq(key_public_parse(buf_span(&text), &back, &e), ST_SIGNATURE, "%s", weak[i]);
        cr_expect_str_eq(err_code(&e), "key-weak");
    }
}

Test(key, whose_halves_do_not_belong_together_is_refused)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    SCOPED(signer_scope) struct signer *first = temp_key(&t, "a");
    SCOPED(signer_scope) struct signer *s = NULL;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf raw = BUF_EMPTY;
    temp_read(&t, "a.key", &text);
    uint8_t *line = (uint8_t *)memchr(text.p, '\n', text.n) + 1;
    cr_assert(base64_decode(&raw, SPAN(line, text.n - 1 - (size_t)(line - text.p))));
    cr_assert_eq(raw.n, 158);
    raw.p[100] ^= 1; /* in the public half */
    SCOPED(buf_release) struct buf changed = BUF_EMPTY;
    buf_text(&changed, "untrusted comment: x\n");
    base64_encode(&changed, buf_span(&raw));
    temp_write(&t, "b.key", buf_span(&changed));
    cr_assert_eq(fchmodat(t.dir, "b.key", 0600, 0), 0);
    cr_expect_eq(signer_open(t.dir, "b.key", NULL, NULL, &s, &e), ST_CORRUPT);
    cr_expect_str_eq(err_code(&e), "key-halves");
    temp_remove(&t);
}

Test(key, ours_is_minisigns_and_minisigns_is_ours)
{
    if (!have("minisign"))
        cr_skip_test("minisign is not installed");
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    SCOPED(signer_scope) struct signer *ours = temp_key(&t, "ours");
    SCOPED(signer_scope) struct signer *theirs = NULL;
    temp_write(&t, "file", message);
    write_minisig(&t, ours, message, "file.minisig");
    cr_expect_eq(temp_run(&t, "minisign -V -p ours.pub -m file"), 0);
    temp_write(&t, "file", span_text("to be signed?"));
    cr_expect_neq(temp_run(&t, "minisign -V -p ours.pub -m file"), 0);
    cr_expect_eq(temp_run(&t, "minisign -S -s ours.key -m file && minisign -V -p ours.pub -m file"),
                 0);

    cr_assert_eq(temp_run(&t, "minisign -G -W -p theirs.pub -s theirs.key"), 0);
    cr_assert_eq(signer_open(t.dir, "theirs.key", NULL, NULL, &theirs, &e), ST_OK, "%s", e.detail);
    temp_write(&t, "file", message);
    write_minisig(&t, theirs, message, "file.minisig");
    cr_expect_eq(temp_run(&t, "minisign -V -p theirs.pub -m file"), 0);
    temp_remove(&t);
}

static enum status say(void *ctx, const char *path, char *out, size_t cap, struct err *e)
{
    (void)path;
    (void)e;
    snprintf(out, cap, "%s", (const char *)ctx);
    return ST_OK;
}

Test(key, encrypted_opens_with_its_passphrase_only_here_and_in_minisign)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    struct public_key k;
    SCOPED(signer_scope) struct signer *s = NULL;
    char right[] = "correct horse", wrong[] = "correct house";
    cr_assert_eq(key_generate(t.dir, "a", right, &k, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(signer_open(t.dir, "a.key", NULL, NULL, &s, &e), ST_SIGNATURE);
    cr_expect_str_eq(err_code(&e), "key-encrypted");
    e = ERR_NONE;
    cr_expect_eq(signer_open(t.dir, "a.key", say, wrong, &s, &e), ST_SIGNATURE);
    cr_expect_str_eq(err_code(&e), "key-passphrase");
    e = ERR_NONE;
    cr_assert_eq(signer_open(t.dir, "a.key", say, right, &s, &e), ST_OK, "%s", e.detail);
    cr_expect_arr_eq(signer_public(s), &k, sizeof k);
    temp_write(&t, "file", message);
    if (have("minisign"))
        cr_expect_eq(temp_run(&t, "echo 'correct horse' | minisign -S -s a.key -m file && "
                                  "minisign -V -p a.pub -m file"),
                     0);
    temp_remove(&t);
}

Test(key, openssl_verifies_ours_over_the_encoding)
{
    if (!have("openssl"))
        cr_skip_test("openssl is not installed");
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    SCOPED(signer_scope) struct signer *s = temp_key(&t, "a");
    uint8_t sig[KEY_SIGNATURE_BYTES];
    /* SubjectPublicKeyInfo of an Ed25519 key: a fixed head, then the 32 bytes. */
    uint8_t der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    SCOPED(buf_release) struct buf pae = BUF_EMPTY;
    envelope_pae("application/vnd.in-toto+json", message, &pae);
    cr_assert_eq(signer_sign(s, buf_span(&pae), sig, &e), ST_OK);
    memcpy(der + 12, signer_public(s)->bytes, 32);
    temp_write(&t, "a.der", SPAN(der, sizeof der));
    temp_write(&t, "pae", buf_span(&pae));
    temp_write(&t, "sig", SPAN(sig, sizeof sig));
    cr_expect_eq(
        temp_run(
            &t,
            "openssl pkeyutl -verify -pubin -inkey a.der -keyform DER -rawin -in pae -sigfile sig"),
        0);
    pae.p[8] ^= 1;
    temp_write(&t, "pae", buf_span(&pae));
    cr_expect_neq(
        temp_run(
            &t,
            "openssl pkeyutl -verify -pubin -inkey a.der -keyform DER -rawin -in pae -sigfile sig"),
        0);
    temp_remove(&t);
}

/* A script that signs with openssl, as somebody's hardware key would. */
static void write_command(const struct temp *t, const char *body)
{
    temp_write(t, "sign.sh", span_text(body));
    cr_assert_eq(fchmodat(t->dir, "sign.sh", 0755, 0), 0);
    char command[200];
    snprintf(command, sizeof command, "%s/sign.sh  one two", t->path);
    setenv("ASSAY_SIGNER", command, 1);
}

Test(key, signs_outside_the_process_without_a_secret_file)
{
    if (!have("openssl"))
        cr_skip_test("openssl is not installed");
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    cr_assert_eq(temp_run(&t, "openssl genpkey -algorithm ed25519 -out k.pem && "
                              "openssl pkey -in k.pem -pubout -outform DER | tail -c 32 > raw"),
                 0);
    SCOPED(buf_release) struct buf raw = BUF_EMPTY;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    temp_read(&t, "raw", &raw);
    struct public_key k = {.id = {1}};
    memcpy(k.bytes, raw.p, 32);
    key_public_text(&k, NULL, &text);
    temp_write(&t, "a.pub", buf_span(&text));
    write_command(&t, "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncat > in\n"
                      "[ \"$1 $2 $3\" = 'one two 0000000000000001' ] || exit 9\n"
                      "openssl pkeyutl -sign -inkey k.pem -rawin -in in | base64 -w0\necho\n");
    SCOPED(signer_scope) struct signer *s = NULL;
    uint8_t sig[KEY_SIGNATURE_BYTES];
    cr_assert_eq(signer_open(t.dir, "a.key", NULL, NULL, &s, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(signer_sign(s, message, sig, &e), ST_OK, "%s", e.detail);
    cr_expect(key_verify(&k, message, sig));
    temp_remove(&t);
}

Test(key, refuses_what_an_outside_signer_says_wrongly)
{
    static const struct {
        const char *script, *code;
    } rows[] = {{"#!/bin/sh\ncat >/dev/null\necho nonsense\n", "signer-answer"},
                {"#!/bin/sh\ncat >/dev/null\nhead -c 64 /dev/zero | base64 -w0\n", "signer-wrong"},
                {"#!/bin/sh\ncat >/dev/null\nexit 3\n", "signer-failed"},
                {"#!/bin/sh\nkill -9 $$\n", "signer-failed"},
                {"#!/bin/sh\n", "signer-answer"}};
    struct temp t = temp_make();
    SCOPED(signer_scope) struct signer *own = temp_key(&t, "a");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SCOPED(signer_scope) struct signer *s = NULL;
        struct err e = ERR_NONE;
        uint8_t sig[KEY_SIGNATURE_BYTES];
        write_command(&t, rows[i].script);
        cr_assert_eq(signer_open(t.dir, "a.key", NULL, NULL, &s, &e), ST_OK, "%s", e.detail);
        cr_expect_eq(signer_sign(s, message, sig, &e), ST_SIGNATURE);
        cr_expect_str_eq(err_code(&e), rows[i].code);
    }
    setenv("ASSAY_SIGNER", "/nonexistent/signer", 1);
    SCOPED(signer_scope) struct signer *s = NULL;
    struct err e = ERR_NONE;
    uint8_t sig[KEY_SIGNATURE_BYTES];
    cr_assert_eq(signer_open(t.dir, "a.key", NULL, NULL, &s, &e), ST_OK);
    cr_expect_eq(signer_sign(s, message, sig, &e), ST_CONFIG);
    cr_expect_str_eq(err_code(&e), "signer-command");
    unsetenv("ASSAY_SIGNER");
    temp_remove(&t);
}

/* a.key of a fresh key with n bytes at `at` replaced, as b.key. */
static void patched_key(const struct temp *t, size_t at, const void *bytes, size_t n)
{
    SCOPED(signer_scope) struct signer *own = temp_key(t, "a");
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    SCOPED(buf_release) struct buf raw = BUF_EMPTY;
    SCOPED(buf_release) struct buf changed = BUF_EMPTY;
    temp_read(t, "a.key", &text);
    uint8_t *line = (uint8_t *)memchr(text.p, '\n', text.n) + 1;
    cr_assert(base64_decode(&raw, SPAN(line, text.n - 1 - (size_t)(line - text.p))));
    memcpy(raw.p + at, bytes, n);
    buf_text(&changed, "untrusted comment: x\n");
    base64_encode(&changed, buf_span(&raw));
    temp_write(t, "b.key", buf_span(&changed));
    cr_assert_eq(fchmodat(t->dir, "b.key", 0600, 0), 0);
}

Test(key, a_secret_file_that_is_none_of_minisigns_is_refused_by_name)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t n;
        const char *code;
    } rows[] = {
        {0, "XX", 2, "key-secret"},
        {4, "XX", 2, "key-secret"},
        {2, "XX", 2, "key-kdf"},
        {2, "Sc", 2, "key-limits"}, /* with the work and memory that follow */
    };
    char right[] = "x";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct temp t = temp_make();
        struct err e = ERR_NONE;
        SCOPED(signer_scope) struct signer *s = NULL;
        uint8_t head[54] = "Ed\0\0B2";
        memset(head + 38, 0xff, 16);
        memcpy(head + rows[i].at, rows[i].bytes, rows[i].n);
        patched_key(&t, 0, head, i == 3 ? sizeof head : 6);
        cr_expect_neq(signer_open(t.dir, "b.key", say, right, &s, &e), ST_OK, "row %zu", i);
        cr_expect_str_eq(err_code(&e), rows[i].code, "row %zu", i);
        temp_remove(&t);
    }
}

Test(key, a_folder_is_no_secret_key)
{
    struct temp t = temp_make();
    struct err e = ERR_NONE;
    SCOPED(signer_scope) struct signer *s = NULL;
    cr_assert_eq(temp_run(&t, "mkdir -m 700 a.key"), 0);
    cr_expect_eq(signer_open(t.dir, "a.key", NULL, NULL, &s, &e), ST_FORMAT);
    cr_expect_str_eq(err_code(&e), "key-secret");
    temp_remove(&t);
}

Test(key, names_paths_and_commands_beyond_their_limits_are_refused_by_name)
{
    struct temp t = temp_make();
    struct public_key k;
    char text[5000], words[200];
    SCOPED(signer_scope) struct signer *own = temp_key(&t, "a");
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err e = ERR_NONE;
    cr_expect_eq(key_generate(t.dir, text, NULL, &k, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(err_code(&e), "key-name");
    for (unsigned i = 0; i <= SIGNER_COMMAND_ARGS; i++)
        text_fmt(words + 5 * (size_t)i, sizeof words - 5 * (size_t)i, "true ");
    static const struct {
        const char *path, *code, *says;
    } rows[] = {{NULL, "key-path", "too long"},
                {"a.key", "signer-command", "is longer than"},
                {"a.key", "signer-command", "has more than"},
                {"a.key", "signer-command", "names no command"}};
    const char *const commands[] = {"true", text, words, "   "};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SCOPED(signer_scope) struct signer *s = NULL;
        uint8_t sig[KEY_SIGNATURE_BYTES];
        e = ERR_NONE;
        setenv("ASSAY_SIGNER", commands[i], 1);
        enum status st =
            signer_open(t.dir, rows[i].path == NULL ? text : rows[i].path, NULL, NULL, &s, &e);
        cr_expect_eq(st == ST_OK, i > 1, "row %zu", i);
        if (st == ST_OK)
            st = signer_sign(s, message, sig, &e);
        cr_expect_neq(st, ST_OK, "row %zu", i);
        cr_expect_str_eq(err_code(&e), rows[i].code, "row %zu", i);
        cr_expect_not_null(strstr(e.detail, rows[i].says), "row %zu: %s", i, e.detail);
    }
    unsetenv("ASSAY_SIGNER");
    temp_remove(&t);
}
