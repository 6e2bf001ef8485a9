/* Damaged models, one defect each, named after it. All come from one whole tiny model a container;
 * SLM1 ones have a right checksum unless that is the defect. */
#ifndef TESTS_SUPPORT_MODEL_BAD_H
#define TESTS_SUPPORT_MODEL_BAD_H

#include "tests/support/gguf_make.h"

/* A number written over what is there. */
enum patch_place {
    PATCH_NONE,
    PATCH_FILE,    /* at an offset of the file */
    PATCH_ENTRY,   /* SLM1: in the index-th directory entry */
    PATCH_PAYLOAD, /* SLM1: the second f32 of what the index-th entry's u64 at `at` points to */
    PATCH_PAIR,    /* GGUF: behind the key `of`: 0 its type, 4 its value */
    PATCH_TENSOR   /* GGUF: behind the name `of`: 0 n_dims, 4 dims */
};
struct patch {
    enum patch_place place;
    const char *of;
    uint32_t index, at, bytes;
    uint64_t value;
};
#define FILE32(where, v)                                             \
    {                                                                \
        .place = PATCH_FILE, .at = (where), .bytes = 4, .value = (v) \
    }
#define FILE64(where, v)                                             \
    {                                                                \
        .place = PATCH_FILE, .at = (where), .bytes = 8, .value = (v) \
    }
#define ENTRY32(i, where, v)                                                        \
    {                                                                               \
        .place = PATCH_ENTRY, .index = (i), .at = (where), .bytes = 4, .value = (v) \
    }
#define ENTRY64(i, where, v)                                                        \
    {                                                                               \
        .place = PATCH_ENTRY, .index = (i), .at = (where), .bytes = 8, .value = (v) \
    }
#define PAYLOAD32(i, where, v)                                                        \
    {                                                                                 \
        .place = PATCH_PAYLOAD, .index = (i), .at = (where), .bytes = 4, .value = (v) \
    }
#define PAIR32(key, where, v)                                                     \
    {                                                                             \
        .place = PATCH_PAIR, .of = (key), .at = (where), .bytes = 4, .value = (v) \
    }
#define PAIR64(key, where, v)                                                     \
    {                                                                             \
        .place = PATCH_PAIR, .of = (key), .at = (where), .bytes = 8, .value = (v) \
    }
#define TENSOR32(name, where, v)                                                     \
    {                                                                                \
        .place = PATCH_TENSOR, .of = (name), .at = (where), .bytes = 4, .value = (v) \
    }
#define TENSOR64(name, where, v)                                                     \
    {                                                                                \
        .place = PATCH_TENSOR, .of = (name), .at = (where), .bytes = 8, .value = (v) \
    }

/* One way of damage each; what is not set is not done. */
struct bad {
    const char *name; /* as a file in testdata/bad: "dims-2-62-by-4.gguf" */
    const char *code; /* with which it must be refused */
    struct patch patch;
    struct {
        const char *from, *to;
    } rename; /* GGUF: a key or a tensor */
    struct {
        const char *key;
        uint32_t value;
    } add_u32; /* GGUF: one more pair */
    struct {
        const char *key, *value;
    } add_text;
    void (*spoil_slm1)(struct buf *file);
    void (*spoil_gguf)(struct gguf_draft *draft);
    void (*spoil_file)(struct buf *file); /* GGUF, put together */
    bool bpe;                             /* SLM1: from the model with BPE1 */
    bool gpt2;                            /* GGUF: from the model with such a vocabulary */
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
