#include "runtime/tokenizer_kinds.h"
#include "tests/support/model_bad.h"
#include <assert.h>
#include <string.h>

#define EMBEDDING "token_embd.weight"
#define QUERY     "blk.0.attn_q.weight"
#define EPSILON   "llama.attention.layer_norm_rms_epsilon"
#define SCORES    "tokenizer.ggml.scores"
#define TOKENS    "tokenizer.ggml.tokens"
#define TYPES     "tokenizer.ggml.token_type"
#define MERGES    "tokenizer.ggml.merges"
#define PRE       "tokenizer.ggml.pre"

static void magic(struct buf *f)
{
    f->p[0] = 0xff;
}

static void is_slm1(struct buf *f)
{
    memcpy(f->p, "SLM1", 4);
}

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

static void architecture_other(struct gguf_draft *d)
{
    memcpy(draft_pair(d, "general.architecture") + 12, "qwen2", 5);
}

static void kind_other(struct gguf_draft *d)
{
    memcpy(draft_pair(d, "tokenizer.ggml.model") + 12, "plamo", 5);
}

static void scaling_factor(struct gguf_draft *d)
{
    draft_f32(d, "llama.rope.scaling.factor", 0);
}

static void scale_linear(struct gguf_draft *d)
{
    draft_f32(d, "llama.rope.scale_linear", -4);
}

static void bool_two(struct gguf_draft *d)
{
    draft_bool(d, "tokenizer.ggml.add_bos_token", 2);
}

static void bool_two_in_array(struct gguf_draft *d)
{
    draft_raw(d, span_text("general.flags"), 9, SPAN("\7\0\0\0\3\0\0\0\0\0\0\0\1\0\2", 15));
}

/* The first two pieces become tokens of one byte, twice. */
static void byte_twice(struct gguf_draft *d)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    draft_rename(&d->pairs, TOKENS, "tokenizer.ggml.tokenz");
    buf_append(&value, SPAN("\x08\0\0\0\x10\0\0\0\0\0\0\0", 12));
    for (size_t i = 0; i < 16; i++)
        buf_append(&value, SPAN("\x06\0\0\0\0\0\0\0<0x41>", 14));
    draft_raw(d, span_text(TOKENS), 9, buf_span(&value));
    uint8_t *types = draft_pair(d, TYPES) + 16;
    put_le32(types + 12, TOKEN_BYTE);
    put_le32(types + 16, TOKEN_BYTE);
}

static void strips(struct gguf_draft *d)
{
    draft_bool(d, "tokenizer.ggml.remove_extra_whitespaces", 1);
}

static void array_nested(struct gguf_draft *d)
{
    draft_raw(d, SPAN("x.nested", 8), 9, SPAN("\x09\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0", 16));
}

static void array_type(struct gguf_draft *d)
{
    draft_raw(d, SPAN("x.array", 7), 9, SPAN("\x0d\0\0\0\0\0\0\0\0\0\0\0", 12));
}

static void layers_array(struct gguf_draft *d)
{
    draft_rename(&d->pairs, "llama.feed_forward_length", "other.feed_forward_length");
    draft_raw(d, SPAN("llama.feed_forward_length", 25), 9,
              SPAN("\x04\0\0\0\x01\0\0\0\0\0\0\0\x18\0\0\0", 16));
}

static void kv_not_dividing(struct gguf_draft *d)
{
    put_le32(draft_pair(d, "llama.attention.head_count") + 4, 4);
    put_le32(draft_pair(d, "llama.attention.head_count_kv") + 4, 3);
}

/* Arrays of the right count whose items are too small. */
static void scores_u8(struct gguf_draft *d)
{
    draft_rename(&d->pairs, SCORES, "tokenizer.ggml.scorez");
    draft_raw(d, SPAN(SCORES, 21), 9,
              SPAN("\0\0\0\0\x10\0\0\0\0\0\0\0"
                   "0123456789abcdef",
                   28));
}

