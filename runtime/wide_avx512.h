/* runtime/wide.h by 512-bit registers: AVX-512 F, BW, VL and VNNI. */
#ifndef RUNTIME_WIDE_AVX512_H
#define RUNTIME_WIDE_AVX512_H

#include "runtime/lanes.h"

#ifdef LANES_AVX512

#include <immintrin.h>

#define WIDE_VECTORS_INTEGER 8
#define WIDE_GROUPS_INTEGER  2
#define WIDE_VECTORS_FLOAT   3
#define WIDE_ROWS_FLOAT      4
#define WIDE_PARTIAL         4
#define WIDE_KEYS            8
#define WIDE_MIX             4

typedef __m512 wide;
typedef __m512i wints;

LANES_INLINE wide wide_all(float x)
{
    return _mm512_set1_ps(x);
}

LANES_INLINE wide wide_load(const void *p)
{
    return _mm512_loadu_ps(p);
}

LANES_INLINE __mmask16 wide_first(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

/* n < 16 values, the other lanes zero. */
LANES_INLINE wide wide_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(wide_first(n), p);
}

LANES_INLINE void wide_store_part(float *p, wide v, size_t n)
{
    _mm512_mask_storeu_ps(p, wide_first(n), v);
}

/* a > b ? a : b in each lane. */
LANES_INLINE wide wide_greater(wide a, wide b)
{
    return _mm512_max_ps(a, b);
}

LANES_INLINE void wide_store(float *p, wide v)
{
    _mm512_storeu_ps(p, v);
}

LANES_INLINE wide wide_add(wide a, wide b)
{
    return _mm512_add_ps(a, b);
}

LANES_INLINE wide wide_mul(wide a, wide b)
{
    return _mm512_mul_ps(a, b);
}

LANES_INLINE wide wide_sub(wide a, wide b)
{
    return _mm512_sub_ps(a, b);
}

LANES_INLINE wide wide_div(wide a, wide b)
{
    return _mm512_div_ps(a, b);
}

/* a < b ? a : b in each lane. */
LANES_INLINE wide wide_lesser(wide a, wide b)
{
    return _mm512_min_ps(a, b);
}

/* limit > x ? 0 : v in each lane. */
LANES_INLINE wide wide_zero_below(wide v, wide x, wide limit)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(limit, x, _CMP_NGT_UQ), v);
}

/* 2^n, where n is what EXP_ROUND pushed into the low bits of `shifted`. */
LANES_INLINE wide wide_power(wide shifted)
{
    __m512i n = _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(EXP_ROUND_BITS));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}

LANES_INLINE wide wide_from_f16(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

LANES_INLINE wide wide_from_bf16(const uint8_t *p)
{
    __m512i wide_bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide_bits, 16));
}

LANES_INLINE lanes wide_low(wide v)
{
    return _mm512_castps512_ps256(v);
}

LANES_INLINE lanes wide_high(wide v)
{
    return _mm256_castsi256_ps(_mm512_extracti64x4_epi64(_mm512_castps_si512(v), 1));
}

LANES_INLINE wints wints_zero(void)
{
    return _mm512_setzero_si512();
}

LANES_INLINE wints wints_all(int32_t x)
{
    return _mm512_set1_epi32(x);
}

LANES_INLINE wints wints_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

LANES_INLINE wints wints_add(wints a, wints b)
{
    return _mm512_add_epi32(a, b);
}

LANES_INLINE wints wints_sub(wints a, wints b)
{
    return _mm512_sub_epi32(a, b);
}

/* 32 signed bytes as pairs of 16 bits. */
LANES_INLINE wints wints_bytes(const uint8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

/* The k-th nibble of each 16 bits. */
LANES_INLINE wints wints_nibbles(wints v, unsigned k)
{
    /* Literal counts: the two compilers' headers do not agree on the count's sign. */
    if (k == 1)
        v = _mm512_srli_epi16(v, 4);
    if (k == 2)
        v = _mm512_srli_epi16(v, 8);
    if (k == 3)
        v = _mm512_srli_epi16(v, 12);
    return k != 3 ? _mm512_and_si512(v, _mm512_set1_epi16(15)) : v;
}

/* sum + the pair's products with w's pairs. */
LANES_INLINE wints wints_dot(wints sum, wints w, const int16_t *pair)
{
    int32_t both;
    __builtin_memcpy(&both, pair, sizeof both);
    return _mm512_dpwssd_epi32(sum, w, _mm512_set1_epi32(both));
}

LANES_INLINE wide wide_of(wints v)
{
    return _mm512_cvtepi32_ps(v);
}

#endif

#endif
