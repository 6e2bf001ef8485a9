/* A GGUF file in its parts, so that tests can spoil one before they are put together. */
#ifndef TESTS_SUPPORT_GGUF_MAKE_H
#define TESTS_SUPPORT_GGUF_MAKE_H

#include "tests/support/model_make.h"

struct gguf_draft {
    uint32_t version, alignment;
    uint64_t pair_count, tensor_count;
    struct buf pairs, tensors, data;
    struct buf tail; /* behind the data */
};
struct gguf_draft gguf_draft(const struct make *m);
void gguf_draft_release(struct gguf_draft *d);
/* Header, pairs, tensors, padding, data. */
struct buf gguf_assemble(const struct gguf_draft *d);

/* Append one pair (and count it). */
void draft_u32(struct gguf_draft *d, const char *key, uint32_t v);
void draft_f32(struct gguf_draft *d, const char *key, float v);
void draft_bool(struct gguf_draft *d, const char *key, uint8_t v);
void draft_text(struct gguf_draft *d, const char *key, const char *v);
/* A key, a type, raw value bytes. */
void draft_raw(struct gguf_draft *d, struct span key, uint32_t type, struct span value);
/* Append one description (not data). */
void draft_tensor(struct gguf_draft *d, const char *name, uint32_t n_dims, const uint64_t *dims,
                  uint32_t type, uint64_t offset);
/* Where a pair's value type stands, with the value 4 bytes on; where a description's n_dims stands.
 */
uint8_t *draft_pair(struct gguf_draft *d, const char *key);
uint8_t *draft_description(struct gguf_draft *d, const char *name);
/* Renames a key or tensor in place; the same length. */
void draft_rename(struct buf *in, const char *from, const char *to);

#endif
