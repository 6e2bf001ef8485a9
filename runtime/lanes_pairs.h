/* Two columns of a packed group (runtime/packed.h) as products want them, 16 bits a weight, and
 * what is left to do to their sums. A part of runtime/kernels_rows_body.h.
 *
 * WIDE_PAIRS: so many pairs stand in one round of the loop over a run, which WIDE_ROUNDS precedes;
 * data and q are then where that round begins. WASM needs short rounds: its compilers move every
 * load of a straight stretch to its top and spill what they loaded, and they take an address apart
 * unless WIDE_HERE hides where it came from. */
#ifndef RUNTIME_LANES_PAIRS_H
#define RUNTIME_LANES_PAIRS_H

#include "runtime/packed.h"
#include "runtime/wide.h"

#if PACKED_BRAIDED

#define WIDE_PAIRS(bits) ((bits) == 8 ? 1u : 4u)
#define WIDE_HALVES      true
#define WIDE_ROUNDS      _Pragma("clang loop unroll(disable)")
#define WIDE_HERE(p)     __asm__("" : "+r"(p))

/* Pair p of the round. A wide is four times four rows; each part is of the 16 bits as they lie,
 * or without what lies below the part's own. */
LANES_INLINE wints pair_weights(unsigned bits, const uint8_t *data, unsigned p, wints *word)
{
    lanes_shorts low, high;
    (void)word;
    __builtin_memcpy(&low, data + p * 4 * bits, sizeof low);
    if (bits == 4)
        return (wints){{(lanes_ints)low, (lanes_ints)(low >> 4), (lanes_ints)(low >> 8),
                        (lanes_ints)(low >> 12)}};
    __builtin_memcpy(&high, data + p * 32 + 16, sizeof high);
    return (wints){
        {(lanes_ints)low, (lanes_ints)high, (lanes_ints)(low >> 8), (lanes_ints)(high >> 8)}};
}

/* Where the sums of a run begin: `plain` is Σ q, and 128 of it come in with each unsigned byte. */
LANES_INLINE wints pair_start(unsigned bits, int32_t plain)
{
    wints s = wints_zero();
    if (bits == 8)
        s.v[0] = s.v[1] = (lanes_ints){0} - plain * 128;
    return s;
}

/* Out of the sums of a run what neighbours brought in. */
LANES_INLINE wints pair_sums(unsigned bits, wints s, int32_t plain)
{
    if (bits == 4) {
        s.v[0] -= s.v[1] << 4;
        s.v[1] -= s.v[2] << 4;
        s.v[2] -= s.v[3] << 4;
        s.v[3] += plain * 8;
    } else {
        s.v[0] -= s.v[2] << 8;
        s.v[1] -= s.v[3] << 8;
    }
    return s;
}

#else

#define WIDE_PAIRS(bits) 8u
#define WIDE_HALVES      false
#define WIDE_ROUNDS      LANES_UNROLL
#define WIDE_HERE(p)     (void)(p)

LANES_INLINE wints pair_weights(unsigned bits, const uint8_t *data, unsigned p, wints *word)
{
    if (bits == 8)
        return wints_bytes(data + p * 32);
    if (p % 4 == 0)
        *word = wints_load(data + p * 16);
    return wints_nibbles(*word, p % 4);
}

LANES_INLINE wints pair_start(unsigned bits, int32_t plain)
{
    (void)bits;
    (void)plain;
    return wints_zero();
}

LANES_INLINE wints pair_sums(unsigned bits, wints s, int32_t plain)
{
    (void)bits;
    (void)plain;
    return s;
}

#endif

#endif
