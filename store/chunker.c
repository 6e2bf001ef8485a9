#include "store/chunker.h"

/* The gear: 64 random bits a byte value, splitmix64's output at SEED + (value + 1) × STEP. The seed
 * is the first 16 hex digits of pi's fraction: nothing up the sleeve. */
#define SEED       UINT64_C(0x243F6A8885A308D3)
#define STEP       UINT64_C(0x9E3779B97F4A7C15)

#define MIX1(z)    (((z) ^ ((z) >> 30)) * UINT64_C(0xBF58476D1CE4E5B9))
#define MIX2(z)    (((z) ^ ((z) >> 27)) * UINT64_C(0x94D049BB133111EB))
#define MIX3(z)    ((z) ^ ((z) >> 31))
#define GEAR(v)    MIX3(MIX2(MIX1(SEED + ((v) + 1) * STEP)))

#define GEAR4(v)   GEAR((v) + 0u), GEAR((v) + 1u), GEAR((v) + 2u), GEAR((v) + 3u)
#define GEAR16(v)  GEAR4((v) + 0u), GEAR4((v) + 4u), GEAR4((v) + 8u), GEAR4((v) + 12u)
#define GEAR64(v)  GEAR16((v) + 0u), GEAR16((v) + 16u), GEAR16((v) + 32u), GEAR16((v) + 48u)
#define GEAR256(v) GEAR64((v) + 0u), GEAR64((v) + 64u), GEAR64((v) + 128u), GEAR64((v) + 192u)

static const uint64_t gear[256] = {GEAR256(UINT64_C(0))};

/* Bytes that still reach the hash's top bit: older ones are shifted out. */
#define WINDOW 64

/* A cut is where the top bits are zero: the top ones, since they depend on the whole window. */
#define HARD (~UINT64_C(0) << (64 - 17))
#define EASY (~UINT64_C(0) << (64 - 15))

/* Goes on from *at to `end`; true with *at behind the cut when one was found. */
static bool find_cut(const uint8_t *p, size_t end, uint64_t mask, uint64_t *hash, size_t *at)
{
    uint64_t h = *hash;
    for (size_t i = *at; i < end; i++) {
        h = (h << 1) + gear[p[i]];
        if ((h & mask) == 0) {
            *at = i + 1;
            return true;
        }
    }
    *hash = h;
    *at = end;
    return false;
}

size_t chunker_cut(struct span in)
{
    if (in.n <= CHUNK_MIN)
        return in.n;
    size_t end = in.n < CHUNK_MAX ? in.n : CHUNK_MAX;
    size_t aim = end < CHUNK_AIM ? end : CHUNK_AIM;
    uint64_t hash = 0;
    size_t at =
        CHUNK_MIN - WINDOW; /* warms up: no cut there can be right before the window is full */
    for (; at < CHUNK_MIN; at++)
        hash = (hash << 1) + gear[in.p[at]];
    if (find_cut(in.p, aim, HARD, &hash, &at))
        return at;
    (void)find_cut(in.p, end, EASY, &hash, &at);
    return at;
}
