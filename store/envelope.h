/* DSSE envelopes: what is signed is the pre-authentication encoding of type and payload, so a
 * signature made for one type never verifies as another. Source: secure-systems-lab/dsse
 * protocol.md.
 *
 *     PAE = "DSSEv1" SP len(type) SP type SP len(payload) SP payload
 *     {"payload": base64, "payloadType": type, "signatures": [{"keyid": hex, "sig": base64}]}
 *
 * Order of use: envelope_parse → envelope_signed_by for each key one trusts → only then look at
 * `payload`, which is the very bytes that were verified. */
#ifndef STORE_ENVELOPE_H
#define STORE_ENVELOPE_H

#include "store/digest.h"
#include "store/key.h"

#define ENVELOPE_MAX        (16u << 20) /* bytes of one envelope */
#define ENVELOPE_TYPE_MAX   128         /* of a payload type, with its NUL */
#define ENVELOPE_SIGNATURES 16          /* at most that many in one */

struct envelope {
    char type[ENVELOPE_TYPE_MAX];
    struct buf payload;
    struct buf said; /* PAE(type, payload), what is signed: had here, so that asking cannot fail */
    size_t count;
    struct {
        char keyid[KEY_ID_TEXT]; /* a hint */
        uint8_t sig[KEY_SIGNATURE_BYTES];
    } signatures[ENVELOPE_SIGNATURES];
};

/* Strict: no unknown members, no duplicates, a type, at least one signature. ST_FORMAT,
 * ST_SIGNATURE. */
enum status envelope_parse(struct span json, struct envelope *out, struct err *e) MUST_CHECK;
void envelope_release(struct envelope *v);
/* Does any signature verify under this key? */
bool envelope_signed_by(const struct envelope *v, const struct public_key *k);
/* A new envelope around payload with one signature; canonical bytes are appended to out. */
enum status envelope_sign(const char *type, struct span payload, const struct signer *s,
                          struct buf *out, struct err *e) MUST_CHECK;
/* The same envelope with one more signature. ST_EXISTS when that key signed it already. */
enum status envelope_cosign(const struct envelope *v, const struct signer *s, struct buf *out,
                            struct err *e) MUST_CHECK;
/* Appends PAE(type, payload). */
void envelope_pae(const char *type, struct span payload, struct buf *out);

#endif
