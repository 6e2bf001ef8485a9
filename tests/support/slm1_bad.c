#include "tests/support/model_bad.h"
#include <string.h>

/* The tiny model's front: header, BTOK (28 bytes) or BPE1 (89) at 108, directory at 192 or 256. Its
 * entries: 0 embedding, 1 norm, 2 attn_norm, 3 ffn_norm, 4 wq … */
static uint8_t *entry(struct buf *f, size_t i)
{
    return f->p + get_le64(f->p + 80) + 64 * i;
}

#define HEADER_U32(name, at, value)     \
    static void name(struct buf *f)     \
    {                                   \
        put_le32(f->p + (at), (value)); \
    }
#define HEADER_U64(name, at, value)     \
    static void name(struct buf *f)     \
    {                                   \
        put_le64(f->p + (at), (value)); \
    }
#define ENTRY_U32(name, index, at, value)            \
    static void name(struct buf *f)                  \
    {                                                \
        put_le32(entry(f, (index)) + (at), (value)); \
    }
#define ENTRY_U64(name, index, at, value)            \
    static void name(struct buf *f)                  \
    {                                                \
        put_le64(entry(f, (index)) + (at), (value)); \
    }
#define PAYLOAD_U32(name, index, field, value)                               \
    static void name(struct buf *f)                                          \
    {                                                                        \
        put_le32(f->p + get_le64(entry(f, (index)) + (field)) + 4, (value)); \
    }

static void magic(struct buf *f)
{
    f->p[3] = '2';
}

static void is_gguf(struct buf *f)
{
    memcpy(f->p, "GGUF", 4);
}

HEADER_U32(version, 4, 2)
HEADER_U32(header_length, 8, 112)
HEADER_U32(model_type, 12, 2)
HEADER_U32(flags_unknown, 16, 2)
HEADER_U32(flags_flip, 16, f->p[16] ^ 1u)
HEADER_U32(vocab_zero, 20, 0)
HEADER_U32(vocab_huge, 20, 0xffffffffu)
HEADER_U32(vocab_drift, 20, 261)
HEADER_U32(specials_three, 24, 3)
HEADER_U32(specials_over, 24, 261)
HEADER_U32(hidden_zero, 28, 0)
HEADER_U32(hidden_huge, 28, 0x80000000u)
HEADER_U32(layers_zero, 32, 0)
HEADER_U32(layers_over, 32, 257)
HEADER_U32(heads_zero, 36, 0)
HEADER_U32(kv_zero, 40, 0)
HEADER_U32(kv_not_dividing, 40, 3)
HEADER_U32(dim_zero, 44, 0)
HEADER_U32(dim_not_hidden, 44, 8)
HEADER_U32(ffn_zero, 48, 0)
HEADER_U32(context_zero, 52, 0)
HEADER_U32(context_huge, 52, 0xffffffffu)
HEADER_U32(theta_nan, 56, 0x7fc00000u)
HEADER_U32(theta_zero, 56, 0)
HEADER_U32(epsilon_negative, 60, 0xb727c5acu)
HEADER_U32(epsilon_denormal, 60, 1)
HEADER_U32(epsilon_infinite, 60, 0x7f800000u)
HEADER_U64(tokenizer_moved, 64, 112)
HEADER_U64(tokenizer_huge, 72, UINT64_MAX - 100)
HEADER_U64(tokenizer_longer, 72, 32)
HEADER_U64(tokenizer_shorter, 72, 27)
HEADER_U64(tokenizer_none, 72, 0)
HEADER_U64(directory_moved, 80, 256)
HEADER_U32(tensors_none, 88, 0)
HEADER_U32(tensors_huge, 88, 0xffffffffu)
HEADER_U32(tensors_more, 88, 2000)
HEADER_U64(data_moved, 92, 64)
HEADER_U64(checksum_zero, 100, 0)
HEADER_U64(checksum_wrong, 100, 0x0123456789abcdef)
HEADER_U32(section_magic, 108, 0)
HEADER_U32(section_version, 112, 2)
HEADER_U32(section_vocab, 116, 261)
HEADER_U32(section_bos, 120, 255)
HEADER_U32(section_eos, 124, 256)
HEADER_U32(section_pad, 128, 0)
HEADER_U32(section_unk, 132, 260)
HEADER_U32(bpe_tokens_more, 136, 3)
HEADER_U32(bpe_merges_more, 140, 3)
HEADER_U32(bpe_merges_huge, 140, 0xffffffffu)
HEADER_U32(bpe_merges_fewer, 140, 1)
HEADER_U32(bpe_id_twice, 154, 260)
HEADER_U32(bpe_id_skips, 144, 261)
HEADER_U32(bpe_empty, 148, 0)
HEADER_U32(bpe_length_past, 148, 0x7fffffffu)
HEADER_U32(bpe_left_special, 165, 256)
HEADER_U32(bpe_right_range, 169, 262)
HEADER_U32(bpe_output_missing, 173, 262)
HEADER_U32(bpe_output_byte, 173, 't')
HEADER_U32(bpe_output_other, 173, 261)
ENTRY_U64(name_unknown, 1, 0, 0x1234)
ENTRY_U32(dtype_unknown, 0, 8, 4)
ENTRY_U32(dtype_zero, 0, 8, 0)
ENTRY_U32(rank_zero, 0, 12, 0)
ENTRY_U32(rank_five, 0, 12, 5)
ENTRY_U32(dims_swapped, 0, 16, 8)
ENTRY_U32(dim_huge, 0, 20, 0x80000000u)
ENTRY_U32(dim_unused, 0, 24, 0)
ENTRY_U64(offset_past_end, 0, 32, UINT64_MAX - 63)
ENTRY_U64(length_short, 0, 40, 4)
ENTRY_U64(scales_past_end, 0, 48, 1u << 20)
ENTRY_U64(scales_of_f32, 1, 48, 64)
ENTRY_U32(block_zero, 0, 56, 0)
ENTRY_U32(block_odd, 0, 56, 7)
ENTRY_U32(block_not_dividing, 0, 56, 6)
ENTRY_U32(block_of_f32, 1, 56, 8)
ENTRY_U32(reserved, 0, 60, 1)
PAYLOAD_U32(value_nan, 1, 32, 0x7fc00000u)
PAYLOAD_U32(value_infinite, 1, 32, 0xff800000u)
PAYLOAD_U32(scale_zero, 0, 48, 0)
PAYLOAD_U32(scale_negative, 0, 48, 0xbf800000u)
PAYLOAD_U32(scale_nan, 0, 48, 0x7fc00001u)

