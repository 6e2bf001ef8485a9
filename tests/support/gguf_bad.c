#include "tests/support/model_bad.h"
#include <assert.h>
#include <string.h>

#define PAIR_U32(name, key, value)                   \
    static void name(struct gguf_draft *d)           \
    {                                                \
        put_le32(draft_pair(d, (key)) + 4, (value)); \
    }
/* Another value type in front of the same four bytes. */
#define PAIR_TYPE(name, key, type)              \
    static void name(struct gguf_draft *d)      \
    {                                           \
        put_le32(draft_pair(d, (key)), (type)); \
    }
#define ADD(name, call)                    \
    static void name(struct gguf_draft *d) \
    {                                      \
        call;                              \
    }
/* Behind a description's name: n_dims, dims (of a matrix: 8 bytes each at 4 and 12), type, offset.
 */
#define MATRIX_U64(name, tensor, at, value)                       \
    static void name(struct gguf_draft *d)                        \
    {                                                             \
        put_le64(draft_description(d, (tensor)) + (at), (value)); \
    }
#define RENAME(name, part, from, to)          \
    static void name(struct gguf_draft *d)    \
    {                                         \
        draft_rename(&d->part, (from), (to)); \
    }
#define FILE_U32(name, at, value)       \
    static void name(struct buf *f)     \
    {                                   \
        put_le32(f->p + (at), (value)); \
    }
#define FILE_U64(name, at, value)       \
    static void name(struct buf *f)     \
    {                                   \
        put_le64(f->p + (at), (value)); \
    }

#define EMBEDDING "token_embd.weight"
#define QUERY     "blk.0.attn_q.weight"
#define EPSILON   "llama.attention.layer_norm_rms_epsilon"
#define SCORES    "tokenizer.ggml.scores"
#define TOKENS    "tokenizer.ggml.tokens"
#define TYPES     "tokenizer.ggml.token_type"

static void magic(struct buf *f)
{
    f->p[0] = 0xff;
}

static void is_slm1(struct buf *f)
{
    memcpy(f->p, "SLM1", 4);
}

FILE_U32(version_0, 4, 0)
FILE_U32(version_1, 4, 1)
FILE_U32(version_4, 4, 4)
FILE_U32(byte_swapped, 4, 0x03000000u)
FILE_U64(tensors_wrap, 8, UINT64_MAX / 8)
FILE_U64(tensors_over, 8, 8193)
FILE_U64(tensors_none, 8, 0)
FILE_U64(pairs_wrap, 16, UINT64_MAX / 16)
FILE_U64(pairs_over_u32, 16, UINT64_C(0x100000001))
FILE_U64(pairs_none, 16, 0)
FILE_U64(key_empty, 24, 0)
FILE_U64(key_huge, 24, UINT64_MAX)
FILE_U32(value_type_unknown, 24 + 8 + 20, 13)
FILE_U32(value_type_negative, 24 + 8 + 20, 0xffffffffu)
FILE_U64(string_huge, 24 + 8 + 20 + 4, UINT64_C(0x7fffffffffffffff))
FILE_U64(string_wraps, 24 + 8 + 20 + 4, UINT64_MAX)
FILE_U64(string_past_end, 24 + 8 + 20 + 4, 500000)

static void key_not_text(struct buf *f)
{
    f->p[32] = 0xc3;
}

static void string_not_utf8(struct buf *f)
{
    f->p[24 + 8 + 20 + 4 + 8] = 0xff;
}

static void truncated_header(struct buf *f)
{
    f->n = 20;
}

static void truncated_metadata(struct buf *f)
{
    f->n = 600;
}

static void truncated_data(struct buf *f)
{
    f->n -= 100;
}

static void empty(struct buf *f)
{
    f->n = 0;
}

