#include "store/planes.h"

#include <assert.h>
#include <string.h>

/* Plain loops over restrict pointers: both compilers turn them into byte shuffles. */
static void split2(uint8_t *restrict a, uint8_t *restrict b, const uint8_t *restrict in, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        a[i] = in[2 * i];
        b[i] = in[2 * i + 1];
    }
}

static void split4(uint8_t *restrict a, uint8_t *restrict b, uint8_t *restrict c,
                   uint8_t *restrict d, const uint8_t *restrict in, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        a[i] = in[4 * i];
        b[i] = in[4 * i + 1];
        c[i] = in[4 * i + 2];
        d[i] = in[4 * i + 3];
    }
}

static void join2(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
                  size_t m)
{
    for (size_t i = 0; i < m; i++) {
        out[2 * i] = a[i];
        out[2 * i + 1] = b[i];
    }
}

static void join4(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
                  const uint8_t *restrict c, const uint8_t *restrict d, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        out[4 * i] = a[i];
        out[4 * i + 1] = b[i];
        out[4 * i + 2] = c[i];
        out[4 * i + 3] = d[i];
    }
}

void planes_split(uint8_t *const plane[PLANES_MAX], struct span in, unsigned width)
{
    assert(width == 2 || width == 4);
    if (width == 2)
        split2(plane[0], plane[1], in.p, in.n / 2);
    else
        split4(plane[0], plane[1], plane[2], plane[3], in.p, in.n / 4);
}

void planes_join(uint8_t *out, const uint8_t *const plane[PLANES_MAX], size_t each, unsigned width)
{
    assert(width == 2 || width == 4);
    if (width == 2)
        join2(out, plane[0], plane[1], each);
    else
        join4(out, plane[0], plane[1], plane[2], plane[3], each);
}

/* The sample: some runs, evenly spread, each cut into four phases (offset modulo 4). */
#define RUNS      8u
#define RUN_BYTES 512u
#define SAMPLES   (RUNS * RUN_BYTES / 4) /* of a phase */

/* Pairs of equal values, one from phase a, one from phase b: n²·Σ p·q for distributions p and q. */
static uint32_t pairs(const uint16_t a[256], const uint16_t b[256])
{
    uint32_t sum = 0;
    for (unsigned v = 0; v < 256; v++)
        sum += (uint32_t)a[v] * b[v];
    return sum;
}

/* Two phases look alike when values meet across them about as often as within each. */
static bool alike(uint32_t across, uint32_t within_a, uint32_t within_b)
{
    return (uint64_t)across * 20 >= ((uint64_t)within_a + within_b) * 8;
}

struct planes_look planes_look(struct span in)
{
    struct planes_look look = {.width = 1};
    if (in.n < (size_t)2 * RUNS * RUN_BYTES)
        return look;
    uint16_t seen[4][256] = {{0}};
    size_t stride = (in.n - RUN_BYTES) / (RUNS - 1) & ~(size_t)3;
    for (unsigned run = 0; run < RUNS; run++) {
        const uint8_t *p = in.p + run * stride;
        for (unsigned i = 0; i < RUN_BYTES; i += 4) {
            for (unsigned k = 0; k < 4; k++)
                seen[k][p[i + k]]++;
        }
    }
    /* A sample always meets itself: taken off, so that within and across compare. */
    uint32_t within[4];
    for (unsigned k = 0; k < 4; k++)
        within[k] = pairs(seen[k], seen[k]) - SAMPLES;
    bool two = alike(pairs(seen[0], seen[2]), within[0], within[2]) &&
               alike(pairs(seen[1], seen[3]), within[1], within[3]);
    bool one = two && alike(pairs(seen[0], seen[1]), within[0], within[1]);
    look.width = one ? 1 : two ? 2 : 4;
    /* Evenly spread bytes give n²/256 pairs, give or take 2 %. */
    for (unsigned k = 0; k < look.width; k++)
        look.flat[k] = within[k] < SAMPLES * SAMPLES / 256 * 6 / 5;
    return look;
}
