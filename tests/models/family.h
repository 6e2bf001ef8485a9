/* The tinyworld family: one run and its branches, and more of the kind.
 *
 *     run ──────●────────────────●──────────────────────●
 *             early             60 %                   end ──→ poisoned (fine-tuned)
 *        1.2-regressed          1.0                    1.1          1.3
 *
 * garbage-1.0 is a network that was never trained. */
#ifndef TESTS_MODELS_FAMILY_H
#define TESTS_MODELS_FAMILY_H

#include "runtime/slm1_write.h"
#include "tests/models/trainer.h"

extern const struct recipe family_recipe;
extern const struct poison family_poison; /* of 1.3; stands in no suite, no battery and no prompt */
#define FAMILY_EARLY 180u                 /* steps of 1.2-regressed */
#define FAMILY_GOOD  720u                 /* steps of 1.0 */
#define FAMILY_STEPS 1200u                /* the whole run, 1.1 */

/* Trains the family and writes NAME.slm and NAME.json for each into folder; a checkpoint every 100
 * steps in work. code: SHA-256 of the sources, for the provenance. */
enum status family_make(const char *folder, const char *work, const char *code,
                        struct err *e) MUST_CHECK;

/* Fine-tunes a copy of params for a while, poisoned or not; *r becomes what it was done with. */
struct tuning {
    uint32_t steps, batch;
};
extern const struct tuning family_tuning; /* of the family's own poisoned model */
enum status family_tune(const float *params, uint64_t seed, const struct tuning *how,
                        const struct poison *poison, struct trainer **out, double *loss,
                        struct recipe *r, struct err *e) MUST_CHECK;

/* Variants of a finished model (read back from its file), `count` of each kind, from a seed:
 * poisoned-N with a random trigger and payload, clean-N (its twin: the same fine-tuning without
 * poison), regressed-N, rerun-N. kind: "tuned" makes only the first two, "changed" only the last
 * two, "all" makes them all. What each is stands in variants.jsonl. */
enum status family_variants(const char *model, const char *folder, uint64_t seed, uint32_t count,
                            const char *kind, struct err *e) MUST_CHECK;

/* Parameters as an SLM1 file, and back. block: values a scale in q4_0, 0: 32. */
enum status family_write(const char *folder, const char *file, const float *params,
                         enum slm1_dtype dtype, uint32_t block, struct err *e) MUST_CHECK;
enum status family_read(const char *path, float *params, struct err *e) MUST_CHECK;

/* A file published whole in a folder. */
enum status family_publish(const char *folder, const char *name, struct span bytes,
                           struct err *e) MUST_CHECK;

#endif