RENAME(architecture_missing, pairs, "general.architecture", "general.architecturf")
RENAME(context_missing, pairs, "llama.context_length", "other.context_length")
RENAME(epsilon_missing, pairs, EPSILON, "other.attention.layer_norm_rms_epsilon")
RENAME(tokens_missing, pairs, TOKENS, "tokenizer.ggml.tokenz")
RENAME(scores_missing, pairs, SCORES, "tokenizer.ggml.scorez")
RENAME(kind_missing, pairs, "tokenizer.ggml.model", "tokenizer.ggml.modem")
PAIR_U32(alignment_zero, "general.alignment", 0)
PAIR_U32(alignment_48, "general.alignment", 48)
PAIR_U32(alignment_huge, "general.alignment", 1u << 30)
PAIR_U32(alignment_four, "general.alignment", 4)
PAIR_TYPE(alignment_type, "general.alignment", 5)
PAIR_U32(context_zero, "llama.context_length", 0)
PAIR_U32(hidden_zero, "llama.embedding_length", 0)
PAIR_U32(hidden_other, "llama.embedding_length", 10)
PAIR_U32(hidden_not_heads, "llama.embedding_length", 9)
PAIR_U32(blocks_zero, "llama.block_count", 0)
PAIR_U32(blocks_over, "llama.block_count", 257)
PAIR_U32(blocks_huge, "llama.block_count", 0xffffffffu)
PAIR_U32(blocks_more, "llama.block_count", 2)
PAIR_TYPE(blocks_signed, "llama.block_count", 6)
PAIR_U32(ffn_other, "llama.feed_forward_length", 16)
PAIR_U32(heads_zero, "llama.attention.head_count", 0)
PAIR_U32(kv_more, "llama.attention.head_count_kv", 4)
PAIR_U32(kv_zero, "llama.attention.head_count_kv", 0)
PAIR_U32(rotated_odd, "llama.rope.dimension_count", 3)
PAIR_U32(epsilon_negative, EPSILON, 0xb727c5acu)
PAIR_U32(epsilon_nan, EPSILON, 0x7fc00000u)
PAIR_U32(epsilon_denormal, EPSILON, 3)
PAIR_TYPE(epsilon_type, EPSILON, 4)
PAIR_U32(base_infinite, "llama.rope.freq_base", 0x7f800000u)
PAIR_U32(base_zero, "llama.rope.freq_base", 0)
PAIR_U32(vocab_other, "llama.vocab_size", 512)
PAIR_U32(bos_range, "tokenizer.ggml.bos_token_id", 16)
PAIR_U32(eos_negative, "tokenizer.ggml.eos_token_id", 0xffffffffu)
PAIR_U32(scores_items_type, SCORES, 5)

ADD(architecture_other, memcpy(draft_pair(d, "general.architecture") + 12, "qwen2", 5))
ADD(kind_other, memcpy(draft_pair(d, "tokenizer.ggml.model") + 12, "plamo", 5))
ADD(experts, draft_u32(d, "llama.expert_count", 8))
ADD(unknown_key, draft_u32(d, "llama.attention.sliding_window", 128))
ADD(scaling, draft_text(d, "llama.rope.scaling.type", "yarn"))
ADD(scaling_factor, draft_f32(d, "llama.rope.scaling.factor", 2))
ADD(scale_linear, draft_f32(d, "llama.rope.scale_linear", 4))
ADD(key_size, draft_u32(d, "llama.attention.key_length", 8))
ADD(adapter, draft_text(d, "general.type", "adapter"))
ADD(part, draft_u32(d, "split.count", 2))
ADD(quantization, draft_u32(d, "general.quantization_version", 1))
ADD(bool_two, draft_bool(d, "tokenizer.ggml.add_bos_token", 2))
ADD(bool_type, draft_u32(d, "tokenizer.ggml.add_bos_token", 1))
ADD(strips, draft_bool(d, "tokenizer.ggml.remove_extra_whitespaces", 1))
ADD(scores_not_finite, put_le32(draft_pair(d, SCORES) + 16 + 4, 0x7fc00000u))
ADD(type_unknown, put_le32(draft_pair(d, TYPES) + 16 + 12, 7))
ADD(array_huge, put_le64(draft_pair(d, SCORES) + 8, UINT64_C(0x4000000000000001)))
ADD(array_near_2_63, put_le64(draft_pair(d, SCORES) + 8, UINT64_C(0x7fffffffffffffff)))
ADD(array_past_end, put_le64(draft_pair(d, SCORES) + 8, 1u << 20))
ADD(strings_huge, put_le64(draft_pair(d, TOKENS) + 8, UINT64_C(0x2000000000000001)))
ADD(item_huge, put_le64(draft_pair(d, TOKENS) + 16, UINT64_MAX))
ADD(array_nested,
    draft_raw(d, SPAN("x.nested", 8), 9, SPAN("\x09\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0", 16)))
