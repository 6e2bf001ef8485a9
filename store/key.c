/* minisign's files (source: minisign 0.11, checked against the tool):
 *
 *   public   untrusted comment: TEXT \n  base64( "Ed" | id 8 | public 32 ) \n
 *   secret   untrusted comment: TEXT \n  base64( "Ed" | kdf 2 | "B2" | salt 32 | ops 8 | mem 8
 *                                                | [ id 8 | seed 32 | public 32 | checksum 32 ] )
 * \n
 *
 * kdf "Sc": the bracket is XORed with scrypt(passphrase, salt, ops, mem) and the checksum is
 * BLAKE2b-256 of "Ed" | id | seed | public. kdf 00 00: plain, salt to mem and checksum are zero. */
#include "store/key.h"
#include "base/base64.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/pending.h"
#include "base/text.h"
#include "store/signer_command.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMMENT        "untrusted comment: "
#define PUBLIC_RAW     42
#define SECRET_RAW     158
#define SECRET_SEALED  104 /* the bracket */
#define FILE_MAX       2048
#define PASSPHRASE_MAX 1024

/* Offsets in the decoded secret key. */
enum {
    AT_KDF = 2,
    AT_SUM = 4,
    AT_SALT = 6,
    AT_OPS = 38,
    AT_MEM = 46,
    AT_ID = 54,
    AT_SECRET = 62,
    AT_CHECK = 126
};

/* What holds secrets while a key file is read or written: one guarded, locked, wiped allocation. */
struct work {
    uint8_t raw[SECRET_RAW + 2];
    uint8_t stream[SECRET_SEALED];
    char text[FILE_MAX + 1];
    char passphrase[PASSPHRASE_MAX];
};

struct signer {
    struct public_key public;
    uint8_t *secret; /* [64] seed and public, locked; NULL: the command signs */
    char command[SIGNER_COMMAND_MAX];
};

static void work_free(struct work *w)
{
    sodium_free(w);
}
SCOPE_OF(work, struct work, work_free)

/* A forked child (one that looks at hostile bytes, say) finds zeros where the secret was. */
static bool keep_from_children(uint8_t *p, size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t before = (size_t)((uintptr_t)p % page);
    return madvise(p - before, before + n, MADV_WIPEONFORK) == 0;
}

static enum status secrets_alloc(size_t n, void *out, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ST_UNSUPPORTED, "sodium", "libsodium could not be initialised");
    void *p = sodium_malloc(n);
    if (p == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no locked memory for a key");
    if (!keep_from_children(p, n)) {
        sodium_free(p);
        return err_set(e, ST_UNSUPPORTED, "key-memory",
                       "this kernel cannot keep a key out of child processes");
    }
    memset(p, 0, n);
    memcpy(out, &p, sizeof p);
    return ST_OK;
}

/* ---- public keys ---- */

void key_id_text(const struct public_key *k, char out[KEY_ID_TEXT])
{
    uint64_t id = get_le64(k->id);
    text_fmt(out, KEY_ID_TEXT, "%08X%08X", (unsigned)(id >> 32), (unsigned)(id & 0xffffffffu));
}

void key_public_text(const struct public_key *k, const char *comment, struct buf *out)
{
    char id[KEY_ID_TEXT];
    key_id_text(k, id);
    uint8_t raw[PUBLIC_RAW] = {'E', 'd'};
    memcpy(raw + 2, k->id, sizeof k->id);
    memcpy(raw + 10, k->bytes, sizeof k->bytes);
    if (comment != NULL)
        buf_fmt(out, COMMENT "%s\n", comment);
    else
        buf_fmt(out, COMMENT "minisign public key %s\n", id);
    base64_encode(out, SPAN(raw, sizeof raw));
    buf_byte(out, '\n');
}

/* Splits the two lines of a key file and decodes the second into exactly n bytes. */
static bool key_lines(struct span text, uint8_t *raw, size_t n)
{
    struct span prefix = span_text(COMMENT);
    if (text.n < prefix.n || memcmp(text.p, prefix.p, prefix.n) != 0)
        return false;
    const uint8_t *end = memchr(text.p, '\n', text.n);
    if (end == NULL)
        return false;
    size_t skip = (size_t)(end - text.p) + 1;
    struct span line = SPAN(text.p + skip, text.n - skip);
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    struct buf b = buf_over(raw, n + 2); /* room to notice more than n */
    return base64_decode(&b, line) && buf_status(&b) == ST_OK && b.n == n;
}

