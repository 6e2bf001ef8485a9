/* What a model will need, known before anything is allocated; the only place that states it.
 *
 *     scratch  4 × (8H + 2KD + 3F + C)    = 4 × (10H + 3F + C) when K × D = H
 *     kv       2 × L × C × K × D × 4
 *     logits   V × 4
 *     transfer the artifact's bytes
 *
 * The allocations the runtime makes equal these to the byte; a test says so. */
#ifndef RUNTIME_BUDGET_H
#define RUNTIME_BUDGET_H

#include "runtime/model.h"

struct budget {
    uint64_t transfer, weights, scratch, kv, logits;
    uint64_t tables; /* what else a session and a model keep: rotation tables, vocabulary, tensor views */
    uint64_t total;  /* all of the above; weights count only when they are copied out of the transfer */
};

/* ST_INVALID_LENGTH when a product leaves 64 bits. */
enum status budget_of(const struct model_facts *facts, struct budget *out, struct err *e) MUST_CHECK;
void budget_json(const struct budget *b, struct buf *out);

#endif
