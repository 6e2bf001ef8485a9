#include "runtime/math.h"

#include "runtime/exp_steps.h"

static float float_of(uint32_t bits)
{
    float f;
    __builtin_memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &f, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double d;
    __builtin_memcpy(&d, &bits, sizeof d);
    return d;
}

static uint64_t wide_bits_of(double d)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &d, sizeof bits);
    return bits;
}

float math_exp(float x)
{
    if (x < EXP_LOWEST)
        return 0.0f;
    if (x > EXP_HIGHEST)
        x = EXP_HIGHEST;
    float shifted = x * EXP_LOG2E + EXP_ROUND;
    uint32_t n = bits_of(shifted) - (uint32_t)EXP_ROUND_BITS;
    float whole = shifted - EXP_ROUND;
    float r = (x - whole * EXP_LN2_HIGH) - whole * EXP_LN2_LOW;
    float p = EXP_P5;
    p = p * r + EXP_P4;
    p = p * r + EXP_P3;
    p = p * r + EXP_P2;
    p = p * r + EXP_P1;
    p = p * r + EXP_P0;
    p = p * (r * r) + r + 1.0f;
    return p * float_of((n + 127) << 23);
}

/* The same plan in double, with the Taylor series: 13 terms reach 2^-53 for |r| ≤ ln 2 / 2. */
double math_exp_wide(double x)
{
    const double round = 6755399441055744.0; /* 1.5 × 2^52 */
    double whole = (x * 1.4426950408889634074 + round) - round;
    double r = (x - whole * 6.93147180369123816490e-01) - whole * 1.90821492927058770002e-10;
    double p = 1.0;
    for (int i = 14; i >= 1; i--)
        p = 1.0 + p * r / (double)i;
    return p * double_of((uint64_t)((int64_t)whole + 1023) << 52);
}

/* x = m × 2^e with m around 1; log m = 2 atanh((m − 1) / (m + 1)) as an odd series. */
double math_log(double x)
{
    uint64_t bits = wide_bits_of(x);
    int64_t e = (int64_t)(bits >> 52) - 1023;
    double m = double_of((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1.0) / (m + 1.0), z = s * s, sum = 0.0;
    for (int i = 23; i >= 3; i -= 2)
        sum = (sum + 1.0 / (double)i) * z;
    double low = (double)e * 1.90821492927058770002e-10;
    return (double)e * 6.93147180369123816490e-01 + (low + 2.0 * (s + s * sum));
}

static double sine_series(double r, double z)
{
    double p = 1.58969099521155010221e-10;
    p = p * z - 2.50507602534068634195e-08;
    p = p * z + 2.75573137070700676789e-06;
    p = p * z - 1.98412698298579493134e-04;
    p = p * z + 8.33333333332248946124e-03;
    p = p * z - 1.66666666666666324348e-01;
    return r + r * z * p;
}

static double cosine_series(double z)
{
    double p = -1.13596475577881948265e-11;
    p = p * z + 2.08757232129817482790e-09;
    p = p * z - 2.75573143513906633035e-07;
    p = p * z + 2.48015872894767294178e-05;
    p = p * z - 1.38888888888741095749e-03;
    p = p * z + 4.16666666666666019037e-02;
    return 1.0 - 0.5 * z + z * z * p;
}

/* Quarter turns are taken off in two steps: the first part of pi / 2 has 33 bits, so its product
 * with a whole number below 2^20 turns is exact. */
void math_rotation(double angle, float *cosine, float *sine)
{
    const double round = 6755399441055744.0;
    if (!(angle < 0x1p40 && angle > -0x1p40))
        angle = 0;
    double turns = (angle * 0.63661977236758134308 + round) - round;
    double r = (angle - turns * 1.57079632673412561417e+00) - turns * 6.07710050650619224932e-11;
    double z = r * r;
    float s = (float)sine_series(r, z), c = (float)cosine_series(z);
    switch ((uint64_t)(int64_t)turns & 3) {
    case 0:
        *cosine = c;
        *sine = s;
        return;
    case 1:
        *cosine = -s;
        *sine = c;
        return;
    case 2:
        *cosine = -c;
        *sine = -s;
        return;
    default: *cosine = s; *sine = -c;
    }
}

float math_sqrt(float x)
{
    return __builtin_sqrtf(x);
}

bool math_finite(float x)
{
    return (bits_of(x) & 0x7f800000u) != 0x7f800000u;
}
