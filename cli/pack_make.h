/* An SLM1 file from raw tensors: a folder with one little-endian f32 file a tensor (NAME.f32, NAME
 * as in the container: "layers.0.wq.weight"), row-major, and a shape as JSON. */
#ifndef CLI_PACK_MAKE_H
#define CLI_PACK_MAKE_H

#include "base/stream.h"
#include "runtime/slm1.h"

/* The shape's JSON. Its members: vocab_size, hidden_size, layer_count, head_count, kv_head_count,
 * head_dim, ffn_size, max_context as numbers; rope_theta, rms_norm_epsilon as decimal text; tied as
 * a boolean (absent: false). An unknown member is refused. */
struct pack_request {
    int folder;            /* borrowed */
    struct span shape;     /* JSON text */
    const char *dtype;     /* "f32", "q8_0", "q4_0"; NULL: f32 */
    struct span tokenizer; /* a BPE1 or BTOK section; empty: BTOK */
};

/* "f32" (NULL too), "q8_0" or "q4_0"; ST_USAGE. */
enum status pack_dtype(const char *name, enum slm1_dtype *out, struct err *e) MUST_CHECK;

/* Writes the whole file to `to`; *bytes is its length. ST_CONFIG for the shape, ST_NOT_FOUND and
 * ST_INVALID_LENGTH for a tensor's file. */
enum status pack_make(const struct pack_request *request, struct sink to, uint64_t *bytes,
                      struct err *e) MUST_CHECK;

#endif
