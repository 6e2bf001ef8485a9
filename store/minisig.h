/* minisign's detached signature over a whole file (source: minisign 0.11, checked against the
 * tool):
 *
 *     untrusted comment: TEXT \n
 *     base64( "ED" | key id 8 | Ed25519 over BLAKE2b-512 of the file ) \n
 *     trusted comment: TEXT \n
 *     base64( Ed25519 over that signature | TEXT of the trusted comment ) \n
 *
 * So `minisign -V -p KEY.pub -m FILE` accepts FILE.minisig, and prints the trusted comment. */
#ifndef STORE_MINISIG_H
#define STORE_MINISIG_H

#include "store/key.h"

#define MINISIG_COMMENT_MAX 1024

/* Appends the four lines. `trusted` is one line of text. ST_INVALID_LENGTH, and what signer_sign
 * returns. */
enum status minisig_write(struct span file, const char *trusted, const struct signer *s,
                          struct buf *out, struct err *e) MUST_CHECK;

#endif
