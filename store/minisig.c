#include "store/minisig.h"
#include "base/base64.h"
#include "base/text.h"
#include <sodium.h>
#include <string.h>

#define HASH_BYTES 64

enum status minisig_write(struct span file, const char *trusted, const struct signer *s,
                          struct buf *out, struct err *e)
{
    uint8_t hash[HASH_BYTES], raw[2 + 8 + KEY_SIGNATURE_BYTES] = {'E', 'D'};
    uint8_t both[KEY_SIGNATURE_BYTES + MINISIG_COMMENT_MAX], global[KEY_SIGNATURE_BYTES];
    char id[KEY_ID_TEXT];
    size_t n = strlen(trusted);
    if (n > MINISIG_COMMENT_MAX || strpbrk(trusted, "\r\n") != NULL)
        return err_set(e, ST_INVALID_LENGTH, "minisig-comment",
                       "a trusted comment is one line of at most %d bytes", MINISIG_COMMENT_MAX);
    crypto_generichash(hash, sizeof hash, file.p, file.n, NULL, 0);
    memcpy(raw + 2, signer_public(s)->id, 8);
    enum status st = signer_sign(s, SPAN(hash, sizeof hash), raw + 10, e);
    if (st != ST_OK)
        return st;
    memcpy(both, raw + 10, KEY_SIGNATURE_BYTES);
    memcpy(both + KEY_SIGNATURE_BYTES, trusted, n);
    if ((st = signer_sign(s, SPAN(both, KEY_SIGNATURE_BYTES + n), global, e)) != ST_OK)
        return st;
    key_id_text(signer_public(s), id);
    buf_fmt(out, "untrusted comment: signature from minisign key %s\n", id);
    base64_encode(out, SPAN(raw, sizeof raw));
    buf_fmt(out, "\ntrusted comment: %s\n", trusted);
    base64_encode(out, SPAN(global, sizeof global));
    buf_byte(out, '\n');
    return buf_status(out) == ST_OK ? ST_OK
                                    : err_set(e, ST_NO_MEMORY, NULL, "no memory for a signature");
}