enum status key_public_parse(struct span text, struct public_key *out, struct err *e)
{
    uint8_t raw[PUBLIC_RAW + 2];
    if (!key_lines(text, raw, PUBLIC_RAW) || raw[0] != 'E' || raw[1] != 'd')
        return err_set(e, ST_FORMAT, "key-public",
                       "not a minisign public key: a comment line and 42 bytes in base64");
    memcpy(out->id, raw + 2, sizeof out->id);
    memcpy(out->bytes, raw + 10, sizeof out->bytes);
    return key_sound(out) ? ST_OK
                          : err_set(e, ST_SIGNATURE, "key-weak",
                                    "this public key is no sound Ed25519 key: signatures under it "
                                    "would prove nothing");
}

bool key_sound(const struct public_key *k)
{
    return sodium_init() >= 0 && crypto_core_ed25519_is_valid_point(k->bytes) == 1;
}

bool key_verify(const struct public_key *k, struct span bytes,
                const uint8_t sig[KEY_SIGNATURE_BYTES])
{
    /* libsodium itself refuses non-canonical S and small-order keys. */
    return sodium_init() >= 0 &&
           crypto_sign_ed25519_verify_detached(sig, bytes.p, bytes.n, k->bytes) == 0;
}

/* ---- secret key files ---- */

static void checksum(const uint8_t raw[SECRET_RAW], uint8_t out[32])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, 32);
    crypto_generichash_update(&h, raw, 2);
    crypto_generichash_update(&h, raw + AT_ID, AT_CHECK - AT_ID);
    crypto_generichash_final(&h, out, 32);
}

/* XORs the sealed part with the scrypt stream: encrypts and decrypts. */
static enum status scrypt_xor(struct work *w, const char *passphrase, struct err *e)
{
    uint64_t ops = get_le64(w->raw + AT_OPS), mem = get_le64(w->raw + AT_MEM);
    if (ops > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE ||
        mem > crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE)
        return err_set(e, ST_FORMAT, "key-limits",
                       "the key asks for more work or memory than minisign's own");
    if (crypto_pwhash_scryptsalsa208sha256(w->stream, sizeof w->stream, passphrase,
                                           strlen(passphrase), w->raw + AT_SALT, ops,
                                           (size_t)mem) != 0)
        return err_set(e, ST_NO_MEMORY, "key-scrypt", "no memory for scrypt: it takes %zu MiB",
                       (size_t)(mem >> 20));
    for (size_t i = 0; i < SECRET_SEALED; i++)
        w->raw[AT_ID + i] ^= w->stream[i];
    return ST_OK;
}

static enum status secret_text(struct work *w, const char *passphrase, struct buf *text,
                               struct err *e)
{
    memcpy(w->raw, "Ed\0\0B2", 6);
    if (passphrase != NULL) {
        memcpy(w->raw + AT_KDF, "Sc", 2);
        randombytes_buf(w->raw + AT_SALT, AT_OPS - AT_SALT);
        put_le64(w->raw + AT_OPS, crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE);
        put_le64(w->raw + AT_MEM, crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE);
        checksum(w->raw, w->raw + AT_CHECK);
        enum status st = scrypt_xor(w, passphrase, e);
        if (st != ST_OK)
            return st;
    }
    buf_text(text, COMMENT "minisign encrypted secret key\n");
    base64_encode(text, SPAN(w->raw, SECRET_RAW));
    buf_byte(text, '\n');
    return buf_status(text);
}

