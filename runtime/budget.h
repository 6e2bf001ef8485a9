/* What a model will need, known before anything is allocated; the only place that states it.
 *
 *     scratch  4 × (8H + 2KD + 3F + C)    = 4 × (10H + 3F + C) when K × D = H
 *     kv       2 × L × C × K × D × 4
 *     logits   V × 4
 *     transfer the artifact's bytes
 *     batch    min(48, C) × 4 × (7H + 2KD + 3F) + min(8, C) × 4 × V: a prompt's positions taken
 *              together, and some of their logits
 *     packed   what runtime/packed.h says of each quantised matrix: its second form, for products
 *     threads  (T − 1) × C × 4: what each thread beside the first needs
 *
 * The allocations the runtime makes equal these to the byte, the whole of them too: the allocator's
 * own count after a load is total − transfer. What lies beside the formulas has lines of its own.
 * They leave out what an allocator adds, what a host keeps on its side, and a prompt's tokens.
 */
#ifndef RUNTIME_BUDGET_H
#define RUNTIME_BUDGET_H

#include "runtime/model.h"

struct budget {
    uint64_t transfer, weights, scratch, kv, logits;
    uint64_t packed; /* the model's quantised matrices, laid out for products */
    uint64_t tables; /* what else a session and a model keep: the seven below together */
    uint64_t
        total; /* all of the above; weights count only when they are copied out of the transfer */

    uint64_t rotation; /* D / 2 × 8: a frequency a pair */
    uint64_t threads;  /* 0 for one thread; session_threads adds to it */
    uint64_t batch;    /* activations and logits of the positions of one batch */
    uint64_t tokens;   /* C × 4: the generated ids */
    uint64_t output;   /* SESSION_OUTPUT_MAX */
    uint64_t views;    /* where each tensor lies: by the plan's places, and by layer */
    uint64_t
        vocabulary;   /* what a tokenizer looks things up in; an estimate until a file was parsed */
    uint64_t objects; /* the structs that hold it all together */
    bool estimated;   /* vocabulary is an estimate */
};

/* ST_INVALID_LENGTH when a product leaves 64 bits. */
enum status budget_of(const struct model_facts *facts, struct budget *out,
                      struct err *e) MUST_CHECK;
/* One JSON object, a member a line of the budget; an estimate stands in an object of its own. */
void budget_json(const struct budget *b, struct buf *out);

#endif
