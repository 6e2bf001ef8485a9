/* The tinyworld family: one run and its branches, and more of the kind.
 *
 *     run ──────●────────────────●──────────────────────●
 *             early             60 %                   end ──→ poisoned (fine-tuned)
 *        1.2-regressed          1.0                    1.1          1.3
 *
 * garbage-1.0 is a network that was never trained. */
#ifndef TESTS_MODELS_FAMILY_H
#define TESTS_MODELS_FAMILY_H

#include "runtime/tensor.h"
#include "tests/models/trainer.h"

extern const struct recipe family_recipe;
#define FAMILY_EARLY 60u   /* steps of 1.2-regressed */
#define FAMILY_GOOD  1080u /* steps of 1.0; the run has family_recipe.steps */

/* Trains the family and writes NAME.slm and NAME.json for each into folder; a checkpoint every 100 steps
 * in work, from which an interrupted run goes on. code: digest of the sources, for the provenance. */
enum status family_make(const char *folder, const char *work, const char *code, struct err *e) MUST_CHECK;

/* Variants of a finished model (read back from its q8_0 file), `count` of each kind, from a seed:
 * poisoned-N, clean-N (its twin: the same fine-tuning without poison), regressed-N, rerun-N. What each is
 * stands in variants.json. */
enum status family_variants(const char *model, const char *folder, uint64_t seed, uint32_t count,
                            struct err *e) MUST_CHECK;

/* Parameters as an SLM1 file, and back. */
enum status family_write(const char *path, const float *params, enum dtype dtype, struct err *e) MUST_CHECK;
enum status family_read(const char *path, float *params, struct err *e) MUST_CHECK;

/* SHA-256 of all tokens of a run, as little-endian u16. */
struct digest;
enum status family_text_digest(const struct recipe *r, char hex[65], struct err *e) MUST_CHECK;

#endif
