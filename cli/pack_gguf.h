/* An SLM1 file from a GGUF one. The weights are unpacked and packed again; a `llama` vocabulary
 * becomes BPE1: the bytes, the specials, then every token in its order, and a merge for each way in
 * which two tokens spell a third, ranked by that one's score. So a text gives the same tokens, but
 * that nothing puts a space before it. BPE1 merges bytes: the first two (or three) of a longer
 * character get an id of their own; that and a PAD, where there was none, are rows of zeros, and a
 * character that is no token may begin with one. Refused by name: biases, scaled rotations, and
 * gpt2 vocabularies (BPE1 cuts no words). */
#ifndef CLI_PACK_GGUF_H
#define CLI_PACK_GGUF_H

#include "base/stream.h"
#include "runtime/model.h"

struct pack_gguf {
    const struct model *model; /* over `file`, both borrowed */
    struct span file;
    const char *dtype;  /* "f32", "q8_0", "q4_0"; NULL: f32 */
    uint32_t unreached; /* filled: tokens that no text becomes any more */
};

/* Writes the whole file to `to`; *bytes is its length. ST_UNSUPPORTED for what SLM1 cannot hold. */
enum status pack_gguf(struct pack_gguf *p, struct sink to, uint64_t *bytes,
                      struct err *e) MUST_CHECK;

#endif
