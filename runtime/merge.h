/* The loop that both merging tokenizers share: of all neighbours that may be merged, always the
 * pair that comes first (lowest `order`, leftmost of equals), until none is left. n log n. */
#ifndef RUNTIME_MERGE_H
#define RUNTIME_MERGE_H

#include "base/bytes.h"
#include "base/err.h"

struct symbol {
    uint32_t id;         /* the kind's own: what the symbol stands for */
    uint32_t at, n;      /* its bytes in the text; n = 0: merged into the one before */
    uint32_t prev, next; /* MERGE_NONE at the ends */
};
#define MERGE_NONE UINT32_MAX

struct merge_rule {
    /* May left and right be merged, when (lower is earlier), and into what? */
    bool (*pair)(const void *ctx, const struct symbol *left, const struct symbol *right,
                 uint32_t *order, uint32_t *id);
    const void *ctx;
};

/* symbols is [count], id, at and n filled; links are made here. What is left is reached from
 * symbols[0] by next. */
enum status merge_all(struct symbol *symbols, size_t count, const struct merge_rule *rule,
                      struct err *e) MUST_CHECK;

#endif
