/* A vector cut to integers (runtime/integers.h), in the registers of runtime/lanes.h. A part of
 * runtime/kernels_rows_body.h. */
#ifndef RUNTIME_LANES_CUT_H
#define RUNTIME_LANES_CUT_H

#include "runtime/integers.h"
#include "runtime/wide.h"

#ifdef LANES_AVX2

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

/* 16 values times by, to the nearest integers; their sum. */
LANES_INLINE int32_t lanes_cut16(const float *x, float by, int16_t *q)
{
    lanes all = lanes_all(by);
    __m256i low = lanes_rounded(x, all), high = lanes_rounded(x + 8, all);
    __m256i packed = _mm256_packs_epi32(low, high);
    _mm256_storeu_si256((__m256i *)(void *)q, _mm256_permute4x64_epi64(packed, 0xd8));
    __m256i sum = _mm256_add_epi32(low, high);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

#else

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

LANES_INLINE int32_t lanes_cut16(const float *x, float by, int16_t *q)
{
    lanes_ints sum = {0};
    for (unsigned i = 0; i < 16; i += 4) {
        typedef int16_t shorts __attribute__((vector_size(8)));
        lanes_four v;
        __builtin_memcpy(&v, x + i, sizeof v);
        lanes_ints whole = (lanes_ints)(v * by + INTEGERS_ROUND) - INTEGERS_ROUND_BITS;
        shorts narrow = __builtin_convertvector(whole, shorts);
        __builtin_memcpy(q + i, &narrow, sizeof narrow);
        sum += whole;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

#endif

LANES_INLINE void lanes_cut_block(const float *x, int16_t *q, float *scale, int32_t sums[2])
{
    const struct integers_cut by = integers_cut(lanes_block_greatest(x));
    *scale = by.scale;
    sums[0] = sums[1] = 0;
    if (by.inverse != 0.0f) {
        sums[0] = lanes_cut16(x, by.inverse, q);
        sums[1] = lanes_cut16(x + 16, by.inverse, q + 16);
    } else {
        __builtin_memset(q, 0, INTEGERS_BLOCK * sizeof *q);
    }
}

#endif
