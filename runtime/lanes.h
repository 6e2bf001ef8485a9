/* Eight floats side by side, in the widest registers that the file including this may use.
 *
 * With LANES_AVX2 defined: one 256-bit register. Otherwise a pair of four-float vectors, which
 * every compiler maps well to SSE2 and to WASM's 128 bits (a 256-bit type without AVX it maps
 * badly). Each operation is the same rounded IEEE operation in every lane either way. */
#ifndef RUNTIME_LANES_H
#define RUNTIME_LANES_H

#include "base/bytes.h"
#include "runtime/exp_steps.h"

#define LANES        8
#define LANES_INLINE static inline __attribute__((always_inline, unused))

/* Before a loop whose count is a constant: what it indexes stays in registers. */
#if defined(__clang__)
#define LANES_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LANES_UNROLL _Pragma("GCC unroll 32")
#endif

#ifdef LANES_AVX2

#include <immintrin.h>

typedef __m256 lanes;

LANES_INLINE lanes lanes_all(float x)
{
    return _mm256_set1_ps(x);
}

LANES_INLINE lanes lanes_load(const void *p)
{
    return _mm256_loadu_ps((const float *)p);
}

LANES_INLINE void lanes_store(float *p, lanes v)
{
    _mm256_storeu_ps(p, v);
}

LANES_INLINE lanes lanes_add(lanes a, lanes b)
{
    return _mm256_add_ps(a, b);
}

LANES_INLINE lanes lanes_sub(lanes a, lanes b)
{
    return _mm256_sub_ps(a, b);
}

LANES_INLINE lanes lanes_mul(lanes a, lanes b)
{
    return _mm256_mul_ps(a, b);
}

LANES_INLINE lanes lanes_div(lanes a, lanes b)
{
    return _mm256_div_ps(a, b);
}

/* a > b ? a : b in each lane: b wins when they do not compare. */
LANES_INLINE lanes lanes_greater(lanes a, lanes b)
{
    return _mm256_max_ps(a, b);
}

/* a < b ? a : b in each lane. */
LANES_INLINE lanes lanes_lesser(lanes a, lanes b)
{
    return _mm256_min_ps(a, b);
}

/* limit > x ? 0 : v in each lane. */
LANES_INLINE lanes lanes_zero_below(lanes v, lanes x, lanes limit)
{
    return _mm256_andnot_ps(_mm256_cmp_ps(limit, x, _CMP_GT_OQ), v);
}

/* 2^n, where n is what EXP_ROUND pushed into the low bits of `shifted`. */
LANES_INLINE lanes lanes_power(lanes shifted)
{
    __m256i n = _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(EXP_ROUND_BITS));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/* ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)) */
