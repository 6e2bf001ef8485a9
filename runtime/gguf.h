/* GGUF, versions 2 and 3, little-endian.
 *
 *     "GGUF"  u32 version  u64 tensor_count  u64 pair_count
 *     pairs    string key, u32 type, value                     string: u64 length, bytes
 *     tensors  string name, u32 n_dims, u64 dims[n_dims], u32 type, u64 offset from the data
 *     [0…]     to the alignment
 *     data     tensors in the order of their descriptions, each padded with zeros to the alignment;
 *              after the last one padding may be missing, and nothing else follows
 *
 * Value types: 0 u8, 1 i8, 2 u16, 3 i16, 4 u32, 5 i32, 6 f32, 7 bool (0 or 1), 8 string, 9 array
 * (u32 element type, u64 count, elements; no arrays in arrays), 10 u64, 11 i64, 12 f64. */
#ifndef RUNTIME_GGUF_H
#define RUNTIME_GGUF_H

#include "runtime/layout.h"

#define GGUF_PAIRS_MAX     4096u
#define GGUF_TENSORS_MAX   8192u
#define GGUF_KEY_MAX       65535u
#define GGUF_NAME_MAX      63u
#define GGUF_STRING_MAX    (1u << 20)  /* a value that is a string (templates) */
#define GGUF_ITEM_MAX      (64u << 10) /* a string in an array (tokens) */
#define GGUF_ITEMS_MAX     (4u << 20)  /* items of an array */
#define GGUF_DIMS_MAX      4u
#define GGUF_ALIGN_MIN     8u
#define GGUF_ALIGN_MAX     65536u
#define GGUF_ALIGN_DEFAULT 32u

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
};

/* One pair of the metadata; spans lie in the front. */
struct gguf_pair {
    struct span key;
    uint64_t at; /* of the value (of its element type, for an array) in the file */
    enum gguf_type type;
    enum gguf_type items; /* of an array */
    uint64_t count;       /* of an array */
    struct span value;    /* the number's or string's bytes; of an array all elements as they lie */
};

struct gguf {
    struct front *head;
    uint32_t version;
    uint64_t tensor_count;
    struct gguf_pair *pairs; /* [pair_count] */
    uint32_t pair_count;
    uint32_t alignment;
};
void gguf_release(struct gguf *g);

/* For layout_parse. */
enum status gguf_parse(struct front *h, struct layout *out) MUST_CHECK;
/* The tokenizer of a file that may have nothing but a vocabulary. It keeps views into `file`. */
enum status gguf_vocabulary(struct span file, struct tokenizer **out, struct err *e) MUST_CHECK;

/* For the parser's own rooms. Header and metadata; every pair checked, no key twice. */
enum status gguf_read(struct gguf *g, struct front *h) MUST_CHECK;
const struct gguf_pair *gguf_find(const struct gguf *g, const char *key); /* NULL: not there */
/* Typed values. An absent key leaves *out alone; another type or range is refused (code: the
 * key's). A count is any unsigned or non-negative integer in low…high. */
enum status gguf_number(const struct gguf *g, const char *key, const char *code, uint64_t low,
                        uint64_t high, uint64_t *out) MUST_CHECK;
enum status gguf_float(const struct gguf *g, const char *key, const char *code,
                       float *out) MUST_CHECK;
enum status gguf_flag(const struct gguf *g, const char *key, const char *code,
                      bool *out) MUST_CHECK;
enum status gguf_text(const struct gguf *g, const char *key, const char *code,
                      struct span *out) MUST_CHECK;

/* What an architecture is: how its keys make a shape, and what its tensors are called. One room an
 * architecture; gguf_architecture.c lists them and reads what all have in common. */
struct gguf_tensor_name {
    const char *name; /* without "blk.N." */
    enum tensor_role role;
};
struct gguf_architecture {
    const char *name; /* general.architecture; its keys begin with it and a dot */
    /* Fills the shape and whatever else of the layout the keys decide; what could change the
     * computation and is not known is refused by name. */
    enum status (*shape)(const struct gguf *g, struct layout *out);
    const struct gguf_tensor_name *globals, *locals; /* of the file, of each layer; a NULL ends */
};
extern const struct gguf_architecture gguf_llama;
/* NULL *out is never left with ST_OK. Family and licence go to the facts. */
enum status gguf_architecture(const struct gguf *g, struct model_facts *facts,
                              const struct gguf_architecture **out) MUST_CHECK;
/* How many tokens the vocabulary has. */
enum status gguf_vocabulary_size(const struct gguf *g, uint32_t *out) MUST_CHECK;
/* gguf_vocabulary.c, gguf_tensors.c: tokenizer, directory and data. */
enum status gguf_tokenizer(const struct gguf *g, struct tokenizer **out) MUST_CHECK;
enum status gguf_tensors(const struct gguf *g, const struct gguf_architecture *a,
                         struct layout *out) MUST_CHECK;

#endif
