/* Text to token ids and back, whatever the vocabulary's kind. */
#ifndef RUNTIME_TOKENIZER_H
#define RUNTIME_TOKENIZER_H

#include "runtime/model.h"

struct tokenizer;
const struct tokenizer *model_tokenizer(const struct model *m);

/* Appends ids (uint32 each, host order) to out. With specials, BOS before and EOS after as the kind
 * does it; without, the plain text only. ST_INVALID_UTF8, ST_INVALID_LENGTH. */
enum status tokenizer_encode(const struct tokenizer *t, struct span text, bool specials,
                             struct buf *out, struct err *e) MUST_CHECK;
/* The bytes a token stands for in running text; empty for BOS, EOS and PAD. first: nothing but BOS
 * stands before it (some kinds then drop their leading space). */
struct span tokenizer_piece(const struct tokenizer *t, uint32_t id, bool first);

#endif
