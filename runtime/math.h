/* The few transcendental functions a model needs, written out so that every build, native or WASM,
 * gives the same bits: only additions, multiplications, divisions and bit patterns, in one order.
 *
 * Accuracy, against the exact value: math_exp 1 ulp of float in [−87, 88]; math_rotation half an
 * ulp of float (it is computed in double); the double functions 2 ulp of double. The vector form of
 * math_exp (runtime/kernels_body.h) has the same steps and the same bits. */
#ifndef RUNTIME_MATH_H
#define RUNTIME_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* e^x. 0 below −87 (so nothing subnormal ever comes out), e^88 above 88, NaN for NaN. */
float math_exp(float x);
/* e^x for |x| ≤ 700, in double. */
double math_exp_wide(double x);
/* Natural logarithm of a normal positive number. */
double math_log(double x);
/* Cosine and sine of an angle in radians, 0 ≤ angle < 2^26, rounded to float; up to 2^40, either
 * way, less and less exact, and from there on (or no number) those of 0: only a hostile model asks.
 */
void math_rotation(double angle, float *cosine, float *sine);
/* Square root, correctly rounded: one machine instruction. */
float math_sqrt(float x);
bool math_finite(float x);

#endif
