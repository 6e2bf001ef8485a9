#include "verify/stats.h"
#include "base/heap.h"
#include "base/scope.h"
#include <math.h>
#include <stdlib.h>

/* Acklam's rational approximation of the normal quantile, one Newton step on erfc after it: good to
 * the last digits of a double. */
static double quantile(double p)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    double tail = p < 0.5 ? p : 1 - p, x;
    if (tail < 0.02425) {
        double q = sqrt(-2 * log(tail));
        x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    } else {
        double q = tail - 0.5, r = q * q;
        x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
            (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
    }
    double wrong = 0.5 * erfc(-x / sqrt(2)) - tail;
    x -= wrong * sqrt(2 * acos(-1.0)) * exp(x * x / 2);
    return p < 0.5 ? x : -x;
}

double stats_z(double confidence)
{
    return quantile(0.5 + confidence / 2);
}

struct interval stats_wilson(uint64_t hits, uint64_t n, double confidence)
{
    if (n == 0)
        return (struct interval){0, 1};
    double z = stats_z(confidence), m = (double)n, p = (double)hits / m, zz = z * z;
    double centre = (p + zz / (2 * m)) / (1 + zz / m);
    double half = z / (1 + zz / m) * sqrt(p * (1 - p) / m + zz / (4 * m * m));
    return (struct interval){hits == 0 ? 0 : centre - half, hits == n ? 1 : centre + half};
}

/* P(X ≤ most) for X of Binomial(n, 1/2), summed from the middle outwards in logarithms. */
static double below(uint64_t n, uint64_t most)
{
    double sum = 0, all = (double)n;
    for (uint64_t k = 0; k <= most; k++) {
        double i = (double)(most - k);
        double term = exp(lgamma(all + 1) - lgamma(i + 1) - lgamma(all - i + 1) -
                          all * 0.69314718055994530942);
        sum += term;
        if (term < sum * 1e-18)
            break;
    }
    return sum < 1 ? sum : 1;
}

double stats_mcnemar(uint64_t only_a, uint64_t only_b)
{
    uint64_t least = only_a < only_b ? only_a : only_b;
    double p = only_a == only_b ? 1 : 2 * below(only_a + only_b, least);
    return p < 1 ? p : 1;
}

double stats_sign_tail(uint64_t only_a, uint64_t only_b)
{
    return only_b == 0 ? 1 : below(only_a + only_b, only_a);
}

double stats_mean(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return n > 0 ? sum / (double)n : (double)NAN;
}

static int order(const void *a, const void *b)
{
    double x, y;
    x = *(const double *)a;
    y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t draw(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* One resample: a ratio of sums, or a mean where there is no denominator. */
static double resample(const double *num, const double *den, size_t n, uint64_t *x)
{
    double top = 0, bottom = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = (size_t)((draw(x) >> 32) * (uint64_t)n >> 32);
        top += num[i];
        bottom += den != NULL ? den[i] : 1;
    }
    return top / bottom;
}

static bool finite_all(const double *v, size_t n)
{
    bool fine = true;
    for (size_t i = 0; v != NULL && i < n; i++)
        fine = fine && isfinite(v[i]);
    return fine;
}

enum status stats_bootstrap_ratio(const double *num, const double *den, size_t n, double confidence,
                                  uint32_t rounds, uint64_t seed, struct interval *out,
                                  struct err *e)
{
    *out = (struct interval){(double)NAN, (double)NAN};
    if (n == 0 || rounds == 0 || n > UINT32_MAX || !finite_all(num, n) || !finite_all(den, n))
        return ST_OK;
    SCOPED(heap_scope) double *means = heap_zero(rounds, sizeof *means);
    if (means == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for %u resamples", rounds);
    uint64_t x = seed != 0 ? seed : 0x9e3779b97f4a7c15u;
    for (uint32_t r = 0; r < rounds; r++)
        means[r] = resample(num, den, n, &x);
    qsort(means, rounds, sizeof *means, order);
    double tail = (1 - confidence) / 2 * (double)(rounds - 1);
    out->low = means[(size_t)floor(tail)];
    out->high = means[(size_t)ceil((double)(rounds - 1) - tail)];
    return ST_OK;
}

enum status stats_bootstrap(const double *v, size_t n, double confidence, uint32_t rounds,
                            uint64_t seed, struct interval *out, struct err *e)
{
    return stats_bootstrap_ratio(v, NULL, n, confidence, rounds, seed, out, e);
}

double stats_detectable(uint64_t n, double discordant, double alpha, double power)
{
    if (n == 0)
        return (double)INFINITY;
    double za = -quantile(alpha), zb = quantile(power), d = discordant > 0 ? discordant : 0;
    /* Under no difference the variance of the paired difference is d; a fall f leaves d − f². */
    double f = (za + zb) * sqrt(d / (double)n);
    for (int i = 0; i < 32; i++) {
        double rest = d - f * f;
        f = (za * sqrt(d) + zb * sqrt(rest > 0 ? rest : 0)) / sqrt((double)n);
    }
    return f;
}
