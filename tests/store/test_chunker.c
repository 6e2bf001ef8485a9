#include "store/chunker.h"
#include "tests/store/packs_support.h"

/* The cuts of 2 MiB of the random bytes of seed 1. They may never change: a store made by an older
 * program would share nothing with this one. */
static const uint32_t golden[] = {134261, 102009, 59164,  117269, 110264, 57614,
                                  106792, 71141,  216727, 123695, 98751,  204352,
                                  179990, 151089, 156591, 106155, 101288};

static size_t cuts(struct span in, uint32_t *out, size_t cap)
{
    size_t n = 0;
    while (in.n > 0 && n < cap) {
        size_t cut = chunker_cut(in);
        cr_assert(cut > 0 && cut <= in.n);
        out[n++] = (uint32_t)cut;
        in.p += cut;
        in.n -= cut;
    }
    return n;
}

Test(chunker, cuts_are_where_they_always_were)
{
    size_t n = 2u << 20;
    uint8_t *p = fresh(n);
    fill_random(p, n, 1);
    uint32_t found[128];
    size_t count = cuts(SPAN(p, n), found, 128);
    cr_expect_eq(count, sizeof golden / sizeof *golden, "%zu cuts", count);
    for (size_t i = 0; i < count && i < sizeof golden / sizeof *golden; i++)
        cr_expect_eq(found[i], golden[i], "cut %zu: %u", i, found[i]);
    heap_free(p);
}

Test(chunker, chunks_keep_their_bounds)
{
    size_t n = 4u << 20;
    uint8_t *p = fresh(n);
    fill_random(p, n, 7);
    uint32_t found[256];
    size_t count = cuts(SPAN(p, n), found, 256);
    for (size_t i = 0; i + 1 < count; i++)
        cr_expect(found[i] >= CHUNK_MIN && found[i] <= CHUNK_MAX);
    memset(p, 0, n);
    count = cuts(SPAN(p, n), found, 256);
    cr_expect_eq(count, n / CHUNK_MAX, "bytes without a cut make chunks of the greatest size");
    heap_free(p);
}

Test(chunker, short_input_is_one_chunk)
{
    uint8_t *p = fresh(CHUNK_MIN + 1);
    fill_random(p, CHUNK_MIN + 1, 3);
    cr_expect_eq(chunker_cut(SPAN(p, 0)), 0);
    cr_expect_eq(chunker_cut(SPAN(p, 1)), 1);
    cr_expect_eq(chunker_cut(SPAN(p, CHUNK_MIN - 1)), CHUNK_MIN - 1);
    cr_expect_eq(chunker_cut(SPAN(p, CHUNK_MIN)), CHUNK_MIN);
    cr_expect_eq(chunker_cut(SPAN(p, CHUNK_MIN + 1)), CHUNK_MIN + 1);
    heap_free(p);
}

Test(chunker, an_insertion_moves_cuts_only_nearby)
{
    size_t n = 8u << 20, odd = 4099;
    uint8_t *a = fresh(n), *b = fresh(n + odd);
    fill_random(a, n, 5);
    memcpy(b, a, 100);
    fill_random(b + 100, odd, 6);
    memcpy(b + 100 + odd, a + 100, n - 100);
    uint32_t ca[512], cb[512];
    size_t na = cuts(SPAN(a, n), ca, 512), nb = cuts(SPAN(b, n + odd), cb, 512);
    /* Counted from the end, cuts agree until close to the insertion. */
    size_t same = 0;
    while (same < na && same < nb && ca[na - 1 - same] == cb[nb - 1 - same])
        same++;
    cr_expect(na - same <= 8, "%zu of %zu chunks differ", na - same, na);
    heap_free(a);
    heap_free(b);
}

Test(chunker, a_longer_look_ahead_changes_nothing)
{
    size_t n = 1u << 20;
    uint8_t *p = fresh(n);
    fill_random(p, n, 9);
    size_t at = 0;
    while (n - at > CHUNK_MAX) {
        size_t near = chunker_cut(SPAN(p + at, CHUNK_MAX)), far = chunker_cut(SPAN(p + at, n - at));
        cr_expect_eq(near, far);
        at += near;
    }
    heap_free(p);
}
