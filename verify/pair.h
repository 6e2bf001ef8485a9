/* Two models in one sealed memory file, for a sandboxed child that compares them: the second lies
 * behind the first at a page's start. */
#ifndef VERIFY_PAIR_H
#define VERIFY_PAIR_H

#include "verify/artifact.h"

struct pair {
    int fd;                            /* −1: none yet; released with fd_release */
    uint64_t first, second_at, second; /* bytes, offset, bytes; second 0: there is none */
};
#define PAIR_NONE ((struct pair){.fd = -1})

/* Contents come from the store, verified; b may be NULL. */
enum status pair_fill(struct store *s, const struct manifest_file *a, const struct manifest_file *b,
                      struct pair *out, struct err *e) MUST_CHECK;
/* In the child: maps what it was given as descriptor `in`. */
bool pair_map(const struct pair *p, int in, struct span *first, struct span *second);
/* Address space that a child needs for both. */
enum status pair_room(const struct artifact *a, const struct artifact *b, const struct pair *p,
                      uint64_t *out, struct err *e) MUST_CHECK;

#endif
