/* A source whose first bytes are looked at before they go on. */
#ifndef VERIFY_AHEAD_H
#define VERIFY_AHEAD_H

#include "base/bytes.h"
#include "base/stream.h"

struct ahead {
    struct source from;
    struct buf bytes; /* read ahead, and not handed out yet from `at` on */
    size_t at;
    bool ended;
};
void ahead_release(struct ahead *f);
/* Reads ahead until there are n bytes, or all there are. */
enum status ahead_fill(struct ahead *f, size_t n, struct err *e) MUST_CHECK;
/* All of it, from the first byte on; nothing is read ahead any more. */
struct source ahead_source(struct ahead *f);

#endif
