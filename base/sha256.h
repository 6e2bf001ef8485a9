/* SHA-256 (FIPS 180-4) without a library: in WASM, where it is what a model on its way in is held
 * against, and on processors that have instructions for it, one message or two side by side.
 *
 * One message leaves half of such a processor idle, because each step waits for the one before it;
 * two messages together take little more time than one. store/digest.h decides when this is used;
 * natively without these instructions OpenSSL does the work. Values only, any thread. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/bytes.h"

#define SHA256_BLOCK 64

/* A message so far. */
struct sha256 {
    uint32_t h[8];
    uint64_t bytes;             /* of the message */
    uint8_t held[SHA256_BLOCK]; /* its last bytes % 64, which fill no block yet */
};

/* Does this processor have them? On an x86 that does not, nothing below may be called. */
bool sha256_here(void);
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, struct span bytes);
/* Adds a to s and b to t, in step as far as both go. */
void sha256_add_two(struct sha256 *s, struct span a, struct sha256 *t, struct span b);
void sha256_end(struct sha256 *s, uint8_t out[32]);

#endif