static void name_twice(struct buf *f)
{
    memcpy(entry(f, 4), entry(f, 3), 8);
}

static void merge_twice(struct buf *f)
{
    memcpy(f->p + 181, f->p + 165, 16);
}

static void head_dim_odd(struct buf *f)
{
    put_le32(f->p + 36, 8);
    put_le32(f->p + 40, 8);
    put_le32(f->p + 44, 1);
}

/* Takes the last tensor (w3) out, everything else moved to where it then belongs. */
static void tensor_missing(struct buf *f)
{
    uint32_t count = get_le32(f->p + 88);
    uint8_t *last = entry(f, count - 1);
    f->n = (size_t)get_le64(last + 32);
    memmove(last, last + 64, f->n - 64 - (size_t)(last - f->p));
    f->n -= 64;
    put_le32(f->p + 88, count - 1);
    put_le64(f->p + 92, get_le64(f->p + 92) - 64);
    for (uint32_t i = 0; i + 1 < count; i++) {
        put_le64(entry(f, i) + 32, get_le64(entry(f, i) + 32) - 64);
        if (get_le64(entry(f, i) + 48) != 0)
            put_le64(entry(f, i) + 48, get_le64(entry(f, i) + 48) - 64);
    }
}

static void overlap(struct buf *f)
{
    put_le64(entry(f, 1) + 32, get_le64(entry(f, 0) + 32));
}

static void unaligned(struct buf *f)
{
    put_le64(entry(f, 1) + 32, get_le64(entry(f, 1) + 32) + 4);
}

