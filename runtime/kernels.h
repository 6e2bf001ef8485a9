/* The inner loops: one definition of every sum, several ways to compute it, the same bits from
 * each.
 *
 * The order of a sum is part of the contract. A sum over n values has 32 slots; value i goes, in
 * ascending order of i, to slot i mod 32 (products are rounded before they are added: no fused
 * operation anywhere). Slots are four accumulators of eight lanes, a0…a3, and fold so:
 *
 *     lane[j] = (a0[j] + a1[j]) + (a2[j] + a3[j])                j = 0…7
 *     sum     = ((lane0 + lane4) + (lane2 + lane6)) + ((lane1 + lane5) + (lane3 + lane7))
 *
 * A row is summed as if tensor_row had unpacked it first, unless it is one of the quantised types
 * that are multiplied in integers: runtime/integers.h defines those. So SSE, AVX2, AVX-512, NEON,
 * WASM SIMD and plain C agree, and a row's result depends on nothing but the row and the vector:
 * neither on the other rows and vectors of a call nor on which thread computes it. A lone vector
 * meets rows one at a time from first to last: one sequential stream is what a prefetcher likes.
 *
 * The functions keep no state and may run in any number of threads. Arrays need no alignment, save
 * packed weights. */
#ifndef RUNTIME_KERNELS_H
#define RUNTIME_KERNELS_H

#include "runtime/integers.h"

/* What a matrix is multiplied with: `count` vectors of n values, and the same cut to integers, when
 * n is a multiple of 32. */
struct vectors {
    const float *x; /* [count][n] */
    size_t n, count;
    struct integers cut;
};

struct kernels {
    const char *name;

    /* Sum of a[i] × b[i]. */
    float (*dot)(const float *a, const float *b, size_t n);

    /* integers_from. */
    void (*cut)(const float *x, size_t n, struct integers to);
    /* out[v × w->rows + r] = row r of w · vector v, for from ≤ r < to and all v; w->packed must be
     * there when integers_apply, and from then be a multiple of PACKED_ROWS. out is
     * [count][w->rows]. */
    void (*rows)(const struct tensor *w, uint32_t from, uint32_t to, const struct vectors *x,
                 float *out);

    /* out[i] = x[i] × scale × weight[i]; out may be x. */
    void (*scale)(float *out, const float *x, float scale, const float *weight, size_t n);
    /* x[i] += y[i] */
    void (*add)(float *x, const float *y, size_t n);
    /* gate[i] = silu(gate[i]) × up[i], silu(g) = g / (1 + exp(−g)) */
    void (*silu)(float *gate, const float *up, size_t n);

    /* out[t] = dot(query, keys + t × stride) × scale, for `count` positions of width dim. */
    void (*scores)(const float *query, const float *keys, size_t stride, size_t dim, size_t count,
                   float scale, float *out);
    /* v[i] = exp(v[i] − greatest), and 1 / their sum; count ≥ 1. */
    float (*softmax)(float *v, size_t count);
    /* out[d] = scale × the sum over t of p[t] × values[t × stride + d]; here position t goes to one
     * of four slots, t mod 4, and (s0 + s1) + (s2 + s3) folds them. */
    void (*mix)(const float *p, const float *values, size_t stride, size_t dim, size_t count,
                float scale, float *out);
};

/* The vectors of x, [count][n], cut into `work`, [count × n]. x and work must stay. */
struct vectors kernels_vectors(const struct kernels *k, const float *x, size_t n, size_t count,
                               float *work);

/* Plain C, one value at a time: the definition, and what the others are tested against. It reads
 * weights as the file has them, packed or not. */
extern const struct kernels kernels_reference;
/* By compiler vector types of 128 bits: SSE2 on x86, NEON, SIMD in WASM. */
extern const struct kernels kernels_lanes;

/* The fastest that this machine can run. */
const struct kernels *kernels_best(void);
/* The i-th that this machine can run, slowest first; NULL past the last. For tests. */
const struct kernels *kernels_at(unsigned i);

#endif
