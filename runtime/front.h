/* The front of a model file (header, metadata, directory), read while it is still arriving.
 *
 * A parser is a pure function of a prefix of the file and of the file's size: it is run over what
 * is there, and when it meets the end of that it says how much it needs and is run again from the
 * start. So a file that comes in pieces is refused exactly as one that lies in memory.
 *
 * Failure is sticky: after it every read gives zero and nothing moves, `status` and the caller's
 * err tell the first one. A group of fields may be read before status is looked at, but no value
 * may be judged before. */
#ifndef RUNTIME_FRONT_H
#define RUNTIME_FRONT_H

#include "base/bytes.h"
#include "base/err.h"

/* More bytes are needed (front.need). Never leaves layout_parse; no err is filled with it. */
#define FRONT_WAITS ST_INCONCLUSIVE

struct front {
    struct span have;    /* the prefix that is there */
    uint64_t file_bytes; /* of the whole file */
    uint64_t limit;      /* the front may not be longer */
    uint64_t at;         /* next byte to read */
    uint64_t need;       /* with FRONT_WAITS: bytes to come back with, at least */
    const char *stage;   /* what is being read, for refusals */
    const char *code_short, *code_limit;
    enum status status;
    struct err *err;
};

struct span front_bytes(struct front *h, uint64_t n); /* empty on failure */
uint32_t front_u32(struct front *h);
uint64_t front_u64(struct front *h);
/* Could n more bytes ever be read? Fails as a read of them would, without waiting. */
bool front_fits(struct front *h, uint64_t n);
/* Reads up to offset `to`, all zero bytes or refused with `code`. */
bool front_zeros(struct front *h, uint64_t to, const char *code);

#endif
