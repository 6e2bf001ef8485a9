/* runtime/wide.h by four vectors of 128 bits: SSE2 or SSE4.1 on x86, NEON, SIMD in WASM; and by
 * what the compiler makes of them anywhere else. */
#ifndef RUNTIME_WIDE_PORTABLE_H
#define RUNTIME_WIDE_PORTABLE_H

#include "runtime/lanes.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <immintrin.h>
#endif

#define WIDE_VECTORS_INTEGER 1
#define WIDE_GROUPS_INTEGER  1
#define WIDE_VECTORS_FLOAT   1
#define WIDE_ROWS_FLOAT      1
#define WIDE_PARTIAL         1
#define WIDE_KEYS            1
#define WIDE_MIX             1

typedef int8_t lanes_bytes __attribute__((vector_size(16)));
typedef int16_t lanes_shorts __attribute__((vector_size(16)));
typedef uint16_t lanes_ushorts __attribute__((vector_size(16)));

typedef struct {
    lanes_four v[4];
} wide;
typedef struct {
    lanes_ints v[4];
} wints;

#define WIDE_EACH(i) for (unsigned i = 0; i < 4; i++)

LANES_INLINE wide wide_all(float x)
{
    lanes_four v = {x, x, x, x};
    return (wide){{v, v, v, v}};
}

LANES_INLINE wide wide_load(const void *p)
{
    wide v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/* n < 16 values, the other lanes zero. */
LANES_INLINE wide wide_load_part(const float *p, size_t n)
{
    wide v = {{{0}}};
    __builtin_memcpy(&v, p, n * sizeof *p);
    return v;
}

LANES_INLINE void wide_store_part(float *p, wide v, size_t n)
{
    __builtin_memcpy(p, &v, n * sizeof *p);
}

LANES_INLINE void wide_store(float *p, wide v)
{
    __builtin_memcpy(p, &v, sizeof v);
}

LANES_INLINE wide wide_add(wide a, wide b)
{
    WIDE_EACH(i)
    a.v[i] += b.v[i];
    return a;
}

LANES_INLINE wide wide_mul(wide a, wide b)
{
    WIDE_EACH(i)
    a.v[i] *= b.v[i];
    return a;
}

LANES_INLINE wide wide_greater(wide a, wide b)
{
    WIDE_EACH(i)
    a.v[i] = lanes_greater_four(a.v[i], b.v[i]);
    return a;
}

LANES_INLINE wide wide_from_f16(const uint8_t *p)
{
    return (wide){{lanes_widen(p), lanes_widen(p + 8), lanes_widen(p + 16), lanes_widen(p + 24)}};
}

LANES_INLINE wide wide_from_bf16(const uint8_t *p)
{
    wide out;
    WIDE_EACH(i)
    {
        typedef uint16_t shorts __attribute__((vector_size(8)));
        shorts four;
        __builtin_memcpy(&four, p + 8 * i, sizeof four);
        out.v[i] = (lanes_four)(__builtin_convertvector(four, lanes_bits) << 16);
    }
    return out;
}

LANES_INLINE wide wide_join(lanes low, lanes high)
{
    return (wide){{low.low, low.high, high.low, high.high}};
}

LANES_INLINE lanes wide_low(wide v)
{
    return (lanes){v.v[0], v.v[1]};
}

LANES_INLINE lanes wide_high(wide v)
{
    return (lanes){v.v[2], v.v[3]};
}

LANES_INLINE wints wints_all(int32_t x)
{
    lanes_ints v = {x, x, x, x};
    return (wints){{v, v, v, v}};
}

LANES_INLINE wints wints_zero(void)
{
    return wints_all(0);
}

LANES_INLINE wints wints_load(const uint8_t *p)
{
    wints v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

LANES_INLINE wints wints_add(wints a, wints b)
{
    WIDE_EACH(i)
    a.v[i] += b.v[i];
    return a;
}

LANES_INLINE wints wints_sub(wints a, wints b)
{
    WIDE_EACH(i)
    a.v[i] -= b.v[i];
    return a;
}

/* Eight signed bytes to 16 bits each. */
LANES_INLINE lanes_ints wints_widened(const uint8_t *p)
{
#if defined(LANES_SSE41)
    return (lanes_ints)_mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)p));
#elif defined(__SSE2__)
    __m128i v = _mm_loadl_epi64((const __m128i *)(const void *)p);
    return (lanes_ints)_mm_srai_epi16(_mm_unpacklo_epi8(v, v), 8);
#else
    typedef int8_t eight __attribute__((vector_size(8)));
    eight v;
    __builtin_memcpy(&v, p, sizeof v);
    return (lanes_ints) __builtin_convertvector(v, lanes_shorts);
#endif
}

LANES_INLINE wints wints_bytes(const uint8_t *p)
{
    return (wints){
        {wints_widened(p), wints_widened(p + 8), wints_widened(p + 16), wints_widened(p + 24)}};
}

LANES_INLINE wints wints_nibbles(wints v, unsigned k)
{
    WIDE_EACH(i)
    v.v[i] = (lanes_ints)((lanes_ushorts)v.v[i] >> (4 * k) & 15);
    return v;
}

/* Sums of the products of neighbours. */
LANES_INLINE lanes_ints wints_pairs(lanes_ints a, lanes_ints b)
{
#if defined(__SSE2__)
    return (lanes_ints)_mm_madd_epi16((__m128i)a, (__m128i)b);
#elif defined(__wasm_simd128__)
    return (lanes_ints)__builtin_wasm_dot_s_i32x4_i16x8((lanes_shorts)a, (lanes_shorts)b);
#elif defined(__ARM_NEON)
    int16x8_t x = (int16x8_t)a, y = (int16x8_t)b;
    return (lanes_ints)vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)),
                                  vmull_high_s16(x, y));
#else
    return (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
}

LANES_INLINE wints wints_dot(wints sum, wints w, const int16_t *pair)
{
    int32_t both;
    __builtin_memcpy(&both, pair, sizeof both);
    lanes_ints x = {both, both, both, both};
    WIDE_EACH(i)
    sum.v[i] += wints_pairs(w.v[i], x);
    return sum;
}

LANES_INLINE wide wide_of(wints v)
{
    wide out;
    WIDE_EACH(i)
    out.v[i] = __builtin_convertvector(v.v[i], lanes_four);
    return out;
}

#endif
