/* SHA-256, the one digest of the house (OpenSSL underneath): what sha256sum, OCI and model hubs
 * speak. */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include "base/bytes.h"
#include "base/err.h"

#define DIGEST_BYTES 32
#define DIGEST_TEXT  65 /* 64 lower-case hex digits and a NUL */

struct digest {
    uint8_t b[DIGEST_BYTES];
};

struct digest digest_of(struct span bytes);
bool digest_equal(const struct digest *a, const struct digest *b);
void digest_text(const struct digest *d, char out[DIGEST_TEXT]);
/* Exactly 64 lower-case hex digits, an optional "sha256:" before them. */
bool digest_parse(const char *s, struct digest *out);

/* A running digest. Not for threads to share. */
struct hasher;
enum status hasher_open(struct hasher **out, struct err *e) MUST_CHECK;
void hasher_add(struct hasher *h, struct span bytes);
struct digest hasher_end(struct hasher *h); /* and begins anew */
void hasher_close(struct hasher *h);
SCOPE_OF(hasher, struct hasher, hasher_close)

#endif
