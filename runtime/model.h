/* A model: validated once, immutable after, shared by any number of sessions.
 *
 * Two ways in, one set of rules:
 *   scan   streams a file of any size past the parser and keeps nothing but the facts (admission);
 *   open   takes the whole file as one span and keeps views into it (generation).
 * Both refuse the same bytes with the same status, stage, code and offset. Two containers feed one
 * interface: SLM1 (runtime/slm1.h) and GGUF (runtime/gguf.h); neither is ever read as the other.
 *
 * Stages of a refusal: "container" (magic, version), "header", "tokenizer", "metadata",
 * "directory", "tensors" (extent, overlap, padding), "values" (not finite), "checksum", "length".
 */
#ifndef RUNTIME_MODEL_H
#define RUNTIME_MODEL_H

#include "base/err.h"
#include "base/stream.h"

enum model_format { MODEL_FORMAT_NONE, MODEL_FORMAT_SLM1, MODEL_FORMAT_GGUF };

/* Letters as in the formulas of runtime/budget.h. */
struct model_shape {
    uint32_t vocab;           /* V */
    uint32_t hidden;          /* H */
    uint32_t layers;          /* L */
    uint32_t heads, kv_heads; /* kv_heads (K) divides heads */
    uint32_t head_dim;        /* D; heads × D = H */
    uint32_t ffn;             /* F */
    uint32_t context;         /* C */
    float rope_theta, rms_epsilon;
    bool tied; /* the output matrix is the embedding */
};

struct model_facts {
    enum model_format format;
    uint32_t format_version;
    char family[64];       /* "tinylm" for SLM1, general.architecture for GGUF */
    char quantization[16]; /* the type that most weights have: "f32", "q8_0" … */
    char tokenizer[32];    /* "byte", "bpe", "llama", "gpt2" */
    char license[128];     /* general.license, "" when the container has none */
    struct model_shape shape;
    uint64_t parameters;
    uint64_t internal_checksum; /* SLM1; 0: none */
    uint32_t tensors;
    uint64_t file_bytes, weight_bytes;
    uint64_t vocabulary_bytes;  /* that its tokenizer keeps in memory; 0: not known */
    uint64_t packed_bytes;      /* of the quantised matrices laid out for products, when opened */
    int32_t bos, eos, pad, unk; /* −1: none */
};

/* What a caller allows; model_limits_default is what the native program takes by default. */
struct model_limits {
    uint64_t file_bytes; /* 4 GiB natively, 128 MiB in WASM */
    uint64_t head_bytes; /* header, metadata and directory together: 32 MiB */
};
extern const struct model_limits model_limits_default;

/* What some bytes claim to be, from their first bytes and the file's name (NULL: none). */
enum model_claim {
    CLAIM_NONE,   /* nothing we know: opaque */
    CLAIM_SLM1,   /* by magic or .slm */
    CLAIM_GGUF,   /* by magic or .gguf */
    CLAIM_FOREIGN /* a known format of others; *foreign names it: "llama2.c", "pickle",
                     "safetensors" … */
};
#define MODEL_SNIFF_BYTES 512
enum model_claim model_sniff(struct span head, const char *name, uint64_t file_bytes,
                             const char **foreign);

/* The streaming check. `format` is what the file must be. Feed every byte in order, then end. The
 * first failure sticks. facts hold what was known when it ended, even after a failure. */
struct scan;
enum status scan_open(enum model_format format, uint64_t file_bytes,
                      const struct model_limits *limits, struct scan **out,
                      struct err *e) MUST_CHECK;
enum status scan_feed(struct scan *s, struct span bytes, struct err *e) MUST_CHECK;
enum status scan_end(struct scan *s, struct err *e) MUST_CHECK;
const struct model_facts *scan_facts(const struct scan *s);
/* The tokenizer in its canonical form (runtime/tokenizer_kinds.h gives it byte by byte), for its
 * digest; after a good scan_end. */
enum status scan_tokenizer(const struct scan *s, struct sink to, struct err *e) MUST_CHECK;
void scan_close(struct scan *s);
SCOPE_OF(scan, struct scan, scan_close)

/* Opens a whole file in memory. `file` must stay put and unchanged until model_close. With
 * check_values the values, padding and internal checksum are checked as well (a model that comes
 * verified from the store was checked when it was admitted). The magic says which container it is;
 * without GGUF's it must be SLM1. limits may be NULL: the default. */
struct model;
enum status model_open(struct span file, const struct model_limits *limits, bool check_values,
                       struct model **out, struct err *e) MUST_CHECK;
/* A model of a's tensors, except those of the plan (runtime/plan.h) for which from_b[plan_count]
 * says that b's are taken. Nothing is copied: both must outlive it. ST_MODEL_SHAPE when the two are
 * not of one shape and vocabulary. */
enum status model_mix(const struct model *a, const struct model *b, const bool *from_b,
                      struct model **out, struct err *e) MUST_CHECK;
/* The places of the plan, from 0; the name of one ("layers.3.wq.weight"), false when the model has
 * no tensor there; do two models of one shape have the same bytes there? */
#define MODEL_PLACE_NAME 64
size_t model_places(const struct model *m);
bool model_place_name(const struct model *m, size_t place, char out[MODEL_PLACE_NAME]);
bool model_place_equal(const struct model *a, const struct model *b, size_t place);
void model_close(struct model *m);
SCOPE_OF(model, struct model, model_close)
const struct model_facts *model_facts(const struct model *m);

#endif