enum status key_generate(int dir, const char *name, const char *passphrase, struct public_key *out,
                         struct err *e)
{
    SCOPED(work_scope) struct work *w = NULL;
    enum status st = secrets_alloc(sizeof *w, &w, e);
    if (st != ST_OK)
        return st;
    struct public_key k;
    randombytes_buf(k.id, sizeof k.id);
    crypto_sign_ed25519_keypair(k.bytes, w->raw + AT_SECRET);
    memcpy(w->raw + AT_ID, k.id, sizeof k.id);
    struct buf secret = buf_over(w->text, sizeof w->text);
    if ((st = secret_text(w, passphrase, &secret, e)) != ST_OK)
        return st;
    char file[300];
    /* The secret first: whether its name is free decides, and the public file follows from it. */
    if (text_fmt(file, sizeof file, "%s.key", name) >= sizeof file)
        return err_set(e, ST_INVALID_LENGTH, "key-name", "a key's name has at most 255 bytes");
    st = pending_file(dir, file, 0600, buf_span(&secret), false, e);
    if (st == ST_EXISTS) { /* by one who was killed, perhaps, before the folder was on the disk */
        struct err why = ERR_NONE;
        const enum status synced = io_sync(dir, &why);
        if (synced != ST_OK)
            *e = why;
        return synced == ST_OK ? st : synced;
    }
    if (st != ST_OK)
        return st;
    SCOPED(buf_release) struct buf public = BUF_EMPTY;
    key_public_text(&k, NULL, &public);
    if ((st = buf_status(&public)) != ST_OK)
        return err_set(e, st, NULL, "no memory for a key");
    text_fmt(file, sizeof file, "%s.pub", name);
    if ((st = pending_file(dir, file, 0644, buf_span(&public), true, e)) != ST_OK)
        return st;
    *out = k;
    return ST_OK;
}

