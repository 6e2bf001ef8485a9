/* Damaged models, one defect each, named after it. All come from one whole tiny model a container;
 * SLM1 ones have a right checksum unless that is the defect. */
#ifndef TESTS_SUPPORT_MODEL_BAD_H
#define TESTS_SUPPORT_MODEL_BAD_H

#include "tests/support/gguf_make.h"

struct bad {
    const char *name;                     /* "dims-product-overflow" */
    const char *code;                     /* with which it must be refused */
    void (*spoil_slm1)(struct buf *file); /* one of the three */
    void (*spoil_gguf)(struct gguf_draft *draft);
    void (*spoil_file)(struct buf *file); /* GGUF, put together */
    bool bpe;                             /* SLM1: from the model with BPE1 */
    bool untied;                          /* SLM1: from the model with an output of its own */
    bool keep;                            /* SLM1: leave the checksum as it is */
};
extern const struct bad bad_slm1[], bad_gguf[];
extern const size_t bad_slm1_count, bad_gguf_count;

enum model_format bad_format(const struct bad *b);
struct buf bad_make(const struct bad *b);
/* All of them: 0…bad_count() − 1. */
size_t bad_count(void);
const struct bad *bad_at(size_t i);

#endif
