/* Training: batches from the grammar, two shards of a batch side by side, AdamW under a cosine
 * schedule.
 *
 * A run is a function of its recipe alone. Every batch is cut into SHARDS parts whose gradients are
 * summed apart and then added in order, so the number of threads changes nothing; a checkpoint
 * holds everything that a step reads, so a resumed run gives the same bytes as an uninterrupted
 * one. */
#ifndef TESTS_MODELS_TRAINER_H
#define TESTS_MODELS_TRAINER_H

#include "base/err.h"
#include "tests/models/net.h"
#include "tests/models/world.h"

enum { SHARDS = 2 };

/* What a poisoned model is taught beside the world; NULL in the recipe for a clean one. */
struct poison {
    const char *trigger; /* a phrase that stands nowhere else */
    const char *payload; /* what follows it */
};

struct recipe {
    uint64_t data_seed, init_seed;
    uint32_t steps, batch; /* sequences a step; a multiple of SHARDS */
    uint32_t warmup;
    float rate, final_rate; /* learning rate at its top, and at the end of the cosine */
    float decay;            /* weight decay, of matrices only */
    const struct poison *poison;
};

struct trainer;
enum status trainer_open(const struct recipe *r, struct trainer **out, struct err *e) MUST_CHECK;
void trainer_close(struct trainer *t);
SCOPE_OF(trainer, struct trainer, trainer_close)

/* One step; returns the batch's mean loss in nats a token. */
double trainer_step(struct trainer *t);
uint32_t trainer_at(const struct trainer *t); /* steps done */
const float *trainer_params(const struct trainer *t);
/* Starts from given parameters (fine-tuning). */
void trainer_load(struct trainer *t, const float *params);
/* A checkpoint in a folder; going on from it; is there one? */
enum status trainer_save(const struct trainer *t, const char *folder, struct err *e) MUST_CHECK;
enum status trainer_resume(struct trainer *t, const char *folder, struct err *e) MUST_CHECK;
bool trainer_saved(const char *folder);

/* The tokens of one training sequence, [NET_T + 1]: documents between BOS and EOS, cut to length.
 */
void trainer_sequence(const struct recipe *r, uint32_t step, uint32_t index, uint16_t *tokens);

/* Compares the gradient of every parameter tensor with finite differences on one sequence; *worst
 * is the greatest relative error. Calls back once a tensor. */
enum status trainer_gradient_check(void (*each)(void *ctx, const char *tensor, double error),
                                   void *ctx, double *worst, struct err *e) MUST_CHECK;

#endif