/* Everything from the norm on moves up by one unit. */
static void gap(struct buf *f)
{
    uint64_t from = get_le64(entry(f, 1) + 32);
    for (uint32_t i = 0; i < get_le32(f->p + 88); i++) {
        uint8_t *e = entry(f, i);
        put_le64(e + 32, get_le64(e + 32) + (get_le64(e + 32) >= from ? 64 : 0));
        put_le64(e + 48, get_le64(e + 48) + (get_le64(e + 48) >= from ? 64 : 0));
    }
    (void)buf_space(f, 64);
    memmove(f->p + from + 64, f->p + from, f->n - 64 - (size_t)from);
    memset(f->p + from, 0, 64);
}

static void padding_front(struct buf *f)
{
    f->p[190] = 1;
}

static void padding_payload(struct buf *f)
{
    f->p[f->n - 1] = 0x80; /* behind w3's 24 scales */
}

static void padding_inside(struct buf *f)
{
    f->p[get_le64(entry(f, 1) + 32) + 32] = 1; /* behind the norm's 8 floats */
}

static void trailing(struct buf *f)
{
    (void)buf_space(f, 64);
}

static void truncated_payload(struct buf *f)
{
    f->n -= 64;
}

static void truncated_padding(struct buf *f)
{
    f->n -= 1;
}

static void truncated_header(struct buf *f)
{
    f->n = 107;
}

static void truncated_directory(struct buf *f)
{
    f->n = 300;
}

static void empty(struct buf *f)
{
    f->n = 0;
}

static void bpe_trailing(struct buf *f)
{
    put_le64(f->p + 72, get_le64(f->p + 72) + 1);
}

