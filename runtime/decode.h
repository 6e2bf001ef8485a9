/* Token bytes back to text, as they come.
 *
 * A character may span tokens, so up to three bytes wait until it is whole; what has been handed
 * out is valid UTF-8 at any time. Bytes that can never become a character break a strict decoder
 * for good, and become U+FFFD otherwise. */
#ifndef RUNTIME_DECODE_H
#define RUNTIME_DECODE_H

#include "base/bytes.h"
#include "base/err.h"

struct decode {
    struct buf text; /* all of it; a fixed buf, or one that grows */
    bool strict;
    bool broken;        /* strict, and a byte that is not UTF-8 came */
    uint8_t waiting[4]; /* the beginning of a character */
    unsigned held;      /* how many bytes wait */
};

/* Empties it; buffer and strictness stay. */
void decode_clear(struct decode *d);
/* Takes a token's bytes; returns the text they complete, which lies at the end of d->text. */
struct span decode_push(struct decode *d, struct span bytes);
/* No more will come for now. With final, bytes that wait are an error too (strict) or become
 * U+FFFD. ST_INVALID_UTF8, ST_OUTPUT_EXCEEDED. */
enum status decode_finish(struct decode *d, bool final, struct err *e) MUST_CHECK;

#endif
