/* One envelope out of several around the same payload: each person signed by himself, and whoever
 * receives it counts the distinct keys. Signatures are carried over, never made or judged here. */
#ifndef STORE_ENVELOPE_JOIN_H
#define STORE_ENVELOPE_JOIN_H

#include "store/envelope.h"

/* Adds to `to` the signatures of `from` that it has not. ST_FORMAT when type or payload differ,
 * ST_INVALID_LENGTH above ENVELOPE_SIGNATURES. */
enum status envelope_join(struct envelope *to, const struct envelope *from,
                          struct err *e) MUST_CHECK;
/* Appends its canonical bytes. */
enum status envelope_write(const struct envelope *v, struct buf *out, struct err *e) MUST_CHECK;

#endif
