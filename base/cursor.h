/* A reader that walks a span and never leaves it.
 *
 * Failure is sticky: a read past the end gives zero, sets `failed` and pins `at` to where the read
 * began, so a parser may read a group of fields and check once. Loops must check in each turn. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/bytes.h"

struct cursor {
    struct span in;
    size_t at;   /* next byte to read; after a failure: where the failing read began */
    bool failed; /* a read wanted more than was left */
};

struct cursor cursor_over(struct span in);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
float cursor_f32(struct cursor *c);
struct span cursor_bytes(struct cursor *c, uint64_t n); /* empty span on failure */
size_t cursor_left(const struct cursor *c);
bool cursor_done(const struct cursor *c); /* not failed and exactly at the end */

#endif
