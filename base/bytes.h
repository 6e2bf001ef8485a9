/* Bytes: a borrowed span, a growable buffer, little-endian numbers.
 *
 * A buf's failure is sticky: once an append could not be had, every later append does nothing and
 * buf_status says ST_NO_MEMORY (or ST_OUTPUT_EXCEEDED for a fixed buf). So a writer appends freely
 * and checks once. Memory comes from base/heap.h. Not for threads to share. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/scope.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes; p may be NULL when n is 0. */
struct span {
    const uint8_t *p; /* [n] */
    size_t n;
};

#define SPAN(ptr, len) ((struct span){.p = (const uint8_t *)(ptr), .n = (len)})

struct span span_text(const char *s);          /* the bytes of a C string without its NUL */
bool span_equal(struct span a, struct span b); /* same length, same bytes */

struct buf {
    uint8_t *p; /* [n] of [cap] */
    size_t n, cap;
    bool fixed;  /* p is the caller's and never grows */
    bool failed; /* an append was dropped */
};

#define BUF_EMPTY ((struct buf){0})
/* A buf over the caller's array of `size` bytes. */
struct buf buf_over(void *array, size_t size);

void buf_append(struct buf *b, struct span s);
void buf_text(struct buf *b, const char *s);
void buf_byte(struct buf *b, uint8_t v);
/* n zero bytes, to be filled in place: returns their address, NULL once failed. */
uint8_t *buf_space(struct buf *b, size_t n);
enum status buf_status(const struct buf *b) MUST_CHECK;
struct span buf_span(const struct buf *b);
/* Frees the memory (not a fixed array) and empties the buf. Fits SCOPED. */
void buf_release(struct buf *b);

/* Little-endian numbers at p. */
static inline uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline void put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
    put_le16(p, (uint16_t)v);
    put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void put_le64(uint8_t *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