ADD(array_type, draft_raw(d, SPAN("x.array", 7), 9, SPAN("\x0d\0\0\0\0\0\0\0\0\0\0\0", 12)))
ADD(layers_array,
    (draft_rename(&d->pairs, "llama.feed_forward_length", "other.feed_forward_length"),
     draft_raw(d, SPAN("llama.feed_forward_length", 25), 9,
               SPAN("\x04\0\0\0\x01\0\0\0\0\0\0\0\x18\0\0\0", 16))))

ADD(key_twice, draft_u32(d, "llama.block_count", 1))
ADD(kv_not_dividing, (put_le32(draft_pair(d, "llama.attention.head_count") + 4, 4),
                      put_le32(draft_pair(d, "llama.attention.head_count_kv") + 4, 3)))
/* Arrays of the right count whose items are too small. */
ADD(scores_u8, (draft_rename(&d->pairs, SCORES, "tokenizer.ggml.scorez"),
                draft_raw(d, SPAN(SCORES, 21), 9,
                          SPAN("\0\0\0\0\x10\0\0\0\0\0\0\0"
                               "0123456789abcdef",
                               28))))
ADD(types_u8, (draft_rename(&d->pairs, TYPES, "tokenizer.ggml.token_typf"),
               draft_raw(d, SPAN(TYPES, 25), 9,
                         SPAN("\0\0\0\0\x10\0\0\0\0\0\0\0"
                              "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1",
                              28))))
