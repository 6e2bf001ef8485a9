/* The constants of math_exp, shared by its scalar and its vector form.
 *
 *     e^x = 2^n × e^r      n = nearest integer to x / ln 2, |r| ≤ ln 2 / 2
 *
 * Adding 1.5 × 2^23 pushes the fraction out of a float, which leaves the rounded n in its low bits.
 * ln 2 is split so that n × EXP_LN2_HIGH is exact; e^r is 1 + r + r² × (a polynomial of degree
 * five). */
#ifndef RUNTIME_EXP_STEPS_H
#define RUNTIME_EXP_STEPS_H

#define EXP_LOWEST     -87.0f
#define EXP_HIGHEST    88.0f
#define EXP_LOG2E      1.44269504f
#define EXP_ROUND      12582912.0f
#define EXP_ROUND_BITS 0x4b400000
#define EXP_LN2_HIGH   0.693359375f
#define EXP_LN2_LOW    -2.12194440e-4f
#define EXP_P5         1.9875691500e-4f
#define EXP_P4         1.3981999507e-3f
#define EXP_P3         8.3334519073e-3f
#define EXP_P2         4.1665795894e-2f
#define EXP_P1         1.6666665459e-1f
#define EXP_P0         5.0000001201e-1f

#endif
