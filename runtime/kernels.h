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
 * that are multiplied in integers: runtime/integers.h defines those. So SSE, AVX2, WASM SIMD and
 * plain C agree, and a row's result depends on nothing but the row. Rows are walked one at a time
 * from first to last: one sequential stream is what the prefetcher of a CPU likes best.
 *
 * The functions keep no state and may run in any number of threads. Arrays need no alignment. */
#ifndef RUNTIME_KERNELS_H
#define RUNTIME_KERNELS_H

#include "runtime/tensor.h"

struct kernels {
    const char *name;

    /* Sum of a[i] × b[i]. */
    float (*dot)(const float *a, const float *b, size_t n);

    /* out[r] = row r of w · x, for all rows. x is [cols], out [rows]; unpacked is [cols] of working
     * memory: for x as integers, or a row of a type that is not computed from its packed form. */
    void (*matvec)(const struct tensor *w, const float *x, float *out, float *unpacked);

    /* The same for `count` vectors in one walk over w, each with the bits that matvec gives it: x
     * is [count][cols], out [count][rows], work [count × cols]. */
    void (*matmul)(const struct tensor *w, const float *x, size_t count, float *out, float *work);

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

/* Plain C, one value at a time: the definition, and what the others are tested against. */
extern const struct kernels kernels_reference;
/* Eight lanes as two vectors of four, by compiler vector types: SSE2 on x86, SIMD in WASM. */
extern const struct kernels kernels_lanes;

/* The fastest that this machine can run. */
const struct kernels *kernels_best(void);
/* The i-th that this machine can run, slowest first; NULL past the last. For tests. */
const struct kernels *kernels_at(unsigned i);

#endif
