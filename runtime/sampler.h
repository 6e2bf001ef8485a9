/* From logits to a token id.
 *
 *     temperature 0 or top_k 1   the greatest logit
 *     otherwise                  the top_k greatest, p = exp((logit − greatest) / temperature), cut
 * where their sum reaches top_p of the whole, one drawn from what was kept
 *
 * Ties go to the lower id. The random numbers are XorShift64 (13, 7, 17), u = (x >> 40) / 2^24, one
 * a draw; the same seed gives the same text on every machine. Mass that is zero or not finite falls
 * back to the greatest logit. Candidates live in fixed arrays; nothing is allocated. */
#ifndef RUNTIME_SAMPLER_H
#define RUNTIME_SAMPLER_H

#include "runtime/session.h"

#define SAMPLER_NONE UINT32_MAX /* no logit is a number */

struct sampler {
    struct sampling how;
    uint64_t state; /* of XorShift64, never 0 */
    uint32_t id[SAMPLING_TOP_K_MAX];
    float logit[SAMPLING_TOP_K_MAX]; /* descending; then their probabilities */
};

/* ST_INVALID_LENGTH for settings out of range. */
enum status sampling_check(const struct sampling *how, struct err *e) MUST_CHECK;
/* ST_INVALID_LENGTH for settings out of range; the old ones stay then. Otherwise the random state
 * begins anew from the seed. */
enum status sampler_configure(struct sampler *s, const struct sampling *how,
                              struct err *e) MUST_CHECK;
/* Random state back to the seed. */
void sampler_rewind(struct sampler *s);
/* The next token of n logits, or SAMPLER_NONE. */
uint32_t sampler_draw(struct sampler *s, const float *logits, uint32_t n);

/* The `count` greatest, greatest first, ties by lower id, NaN never; returns how many there are. */
uint32_t sampler_greatest(const float *logits, uint32_t n, uint32_t count, uint32_t *id,
                          float *value);

#endif