/* The file's text into locked memory, if nobody else may read the file. */
static enum status secret_read(int dir, const char *path, struct work *w, size_t *n, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    enum status st = io_open(dir, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, &fd, e);
    if (st != ST_OK)
        return st;
    struct stat about;
    if (fstat(fd, &about) != 0)
        return err_sys(e, errno, "fstat", path);
    if (!S_ISREG(about.st_mode))
        return err_set(e, ST_FORMAT, "key-secret", "not a regular file");
    unsigned mode = (unsigned)about.st_mode & 0777u;
    if ((mode & 077) != 0)
        return err_set(e, ST_SIGNATURE, "key-exposed",
                       "others may read or change this secret key (mode %u%u%u); chmod 600 it, and "
                       "think about replacing it",
                       mode >> 6, mode >> 3 & 7, mode & 7);
    *n = 0;
    for (size_t got = 1; got > 0 && *n < FILE_MAX; *n += got) {
        if ((st = io_read(fd, (uint8_t *)w->text + *n, FILE_MAX - *n, &got, e)) != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status unseal(struct work *w, const char *path, key_ask ask, void *ctx, struct err *e)
{
    if (ask == NULL)
        return err_set(e, ST_SIGNATURE, "key-encrypted",
                       "the key is encrypted and nobody can be asked for its passphrase");
    enum status st = ask(ctx, path, w->passphrase, sizeof w->passphrase, e);
    if (st != ST_OK || (st = scrypt_xor(w, w->passphrase, e)) != ST_OK)
        return st;
    uint8_t sum[32];
    checksum(w->raw, sum);
    if (sodium_memcmp(sum, w->raw + AT_CHECK, sizeof sum) != 0)
        return err_set(e, ST_SIGNATURE, "key-passphrase", "the passphrase is not that of this key");
    return ST_OK;
}

static enum status secret_parse(struct work *w, size_t n, const char *path, key_ask ask, void *ctx,
                                struct err *e)
{
    if (!key_lines(SPAN(w->text, n), w->raw, SECRET_RAW) || memcmp(w->raw, "Ed", 2) != 0 ||
        memcmp(w->raw + AT_SUM, "B2", 2) != 0)
        return err_set(e, ST_FORMAT, "key-secret",
                       "not a minisign secret key: a comment line and 158 bytes in base64");
    if (memcmp(w->raw + AT_KDF, "Sc", 2) == 0) {
        enum status st = unseal(w, path, ask, ctx, e);
        if (st != ST_OK)
            return st;
    } else if (memcmp(w->raw + AT_KDF, "\0\0", 2) != 0) {
        return err_set(e, ST_FORMAT, "key-kdf",
                       "the key is encrypted in a way that minisign has not");
    }
    /* Signing with a public half that is not the seed's would give the seed away. */
    uint8_t public[KEY_PUBLIC_BYTES];
    crypto_sign_ed25519_seed_keypair(public, w->stream, w->raw + AT_SECRET);
    if (memcmp(public, w->raw + AT_SECRET + 32, sizeof public) != 0)
        return err_set(e, ST_CORRUPT, "key-halves", "the key's two halves do not belong together");
    return ST_OK;
}

static enum status open_secret(int dir, const char *path, key_ask ask, void *ctx, struct signer *s,
                               struct err *e)
{
    SCOPED(work_scope) struct work *w = NULL;
    size_t n = 0;
    enum status st = secrets_alloc(sizeof *w, &w, e);
    if (st != ST_OK || (st = secret_read(dir, path, w, &n, e)) != ST_OK ||
        (st = secret_parse(w, n, path, ask, ctx, e)) != ST_OK ||
        (st = secrets_alloc(64, &s->secret, e)) != ST_OK)
        return st;
    memcpy(s->public.id, w->raw + AT_ID, sizeof s->public.id);
    memcpy(s->public.bytes, w->raw + AT_SECRET + 32, KEY_PUBLIC_BYTES);
    memcpy(s->secret, w->raw + AT_SECRET, 64);
    return ST_OK;
}

/* PATH.key stands for PATH.pub; any other path is the public key file itself. */
static enum status open_public(int dir, const char *path, struct public_key *out, struct err *e)
{
    char file[4096];
    size_t n = strlen(path);
    bool secret = n > 4 && strcmp(path + n - 4, ".key") == 0;
    if (text_fmt(file, sizeof file, "%.*s%s", (int)(secret ? n - 4 : n), path,
                 secret ? ".pub" : "") >= sizeof file)
        return err_set(e, ST_INVALID_LENGTH, "key-path", "the path is too long");
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = file_read(dir, file, FILE_MAX, &text, e);
    return st == ST_OK ? key_public_parse(buf_span(&text), out, e) : st;
}

static enum status signer_make(struct signer **out, struct err *e)
{
    *out = heap_zero(1, sizeof **out);
    return *out != NULL ? ST_OK : err_set(e, ST_NO_MEMORY, NULL, "no memory for a key");
}

enum status signer_open_file(int dir, const char *path, key_ask ask, void *ctx, struct signer **out,
                             struct err *e)
{
    SCOPED(signer_scope) struct signer *s = NULL;
    enum status st = signer_make(&s, e);
    if (st != ST_OK)
        return st;
    if (open_secret(dir, path, ask, ctx, s, e) != ST_OK) {
        err_stage(e, "key");
        return err_subject(e, "%s", path);
    }
    *out = signer_take(&s);
    return ST_OK;
}

enum status signer_open(int dir, const char *path, key_ask ask, void *ctx, struct signer **out,
                        struct err *e)
{
    const char *command = getenv("ASSAY_SIGNER");
    if (command == NULL || *command == '\0')
        return signer_open_file(dir, path, ask, ctx, out, e);
    SCOPED(signer_scope) struct signer *s = NULL;
    enum status st = signer_make(&s, e);
    if (st != ST_OK)
        return st;
    if (text_fmt(s->command, sizeof s->command, "%s", command) >= sizeof s->command)
        return err_set(e, ST_CONFIG, "signer-command", "ASSAY_SIGNER is longer than %d bytes",
                       SIGNER_COMMAND_MAX - 1);
    if (open_public(dir, path, &s->public, e) != ST_OK) {
        err_stage(e, "key");
        return err_subject(e, "%s", path);
    }
    *out = signer_take(&s);
    return ST_OK;
}

void signer_close(struct signer *s)
{
    sodium_free(s->secret);
    heap_free(s);
}

const struct public_key *signer_public(const struct signer *s)
{
    return &s->public;
}

enum status signer_sign(const struct signer *s, struct span bytes, uint8_t sig[KEY_SIGNATURE_BYTES],
                        struct err *e)
{
    if (s->secret == NULL)
        return signer_command(s->command, &s->public, bytes, sig, e);
    int failed = crypto_sign_ed25519_detached(sig, NULL, bytes.p, bytes.n, s->secret);
    assert(failed == 0);
    return ST_OK;
}
