#include "base/cursor.h"

struct cursor cursor_over(struct span in)
{
    return (struct cursor){.in = in};
}

/* The next n bytes, or NULL and a sticky failure with `at` left where it was. */
static const uint8_t *take(struct cursor *c, uint64_t n)
{
    if (c->failed || n > c->in.n - c->at) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *p = c->in.p + c->at;
    c->at += (size_t)n;
    return p;
}

uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = take(c, 1);
    return p != NULL ? *p : 0;
}

uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = take(c, 2);
    return p != NULL ? get_le16(p) : 0;
}

uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = take(c, 4);
    return p != NULL ? get_le32(p) : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
    const uint8_t *p = take(c, 8);
    return p != NULL ? get_le64(p) : 0;
}

float cursor_f32(struct cursor *c)
{
    uint32_t bits = cursor_u32(c);
    float v;
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
}

struct span cursor_bytes(struct cursor *c, uint64_t n)
{
    if (n == 0 || c->in.n == 0) {
        c->failed = c->failed || n > 0;
        return (struct span){0};
    }
    const uint8_t *p = take(c, n);
    return p != NULL ? (struct span){.p = p, .n = (size_t)n} : (struct span){0};
}

size_t cursor_left(const struct cursor *c)
{
    return c->failed ? 0 : c->in.n - c->at;
}

bool cursor_done(const struct cursor *c)
{
    return !c->failed && c->at == c->in.n;
}
