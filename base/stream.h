/* Bytes that come and bytes that go, one call each. */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include "base/bytes.h"
#include "base/err.h"

/* Takes all of `bytes` or fails. The span is borrowed for the call. */
struct sink {
    enum status (*write)(void *ctx, struct span bytes, struct err *e);
    void *ctx;
};

/* Fills up to cap bytes at p; *got = 0 means the end. */
struct source {
    enum status (*read)(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e);
    void *ctx;
};

#endif
