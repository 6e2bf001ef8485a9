/* e^x by the steps of math_exp, and silu, in lanes. A part of runtime/kernels_body.h. */
#ifndef RUNTIME_LANES_EXP_H
#define RUNTIME_LANES_EXP_H

#include "runtime/wide.h"

LANES_INLINE lanes lanes_exp(lanes v)
{
    lanes x = lanes_lesser(lanes_all(EXP_HIGHEST), v);
    lanes shifted = lanes_add(lanes_mul(x, lanes_all(EXP_LOG2E)), lanes_all(EXP_ROUND));
    lanes whole = lanes_sub(shifted, lanes_all(EXP_ROUND));
    lanes r = lanes_sub(x, lanes_mul(whole, lanes_all(EXP_LN2_HIGH)));
    r = lanes_sub(r, lanes_mul(whole, lanes_all(EXP_LN2_LOW)));
    lanes p = lanes_all(EXP_P5);
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P4));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P3));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P2));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P1));
    p = lanes_add(lanes_mul(p, r), lanes_all(EXP_P0));
    p = lanes_add(lanes_add(lanes_mul(p, lanes_mul(r, r)), r), lanes_all(1.0f));
    return lanes_zero_below(lanes_mul(p, lanes_power(shifted)), v, lanes_all(EXP_LOWEST));
}

LANES_INLINE lanes lanes_silu(lanes g, lanes up)
{
    lanes below = lanes_exp(lanes_mul(g, lanes_all(-1.0f)));
    return lanes_mul(lanes_div(g, lanes_add(lanes_all(1.0f), below)), up);
}

#ifdef LANES_AVX512

LANES_INLINE wide wide_exp(wide v)
{
    wide x = wide_lesser(wide_all(EXP_HIGHEST), v);
    wide shifted = wide_add(wide_mul(x, wide_all(EXP_LOG2E)), wide_all(EXP_ROUND));
    wide whole = wide_sub(shifted, wide_all(EXP_ROUND));
    wide r = wide_sub(x, wide_mul(whole, wide_all(EXP_LN2_HIGH)));
    r = wide_sub(r, wide_mul(whole, wide_all(EXP_LN2_LOW)));
    wide p = wide_all(EXP_P5);
    p = wide_add(wide_mul(p, r), wide_all(EXP_P4));
    p = wide_add(wide_mul(p, r), wide_all(EXP_P3));
    p = wide_add(wide_mul(p, r), wide_all(EXP_P2));
    p = wide_add(wide_mul(p, r), wide_all(EXP_P1));
    p = wide_add(wide_mul(p, r), wide_all(EXP_P0));
    p = wide_add(wide_add(wide_mul(p, wide_mul(r, r)), r), wide_all(1.0f));
    return wide_zero_below(wide_mul(p, wide_power(shifted)), v, wide_all(EXP_LOWEST));
}

LANES_INLINE wide wide_silu(wide g, wide up)
{
    wide below = wide_exp(wide_mul(g, wide_all(-1.0f)));
    return wide_mul(wide_div(g, wide_add(wide_all(1.0f), below)), up);
}

#else

LANES_INLINE wide wide_exp(wide v)
{
    return wide_join(lanes_exp(wide_low(v)), lanes_exp(wide_high(v)));
}

LANES_INLINE wide wide_silu(wide g, wide up)
{
    return wide_join(lanes_silu(wide_low(g), wide_low(up)),
                     lanes_silu(wide_high(g), wide_high(up)));
}

LANES_INLINE wide wide_sub(wide a, wide b)
{
    return wide_join(lanes_sub(wide_low(a), wide_low(b)), lanes_sub(wide_high(a), wide_high(b)));
}

#endif

#endif
