/* SHA-256 on processors that have instructions for it, one message or two side by side.
 *
 * One message leaves half of such a processor idle, because each step waits for the one before it;
 * two messages together take little more time than one. store/digest.h decides when this is used;
 * without these instructions OpenSSL does the work. Values only, any thread. */
#ifndef STORE_SHA256_H
#define STORE_SHA256_H

#include "base/bytes.h"

#define SHA256_BLOCK 64

/* A message so far. */
struct sha256 {
    uint32_t h[8];
    uint64_t bytes;             /* of the message */
    uint8_t held[SHA256_BLOCK]; /* its last bytes % 64, which fill no block yet */
};

/* Does this processor have them? Nothing below may be called when it does not. */
bool sha256_here(void);
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, struct span bytes);
/* Adds a to s and b to t, in step as far as both go. */
void sha256_add_two(struct sha256 *s, struct span a, struct sha256 *t, struct span b);
void sha256_end(struct sha256 *s, uint8_t out[32]);

#endif
