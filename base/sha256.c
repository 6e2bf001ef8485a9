#include "base/sha256.h"

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t round_words[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define NI __attribute__((target("sha,sse4.1,ssse3")))

bool sha256_here(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    const unsigned sse41 = 1u << 19, ssse3 = 1u << 9, sha = 1u << 29;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & (sse41 | ssse3)) != (sse41 | ssse3))
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
}

/* One message in registers: the state in the order that the instructions want, and the sixteen
 * words of the schedule that are needed next. */
struct lane {
    __m128i abef, cdgh;
    __m128i w[4];
};

NI static inline void load_state(struct lane *l, const uint32_t h[8])
{
    __m128i dcba = _mm_loadu_si128((const __m128i_u *)(const void *)h);
    __m128i hgfe = _mm_loadu_si128((const __m128i_u *)(const void *)(h + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1), efgh = _mm_shuffle_epi32(hgfe, 0x1B);
    l->abef = _mm_alignr_epi8(cdab, efgh, 8);
    l->cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
}

NI static inline void store_state(const struct lane *l, uint32_t h[8])
{
    __m128i feba = _mm_shuffle_epi32(l->abef, 0x1B), dchg = _mm_shuffle_epi32(l->cdgh, 0xB1);
    _mm_storeu_si128((__m128i_u *)(void *)h, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i_u *)(void *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

NI static inline void load_block(struct lane *l, const uint8_t *p)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (int i = 0; i < 4; i++)
        l->w[i] = _mm_shuffle_epi8(
            _mm_loadu_si128((const __m128i_u *)(const void *)(p + (size_t)16 * (size_t)i)), swap);
}

/* Rounds 4q … 4q + 3, and the four words that are needed sixteen rounds later. */
NI __attribute__((always_inline)) static inline void four_rounds(struct lane *l, unsigned q)
{
    __m128i k = _mm_load_si128((const __m128i *)(const void *)(round_words + (size_t)4 * q));
    __m128i *w0 = &l->w[q % 4], w1 = l->w[(q + 1) % 4], w2 = l->w[(q + 2) % 4],
            w3 = l->w[(q + 3) % 4];
    __m128i m = _mm_add_epi32(*w0, k);
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, m);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(m, 0x0E));
    if (q < 12)
        *w0 = _mm_sha256msg2_epu32(
            _mm_add_epi32(_mm_sha256msg1_epu32(*w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3);
}

#define EVERY_FOUR(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

NI static void one(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    struct lane a;
    load_state(&a, h);
    for (; blocks > 0; blocks--, p += SHA256_BLOCK) {
        const __m128i abef = a.abef, cdgh = a.cdgh;
        load_block(&a, p);
#define X(q) four_rounds(&a, q);
        EVERY_FOUR(X)
#undef X
        a.abef = _mm_add_epi32(a.abef, abef);
        a.cdgh = _mm_add_epi32(a.cdgh, cdgh);
    }
    store_state(&a, h);
}

NI static void two(uint32_t g[8], const uint8_t *p, uint32_t h[8], const uint8_t *q, size_t blocks)
{
    struct lane a, b;
    load_state(&a, g);
    load_state(&b, h);
    for (; blocks > 0; blocks--, p += SHA256_BLOCK, q += SHA256_BLOCK) {
        const __m128i a0 = a.abef, a1 = a.cdgh, b0 = b.abef, b1 = b.cdgh;
        load_block(&a, p);
        load_block(&b, q);
#define X(q) four_rounds(&a, q), four_rounds(&b, q);
        EVERY_FOUR(X)
#undef X
        a.abef = _mm_add_epi32(a.abef, a0);
        a.cdgh = _mm_add_epi32(a.cdgh, a1);
        b.abef = _mm_add_epi32(b.abef, b0);
        b.cdgh = _mm_add_epi32(b.cdgh, b1);
    }
    store_state(&a, g);
    store_state(&b, h);
}

#else

bool sha256_here(void)
{
    return false;
}

static uint32_t turned(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static void schedule(const uint8_t *p, uint32_t w[64])
{
    for (size_t i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (size_t i = 16; i < 64; i++) {
        const uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (turned(x, 7) ^ turned(x, 18) ^ x >> 3) + w[i - 7] +
               (turned(y, 17) ^ turned(y, 19) ^ y >> 10);
    }
}

/* One round; from one to the next the letters change places instead of the values. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                         \
    h += (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + (g ^ (e & (f ^ g))) + round_words[i] + \
         w[i];                                                                                   \
    d += h;                                                                                      \
    h += (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (c & (a ^ b)));

static void one(uint32_t state[8], const uint8_t *p, size_t blocks)
{
    for (; blocks > 0; blocks--, p += SHA256_BLOCK) {
        uint32_t w[64];
        schedule(p, w);
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (size_t i = 0; i < 64; i += 8) {
            ROUND(a, b, c, d, e, f, g, h, i)
            ROUND(h, a, b, c, d, e, f, g, i + 1)
            ROUND(g, h, a, b, c, d, e, f, i + 2)
            ROUND(f, g, h, a, b, c, d, e, i + 3)
            ROUND(e, f, g, h, a, b, c, d, i + 4)
            ROUND(d, e, f, g, h, a, b, c, i + 5)
            ROUND(c, d, e, f, g, h, a, b, i + 6)
            ROUND(b, c, d, e, f, g, h, a, i + 7)
        }
        const uint32_t more[8] = {a, b, c, d, e, f, g, h};
        for (size_t i = 0; i < 8; i++)
            state[i] += more[i];
    }
}

static void two(uint32_t g[8], const uint8_t *p, uint32_t h[8], const uint8_t *q, size_t blocks)
{
    one(g, p, blocks);
    one(h, q, blocks);
}

#endif

void sha256_begin(struct sha256 *s)
{
    /* FIPS 180-4, 5.3.3: of the square roots of the first eight primes. */
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    __builtin_memcpy(s->h, first, sizeof first);
    s->bytes = 0;
}

/* Fills the block that was begun; what is left of the bytes. */
static struct span fill_block(struct sha256 *s, struct span bytes)
{
    size_t held = s->bytes % SHA256_BLOCK;
    size_t take = held == 0 ? 0 : SHA256_BLOCK - held;
    if (take > bytes.n)
        take = bytes.n;
    if (take > 0)
        __builtin_memcpy(s->held + held, bytes.p, take);
    s->bytes += take;
    if (take > 0 && held + take == SHA256_BLOCK)
        one(s->h, s->held, 1);
    return SPAN(bytes.p + take, bytes.n - take);
}

/* Whole blocks, then the rest into the block that it begins. */
static void add_rest(struct sha256 *s, struct span bytes)
{
    size_t blocks = bytes.n / SHA256_BLOCK, whole = blocks * SHA256_BLOCK;
    if (blocks > 0)
        one(s->h, bytes.p, blocks);
    if (bytes.n > whole)
        __builtin_memcpy(s->held, bytes.p + whole, bytes.n - whole);
    s->bytes += bytes.n;
}

void sha256_add(struct sha256 *s, struct span bytes)
{
    bytes = fill_block(s, bytes);
    if (bytes.n > 0)
        add_rest(s, bytes);
}

void sha256_add_two(struct sha256 *s, struct span a, struct sha256 *t, struct span b)
{
    a = fill_block(s, a);
    b = fill_block(t, b);
    size_t n = a.n < b.n ? a.n : b.n, blocks = n / SHA256_BLOCK, both = blocks * SHA256_BLOCK;
    if (blocks > 0) {
        two(s->h, a.p, t->h, b.p, blocks);
        s->bytes += both;
        t->bytes += both;
    }
    if (a.n > both)
        add_rest(s, SPAN(a.p + both, a.n - both));
    if (b.n > both)
        add_rest(t, SPAN(b.p + both, b.n - both));
}

void sha256_end(struct sha256 *s, uint8_t out[32])
{
    uint8_t last[2 * SHA256_BLOCK] = {0};
    size_t held = s->bytes % SHA256_BLOCK;
    size_t blocks = held < SHA256_BLOCK - 8 ? 1 : 2; /* a one bit and the length have to fit */
    __builtin_memcpy(last, s->held, held);
    last[held] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[blocks * SHA256_BLOCK - 1 - i] = (uint8_t)(s->bytes * 8 >> (8 * i));
    one(s->h, last, blocks);
    for (size_t i = 0; i < 32; i++)
        out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
