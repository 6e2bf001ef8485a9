/* Makes an SLM1 file from floats, through a sink, in one go and in bounded memory (the front, one
 * row, one tensor's scales).
 *
 * The checksum stands in the header, before everything it covers, so the values are asked for
 * twice, in the same order, and must be the same both times; a difference is refused at the end
 * (ST_CONFLICT), when bytes have already left. What is written passes the reader: the front is put
 * through its parser before the first byte leaves. */
#ifndef RUNTIME_SLM1_WRITE_H
#define RUNTIME_SLM1_WRITE_H

#include "runtime/slm1.h"

struct slm1_spec {
    struct model_shape shape; /* with tied there is no output.weight */
    struct span tokenizer;    /* a BTOK or BPE1 section; its vocabulary is the shape's */
    enum slm1_dtype dtype;    /* of the matrices */
    bool whole;               /* the norms are of that dtype too; otherwise they stay f32 */
    uint32_t block; /* q4_0: values a scale; 0: of each tensor 32, or the largest even number
                     * below it that divides its rows */
};

/* Fills one row of a tensor: out is [cols]. Rows are asked for in order, tensors in the directory's
 * order (runtime/plan.h). */
struct slm1_values {
    enum status (*row)(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                       struct err *e);
    void *ctx;
};

/* ST_INVALID_LENGTH when the dtype does not fit a row; the reader's own refusals for a shape or a
 * tokenizer that it would not take; ST_MODEL_DIRECTORY for a value that is not finite. */
enum status slm1_write(const struct slm1_spec *spec, const struct slm1_values *values,
                       struct sink to, struct err *e) MUST_CHECK;
/* The bytes that slm1_write will hand out. */
enum status slm1_size(const struct slm1_spec *spec, uint64_t *bytes, struct err *e) MUST_CHECK;
/* The BTOK section, which is always the same. */
struct span slm1_btok(void);

#endif
