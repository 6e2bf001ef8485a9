/* The network that is trained: llama-shaped, forwards and backwards, one sequence at a time.
 *
 *     x = E[token]
 *     for each layer:   h = norm(x) ⊙ a;  q,k,v = Wq h, Wk h, Wv h;  rotate q,k by position
 *                       P = softmax(q·k / √D over the past);  x += Wo (P v)
 *                       h = norm(x) ⊙ b;  x += W2 (silu(W1 h) ⊙ W3 h)
 *     logits = E (norm(x) ⊙ c);   norm(x) = x / √(mean x² + ε)
 *
 * Loss: mean over the sequence of −log softmax(logits)[next token]. Backwards is the chain rule, in
 * the reverse order, each formula beside its code. Everything is binary32 in a fixed order. */
#ifndef TESTS_MODELS_NET_H
#define TESTS_MODELS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NET_V = 260,
    NET_H = 128,
    NET_L = 4,
    NET_N = 4,
    NET_D = NET_H / NET_N,
    NET_F = 384,
    NET_T = 256
};
#define NET_THETA   10000.0f
#define NET_EPSILON 1e-5f

/* One parameter tensor within the flat array, named as in SLM1. */
struct slot {
    char name[40];
    size_t at, rows, cols; /* rows 1: a vector */
};
#define NET_SLOTS (2 + 9 * NET_L)
/* The slots in file order; the sum of their sizes is the length of a parameter array. */
const struct slot *net_slots(size_t *parameters);

/* Parameters from a seed: normal with the usual scales, norms 1. */
void net_begin(float *params, uint64_t seed);

/* Work space for one sequence, and the weights it computes with (each matrix also transposed). */
struct net;
struct net *net_open(void); /* NULL: no memory */
void net_close(struct net *n);

/* Copies of the matrices, transposed, that net_forward reads: to be made again when params change.
 * transposed has the layout of params. */
void net_transpose(const float *params, float *transposed);

/* tokens: [T + 1]. Returns the summed loss over T positions. */
double net_forward(struct net *n, const float *params, const float *transposed,
                   const uint16_t *tokens);
/* After net_forward of the same tokens: adds the gradient of (scale × summed loss) to grad. */
void net_backward(struct net *n, const float *params, const uint16_t *tokens, float scale,
                  float *grad);
/* Logits of the last net_forward, [T][V]. */
const float *net_logits(const struct net *n);

#endif
