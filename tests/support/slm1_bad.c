#include "tests/support/model_bad.h"
#include <string.h>

/* The tiny model's front: header, BTOK (28 bytes) or BPE1 (89) at 108, directory at 192 or 256. Its
 * entries: 0 embedding, 1 norm, 2 attn_norm, 3 ffn_norm, 4 wq … */
static uint8_t *entry(struct buf *f, size_t i)
{
    return f->p + get_le64(f->p + 80) + 64 * i;
}

static void magic(struct buf *f)
{
    f->p[3] = '2';
}

static void is_gguf(struct buf *f)
{
    memcpy(f->p, "GGUF", 4);
}

static void flags_flip(struct buf *f)
{
    f->p[16] ^= 1;
}

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

/* q8_0 has one scale a row: its block is the row, here of 8. */
static void q8_block(struct buf *f)
{
    put_le32(entry(f, 0) + 8, 2);
    put_le32(entry(f, 0) + 56, 4);
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

/* A vocabulary of which every size says the same, and far too few bytes. */
static void bpe_vocab_huge(struct buf *f)
{
    put_le32(f->p + 20, 100000);
    put_le32(f->p + 116, 100000);
    put_le32(f->p + 136, 100000 - 260);
}

const struct bad bad_slm1[] = {
    {"magic.slm", "slm1-magic", .spoil_slm1 = magic},
    {"is-gguf.slm", "slm1-is-gguf", .spoil_slm1 = is_gguf},
    {"version.slm", "slm1-version", .patch = FILE32(4, 2)},
    {"header-length.slm", "slm1-header-length", .patch = FILE32(8, 112)},
    {"model-type.slm", "slm1-model-type", .patch = FILE32(12, 2)},
    {"flags-unknown.slm", "slm1-flags", .patch = FILE32(16, 2)},
    {"tied-with-output.slm", "slm1-unknown-tensor", .spoil_slm1 = flags_flip, .untied = true},
    {"untied-without-output.slm", "slm1-missing-tensor", .spoil_slm1 = flags_flip},
    {"vocab-zero.slm", "slm1-vocab-size", .patch = FILE32(20, 0)},
    {"vocab-huge.slm", "slm1-vocab-size", .patch = FILE32(20, 0xffffffffu)},
    {"vocab-drift.slm", "tokenizer-vocab", .patch = FILE32(20, 261)},
    {"special-tokens-three.slm", "slm1-special-token-count", .patch = FILE32(24, 3)},
    {"special-tokens-over-vocab.slm", "slm1-special-token-count", .patch = FILE32(24, 261)},
    {"hidden-zero.slm", "slm1-hidden-size", .patch = FILE32(28, 0)},
    {"hidden-huge.slm", "slm1-hidden-size", .patch = FILE32(28, 0x80000000u)},
    {"layers-zero.slm", "slm1-layer-count", .patch = FILE32(32, 0)},
    {"layers-over-limit.slm", "slm1-layer-count", .patch = FILE32(32, 257)},
    {"heads-zero.slm", "slm1-head-count", .patch = FILE32(36, 0)},
    {"kv-heads-zero.slm", "slm1-kv-head-count", .patch = FILE32(40, 0)},
    {"kv-heads-not-dividing.slm", "slm1-kv-heads-divide", .patch = FILE32(40, 3)},
    {"head-dim-zero.slm", "slm1-head-dim", .patch = FILE32(44, 0)},
    {"head-dim-not-hidden.slm", "slm1-heads-times-dim", .patch = FILE32(44, 8)},
    {"head-dim-odd.slm", "slm1-head-dim-odd", .spoil_slm1 = head_dim_odd},
    {"ffn-zero.slm", "slm1-ffn-size", .patch = FILE32(48, 0)},
    {"context-zero.slm", "slm1-max-context", .patch = FILE32(52, 0)},
    {"context-huge.slm", "slm1-max-context", .patch = FILE32(52, 0xffffffffu)},
    {"rope-theta-nan.slm", "slm1-rope-theta", .patch = FILE32(56, 0x7fc00000u)},
    {"rope-theta-zero.slm", "slm1-rope-theta", .patch = FILE32(56, 0)},
    {"rope-theta-negative.slm", "slm1-rope-theta", .patch = FILE32(56, 0xc61c4000u)},
    {"rope-theta-infinite.slm", "slm1-rope-theta", .patch = FILE32(56, 0x7f800000u)},
    {"rope-theta-denormal.slm", "slm1-rope-theta", .patch = FILE32(56, 1)},
    {"epsilon-nan.slm", "slm1-rms-norm-epsilon", .patch = FILE32(60, 0x7fc00000u)},
    {"epsilon-zero.slm", "slm1-rms-norm-epsilon", .patch = FILE32(60, 0)},
    {"epsilon-negative.slm", "slm1-rms-norm-epsilon", .patch = FILE32(60, 0xb727c5acu)},
    {"epsilon-denormal.slm", "slm1-rms-norm-epsilon", .patch = FILE32(60, 1)},
    {"epsilon-infinite.slm", "slm1-rms-norm-epsilon", .patch = FILE32(60, 0x7f800000u)},
    {"tokenizer-moved.slm", "slm1-tokenizer-offset", .patch = FILE64(64, 112)},
    {"tokenizer-length-huge.slm", "slm1-tokenizer-length", .patch = FILE64(72, UINT64_MAX - 100)},
    {"tokenizer-trailing-bytes.slm", "tokenizer-trailing-bytes", .patch = FILE64(72, 32)},
    {"tokenizer-truncated.slm", "tokenizer-truncated", .patch = FILE64(72, 27)},
    {"bpe-vocab-huge.slm", "tokenizer-token-count", .spoil_slm1 = bpe_vocab_huge, .bpe = true},
    {"tokenizer-absent.slm", "slm1-directory-offset", .patch = FILE64(72, 0)},
    {"directory-moved.slm", "slm1-directory-offset", .patch = FILE64(80, 256)},
    {"tensor-count-zero.slm", "slm1-tensor-count", .patch = FILE32(88, 0)},
    {"tensor-count-huge.slm", "slm1-tensor-count", .patch = FILE32(88, 0xffffffffu)},
    {"tensor-count-past-end.slm", "slm1-tensor-count", .patch = FILE32(88, 2000)},
    {"data-moved.slm", "slm1-data-offset", .patch = FILE64(92, 64)},
    {"checksum-zero.slm", "slm1-checksum-zero", .patch = FILE64(100, 0), .keep = true},
    {"checksum-wrong.slm", "slm1-checksum", .patch = FILE64(100, 0x0123456789abcdef), .keep = true},
    {"btok-magic.slm", "tokenizer-magic", .patch = FILE32(108, 0)},
    {"btok-version.slm", "tokenizer-version", .patch = FILE32(112, 2)},
    {"btok-vocab.slm", "tokenizer-vocab", .patch = FILE32(116, 261)},
    {"btok-bos.slm", "tokenizer-special", .patch = FILE32(120, 255)},
    {"btok-eos.slm", "tokenizer-special", .patch = FILE32(124, 256)},
    {"btok-pad.slm", "tokenizer-special", .patch = FILE32(128, 0)},
    {"btok-unk.slm", "tokenizer-special", .patch = FILE32(132, 260)},
    {"bpe-version.slm", "tokenizer-version", .patch = FILE32(112, 2), .bpe = true},
    {"bpe-vocab.slm", "tokenizer-vocab", .patch = FILE32(116, 261), .bpe = true},
    {"bpe-bos.slm", "tokenizer-special", .patch = FILE32(120, 255), .bpe = true},
    {"bpe-eos.slm", "tokenizer-special", .patch = FILE32(124, 256), .bpe = true},
    {"bpe-pad.slm", "tokenizer-special", .patch = FILE32(128, 0), .bpe = true},
    {"bpe-unk.slm", "tokenizer-special", .patch = FILE32(132, 260), .bpe = true},
    {"bpe-token-count.slm", "tokenizer-token-count", .patch = FILE32(136, 3), .bpe = true},
    {"bpe-merge-count-one-more.slm", "tokenizer-truncated", .patch = FILE32(140, 3), .bpe = true},
    {"bpe-merge-count-huge.slm", "tokenizer-merge-count", .patch = FILE32(140, 0xffffffffu),
     .bpe = true},
    {"bpe-merge-count-one-less.slm", "tokenizer-trailing-bytes", .patch = FILE32(140, 1),
     .bpe = true},
    {"bpe-duplicate-id.slm", "tokenizer-duplicate-id", .patch = FILE32(154, 260), .bpe = true},
    {"bpe-id-out-of-order.slm", "tokenizer-id-order", .patch = FILE32(144, 261), .bpe = true},
    {"bpe-empty-token.slm", "tokenizer-empty-token", .patch = FILE32(148, 0), .bpe = true},
    {"bpe-token-past-end.slm", "tokenizer-truncated", .patch = FILE32(148, 0x7fffffffu),
     .bpe = true},
    {"bpe-merge-of-special.slm", "tokenizer-merge-range", .patch = FILE32(165, 256), .bpe = true},
    {"bpe-merge-out-of-range.slm", "tokenizer-merge-range", .patch = FILE32(169, 262), .bpe = true},
    {"bpe-merge-output-missing.slm", "tokenizer-merge-output", .patch = FILE32(173, 262),
     .bpe = true},
    {"bpe-merge-output-byte.slm", "tokenizer-merge-output", .patch = FILE32(173, 't'), .bpe = true},
    {"bpe-merge-output-other.slm", "tokenizer-merge-bytes", .patch = FILE32(173, 261), .bpe = true},
    {"bpe-merge-twice.slm", "tokenizer-duplicate-merge", .spoil_slm1 = merge_twice, .bpe = true},
    {"bpe-trailing-byte.slm", "tokenizer-trailing-bytes", .spoil_slm1 = bpe_trailing, .bpe = true},
    {"tensor-unknown.slm", "slm1-unknown-tensor", .patch = ENTRY64(1, 0, 0x1234)},
    {"tensor-twice.slm", "slm1-duplicate-tensor", .spoil_slm1 = name_twice},
    {"tensor-missing.slm", "slm1-missing-tensor", .spoil_slm1 = tensor_missing},
    {"dtype-unknown.slm", "slm1-dtype", .patch = ENTRY32(0, 8, 4)},
    {"dtype-zero.slm", "slm1-dtype", .patch = ENTRY32(0, 8, 0)},
    {"rank-zero.slm", "slm1-rank", .patch = ENTRY32(0, 12, 0)},
    {"rank-five.slm", "slm1-rank", .patch = ENTRY32(0, 12, 5)},
    {"dims-swapped.slm", "slm1-shape", .patch = ENTRY32(0, 16, 8)},
    {"dim-huge.slm", "slm1-shape", .patch = ENTRY32(0, 20, 0x80000000u)},
    {"dim-unused-not-one.slm", "slm1-unused-dim", .patch = ENTRY32(0, 24, 0)},
    {"offset-past-end.slm", "slm1-tensor-past-end", .patch = ENTRY64(0, 32, UINT64_MAX - 63)},
    {"byte-length-short.slm", "slm1-byte-length", .patch = ENTRY64(0, 40, 4)},
    {"scales-past-end.slm", "slm1-scales-past-end", .patch = ENTRY64(0, 48, 1u << 20)},
    {"scales-of-f32.slm", "slm1-scale-offset", .patch = ENTRY64(1, 48, 64)},
    {"block-zero.slm", "slm1-block-size", .patch = ENTRY32(0, 56, 0)},
    {"block-odd.slm", "slm1-block-size", .patch = ENTRY32(0, 56, 7)},
    {"block-not-dividing.slm", "slm1-block-size", .patch = ENTRY32(0, 56, 6)},
    {"block-of-q8-not-row.slm", "slm1-block-size", .spoil_slm1 = q8_block},
    {"block-of-f32.slm", "slm1-block-size", .patch = ENTRY32(1, 56, 8)},
    {"reserved-set.slm", "slm1-reserved", .patch = ENTRY32(0, 60, 1)},
    {"tensors-overlap.slm", "slm1-overlap", .spoil_slm1 = overlap},
    {"tensor-unaligned.slm", "slm1-unaligned", .spoil_slm1 = unaligned},
    {"gap-between-tensors.slm", "slm1-gap", .spoil_slm1 = gap},
    {"padding-of-front.slm", "slm1-padding", .spoil_slm1 = padding_front},
    {"padding-inside.slm", "slm1-padding", .spoil_slm1 = padding_inside},
    {"padding-at-end.slm", "slm1-padding", .spoil_slm1 = padding_payload},
    {"value-nan.slm", "slm1-not-finite", .patch = PAYLOAD32(1, 32, 0x7fc00000u)},
    {"value-infinite.slm", "slm1-not-finite", .patch = PAYLOAD32(1, 32, 0xff800000u)},
    {"scale-zero.slm", "slm1-scale", .patch = PAYLOAD32(0, 48, 0)},
    {"scale-negative.slm", "slm1-scale", .patch = PAYLOAD32(0, 48, 0xbf800000u)},
    {"scale-nan.slm", "slm1-scale", .patch = PAYLOAD32(0, 48, 0x7fc00001u)},
    {"trailing-bytes.slm", "slm1-trailing-bytes", .spoil_slm1 = trailing},
    {"truncated-payload.slm", "slm1-scales-past-end", .spoil_slm1 = truncated_payload,
     .keep = true},
    {"truncated-padding.slm", "slm1-truncated", .spoil_slm1 = truncated_padding, .keep = true},
    {"truncated-header.slm", "slm1-truncated", .spoil_slm1 = truncated_header, .keep = true},
    {"truncated-directory.slm", "slm1-tensor-count", .spoil_slm1 = truncated_directory,
     .keep = true},
    {"empty.slm", "slm1-truncated", .spoil_slm1 = empty, .keep = true},
};
const size_t bad_slm1_count = sizeof bad_slm1 / sizeof bad_slm1[0];
