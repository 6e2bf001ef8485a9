/* Small deterministic models, whole ones and damaged ones, for every test that needs one.
 *
 *     SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.dtype = MAKE_Q8_0});
 *
 * The zero value of every member is the plain choice: f32, untied, heads = kv heads, BTOK, 2 layers
 * of 32 values, context 64. Values depend on name, row and column only, so every dtype is of one
 * model. */
#ifndef TESTS_SUPPORT_MODEL_MAKE_H
#define TESTS_SUPPORT_MODEL_MAKE_H

#include "runtime/model.h"
#include "runtime/slm1_write.h"

enum make_dtype { MAKE_F32, MAKE_Q8_0, MAKE_Q4_0, MAKE_F16 /* GGUF only */ };

struct make {
    enum make_dtype dtype;
    bool tied;
    bool bpe;          /* SLM1: the fixture of three tokens (t, h, e) instead of bytes */
    bool whole;        /* SLM1: norms in that dtype too */
    uint32_t kv_heads; /* 0: as many as heads (4) */
    uint32_t layers;   /* 0: 2 */
    uint32_t context;  /* 0: 64 */
    bool tiny;         /* 1 layer of 8 values, 2 heads: for files that lie in testdata */
    uint32_t align;    /* GGUF: 0: 32 */
    bool biases;       /* GGUF: every bias there can be */
    bool kinds;        /* GGUF: 2 layers of 256 values, a tensor of every type that is read */
    bool gpt2;         /* GGUF: a vocabulary of that kind, cut as smollm does */
    bool freqs;        /* GGUF: rope_freqs, and linear scaling by 2 */
};

struct buf make_slm1(const struct make *m);
struct slm1_spec make_slm1_spec(const struct make *m);
/* The BPE1 fixture: vocab 262, t+h → 260, 260+e → 261. */
struct span make_bpe(void);
/* The values behind every made model. */
extern const struct slm1_values make_values;
float make_value(const char *name, uint32_t row, uint32_t col);
/* A GGUF file of the same values (tests/support/gguf_make.c); F32, F16 or Q8_0. Its vocabulary has
 * <unk> <s> </s>, the 256 byte tokens unless tiny, and some pieces. */
struct buf make_gguf(const struct make *m);
/* Writes the right checksum into changed SLM1 bytes. */
void make_resum(struct buf *slm1);

#endif
