/* Ed25519 keys in minisign's file formats, and signing with them.
 *
 * A public key file and a secret key file (plain, or encrypted with scrypt) are exactly minisign's,
 * so `minisign -V` and existing minisign keys work. Secret bytes live in locked memory and are
 * wiped. When $ASSAY_SIGNER is set, signing happens outside the process: the command gets the bytes
 * on its standard input and the key id in its arguments, and prints the signature in base64;
 * signer_open then needs only the public key file beside PATH.key. A key file that others may read
 * is refused. */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include "base/bytes.h"
#include "base/err.h"

#define KEY_PUBLIC_BYTES    32
#define KEY_SIGNATURE_BYTES 64
#define KEY_ID_TEXT         17 /* 16 upper-case hex digits as minisign prints them, and a NUL */

struct public_key {
    uint8_t id[8]; /* a hint, never trusted */
    uint8_t bytes[KEY_PUBLIC_BYTES];
};

struct signer; /* a secret key, or a way to one outside the process */

/* A fresh key pair in folder `dir`: NAME.pub (0644) and NAME.key (0600), each published whole.
 * passphrase NULL: not encrypted. ST_EXISTS when NAME.key is there, durably by then. */
enum status key_generate(int dir, const char *name, const char *passphrase, struct public_key *out,
                         struct err *e) MUST_CHECK;
/* `ask` is called (with the path) only for an encrypted key; it fills the passphrase. NULL: such a
 * key is ST_SIGNATURE, code "key-encrypted". A wrong passphrase: "key-passphrase". */
typedef enum status (*key_ask)(void *ctx, const char *path, char *out, size_t cap, struct err *e);
enum status signer_open(int dir, const char *path, key_ask ask, void *ctx, struct signer **out,
                        struct err *e) MUST_CHECK;
/* The same, but never by way of $ASSAY_SIGNER: for the store's own log key. */
enum status signer_open_file(int dir, const char *path, key_ask ask, void *ctx, struct signer **out,
                             struct err *e) MUST_CHECK;
void signer_close(struct signer *s);
SCOPE_OF(signer, struct signer, signer_close)
const struct public_key *signer_public(const struct signer *s);
enum status signer_sign(const struct signer *s, struct span bytes, uint8_t sig[KEY_SIGNATURE_BYTES],
                        struct err *e) MUST_CHECK;

/* A point of the curve's prime-order group: a key of small order verifies what nobody signed. */
bool key_sound(const struct public_key *k);
bool key_verify(const struct public_key *k, struct span bytes,
                const uint8_t sig[KEY_SIGNATURE_BYTES]);
void key_id_text(const struct public_key *k, char out[KEY_ID_TEXT]);
/* The two-line text of a public key file, and back (ST_FORMAT; ST_SIGNATURE, code "key-weak"). */
void key_public_text(const struct public_key *k, const char *comment, struct buf *out);
enum status key_public_parse(struct span text, struct public_key *out, struct err *e) MUST_CHECK;

#endif
