/* Blocks of 32 small integers, in the registers of runtime/lanes.h: the weights of one block as 16
 * bits each, and their products with a vector's (runtime/integers.h says which lane gets which). */
#ifndef RUNTIME_LANES_INTEGERS_H
#define RUNTIME_LANES_INTEGERS_H

#include "runtime/integers.h"
#include "runtime/lanes.h"

#ifdef LANES_AVX2

/* Values 0…15 and 16…31. */
typedef struct {
    __m256i low, high;
} lanes_block;

LANES_INLINE lanes_block lanes_block_of(__m128i low, __m128i high)
{
    return (lanes_block){_mm256_cvtepi8_epi16(low), _mm256_cvtepi8_epi16(high)};
}

LANES_INLINE __m128i lanes_16_bytes(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

LANES_INLINE lanes_block lanes_block_bytes(const uint8_t *p)
{
    return lanes_block_of(lanes_16_bytes(p), lanes_16_bytes(p + 16));
}

/* The low nibbles, then the high ones, less 8. */
LANES_INLINE lanes_block lanes_block_halves(const uint8_t *p)
{
    const __m128i mask = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
    __m128i v = lanes_16_bytes(p);
    __m128i low = _mm_and_si128(v, mask), high = _mm_and_si128(_mm_srli_epi16(v, 4), mask);
    return lanes_block_of(_mm_sub_epi8(low, eight), _mm_sub_epi8(high, eight));
}

/* Signed nibbles, low one first. */
LANES_INLINE lanes_block lanes_block_nibbles(const uint8_t *p)
{
    const __m128i mask = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
    __m128i v = lanes_16_bytes(p);
    __m128i low = _mm_and_si128(v, mask), high = _mm_and_si128(_mm_srli_epi16(v, 4), mask);
    low = _mm_sub_epi8(_mm_xor_si128(low, eight), eight);
    high = _mm_sub_epi8(_mm_xor_si128(high, eight), eight);
    return lanes_block_of(_mm_unpacklo_epi8(low, high), _mm_unpackhi_epi8(low, high));
}

LANES_INLINE lanes lanes_block_dot(const lanes_block *w, const int16_t *q)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)q);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(q + 16));
    return _mm256_cvtepi32_ps(
        _mm256_add_epi32(_mm256_madd_epi16(w->low, low), _mm256_madd_epi16(w->high, high)));
}

LANES_INLINE __m256i lanes_magnitudes(const float *x)
{
    return _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(const void *)x),
                            _mm256_set1_epi32(0x7fffffff));
}

/* The bits of the greatest magnitude of 32 values. */
LANES_INLINE uint32_t lanes_block_greatest(const float *x)
{
    __m256i all =
        _mm256_max_epi32(_mm256_max_epi32(lanes_magnitudes(x), lanes_magnitudes(x + 8)),
                         _mm256_max_epi32(lanes_magnitudes(x + 16), lanes_magnitudes(x + 24)));
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

LANES_INLINE __m256i lanes_rounded(const float *x, lanes by)
{
    __m256 shifted =
        _mm256_add_ps(_mm256_mul_ps(_mm256_loadu_ps(x), by), _mm256_set1_ps(INTEGERS_ROUND));
    return _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(INTEGERS_ROUND_BITS));
}

/* 16 values times by, to the nearest integers. */
LANES_INLINE void lanes_cut16(const float *x, float by, int16_t *q)
{
    lanes all = lanes_all(by);
    __m256i packed = _mm256_packs_epi32(lanes_rounded(x, all), lanes_rounded(x + 8, all));
    _mm256_storeu_si256((__m256i *)(void *)q, _mm256_permute4x64_epi64(packed, 0xd8));
}

#else

typedef int8_t lanes_bytes __attribute__((vector_size(16)));
typedef uint8_t lanes_ubytes __attribute__((vector_size(16)));
typedef int16_t lanes_shorts __attribute__((vector_size(16)));

/* Eight values each. */
typedef struct {
    lanes_shorts part[4];
} lanes_block;

