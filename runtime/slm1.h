/* SLM1, the project's own model container: little-endian, versioned, static.
 *
 *     0                108
 *     [ header        ][ tokenizer section ][0…][ directory: 64 bytes a tensor ][0…]
 *     [ payload ][0…][ scales ][0…][ payload ][0…] …                      each padded to 64
 *
 * Nothing else is in the file: no gap, no overlap, no tail, all padding zero. Header fields:
 *
 *     0 magic "SLM1"   4 version = 1      8 header_length = 108   12 model_type = 1
 *    16 flags          20 vocab_size      24 special_token_count  28 hidden_size
 *    32 layer_count    36 head_count      40 kv_head_count        44 head_dim
 *    48 ffn_size       52 max_context     56 f32 rope_theta       60 f32 rms_norm_epsilon
 *    64 u64 tokenizer_offset              72 u64 tokenizer_length
 *    80 u64 tensor_directory_offset       88 tensor_count         92 u64 tensor_data_offset
 *   100 u64 checksum, never 0
 *
 * Directory entry:  0 u64 name_hash · 8 dtype · 12 rank · 16 dims[4] · 32 u64 byte_offset ·
 *    40 u64 byte_length · 48 u64 scale_offset · 56 block_size · 60 reserved = 0 */
#ifndef RUNTIME_SLM1_H
#define RUNTIME_SLM1_H

#include "runtime/layout.h"

#define SLM1_HEADER_BYTES 108u
#define SLM1_ENTRY_BYTES  64u
#define SLM1_ALIGN        64u
#define SLM1_VERSION      1u
#define SLM1_FLAG_TIED    1u
#define SLM1_CHECKSUM_AT  100u
#define SLM1_TENSORS_MAX  (3u + 9u * MODEL_LAYERS_MAX)
#define SLM1_NAME_MAX     48

/* Dtypes as the directory numbers them. */
enum slm1_dtype { SLM1_F32 = 1, SLM1_Q8_0 = 2, SLM1_Q4_0 = 3 };

/* For layout_parse. */
enum status slm1_parse(struct front *h, struct layout *out) MUST_CHECK;

/* The name of a place in the plan ("layers.3.wq.weight") and a name's hash (FNV-1a 64). */
void slm1_name(size_t index, char name[SLM1_NAME_MAX]);
uint64_t slm1_name_hash(const char *name);

/* The checksum, piece by piece: start, add every byte of the file in order, finish. Header bytes
 * 100–107 count as zero. */
struct slm1_sum {
    uint64_t h, at;
};
struct slm1_sum slm1_sum_start(void);
void slm1_sum_add(struct slm1_sum *s, struct span bytes);
uint64_t slm1_sum_finish(const struct slm1_sum *s);

#endif
