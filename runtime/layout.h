/* What the front of a model file says: facts, where each tensor lies, what the bytes after it must
 * look like. Made by the container's parser (slm1_parse, gguf_parse), used by scan and open alike.
 */
#ifndef RUNTIME_LAYOUT_H
#define RUNTIME_LAYOUT_H

#include "runtime/front.h"
#include "runtime/plan.h"
#include "runtime/tokenizer.h"

/* One tensor's place; offsets are absolute. */
struct placed {
    bool present;
    enum dtype type;
    uint32_t rows, cols, block; /* block: values per scale, DTYPE_SLM_Q4 only */
    uint64_t row_bytes;
    uint64_t offset, bytes;
    uint64_t scale_offset, scale_bytes; /* 0, 0: none */
    uint64_t entry;                     /* where in the file it is described */
};

/* A run of payload bytes and what they are. Between regions lie zero bytes. */
struct region {
    uint64_t offset, length;
    uint64_t entry;  /* where it is described */
    enum dtype type; /* with scales: DTYPE_F32 */
    bool scales;     /* f32 that are divided by or multiplied with: positive too */
};

struct layout {
    struct model_facts facts;
    struct placed *placed; /* [plan_count] by plan index */
    size_t placed_count;
    struct region *regions; /* [region_count], in the order of the file */
    size_t region_count;
    float rope_factor;           /* linear scaling of positions; 1: none */
    struct tokenizer *tokenizer; /* its views lie in the prefix that was parsed */
};
void layout_release(struct layout *l);

/* Parses as much of the front as needs be. FRONT_WAITS with *need, or a refusal, or ST_OK; facts
 * are kept in all cases, and anything else is released in all but the last. */
enum status layout_parse(enum model_format format, struct span have, uint64_t file_bytes,
                         const struct model_limits *limits, struct layout *out, uint64_t *need,
                         struct err *e) MUST_CHECK;

/* For the parsers. Room for the plan and its regions, from facts.shape. */
enum status layout_allocate(struct layout *l, struct err *e) MUST_CHECK;
/* Fills row_bytes, bytes and scale_bytes from type, rows, cols, block; false when they overflow or
 * a row is no whole number of blocks. */
bool placed_measure(struct placed *p);
/* The index-th place as a tensor in `file`; data NULL when it is not there. */
struct tensor layout_tensor(const struct layout *l, size_t index, struct span file);
const struct layout *model_layout(const struct model *m);
extern const size_t model_object_bytes; /* of a struct model */
/* Bytes of a tensor's second form (runtime/packed.h), 0: it has none. Once the shape is known. */
uint64_t layout_packed(const struct layout *l, size_t index);
/* Adds up parameters, weight bytes and the prevailing type. */
void layout_count(struct layout *l);

#endif
