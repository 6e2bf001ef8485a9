/* A byte n-gram model, the baseline that a trained network has to beat: orders 0…4, each smoothed
 * with the one below (Witten and Bell's method C, interpolated).
 *
 *     P(c | context) = (count(context c) + types(context) × P(c | shorter)) / (count(context) +
 * types(context))
 */
#ifndef TESTS_MODELS_NGRAM_H
#define TESTS_MODELS_NGRAM_H

#include "base/bytes.h"

#define NGRAM_ORDER 5 /* a byte and the four before it */

struct ngram;
struct ngram *ngram_open(void); /* NULL: no memory */
void ngram_close(struct ngram *g);
/* Counts a text; contexts do not reach across texts. False when memory ran out. */
bool ngram_learn(struct ngram *g, struct span text);
/* −log2 P of a text. */
double ngram_bits(const struct ngram *g, struct span text);

#endif