ADD(tokens_i32, (draft_rename(&d->pairs, TOKENS, "tokenizer.ggml.tokenz"),
                 draft_raw(d, SPAN(TOKENS, 21), 9, SPAN("\5\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 16))))

/* One array one item shorter, whatever follows moved down. */
static void shorten(struct gguf_draft *d, const char *key, uint64_t count)
{
    uint8_t *p = draft_pair(d, key) + 8;
    size_t last = (size_t)(p + 8 - d->pairs.p) + 4 * (size_t)(count - 1);
    put_le64(p, count - 1);
    memmove(d->pairs.p + last, d->pairs.p + last + 4, d->pairs.n - last - 4);
    d->pairs.n -= 4;
}

ADD(scores_shorter, shorten(d, SCORES, 16))
ADD(types_shorter, shorten(d, TYPES, 16))

/* Token 13 is U+2581 "the", six bytes: it becomes a byte token spelled `text`. */
static void byte_token(struct gguf_draft *d, const char *text)
{
    uint8_t *tokens = draft_pair(d, TOKENS) + 16;
    for (uint32_t id = 0; id < 13; id++)
        tokens += 8 + get_le64(tokens);
    memcpy(tokens + 8, text, 6);
    put_le32(draft_pair(d, TYPES) + 16 + 4 * 13, 6);
}

ADD(byte_minus_one, byte_token(d, "<0x-1>"))
ADD(byte_not_hex, byte_token(d, "<0xG0>"))

ADD(dims_five, put_le32(draft_description(d, EMBEDDING), 5))
ADD(dims_none, put_le32(draft_description(d, EMBEDDING), 0))
ADD(dims_many, put_le32(draft_description(d, EMBEDDING), 0xffffffffu))
MATRIX_U64(dim_zero, EMBEDDING, 12, 0)
MATRIX_U64(dim_negative, EMBEDDING, 12, UINT64_MAX)
MATRIX_U64(dim_truncates, EMBEDDING, 12, UINT64_C(0x100000010))

static void dims(struct gguf_draft *d, uint64_t a, uint64_t b)
{
    put_le64(draft_description(d, EMBEDDING) + 4, a);
    put_le64(draft_description(d, EMBEDDING) + 12, b);
}

ADD(dims_2_32_2_32, dims(d, UINT64_C(1) << 32, UINT64_C(1) << 32))
ADD(dims_2_33_2_31, dims(d, UINT64_C(1) << 33, UINT64_C(1) << 31))
ADD(dims_2_62_4, dims(d, UINT64_C(1) << 62, 4))
ADD(dims_bytes_wrap, dims(d, UINT64_C(1) << 61, 3))
ADD(dims_swapped, dims(d, 16, 8))
ADD(type_unsupported, put_le32(draft_description(d, EMBEDDING) + 20, 16))
ADD(type_removed, put_le32(draft_description(d, EMBEDDING) + 20, 4))
ADD(type_negative, put_le32(draft_description(d, EMBEDDING) + 20, 0xffffffffu))
ADD(row_not_block, put_le32(draft_description(d, EMBEDDING) + 20, 8))
MATRIX_U64(offset_past_end, QUERY, 24, UINT64_C(1) << 40)
MATRIX_U64(offset_wraps, QUERY, 24, UINT64_MAX - 31)
MATRIX_U64(offset_unaligned, QUERY, 24, 8)
MATRIX_U64(overlaps, QUERY, 24, 0)
MATRIX_U64(leaves_gap, "output_norm.weight", 16, 512 + 32) /* a vector: one dim */
MATRIX_U64(rows_other, EMBEDDING, 12, 17)
RENAME(tensor_unknown, tensors, QUERY, "blk.0.attn_x.weight")
RENAME(tensor_twice, tensors, "blk.0.attn_k.weight", "blk.0.attn_v.weight")
RENAME(layer_range, tensors, QUERY, "blk.9.attn_q.weight")
ADD(bias, draft_tensor(d, "blk.0.attn_q.bias", 1, (const uint64_t[]){8}, 0, 0))
ADD(rope_freqs, draft_tensor(d, "rope_freqs.weight", 1, (const uint64_t[]){2}, 0, 0))
ADD(expert_tensor,
    draft_tensor(d, "blk.0.ffn_up_exps.weight", 3, (const uint64_t[]){8, 24, 4}, 0, 0))

static void name_long(struct gguf_draft *d)
{
    draft_tensor(d, "a_name_of_sixty_four_bytes_is_one_byte_more_than_a_reader_allows", 1,
                 (const uint64_t[]){8}, 0, 0);
}

static void name_empty(struct gguf_draft *d)
{
    draft_tensor(d, "", 1, (const uint64_t[]){8}, 0, 0);
}

/* The last description (ffn_up) and its data out. */
static void tensor_missing(struct gguf_draft *d)
{
    d->tensors.n -= 8 + strlen("blk.0.ffn_up.weight") + 4 + 16 + 4 + 8;
    d->tensor_count--;
    d->data.n -= 24 * 8 * 4;
}

static void put_value(struct gguf_draft *d, uint32_t bits)
{
    put_le32(d->data.p + 12, bits);
}

ADD(value_nan, put_value(d, 0x7fc00000u))
ADD(value_infinite, put_value(d, 0xff800000u))
ADD(trailing, (void)buf_space(&d->tail, 32))
ADD(trailing_byte, buf_byte(&d->tail, 0))

/* The first byte behind the last description. */
static void padding(struct buf *f)
{
    size_t at = f->n - 19;
    while (memcmp(f->p + at, "blk.0.ffn_up.weight", 19) != 0)
        at--;
    at += 19 + 4 + 16 + 4 + 8;
    assert(at % 32 != 0);
    f->p[at] = 1;
}

const struct bad bad_gguf[] = {
    {"magic", "gguf-magic", .spoil_file = magic},
    {"is-slm1", "gguf-is-slm1", .spoil_file = is_slm1},
    {"version-0", "gguf-version-0", .spoil_file = version_0},
    {"version-1", "gguf-version-1", .spoil_file = version_1},
    {"version-4", "gguf-version-unknown", .spoil_file = version_4},
    {"byte-swapped", "gguf-byte-swapped", .spoil_file = byte_swapped},
    {"tensor-count-wraps", "gguf-tensor-count", .spoil_file = tensors_wrap},
    {"tensor-count-over-limit", "gguf-tensor-count", .spoil_file = tensors_over},
    {"tensor-count-zero", "gguf-no-tensors", .spoil_file = tensors_none},
    {"pair-count-wraps", "gguf-pair-count", .spoil_file = pairs_wrap},
    {"pair-count-over-32-bits", "gguf-pair-count", .spoil_file = pairs_over_u32},
    {"pair-count-zero", "gguf-architecture", .spoil_file = pairs_none},
    {"key-empty", "gguf-key-empty", .spoil_file = key_empty},
    {"key-length-max", "gguf-key-length", .spoil_file = key_huge},
    {"key-not-text", "gguf-key-bytes", .spoil_file = key_not_text},
    {"key-twice", "gguf-key-duplicate", .spoil_gguf = key_twice},
    {"value-type-unknown", "gguf-value-type", .spoil_file = value_type_unknown},
    {"value-type-negative", "gguf-value-type", .spoil_file = value_type_negative},
    {"string-near-2-63", "gguf-string-length", .spoil_file = string_huge},
    {"string-length-max", "gguf-string-length", .spoil_file = string_wraps},
    {"string-past-end", "gguf-truncated", .spoil_file = string_past_end},
    {"string-not-utf8", "gguf-string-utf8", .spoil_file = string_not_utf8},
    {"array-size-wraps", "gguf-array-length", .spoil_gguf = array_huge},
    {"array-near-2-63", "gguf-array-length", .spoil_gguf = array_near_2_63},
    {"array-past-end", "gguf-array-length", .spoil_gguf = array_past_end},
    {"array-of-strings-wraps", "gguf-array-length", .spoil_gguf = strings_huge},
    {"array-item-length-max", "gguf-string-length", .spoil_gguf = item_huge},
    {"array-nested", "gguf-array-nested", .spoil_gguf = array_nested},
    {"array-type-unknown", "gguf-array-type", .spoil_gguf = array_type},
    {"bool-two", "gguf-bool", .spoil_gguf = bool_two},
    {"bool-of-another-type", "gguf-add-bos", .spoil_gguf = bool_type},
    {"alignment-zero", "gguf-alignment", .spoil_gguf = alignment_zero},
    {"alignment-48", "gguf-alignment", .spoil_gguf = alignment_48},
    {"alignment-four", "gguf-alignment", .spoil_gguf = alignment_four},
    {"alignment-huge", "gguf-alignment", .spoil_gguf = alignment_huge},
    {"alignment-of-another-type", "gguf-alignment-type", .spoil_gguf = alignment_type},
    {"architecture-missing", "gguf-architecture", .spoil_gguf = architecture_missing},
    {"architecture-other", "gguf-architecture", .spoil_gguf = architecture_other},
    {"adapter", "gguf-general-type", .spoil_gguf = adapter},
    {"one-of-several-parts", "gguf-split", .spoil_gguf = part},
    {"quantization-version", "gguf-quantization-version", .spoil_gguf = quantization},
    {"experts", "gguf-experts", .spoil_gguf = experts},
    {"key-that-changes-the-model", "gguf-unknown-key", .spoil_gguf = unknown_key},
    {"rope-scaling-yarn", "gguf-rope-scaling", .spoil_gguf = scaling},
    {"rope-scaling-factor", "gguf-rope-scaling", .spoil_gguf = scaling_factor},
    {"rope-scale-linear", "gguf-rope-scaling", .spoil_gguf = scale_linear},
    {"key-length-other", "gguf-key-size", .spoil_gguf = key_size},
    {"context-missing", "gguf-context-length", .spoil_gguf = context_missing},
    {"context-zero", "gguf-context-length", .spoil_gguf = context_zero},
    {"hidden-zero", "gguf-embedding-length", .spoil_gguf = hidden_zero},
    {"head-dim-odd", "gguf-head-dim-odd", .spoil_gguf = hidden_other},
    {"heads-not-dividing", "gguf-heads-divide", .spoil_gguf = hidden_not_heads},
    {"block-count-zero", "gguf-block-count", .spoil_gguf = blocks_zero},
    {"block-count-over-limit", "gguf-block-count", .spoil_gguf = blocks_over},
    {"block-count-max", "gguf-block-count", .spoil_gguf = blocks_huge},
    {"block-count-float", "gguf-block-count", .spoil_gguf = blocks_signed},
    {"block-count-one-more", "gguf-missing-tensor", .spoil_gguf = blocks_more},
    {"ffn-other", "gguf-shape", .spoil_gguf = ffn_other},
    {"per-layer-array", "gguf-per-layer-array", .spoil_gguf = layers_array},
    {"heads-zero", "gguf-head-count", .spoil_gguf = heads_zero},
    {"kv-heads-zero", "gguf-head-count-kv", .spoil_gguf = kv_zero},
    {"kv-heads-more", "gguf-head-count-kv", .spoil_gguf = kv_more},
    {"kv-heads-not-dividing", "gguf-kv-heads-divide", .spoil_gguf = kv_not_dividing},
    {"rope-dimension-odd", "gguf-rope-dimension-count", .spoil_gguf = rotated_odd},
    {"epsilon-missing", "gguf-rms-epsilon", .spoil_gguf = epsilon_missing},
    {"epsilon-negative", "gguf-rms-epsilon", .spoil_gguf = epsilon_negative},
    {"epsilon-nan", "gguf-rms-epsilon", .spoil_gguf = epsilon_nan},
    {"epsilon-denormal", "gguf-rms-epsilon", .spoil_gguf = epsilon_denormal},
    {"epsilon-of-another-type", "gguf-rms-epsilon", .spoil_gguf = epsilon_type},
    {"rope-base-infinite", "gguf-rope-freq-base", .spoil_gguf = base_infinite},
    {"rope-base-zero", "gguf-rope-freq-base", .spoil_gguf = base_zero},
    {"vocab-size-other", "gguf-vocab-size", .spoil_gguf = vocab_other},
    {"tokens-missing", "gguf-tokens", .spoil_gguf = tokens_missing},
    {"tokens-not-strings", "gguf-tokens", .spoil_gguf = tokens_i32},
    {"tokenizer-missing", "gguf-tokenizer-kind", .spoil_gguf = kind_missing},
    {"tokenizer-other", "gguf-tokenizer-kind", .spoil_gguf = kind_other},
    {"tokenizer-strips-spaces", "gguf-remove-whitespaces", .spoil_gguf = strips},
    {"scores-missing", "gguf-scores", .spoil_gguf = scores_missing},
    {"scores-shorter", "gguf-scores", .spoil_gguf = scores_shorter},
    {"scores-not-floats", "gguf-scores", .spoil_gguf = scores_items_type},
    {"scores-u8", "gguf-scores", .spoil_gguf = scores_u8},
    {"score-nan", "gguf-score", .spoil_gguf = scores_not_finite},
    {"types-shorter", "gguf-token-type", .spoil_gguf = types_shorter},
    {"types-u8", "gguf-token-type", .spoil_gguf = types_u8},
    {"type-of-token-unknown", "gguf-token-type", .spoil_gguf = type_unknown},
    {"byte-token-minus-one", "gguf-byte-token", .spoil_gguf = byte_minus_one},
    {"byte-token-not-hex", "gguf-byte-token", .spoil_gguf = byte_not_hex},
    {"bos-out-of-range", "gguf-special-id", .spoil_gguf = bos_range},
    {"eos-negative", "gguf-special-id", .spoil_gguf = eos_negative},
    {"dims-five", "gguf-dims-count", .spoil_gguf = dims_five},
    {"dims-none", "gguf-dims-count", .spoil_gguf = dims_none},
    {"dims-max", "gguf-dims-count", .spoil_gguf = dims_many},
    {"dim-zero", "gguf-dim-zero", .spoil_gguf = dim_zero},
    {"dim-negative", "gguf-dims-overflow", .spoil_gguf = dim_negative},
    {"dim-over-32-bits", "gguf-shape", .spoil_gguf = dim_truncates},
    {"dims-2-32-by-2-32", "gguf-dims-overflow", .spoil_gguf = dims_2_32_2_32},
    {"dims-2-33-by-2-31", "gguf-dims-overflow", .spoil_gguf = dims_2_33_2_31},
    {"dims-2-62-by-4", "gguf-dims-overflow", .spoil_gguf = dims_2_62_4},
    {"dims-bytes-wrap", "gguf-shape", .spoil_gguf = dims_bytes_wrap},
    {"dims-swapped", "gguf-shape", .spoil_gguf = dims_swapped},
    {"embedding-rows-not-vocab", "gguf-shape", .spoil_gguf = rows_other},
    {"type-unsupported", "gguf-tensor-type", .spoil_gguf = type_unsupported},
    {"type-removed", "gguf-tensor-type", .spoil_gguf = type_removed},
    {"type-negative", "gguf-tensor-type", .spoil_gguf = type_negative},
    {"row-not-whole-blocks", "gguf-row-block", .spoil_gguf = row_not_block},
    {"offset-past-end", "gguf-tensor-past-end", .spoil_gguf = offset_past_end},
    {"offset-wraps", "gguf-tensor-past-end", .spoil_gguf = offset_wraps},
    {"offset-unaligned", "gguf-offset-unaligned", .spoil_gguf = offset_unaligned},
    {"tensors-overlap", "gguf-overlap", .spoil_gguf = overlaps},
    {"gap-between-tensors", "gguf-gap", .spoil_gguf = leaves_gap},
    {"tensor-unknown", "gguf-unknown-tensor", .spoil_gguf = tensor_unknown},
    {"tensor-twice", "gguf-duplicate-tensor", .spoil_gguf = tensor_twice},
    {"tensor-missing", "gguf-missing-tensor", .spoil_gguf = tensor_missing},
    {"layer-out-of-range", "gguf-layer-range", .spoil_gguf = layer_range},
    {"bias", "gguf-bias", .spoil_gguf = bias},
    {"rope-freqs", "gguf-rope-freqs", .spoil_gguf = rope_freqs},
    {"expert-tensor", "gguf-experts", .spoil_gguf = expert_tensor},
    {"name-of-64-bytes", "gguf-name-length", .spoil_gguf = name_long},
    {"name-empty", "gguf-name-length", .spoil_gguf = name_empty},
    {"value-nan", "gguf-not-finite", .spoil_gguf = value_nan},
    {"value-infinite", "gguf-not-finite", .spoil_gguf = value_infinite},
    {"padding-of-front", "gguf-padding", .spoil_file = padding},
    {"trailing-bytes", "gguf-trailing-bytes", .spoil_gguf = trailing},
    {"trailing-byte", "gguf-trailing-bytes", .spoil_gguf = trailing_byte},
    {"truncated-header", "gguf-truncated", .spoil_file = truncated_header},
    {"truncated-metadata", "gguf-truncated", .spoil_file = truncated_metadata},
    {"truncated-data", "gguf-truncated", .spoil_file = truncated_data},
    {"empty", "gguf-truncated", .spoil_file = empty},
};
const size_t bad_gguf_count = sizeof bad_gguf / sizeof bad_gguf[0];
