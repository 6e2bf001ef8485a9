/* Statistics of gates: how sure is a rate, a mean, a difference.
 *
 * Rates: Wilson's score interval (Wilson 1927, eq. in Brown, Cai & DasGupta 2001). Two models on
 * the same cases: McNemar's exact test (binomial, two-sided) for right and wrong, the paired
 * bootstrap (Efron & Tibshirani 1993, ch. 16, percentile interval) for real values. The bootstrap
 * draws from XorShift64 with a given seed, so the same numbers give the same interval.
 *
 * Pure; values are finite or the result is NaN, which no threshold is met by. */
#ifndef VERIFY_STATS_H
#define VERIFY_STATS_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interval {
    double low, high;
};

/* The standard normal quantile z with P(|Z| ≤ z) = confidence; 0 < confidence < 1. */
double stats_z(double confidence);

/* A rate of `hits` among n (n ≥ hits); n = 0 gives [0, 1]: nothing is known. */
struct interval stats_wilson(uint64_t hits, uint64_t n, double confidence);

/* only_a: cases that only a got right, only_b: only b. The probability of a split at least this
 * uneven if both were equally good; 1 when they never differ. */
double stats_mcnemar(uint64_t only_a, uint64_t only_b);

/* The one-sided tail of it: the probability of at least only_b among both if they were equal. */
double stats_sign_tail(uint64_t only_a, uint64_t only_b);

double stats_mean(const double *v, size_t n); /* [n]; NaN for none */

/* Percentile interval of the mean of v[n], n ≥ 1. ST_NO_MEMORY. */
enum status stats_bootstrap(const double *v, size_t n, double confidence, uint32_t rounds,
                            uint64_t seed, struct interval *out, struct err *e) MUST_CHECK;
/* Of the ratio Σ num / Σ den over cases drawn together (bits per byte); every den > 0. */
enum status stats_bootstrap_ratio(const double *num, const double *den, size_t n, double confidence,
                                  uint32_t rounds, uint64_t seed, struct interval *out,
                                  struct err *e) MUST_CHECK;

/* The smallest fall from `rate` that n paired cases, of which a share `discordant` differs, show
 * with the power asked for at significance alpha (one-sided, normal approximation; Connor 1987).
 * > 1: no fall would be seen. */
double stats_detectable(uint64_t n, double discordant, double alpha, double power);

#endif