/* Each byte into the high half of a pair, then down with its sign. */
#define LANES_PAIRED(v, a, b, c, d, e, f, g, h)                                               \
    ((lanes_shorts)__builtin_shufflevector(v, v, a, a, b, b, c, c, d, d, e, e, f, f, g, g, h, \
                                           h) >>                                              \
     8)

LANES_INLINE lanes_block lanes_block_of(lanes_bytes low, lanes_bytes high)
{
    return (lanes_block){{LANES_PAIRED(low, 0, 1, 2, 3, 4, 5, 6, 7),
                          LANES_PAIRED(low, 8, 9, 10, 11, 12, 13, 14, 15),
                          LANES_PAIRED(high, 0, 1, 2, 3, 4, 5, 6, 7),
                          LANES_PAIRED(high, 8, 9, 10, 11, 12, 13, 14, 15)}};
}

LANES_INLINE lanes_block lanes_block_bytes(const uint8_t *p)
{
    lanes_bytes low, high;
    __builtin_memcpy(&low, p, sizeof low);
    __builtin_memcpy(&high, p + 16, sizeof high);
    return lanes_block_of(low, high);
}

LANES_INLINE void lanes_split(const uint8_t *p, lanes_bytes *low, lanes_bytes *high)
{
    lanes_ubytes v;
    __builtin_memcpy(&v, p, sizeof v);
    *low = (lanes_bytes)(v & 15);
    *high = (lanes_bytes)(v >> 4);
}

LANES_INLINE lanes_block lanes_block_halves(const uint8_t *p)
{
    lanes_bytes low, high;
    lanes_split(p, &low, &high);
    return lanes_block_of(low - 8, high - 8);
}

LANES_INLINE lanes_block lanes_block_nibbles(const uint8_t *p)
{
    lanes_bytes low, high;
    lanes_split(p, &low, &high);
    low = (low ^ 8) - 8;
    high = (high ^ 8) - 8;
    return lanes_block_of(
        __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        __builtin_shufflevector(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                31));
}

/* Sums of the products of neighbours. */
LANES_INLINE lanes_ints lanes_pairs(lanes_shorts a, const int16_t *q)
{
    lanes_shorts b;
    __builtin_memcpy(&b, q, sizeof b);
#if defined(__SSE2__)
    return __builtin_ia32_pmaddwd128(a, b);
#elif defined(__wasm_simd128__)
    return (lanes_ints)__builtin_wasm_dot_s_i32x4_i16x8(a, b);
#else
    lanes_ints x = (lanes_ints)a, y = (lanes_ints)b;
    return (x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16);
#endif
}

LANES_INLINE lanes lanes_block_dot(const lanes_block *w, const int16_t *q)
{
    lanes_ints low = lanes_pairs(w->part[0], q) + lanes_pairs(w->part[2], q + 16);
    lanes_ints high = lanes_pairs(w->part[1], q + 8) + lanes_pairs(w->part[3], q + 24);
    return (lanes){__builtin_convertvector(low, lanes_four),
                   __builtin_convertvector(high, lanes_four)};
}

LANES_INLINE uint32_t lanes_block_greatest(const float *x)
{
    lanes_ints most = {0};
    for (unsigned i = 0; i < INTEGERS_BLOCK; i += 4) {
        lanes_ints v;
        __builtin_memcpy(&v, x + i, sizeof v);
        v &= 0x7fffffff;
        lanes_ints more = v > most;
        most = (v & more) | (most & ~more);
    }
    int32_t a = most[0] > most[1] ? most[0] : most[1], b = most[2] > most[3] ? most[2] : most[3];
    return (uint32_t)(a > b ? a : b);
}

LANES_INLINE void lanes_cut16(const float *x, float by, int16_t *q)
{
    for (unsigned i = 0; i < 16; i += 4) {
        typedef int16_t shorts __attribute__((vector_size(8)));
        lanes_four v;
        __builtin_memcpy(&v, x + i, sizeof v);
        lanes_ints whole = (lanes_ints)(v * by + INTEGERS_ROUND) - INTEGERS_ROUND_BITS;
        shorts narrow = __builtin_convertvector(whole, shorts);
        __builtin_memcpy(q + i, &narrow, sizeof narrow);
    }
}

#endif

#endif
