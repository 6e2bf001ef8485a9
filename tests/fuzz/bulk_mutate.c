#include "tests/fuzz/bulk_mutate.h"
#include <string.h>

/* One input while it is edited. */
struct draft {
    const struct bulk_corpus *corpus;
    struct bulk_random *r;
    uint8_t *p;
    size_t n, cap;
};

struct bulk_random bulk_random(uint64_t seed)
{
    return (struct bulk_random){.state = seed * 2 + 1};
}

/* splitmix64 */
static uint64_t draw(struct bulk_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(struct bulk_random *r, size_t n)
{
    return n > 0 ? (size_t)(((draw(r) >> 32) * n) >> 32) : 0;
}

static void replace(struct draft *d, size_t at, size_t gone, struct span with)
{
    if (d->n - gone + with.n > d->cap)
        return;
    memmove(d->p + at + with.n, d->p + at + gone, d->n - at - gone);
    memcpy(d->p + at, with.p, with.n);
    d->n = d->n - gone + with.n;
}

static void edit_bit(struct draft *d)
{
    d->p[below(d->r, d->n)] ^= (uint8_t)(1u << below(d->r, 8));
}

static void edit_byte(struct draft *d)
{
    d->p[below(d->r, d->n)] = (uint8_t)draw(d->r);
}

/* Both formats and their tokenizers write numbers as little-endian words, most of them small: a
 * byte before three zeros is likely one. */
static size_t find_number(struct draft *d, size_t width)
{
    size_t from = below(d->r, d->n - width + 1);
    for (size_t at = from; at + width <= d->n && at < from + 64; at++)
        if (d->p[at] != 0 && d->p[at + 1] == 0 && d->p[at + 2] == 0 && d->p[at + 3] == 0)
            return at;
    return from;
}

static uint64_t number_near(struct bulk_random *r, uint64_t was)
{
    static const uint64_t edges[] = {0,          1,          2,           3,         31,
                                     32,         63,         64,          255,       256,
                                     259,        260,        4096,        65535,     0x7fffffff,
                                     0x80000000, 0xffffffff, 0x100000000, INT64_MAX, UINT64_MAX,
                                     0x7fc00000, 0x7f800000, 0xff800000,  0x3f800000};
    switch (below(r, 5)) {
    case 0: return was + 1;
    case 1: return was - 1;
    case 2: return was ^ UINT64_C(1) << below(r, 64);
    case 3: return was * 2;
    default: return edges[below(r, sizeof edges / sizeof *edges)];
    }
}

static void edit_number(struct draft *d)
{
    size_t width = below(d->r, 2) == 0 ? 4 : 8;
    if (d->n < width)
        return;
    size_t at = find_number(d, width);
    uint64_t v = number_near(d->r, width == 4 ? get_le32(d->p + at) : get_le64(d->p + at));
    if (width == 4)
        put_le32(d->p + at, (uint32_t)v);
    else
        put_le64(d->p + at, v);
}

static void edit_remove(struct draft *d)
{
    size_t at = below(d->r, d->n), n = 1 + below(d->r, below(d->r, 2) == 0 ? 8 : d->n - at);
    n = n < d->n - at ? n : d->n - at;
    replace(d, at, n, SPAN(d->p, 0));
}

/* A piece of this input or of another one. */
static struct span piece(struct draft *d, uint8_t room[256])
{
    bool own = below(d->r, 2) == 0;
    struct span from = own ? SPAN(d->p, d->n) : d->corpus->at[below(d->r, d->corpus->count)];
    size_t at = below(d->r, from.n), n = 1 + below(d->r, below(d->r, 2) == 0 ? 8 : 256);
    n = n < from.n - at ? n : from.n - at;
    memcpy(room, from.p + at, n);
    return SPAN(room, n);
}

static void edit_insert(struct draft *d)
{
    uint8_t room[256];
    struct span with = piece(d, room);
    replace(d, below(d->r, d->n + 1), 0, with);
}

static void edit_overwrite(struct draft *d)
{
    uint8_t room[256];
    struct span with = piece(d, room);
    size_t at = below(d->r, d->n);
    memcpy(d->p + at, with.p, with.n < d->n - at ? with.n : d->n - at);
}

static void edit_cut(struct draft *d)
{
    d->n = 1 + below(d->r, d->n);
}

static void edit_text(struct draft *d)
{
    static const char *const words[] = {" ",
                                        "  ",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        "'s",
                                        "'ll",
                                        "'RE",
                                        "12",
                                        "the",
                                        "\xe2\x96\x81",
                                        "\xc3\xa9",
                                        "e\xcc\x81",
                                        "\xc2\xa0",
                                        "\xc5\xbf",
                                        "\xe3\x80\x80",
                                        "\xf0\x9f\x98\x80",
                                        "\xd9\xa3",
                                        "<0x41>",
                                        "<s>",
                                        "</s>",
                                        "<|endoftext|>",
                                        "\xef\xbb\xbf",
                                        "\xed\xa0\x80",
                                        "\xc0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xff",
                                        "\xe2\x81\x84"};
    const char *word = words[below(d->r, sizeof words / sizeof *words)];
    replace(d, below(d->r, d->n + 1), 0, SPAN(word, strlen(word)));
}

static void edit(struct draft *d)
{
    if (d->n == 0)
        d->p[d->n++] = (uint8_t)draw(d->r);
    switch (below(d->r, 16)) { /* few that move what follows: a moved model opens no more */
    case 0:
    case 1:
    case 2: edit_bit(d); break;
    case 3:
    case 4:
    case 5: edit_byte(d); break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10: edit_number(d); break;
    case 11:
    case 12: edit_overwrite(d); break;
    case 13: edit_insert(d); break;
    case 14: edit_text(d); break;
    default:
        if (below(d->r, 8) == 0)
            edit_cut(d);
        else
            edit_remove(d);
    }
}

static struct span pick(const struct bulk_corpus *c, struct bulk_random *r, bool deep)
{
    return c->at[deep ? c->deep[below(r, c->deep_count)] : below(r, c->count)];
}

size_t bulk_mutate(const struct bulk_corpus *c, struct bulk_random *r, uint8_t *out, size_t longest)
{
    /* The shorter of two: more executions in the same time. */
    bool deep = c->deep_count > 0 && below(r, 4) < 3;
    struct span one = pick(c, r, deep), other = pick(c, r, deep);
    struct span from = other.n < one.n ? other : one;
    struct draft d = {.corpus = c, .r = r, .p = out, .n = from.n, .cap = longest};
    memcpy(out, from.p, from.n);
    do
        edit(&d);
    while (below(r, 2) == 0);
    return d.n;
}