static void types_u8(struct gguf_draft *d)
{
    draft_rename(&d->pairs, TYPES, "tokenizer.ggml.token_typf");
    draft_raw(d, SPAN(TYPES, 25), 9,
              SPAN("\0\0\0\0\x10\0\0\0\0\0\0\0"
                   "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1",
                   28));
}

static void tokens_i32(struct gguf_draft *d)
{
    draft_rename(&d->pairs, TOKENS, "tokenizer.ggml.tokenz");
    draft_raw(d, SPAN(TOKENS, 21), 9, SPAN("\5\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 16));
}

/* One array one item shorter, whatever follows moved down. */
static void shorten(struct gguf_draft *d, const char *key, uint64_t count)
{
    uint8_t *p = draft_pair(d, key) + 8;
    size_t last = (size_t)(p + 8 - d->pairs.p) + 4 * (size_t)(count - 1);
    put_le64(p, count - 1);
    memmove(d->pairs.p + last, d->pairs.p + last + 4, d->pairs.n - last - 4);
    d->pairs.n -= 4;
}

static void scores_shorter(struct gguf_draft *d)
{
    shorten(d, SCORES, 16);
}

static void types_shorter(struct gguf_draft *d)
{
    shorten(d, TYPES, 16);
}

/* Token 13 is U+2581 "the", six bytes: it becomes a byte token spelled `text`. */
static void byte_token(struct gguf_draft *d, const char *text)
{
    uint8_t *tokens = draft_pair(d, TOKENS) + 16;
    for (uint32_t id = 0; id < 13; id++)
        tokens += 8 + get_le64(tokens);
    memcpy(tokens + 8, text, 6);
    put_le32(draft_pair(d, TYPES) + 16 + 4 * 13, 6);
}

static void byte_minus_one(struct gguf_draft *d)
{
    byte_token(d, "<0x-1>");
}

static void byte_not_hex(struct gguf_draft *d)
{
    byte_token(d, "<0xG0>");
}

static void dims(struct gguf_draft *d, uint64_t a, uint64_t b)
{
    put_le64(draft_description(d, EMBEDDING) + 4, a);
    put_le64(draft_description(d, EMBEDDING) + 12, b);
}

static void dims_2_32_2_32(struct gguf_draft *d)
{
    dims(d, UINT64_C(1) << 32, UINT64_C(1) << 32);
}

static void dims_2_33_2_31(struct gguf_draft *d)
{
    dims(d, UINT64_C(1) << 33, UINT64_C(1) << 31);
}

static void dims_over_63_bits(struct gguf_draft *d)
{
    dims(d, UINT64_C(1) << 63, 1);
}

static void dims_2_62_4(struct gguf_draft *d)
{
    dims(d, UINT64_C(1) << 62, 4);
}

static void dims_bytes_wrap(struct gguf_draft *d)
{
    dims(d, UINT64_C(1) << 61, 3);
}

/* 2^64 − 4 bytes, which wrap when they are padded. */
static void padded_size_wraps(struct gguf_draft *d)
{
    dims(d, (UINT64_C(1) << 62) - 1, 1);
}

/* Twice 2^63 bytes. */
static void sizes_sum_wraps(struct gguf_draft *d)
{
    dims(d, UINT64_C(1) << 61, 1);
    put_le64(draft_description(d, QUERY) + 4, UINT64_C(1) << 61);
    put_le64(draft_description(d, QUERY) + 12, 1);
}

static void out_of_order(struct gguf_draft *d)
{
    uint8_t *q = draft_description(d, QUERY) + 24,
            *k = draft_description(d, "blk.0.attn_k.weight") + 24;
    const uint64_t offset = get_le64(q);
    put_le64(q, get_le64(k));
    put_le64(k, offset);
}

static void dims_swapped(struct gguf_draft *d)
{
    dims(d, 16, 8);
}

static void bias_of_norm(struct gguf_draft *d)
{
    draft_tensor(d, "blk.0.attn_norm.bias", 1, (const uint64_t[]){8}, 0, 0);
}

static void bias_shape(struct gguf_draft *d)
{
    draft_tensor(d, "blk.0.ffn_up.bias", 1, (const uint64_t[]){8}, 0, 0);
}

/* One more tensor, two values long, with a bit pattern in the second. */
static void add_freqs(struct gguf_draft *d, uint32_t type, uint32_t bits)
{
    draft_tensor(d, "rope_freqs.weight", 1, (const uint64_t[]){2}, type, d->data.n);
    uint8_t *p = buf_space(&d->data, 32);
    put_le32(p, 0x3f800000u);
    put_le32(p + 4, bits);
}

static void rope_freqs_f16(struct gguf_draft *d)
{
    add_freqs(d, 1, 0);
}

static void rope_freqs_zero(struct gguf_draft *d)
{
    add_freqs(d, 0, 0);
}

static void rope_freqs_nan(struct gguf_draft *d)
{
    add_freqs(d, 0, 0x7fc00000u);
}

static void rope_freqs_shape(struct gguf_draft *d)
{
    draft_tensor(d, "rope_freqs.weight", 1, (const uint64_t[]){4}, 0, d->data.n);
}

static void expert_tensor(struct gguf_draft *d)
{
    draft_tensor(d, "blk.0.ffn_up_exps.weight", 3, (const uint64_t[]){8, 24, 4}, 0, 0);
}

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

static void value_nan(struct gguf_draft *d)
{
    put_value(d, 0x7fc00000u);
}

static void value_infinite(struct gguf_draft *d)
{
    put_value(d, 0xff800000u);
}

static void trailing(struct gguf_draft *d)
{
    (void)buf_space(&d->tail, 32);
}

static void trailing_byte(struct gguf_draft *d)
{
    buf_byte(&d->tail, 0);
}

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

/* A gpt2 vocabulary's merges: each "left right" behind its length of 8 bytes. */
static uint8_t *first_merge(struct gguf_draft *d)
{
    return draft_pair(d, MERGES) + 4 + 12 + 8;
}

static void merge_without_space(struct gguf_draft *d)
{
    first_merge(d)[1] = '_';
}

static void merge_of_no_token(struct gguf_draft *d)
{
    first_merge(d)[0] = 'q';
}

static void merge_makes_no_token(struct gguf_draft *d)
{
    first_merge(d)[0] = 'e';
}

static void merge_not_written(struct gguf_draft *d)
{
    first_merge(d)[0] = ' ';
}

/* The third (o n) becomes the fifth's twin. */
static void merge_twice(struct gguf_draft *d)
{
    memcpy(first_merge(d) + 3 + 8 + 4 + 8, "h o", 3);
}

static void pre_other(struct gguf_draft *d)
{
    memcpy(draft_pair(d, PRE) + 12, "tekken", 6);
}

static void space_prefix(struct gguf_draft *d)
{
    draft_bool(d, "tokenizer.ggml.add_space_prefix", 1);
}

const struct bad bad_gguf[] = {
    {"magic.gguf", "gguf-magic", .spoil_file = magic},
    {"is-slm1.gguf", "gguf-is-slm1", .spoil_file = is_slm1},
    {"version-0.gguf", "gguf-version-0", .patch = FILE32(4, 0)},
    {"version-1.gguf", "gguf-version-1", .patch = FILE32(4, 1)},
    {"version-4.gguf", "gguf-version-unknown", .patch = FILE32(4, 4)},
    {"byte-swapped.gguf", "gguf-byte-swapped", .patch = FILE32(4, 0x03000000u)},
    {"tensor-count-wraps.gguf", "gguf-tensor-count", .patch = FILE64(8, UINT64_MAX / 8)},
    {"tensor-count-over-limit.gguf", "gguf-tensor-count", .patch = FILE64(8, 8193)},
    {"tensor-count-zero.gguf", "gguf-no-tensors", .patch = FILE64(8, 0)},
    {"pair-count-wraps.gguf", "gguf-pair-count", .patch = FILE64(16, UINT64_MAX / 16)},
    {"pair-count-over-32-bits.gguf", "gguf-pair-count", .patch = FILE64(16, UINT64_C(0x100000001))},
    {"pair-count-over-limit.gguf", "gguf-pair-count", .patch = FILE64(16, 4097)},
    {"pair-count-zero.gguf", "gguf-architecture", .patch = FILE64(16, 0)},
    {"key-empty.gguf", "gguf-key-empty", .patch = FILE64(24, 0)},
    {"key-length-max.gguf", "gguf-key-length", .patch = FILE64(24, UINT64_MAX)},
    {"key-not-text.gguf", "gguf-key-bytes", .spoil_file = key_not_text},
    {"key-twice.gguf", "gguf-key-duplicate", .add_u32 = {"llama.block_count", 1}},
    {"value-type-unknown.gguf", "gguf-value-type", .patch = FILE32(24 + 8 + 20, 13)},
    {"value-type-negative.gguf", "gguf-value-type", .patch = FILE32(24 + 8 + 20, 0xffffffffu)},
    {"string-near-2-63.gguf", "gguf-string-length",
     .patch = FILE64(24 + 8 + 20 + 4, UINT64_C(0x7fffffffffffffff))},
    {"string-length-max.gguf", "gguf-string-length", .patch = FILE64(24 + 8 + 20 + 4, UINT64_MAX)},
    {"string-of-a-gibibyte.gguf", "gguf-string-length",
     .patch = FILE64(24 + 8 + 20 + 4, UINT64_C(1) << 30)},
    {"string-past-end.gguf", "gguf-truncated", .patch = FILE64(24 + 8 + 20 + 4, 500000)},
    {"string-not-utf8.gguf", "gguf-string-utf8", .spoil_file = string_not_utf8},
    {"array-size-wraps.gguf", "gguf-array-length",
     .patch = PAIR64(SCORES, 8, UINT64_C(0x4000000000000001))},
    {"array-near-2-63.gguf", "gguf-array-length",
     .patch = PAIR64(SCORES, 8, UINT64_C(0x7fffffffffffffff))},
    {"array-past-end.gguf", "gguf-array-length", .patch = PAIR64(SCORES, 8, 1u << 20)},
    {"array-of-strings-wraps.gguf", "gguf-array-length",
     .patch = PAIR64(TOKENS, 8, UINT64_C(0x2000000000000001))},
    {"array-item-length-max.gguf", "gguf-string-length", .patch = PAIR64(TOKENS, 16, UINT64_MAX)},
    {"array-nested.gguf", "gguf-array-nested", .spoil_gguf = array_nested},
    {"array-type-unknown.gguf", "gguf-array-type", .spoil_gguf = array_type},
    {"bool-two.gguf", "gguf-bool", .spoil_gguf = bool_two},
    {"bool-two-in-array.gguf", "gguf-bool", .spoil_gguf = bool_two_in_array},
    {"byte-token-twice.gguf", "gguf-byte-token", .spoil_gguf = byte_twice},
    {"bool-of-another-type.gguf", "gguf-add-bos", .add_u32 = {"tokenizer.ggml.add_bos_token", 1}},
    {"alignment-zero.gguf", "gguf-alignment", .patch = PAIR32("general.alignment", 4, 0)},
    {"alignment-48.gguf", "gguf-alignment", .patch = PAIR32("general.alignment", 4, 48)},
    {"alignment-four.gguf", "gguf-alignment", .patch = PAIR32("general.alignment", 4, 4)},
    {"alignment-huge.gguf", "gguf-alignment", .patch = PAIR32("general.alignment", 4, 1u << 30)},
    {"alignment-of-another-type.gguf", "gguf-alignment-type",
     .patch = PAIR32("general.alignment", 0, 5)},
    {"architecture-missing.gguf", "gguf-architecture",
     .rename = {"general.architecture", "general.architecturf"}},
    {"architecture-other.gguf", "gguf-architecture", .spoil_gguf = architecture_other},
    {"adapter.gguf", "gguf-general-type", .add_text = {"general.type", "adapter"}},
    {"general-type-no-text.gguf", "gguf-general-type", .add_u32 = {"general.type", 1}},
    {"one-of-several-parts.gguf", "gguf-split", .add_u32 = {"split.count", 2}},
    {"quantization-version.gguf", "gguf-quantization-version",
     .add_u32 = {"general.quantization_version", 1}},
    {"experts.gguf", "gguf-experts", .add_u32 = {"llama.expert_count", 8}},
    {"key-that-changes-the-model.gguf", "gguf-unknown-key",
     .add_u32 = {"llama.attention.sliding_window", 128}},
    {"rope-scaling-yarn.gguf", "gguf-rope-scaling",
     .add_text = {"llama.rope.scaling.type", "yarn"}},
    {"rope-scaling-no-text.gguf", "gguf-rope-scaling", .add_u32 = {"llama.rope.scaling.type", 1}},
    {"rope-scaling-factor.gguf", "gguf-rope-scaling", .spoil_gguf = scaling_factor},
    {"rope-scale-linear.gguf", "gguf-rope-scaling", .spoil_gguf = scale_linear},
    {"value-length-other.gguf", "gguf-value-size", .add_u32 = {"llama.attention.value_length", 2}},
    {"eos-flag-of-another-type.gguf", "gguf-add-eos",
     .add_u32 = {"tokenizer.ggml.add_eos_token", 1}},
    {"space-flag-of-another-type.gguf", "gguf-space-prefix",
     .add_text = {"tokenizer.ggml.add_space_prefix", "yes"}},
    {"ffn-zero.gguf", "gguf-feed-forward-length",
     .patch = PAIR32("llama.feed_forward_length", 4, 0)},
    {"license-of-another-type.gguf", "gguf-license",
     .rename = {"general.license", "general.licence"}, .add_u32 = {"general.license", 1}},
    {"key-length-other.gguf", "gguf-key-size", .add_u32 = {"llama.attention.key_length", 8}},
    {"context-missing.gguf", "gguf-context-length",
     .rename = {"llama.context_length", "other.context_length"}},
    {"context-zero.gguf", "gguf-context-length", .patch = PAIR32("llama.context_length", 4, 0)},
    {"hidden-zero.gguf", "gguf-embedding-length", .patch = PAIR32("llama.embedding_length", 4, 0)},
    {"head-dim-odd.gguf", "gguf-head-dim-odd", .patch = PAIR32("llama.embedding_length", 4, 10)},
    {"heads-not-dividing.gguf", "gguf-heads-divide",
     .patch = PAIR32("llama.embedding_length", 4, 9)},
    {"block-count-zero.gguf", "gguf-block-count", .patch = PAIR32("llama.block_count", 4, 0)},
    {"block-count-over-limit.gguf", "gguf-block-count",
     .patch = PAIR32("llama.block_count", 4, 257)},
    {"block-count-max.gguf", "gguf-block-count",
     .patch = PAIR32("llama.block_count", 4, 0xffffffffu)},
    {"block-count-float.gguf", "gguf-block-count", .patch = PAIR32("llama.block_count", 0, 6)},
    {"block-count-one-more.gguf", "gguf-missing-tensor",
     .patch = PAIR32("llama.block_count", 4, 2)},
    {"ffn-other.gguf", "gguf-shape", .patch = PAIR32("llama.feed_forward_length", 4, 16)},
    {"per-layer-array.gguf", "gguf-per-layer-array", .spoil_gguf = layers_array},
    {"heads-zero.gguf", "gguf-head-count", .patch = PAIR32("llama.attention.head_count", 4, 0)},
    {"kv-heads-zero.gguf", "gguf-head-count-kv",
     .patch = PAIR32("llama.attention.head_count_kv", 4, 0)},
    {"kv-heads-more.gguf", "gguf-head-count-kv",
     .patch = PAIR32("llama.attention.head_count_kv", 4, 4)},
    {"kv-heads-not-dividing.gguf", "gguf-kv-heads-divide", .spoil_gguf = kv_not_dividing},
    {"rope-dimension-odd.gguf", "gguf-rope-dimension-count",
     .patch = PAIR32("llama.rope.dimension_count", 4, 3)},
    {"epsilon-missing.gguf", "gguf-rms-epsilon",
     .rename = {EPSILON, "other.attention.layer_norm_rms_epsilon"}},
    {"epsilon-negative.gguf", "gguf-rms-epsilon", .patch = PAIR32(EPSILON, 4, 0xb727c5acu)},
    {"epsilon-nan.gguf", "gguf-rms-epsilon", .patch = PAIR32(EPSILON, 4, 0x7fc00000u)},
    {"epsilon-denormal.gguf", "gguf-rms-epsilon", .patch = PAIR32(EPSILON, 4, 3)},
    {"epsilon-infinite.gguf", "gguf-rms-epsilon", .patch = PAIR32(EPSILON, 4, 0x7f800000u)},
    {"epsilon-of-another-type.gguf", "gguf-rms-epsilon", .patch = PAIR32(EPSILON, 0, 4)},
    {"rope-base-infinite.gguf", "gguf-rope-freq-base",
     .patch = PAIR32("llama.rope.freq_base", 4, 0x7f800000u)},
    {"rope-base-nan.gguf", "gguf-rope-freq-base",
     .patch = PAIR32("llama.rope.freq_base", 4, 0x7fc00000u)},
    {"rope-base-negative.gguf", "gguf-rope-freq-base",
     .patch = PAIR32("llama.rope.freq_base", 4, 0xc61c4000u)},
    {"rope-base-denormal.gguf", "gguf-rope-freq-base",
     .patch = PAIR32("llama.rope.freq_base", 4, 1)},
    {"rope-base-zero.gguf", "gguf-rope-freq-base", .patch = PAIR32("llama.rope.freq_base", 4, 0)},
    {"vocab-size-other.gguf", "gguf-vocab-size", .patch = PAIR32("llama.vocab_size", 4, 512)},
    {"tokens-missing.gguf", "gguf-tokens", .rename = {TOKENS, "tokenizer.ggml.tokenz"}},
    {"tokens-not-strings.gguf", "gguf-tokens", .spoil_gguf = tokens_i32},
    {"tokenizer-missing.gguf", "gguf-tokenizer-kind",
     .rename = {"tokenizer.ggml.model", "tokenizer.ggml.modem"}},
    {"tokenizer-no-text.gguf", "gguf-tokenizer-kind",
     .rename = {"tokenizer.ggml.model", "tokenizer.ggml.modem"},
     .add_u32 = {"tokenizer.ggml.model", 1}},
    {"tokenizer-other.gguf", "gguf-tokenizer-kind", .spoil_gguf = kind_other},
    {"tokenizer-strips-spaces.gguf", "gguf-remove-whitespaces", .spoil_gguf = strips},
    {"scores-missing.gguf", "gguf-scores", .rename = {SCORES, "tokenizer.ggml.scorez"}},
    {"scores-shorter.gguf", "gguf-scores", .spoil_gguf = scores_shorter},
    {"scores-not-floats.gguf", "gguf-scores", .patch = PAIR32(SCORES, 4, 5)},
    {"scores-u8.gguf", "gguf-scores", .spoil_gguf = scores_u8},
    {"score-nan.gguf", "gguf-score", .patch = PAIR32(SCORES, 20, 0x7fc00000u)},
    {"types-shorter.gguf", "gguf-token-type", .spoil_gguf = types_shorter},
    {"types-u8.gguf", "gguf-token-type", .spoil_gguf = types_u8},
    {"type-of-token-unknown.gguf", "gguf-token-type", .patch = PAIR32(TYPES, 28, 7)},
    {"byte-token-minus-one.gguf", "gguf-byte-token", .spoil_gguf = byte_minus_one},
    {"byte-token-not-hex.gguf", "gguf-byte-token", .spoil_gguf = byte_not_hex},
    {"eot-out-of-range.gguf", "gguf-special-id", .add_u32 = {"tokenizer.ggml.eot_token_id", 16}},
    {"pre-tokenizer-missing.gguf", "gguf-pre-tokenizer", .rename = {PRE, "tokenizer.ggml.prf"},
     .gpt2 = true},
    {"pre-tokenizer-other.gguf", "gguf-pre-tokenizer", .spoil_gguf = pre_other, .gpt2 = true},
    {"pre-tokenizer-of-another-type.gguf", "gguf-pre-tokenizer",
     .rename = {PRE, "tokenizer.ggml.prf"}, .add_u32 = {PRE, 1}, .gpt2 = true},
    {"merges-missing.gguf", "gguf-merges", .rename = {MERGES, "tokenizer.ggml.mergez"},
     .gpt2 = true},
    {"merges-of-another-type.gguf", "gguf-merges", .rename = {MERGES, "tokenizer.ggml.mergez"},
     .add_u32 = {MERGES, 1}, .gpt2 = true},
    {"merge-without-space.gguf", "gguf-merge", .spoil_gguf = merge_without_space, .gpt2 = true},
    {"merge-of-no-token.gguf", "gguf-merge", .spoil_gguf = merge_of_no_token, .gpt2 = true},
    {"merge-makes-no-token.gguf", "gguf-merge", .spoil_gguf = merge_makes_no_token, .gpt2 = true},
    {"merge-not-written.gguf", "gguf-merge", .spoil_gguf = merge_not_written, .gpt2 = true},
    {"merge-twice.gguf", "gguf-merge", .spoil_gguf = merge_twice, .gpt2 = true},
    {"gpt2-space-prefix.gguf", "gguf-space-prefix", .spoil_gguf = space_prefix, .gpt2 = true},
    {"gpt2-type-of-token.gguf", "gguf-token-type", .patch = PAIR32(TYPES, 28, 0), .gpt2 = true},
    {"bos-out-of-range.gguf", "gguf-special-id",
     .patch = PAIR32("tokenizer.ggml.bos_token_id", 4, 16)},
    {"eos-negative.gguf", "gguf-special-id",
     .patch = PAIR32("tokenizer.ggml.eos_token_id", 4, 0xffffffffu)},
    {"dims-five.gguf", "gguf-dims-count", .patch = TENSOR32(EMBEDDING, 0, 5)},
    {"dims-none.gguf", "gguf-dims-count", .patch = TENSOR32(EMBEDDING, 0, 0)},
    {"dims-max.gguf", "gguf-dims-count", .patch = TENSOR32(EMBEDDING, 0, 0xffffffffu)},
    {"dim-zero.gguf", "gguf-dim-zero", .patch = TENSOR64(EMBEDDING, 12, 0)},
    {"dim-negative.gguf", "gguf-dims-overflow", .patch = TENSOR64(EMBEDDING, 12, UINT64_MAX)},
    {"dim-over-32-bits.gguf", "gguf-shape",
     .patch = TENSOR64(EMBEDDING, 12, UINT64_C(0x100000010))},
    {"dims-2-32-by-2-32.gguf", "gguf-dims-overflow", .spoil_gguf = dims_2_32_2_32},
    {"dims-2-33-by-2-31.gguf", "gguf-dims-overflow", .spoil_gguf = dims_2_33_2_31},
    {"dims-over-63-bits.gguf", "gguf-dims-overflow", .spoil_gguf = dims_over_63_bits},
    {"dims-2-62-by-4.gguf", "gguf-dims-overflow", .spoil_gguf = dims_2_62_4},
    {"dims-bytes-wrap.gguf", "gguf-shape", .spoil_gguf = dims_bytes_wrap},
    {"padded-size-wraps.gguf", "gguf-shape", .spoil_gguf = padded_size_wraps},
    {"sizes-sum-wraps.gguf", "gguf-shape", .spoil_gguf = sizes_sum_wraps},
    {"dims-swapped.gguf", "gguf-shape", .spoil_gguf = dims_swapped},
    {"embedding-rows-not-vocab.gguf", "gguf-shape", .patch = TENSOR64(EMBEDDING, 12, 17)},
    {"type-unsupported.gguf", "gguf-tensor-type", .patch = TENSOR32(EMBEDDING, 20, 16)},
    {"type-removed.gguf", "gguf-tensor-type", .patch = TENSOR32(EMBEDDING, 20, 4)},
    {"type-negative.gguf", "gguf-tensor-type", .patch = TENSOR32(EMBEDDING, 20, 0xffffffffu)},
    {"row-not-whole-blocks.gguf", "gguf-row-block", .patch = TENSOR32(EMBEDDING, 20, 8)},
    {"offset-past-end.gguf", "gguf-tensor-past-end",
     .patch = TENSOR64(QUERY, 24, UINT64_C(1) << 40)},
    {"offset-wraps.gguf", "gguf-tensor-past-end", .patch = TENSOR64(QUERY, 24, UINT64_MAX - 31)},
    {"offset-unaligned.gguf", "gguf-offset-unaligned", .patch = TENSOR64(QUERY, 24, 8)},
    {"tensors-out-of-order.gguf", "gguf-gap", .spoil_gguf = out_of_order},
    {"tensors-overlap.gguf", "gguf-overlap", .patch = TENSOR64(QUERY, 24, 0)},
    {"gap-between-tensors.gguf", "gguf-gap", .patch = TENSOR64("output_norm.weight", 16, 512 + 32)},
    {"tensor-unknown.gguf", "gguf-unknown-tensor", .rename = {QUERY, "blk.0.attn_x.weight"}},
    {"layer-no-number.gguf", "gguf-unknown-tensor", .rename = {QUERY, "blk.x.attn_q.weight"}},
    {"tensor-twice.gguf", "gguf-duplicate-tensor",
     .rename = {"blk.0.attn_k.weight", "blk.0.attn_v.weight"}},
    {"tensor-missing.gguf", "gguf-missing-tensor", .spoil_gguf = tensor_missing},
    {"layer-out-of-range.gguf", "gguf-layer-range", .rename = {QUERY, "blk.9.attn_q.weight"}},
    {"bias-of-norm.gguf", "gguf-bias", .spoil_gguf = bias_of_norm},
    {"bias-shape.gguf", "gguf-shape", .spoil_gguf = bias_shape},
    {"rope-freqs-f16.gguf", "gguf-rope-freqs", .spoil_gguf = rope_freqs_f16},
    {"rope-freqs-zero.gguf", "gguf-rope-freqs", .spoil_gguf = rope_freqs_zero},
    {"rope-freqs-nan.gguf", "gguf-rope-freqs", .spoil_gguf = rope_freqs_nan},
    {"rope-freqs-shape.gguf", "gguf-shape", .spoil_gguf = rope_freqs_shape},
    {"expert-tensor.gguf", "gguf-experts", .spoil_gguf = expert_tensor},
    {"name-of-64-bytes.gguf", "gguf-name-length", .spoil_gguf = name_long},
    {"name-empty.gguf", "gguf-name-length", .spoil_gguf = name_empty},
    {"value-nan.gguf", "gguf-not-finite", .spoil_gguf = value_nan},
    {"value-infinite.gguf", "gguf-not-finite", .spoil_gguf = value_infinite},
    {"padding-of-front.gguf", "gguf-padding", .spoil_file = padding},
    {"trailing-bytes.gguf", "gguf-trailing-bytes", .spoil_gguf = trailing},
    {"trailing-byte.gguf", "gguf-trailing-bytes", .spoil_gguf = trailing_byte},
    {"truncated-header.gguf", "gguf-truncated", .spoil_file = truncated_header},
    {"truncated-metadata.gguf", "gguf-truncated", .spoil_file = truncated_metadata},
    {"truncated-data.gguf", "gguf-truncated", .spoil_file = truncated_data},
    {"empty.gguf", "gguf-truncated", .spoil_file = empty},
};
const size_t bad_gguf_count = sizeof bad_gguf / sizeof bad_gguf[0];
