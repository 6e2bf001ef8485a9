/* runtime/wide.h by pairs of 256-bit registers: AVX2 and F16C. */
#ifndef RUNTIME_WIDE_AVX2_H
#define RUNTIME_WIDE_AVX2_H

#include "runtime/lanes.h"

#ifdef LANES_AVX2

#define WIDE_VECTORS_INTEGER 2
#define WIDE_GROUPS_INTEGER  1
#define WIDE_VECTORS_FLOAT   3
#define WIDE_ROWS_FLOAT      1
#define WIDE_PARTIAL         1
#define WIDE_KEYS            1
#define WIDE_MIX             1

typedef struct {
    __m256 low, high;
} wide;
typedef struct {
    __m256i low, high;
} wints;

LANES_INLINE wide wide_all(float x)
{
    __m256 v = _mm256_set1_ps(x);
    return (wide){v, v};
}

LANES_INLINE wide wide_load(const void *p)
{
    return (wide){lanes_load(p), lanes_load((const uint8_t *)p + 32)};
}

/* n < 16 values, the other lanes zero. */
LANES_INLINE wide wide_load_part(const float *p, size_t n)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i low = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), place);
    const __m256i high = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - LANES), place);
    return (wide){_mm256_maskload_ps(p, low), _mm256_maskload_ps(p + LANES, high)};
}

LANES_INLINE void wide_store_part(float *p, wide v, size_t n)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i low = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), place);
    const __m256i high = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - LANES), place);
    _mm256_maskstore_ps(p, low, v.low);
    _mm256_maskstore_ps(p + LANES, high, v.high);
}

LANES_INLINE wide wide_greater(wide a, wide b)
{
    return (wide){lanes_greater(a.low, b.low), lanes_greater(a.high, b.high)};
}

LANES_INLINE void wide_store(float *p, wide v)
{
    lanes_store(p, v.low);
    lanes_store(p + LANES, v.high);
}

LANES_INLINE wide wide_add(wide a, wide b)
{
    return (wide){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}

LANES_INLINE wide wide_mul(wide a, wide b)
{
    return (wide){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}

LANES_INLINE wide wide_from_f16(const uint8_t *p)
{
    return (wide){lanes_from_f16(p), lanes_from_f16(p + 16)};
}

LANES_INLINE __m256 wide_half_from_bf16(const uint8_t *p)
{
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}

LANES_INLINE wide wide_from_bf16(const uint8_t *p)
{
    return (wide){wide_half_from_bf16(p), wide_half_from_bf16(p + 16)};
}

LANES_INLINE wide wide_join(lanes low, lanes high)
{
    return (wide){low, high};
}

LANES_INLINE lanes wide_low(wide v)
{
    return v.low;
}

LANES_INLINE lanes wide_high(wide v)
{
    return v.high;
}

LANES_INLINE wints wints_all(int32_t x)
{
    __m256i v = _mm256_set1_epi32(x);
    return (wints){v, v};
}

LANES_INLINE wints wints_zero(void)
{
    return wints_all(0);
}

LANES_INLINE __m256i wints_half_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

LANES_INLINE wints wints_load(const uint8_t *p)
{
    return (wints){wints_half_load(p), wints_half_load(p + 32)};
}

LANES_INLINE wints wints_add(wints a, wints b)
{
    return (wints){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

LANES_INLINE wints wints_sub(wints a, wints b)
{
    return (wints){_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

LANES_INLINE __m256i wints_half_bytes(const uint8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

LANES_INLINE wints wints_bytes(const uint8_t *p)
{
    return (wints){wints_half_bytes(p), wints_half_bytes(p + 16)};
}

LANES_INLINE __m256i wints_half_nibbles(__m256i v, unsigned k)
{
    if (k != 0)
        v = _mm256_srli_epi16(v, (int)(4 * k));
    return k != 3 ? _mm256_and_si256(v, _mm256_set1_epi16(15)) : v;
}

LANES_INLINE wints wints_nibbles(wints v, unsigned k)
{
    return (wints){wints_half_nibbles(v.low, k), wints_half_nibbles(v.high, k)};
}

LANES_INLINE wints wints_dot(wints sum, wints w, const int16_t *pair)
{
    int32_t both;
    __builtin_memcpy(&both, pair, sizeof both);
    __m256i x = _mm256_set1_epi32(both);
    return wints_add(sum, (wints){_mm256_madd_epi16(w.low, x), _mm256_madd_epi16(w.high, x)});
}

LANES_INLINE wide wide_of(wints v)
{
    return (wide){_mm256_cvtepi32_ps(v.low), _mm256_cvtepi32_ps(v.high)};
}

#endif

#endif