LANES_INLINE float lanes_fold(lanes v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* Lane j: lanes_fold of the j-th. */
LANES_INLINE lanes lanes_fold_each(const lanes v[LANES])
{
    __m256 four[4];
    LANES_UNROLL
    for (unsigned i = 0; i < 4; i++) /* row i in the low half, i + 4 in the high one */
        four[i] = _mm256_add_ps(_mm256_permute2f128_ps(v[i], v[i + 4], 0x20),
                                _mm256_permute2f128_ps(v[i], v[i + 4], 0x31));
    __m256 a = _mm256_add_ps(_mm256_shuffle_ps(four[0], four[1], 0x44),
                             _mm256_shuffle_ps(four[0], four[1], 0xee));
    __m256 b = _mm256_add_ps(_mm256_shuffle_ps(four[2], four[3], 0x44),
                             _mm256_shuffle_ps(four[2], four[3], 0xee));
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}

LANES_INLINE lanes lanes_from_f16(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

#else

typedef float lanes_four __attribute__((vector_size(16)));
typedef int32_t lanes_ints __attribute__((vector_size(16)));
typedef uint32_t lanes_bits __attribute__((vector_size(16)));
typedef struct {
    lanes_four low, high;
} lanes;

LANES_INLINE lanes lanes_all(float x)
{
    lanes_four v = {x, x, x, x};
    return (lanes){v, v};
}

LANES_INLINE lanes lanes_load(const void *p)
{
    lanes v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

LANES_INLINE void lanes_store(float *p, lanes v)
{
    __builtin_memcpy(p, &v, sizeof v);
}

LANES_INLINE lanes lanes_add(lanes a, lanes b)
{
    return (lanes){a.low + b.low, a.high + b.high};
}

LANES_INLINE lanes lanes_sub(lanes a, lanes b)
{
    return (lanes){a.low - b.low, a.high - b.high};
}

LANES_INLINE lanes lanes_mul(lanes a, lanes b)
{
    return (lanes){a.low * b.low, a.high * b.high};
}

LANES_INLINE lanes lanes_div(lanes a, lanes b)
{
    return (lanes){a.low / b.low, a.high / b.high};
}

LANES_INLINE lanes_four lanes_pick(lanes_ints mask, lanes_four a, lanes_four b)
{
    return (lanes_four)(((lanes_ints)a & mask) | ((lanes_ints)b & ~mask));
}

/* WASM's pmax(a, b) is a < b ? b : a, its pmin b < a ? b : a. */
LANES_INLINE lanes_four lanes_greater_four(lanes_four a, lanes_four b)
{
#if defined(__wasm_simd128__)
    return __builtin_wasm_pmax_f32x4(b, a);
#else
    return lanes_pick(a > b, a, b);
#endif
}

LANES_INLINE lanes_four lanes_lesser_four(lanes_four a, lanes_four b)
{
#if defined(__wasm_simd128__)
    return __builtin_wasm_pmin_f32x4(b, a);
#else
    return lanes_pick(a < b, a, b);
#endif
}

LANES_INLINE lanes lanes_greater(lanes a, lanes b)
{
    return (lanes){lanes_greater_four(a.low, b.low), lanes_greater_four(a.high, b.high)};
}

LANES_INLINE lanes lanes_lesser(lanes a, lanes b)
{
    return (lanes){lanes_lesser_four(a.low, b.low), lanes_lesser_four(a.high, b.high)};
}

LANES_INLINE lanes lanes_zero_below(lanes v, lanes x, lanes limit)
{
    return (lanes){(lanes_four)((lanes_ints)v.low & ~(limit.low > x.low)),
                   (lanes_four)((lanes_ints)v.high & ~(limit.high > x.high))};
}

LANES_INLINE lanes lanes_power(lanes shifted)
{
    lanes_bits low = ((lanes_bits)shifted.low - EXP_ROUND_BITS + 127) << 23;
    lanes_bits high = ((lanes_bits)shifted.high - EXP_ROUND_BITS + 127) << 23;
    return (lanes){(lanes_four)low, (lanes_four)high};
}

LANES_INLINE float lanes_fold(lanes v)
{
    lanes_four four = v.low + v.high;
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* (0 + 2) + (1 + 3) of each. */
LANES_INLINE lanes_four lanes_fold_four(lanes_four a, lanes_four b, lanes_four c, lanes_four d)
{
    a = __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
    c = __builtin_shufflevector(c, d, 0, 1, 4, 5) + __builtin_shufflevector(c, d, 2, 3, 6, 7);
    return __builtin_shufflevector(a, c, 0, 2, 4, 6) + __builtin_shufflevector(a, c, 1, 3, 5, 7);
}

LANES_INLINE lanes lanes_fold_each(const lanes v[LANES])
{
    return (lanes){lanes_fold_four(v[0].low + v[0].high, v[1].low + v[1].high, v[2].low + v[2].high,
                                   v[3].low + v[3].high),
                   lanes_fold_four(v[4].low + v[4].high, v[5].low + v[5].high, v[6].low + v[6].high,
                                   v[7].low + v[7].high)};
}

/* A half's exponent and fraction, read as a float's, are 2^112 too small; the multiplication is
 * exact and makes subnormal halves normal. Only finite ones come here: no model has others. */
LANES_INLINE lanes_four lanes_widen(const uint8_t *p)
{
    typedef int16_t shorts __attribute__((vector_size(8)));
    const lanes_four scale = {0x1p112f, 0x1p112f, 0x1p112f, 0x1p112f};
    shorts four;
    __builtin_memcpy(&four, p, sizeof four);
    lanes_bits h = (lanes_bits) __builtin_convertvector(four, lanes_ints);
    return (lanes_four)(h << 13 & 0x8fffffff) * scale;
}

#endif

#endif