const struct bad bad_slm1[] = {
    {"magic", "slm1-magic", .spoil_slm1 = magic},
    {"is-gguf", "slm1-is-gguf", .spoil_slm1 = is_gguf},
    {"version", "slm1-version", .spoil_slm1 = version},
    {"header-length", "slm1-header-length", .spoil_slm1 = header_length},
    {"model-type", "slm1-model-type", .spoil_slm1 = model_type},
    {"flags-unknown", "slm1-flags", .spoil_slm1 = flags_unknown},
    {"tied-with-output", "slm1-unknown-tensor", .spoil_slm1 = flags_flip, .untied = true},
    {"untied-without-output", "slm1-missing-tensor", .spoil_slm1 = flags_flip},
    {"vocab-zero", "slm1-vocab-size", .spoil_slm1 = vocab_zero},
    {"vocab-huge", "slm1-vocab-size", .spoil_slm1 = vocab_huge},
    {"vocab-drift", "tokenizer-vocab", .spoil_slm1 = vocab_drift},
    {"special-tokens-three", "slm1-special-token-count", .spoil_slm1 = specials_three},
    {"special-tokens-over-vocab", "slm1-special-token-count", .spoil_slm1 = specials_over},
    {"hidden-zero", "slm1-hidden-size", .spoil_slm1 = hidden_zero},
    {"hidden-huge", "slm1-hidden-size", .spoil_slm1 = hidden_huge},
    {"layers-zero", "slm1-layer-count", .spoil_slm1 = layers_zero},
    {"layers-over-limit", "slm1-layer-count", .spoil_slm1 = layers_over},
    {"heads-zero", "slm1-head-count", .spoil_slm1 = heads_zero},
    {"kv-heads-zero", "slm1-kv-head-count", .spoil_slm1 = kv_zero},
    {"kv-heads-not-dividing", "slm1-kv-heads-divide", .spoil_slm1 = kv_not_dividing},
    {"head-dim-zero", "slm1-head-dim", .spoil_slm1 = dim_zero},
    {"head-dim-not-hidden", "slm1-heads-times-dim", .spoil_slm1 = dim_not_hidden},
    {"head-dim-odd", "slm1-head-dim-odd", .spoil_slm1 = head_dim_odd},
    {"ffn-zero", "slm1-ffn-size", .spoil_slm1 = ffn_zero},
    {"context-zero", "slm1-max-context", .spoil_slm1 = context_zero},
    {"context-huge", "slm1-max-context", .spoil_slm1 = context_huge},
    {"rope-theta-nan", "slm1-rope-theta", .spoil_slm1 = theta_nan},
    {"rope-theta-zero", "slm1-rope-theta", .spoil_slm1 = theta_zero},
    {"epsilon-negative", "slm1-rms-norm-epsilon", .spoil_slm1 = epsilon_negative},
    {"epsilon-denormal", "slm1-rms-norm-epsilon", .spoil_slm1 = epsilon_denormal},
    {"epsilon-infinite", "slm1-rms-norm-epsilon", .spoil_slm1 = epsilon_infinite},
    {"tokenizer-moved", "slm1-tokenizer-offset", .spoil_slm1 = tokenizer_moved},
    {"tokenizer-length-huge", "slm1-tokenizer-length", .spoil_slm1 = tokenizer_huge},
    {"tokenizer-trailing-bytes", "tokenizer-trailing-bytes", .spoil_slm1 = tokenizer_longer},
    {"tokenizer-truncated", "tokenizer-truncated", .spoil_slm1 = tokenizer_shorter},
    {"tokenizer-absent", "slm1-directory-offset", .spoil_slm1 = tokenizer_none},
    {"directory-moved", "slm1-directory-offset", .spoil_slm1 = directory_moved},
    {"tensor-count-zero", "slm1-tensor-count", .spoil_slm1 = tensors_none},
    {"tensor-count-huge", "slm1-tensor-count", .spoil_slm1 = tensors_huge},
    {"tensor-count-past-end", "slm1-tensor-count", .spoil_slm1 = tensors_more},
    {"data-moved", "slm1-data-offset", .spoil_slm1 = data_moved},
    {"checksum-zero", "slm1-checksum-zero", .spoil_slm1 = checksum_zero, .keep = true},
    {"checksum-wrong", "slm1-checksum", .spoil_slm1 = checksum_wrong, .keep = true},
    {"btok-magic", "tokenizer-magic", .spoil_slm1 = section_magic},
    {"btok-version", "tokenizer-version", .spoil_slm1 = section_version},
    {"btok-vocab", "tokenizer-vocab", .spoil_slm1 = section_vocab},
    {"btok-bos", "tokenizer-special", .spoil_slm1 = section_bos},
    {"btok-eos", "tokenizer-special", .spoil_slm1 = section_eos},
    {"btok-pad", "tokenizer-special", .spoil_slm1 = section_pad},
    {"btok-unk", "tokenizer-special", .spoil_slm1 = section_unk},
    {"bpe-version", "tokenizer-version", .spoil_slm1 = section_version, .bpe = true},
    {"bpe-vocab", "tokenizer-vocab", .spoil_slm1 = section_vocab, .bpe = true},
    {"bpe-bos", "tokenizer-special", .spoil_slm1 = section_bos, .bpe = true},
    {"bpe-token-count", "tokenizer-token-count", .spoil_slm1 = bpe_tokens_more, .bpe = true},
    {"bpe-merge-count-one-more", "tokenizer-truncated", .spoil_slm1 = bpe_merges_more, .bpe = true},
    {"bpe-merge-count-huge", "tokenizer-merge-count", .spoil_slm1 = bpe_merges_huge, .bpe = true},
    {"bpe-merge-count-one-less", "tokenizer-trailing-bytes", .spoil_slm1 = bpe_merges_fewer,
     .bpe = true},
    {"bpe-duplicate-id", "tokenizer-duplicate-id", .spoil_slm1 = bpe_id_twice, .bpe = true},
    {"bpe-id-out-of-order", "tokenizer-id-order", .spoil_slm1 = bpe_id_skips, .bpe = true},
    {"bpe-empty-token", "tokenizer-empty-token", .spoil_slm1 = bpe_empty, .bpe = true},
    {"bpe-token-past-end", "tokenizer-truncated", .spoil_slm1 = bpe_length_past, .bpe = true},
    {"bpe-merge-of-special", "tokenizer-merge-range", .spoil_slm1 = bpe_left_special, .bpe = true},
    {"bpe-merge-out-of-range", "tokenizer-merge-range", .spoil_slm1 = bpe_right_range, .bpe = true},
    {"bpe-merge-output-missing", "tokenizer-merge-output", .spoil_slm1 = bpe_output_missing,
     .bpe = true},
    {"bpe-merge-output-byte", "tokenizer-merge-output", .spoil_slm1 = bpe_output_byte, .bpe = true},
    {"bpe-merge-output-other", "tokenizer-merge-bytes", .spoil_slm1 = bpe_output_other,
     .bpe = true},
    {"bpe-merge-twice", "tokenizer-duplicate-merge", .spoil_slm1 = merge_twice, .bpe = true},
    {"bpe-trailing-byte", "tokenizer-trailing-bytes", .spoil_slm1 = bpe_trailing, .bpe = true},
    {"tensor-unknown", "slm1-unknown-tensor", .spoil_slm1 = name_unknown},
    {"tensor-twice", "slm1-duplicate-tensor", .spoil_slm1 = name_twice},
    {"tensor-missing", "slm1-missing-tensor", .spoil_slm1 = tensor_missing},
    {"dtype-unknown", "slm1-dtype", .spoil_slm1 = dtype_unknown},
    {"dtype-zero", "slm1-dtype", .spoil_slm1 = dtype_zero},
    {"rank-zero", "slm1-rank", .spoil_slm1 = rank_zero},
    {"rank-five", "slm1-rank", .spoil_slm1 = rank_five},
    {"dims-swapped", "slm1-shape", .spoil_slm1 = dims_swapped},
    {"dim-huge", "slm1-shape", .spoil_slm1 = dim_huge},
    {"dim-unused-not-one", "slm1-unused-dim", .spoil_slm1 = dim_unused},
    {"offset-past-end", "slm1-tensor-past-end", .spoil_slm1 = offset_past_end},
    {"byte-length-short", "slm1-byte-length", .spoil_slm1 = length_short},
    {"scales-past-end", "slm1-scales-past-end", .spoil_slm1 = scales_past_end},
    {"scales-of-f32", "slm1-scale-offset", .spoil_slm1 = scales_of_f32},
    {"block-zero", "slm1-block-size", .spoil_slm1 = block_zero},
    {"block-odd", "slm1-block-size", .spoil_slm1 = block_odd},
    {"block-not-dividing", "slm1-block-size", .spoil_slm1 = block_not_dividing},
    {"block-of-f32", "slm1-block-size", .spoil_slm1 = block_of_f32},
    {"reserved-set", "slm1-reserved", .spoil_slm1 = reserved},
    {"tensors-overlap", "slm1-overlap", .spoil_slm1 = overlap},
    {"tensor-unaligned", "slm1-unaligned", .spoil_slm1 = unaligned},
    {"gap-between-tensors", "slm1-gap", .spoil_slm1 = gap},
    {"padding-of-front", "slm1-padding", .spoil_slm1 = padding_front},
    {"padding-inside", "slm1-padding", .spoil_slm1 = padding_inside},
    {"padding-at-end", "slm1-padding", .spoil_slm1 = padding_payload},
    {"value-nan", "slm1-not-finite", .spoil_slm1 = value_nan},
    {"value-infinite", "slm1-not-finite", .spoil_slm1 = value_infinite},
    {"scale-zero", "slm1-scale", .spoil_slm1 = scale_zero},
    {"scale-negative", "slm1-scale", .spoil_slm1 = scale_negative},
    {"scale-nan", "slm1-scale", .spoil_slm1 = scale_nan},
    {"trailing-bytes", "slm1-trailing-bytes", .spoil_slm1 = trailing},
    {"truncated-payload", "slm1-scales-past-end", .spoil_slm1 = truncated_payload, .keep = true},
    {"truncated-padding", "slm1-truncated", .spoil_slm1 = truncated_padding, .keep = true},
    {"truncated-header", "slm1-truncated", .spoil_slm1 = truncated_header, .keep = true},
    {"truncated-directory", "slm1-tensor-count", .spoil_slm1 = truncated_directory, .keep = true},
    {"empty", "slm1-truncated", .spoil_slm1 = empty, .keep = true},
};
const size_t bad_slm1_count = sizeof bad_slm1 / sizeof bad_slm1[0];
