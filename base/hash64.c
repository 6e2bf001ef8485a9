#include "base/hash64.h"

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static uint64_t lane_round(uint64_t acc, uint64_t lane)
{
    return rotl(acc + lane * P2, 31) * P1;
}

static uint64_t lane_merge(uint64_t acc, uint64_t lane)
{
    return (acc ^ lane_round(0, lane)) * P1 + P4;
}

/* Four independent lanes over 32-byte stripes, so that the multiplies overlap. */
static uint64_t stripes(const uint8_t *p, size_t n, uint64_t seed)
{
    uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
    for (; n >= 32; p += 32, n -= 32) {
        a = lane_round(a, get_le64(p));
        b = lane_round(b, get_le64(p + 8));
        c = lane_round(c, get_le64(p + 16));
        d = lane_round(d, get_le64(p + 24));
    }
    uint64_t h = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    h = lane_merge(h, a);
    h = lane_merge(h, b);
    h = lane_merge(h, c);
    return lane_merge(h, d);
}

uint64_t hash64(struct span in, uint64_t seed)
{
    const uint8_t *p = in.p;
    size_t n = in.n;
    uint64_t h = n >= 32 ? stripes(p, n, seed) : seed + P5;
    h += n;
    if (n >= 32) {
        p += n & ~(size_t)31;
        n &= 31;
    }
    for (; n >= 8; p += 8, n -= 8)
        h = rotl(h ^ lane_round(0, get_le64(p)), 27) * P1 + P4;
    if (n >= 4) {
        h = rotl(h ^ get_le32(p) * P1, 23) * P2 + P3;
        p += 4;
        n -= 4;
    }
    for (; n > 0; p++, n--)
        h = rotl(h ^ *p * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}
