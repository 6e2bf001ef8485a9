/* SHA-256, the one digest of the house: what sha256sum, OCI and model hubs speak. OpenSSL
 * underneath, and base/sha256.h where two messages can be hashed side by side. */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"

#define DIGEST_BYTES 32
#define DIGEST_TEXT  65 /* 64 lower-case hex digits and a NUL */

struct digest {
    uint8_t b[DIGEST_BYTES];
};

struct digest digest_of(struct span bytes);
bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *d);
void digest_text(const struct digest *d, char out[DIGEST_TEXT]);
/* Exactly 64 lower-case hex digits, an optional "sha256:" before them. */
bool digest_parse(const char *s, struct digest *out);
/* Is d one of those that lie in the list, one behind the other? */
bool digest_listed(struct span list, const struct digest *d);

/* Messages on their way to their digests, two at a time: two take little more time than one, and
 * whichever is through first makes room for the next. Begins as all zeros. */
struct digest_queue {
    struct digest_lane {
        bool taken;
        uint32_t tag; /* the caller's name for the message */
        struct span left;
        struct sha256 state;
    } lanes[2];
};
/* Which lane the next message gets. There is one whenever no call is going on. */
unsigned digest_queue_vacant(const struct digest_queue *q);
/* Takes a message in; it is borrowed until it comes out. True when a message (this one or the one
 * before) is through: its tag and digest. */
bool digest_queue_put(struct digest_queue *q, uint32_t tag, struct span message, uint32_t *through,
                      struct digest *out);
/* The one that is still in, to its end. False when there is none. */
bool digest_queue_end(struct digest_queue *q, uint32_t *through, struct digest *out);

/* A running digest. Not for threads to share. */
struct hasher;
enum status hasher_open(struct hasher **out, struct err *e) MUST_CHECK;
void hasher_add(struct hasher *h, struct span bytes);
/* The same, and the digest of these bytes by themselves. */
struct digest hasher_add_piece(struct hasher *h, struct span bytes);
/* Does that take about as long as hasher_add here? Else it takes twice as long. */
bool hasher_in_step(void);
struct digest hasher_end(struct hasher *h); /* and begins anew */
void hasher_close(struct hasher *h);
SCOPE_OF(hasher, struct hasher, hasher_close)

#endif
