#include "runtime/slm1.h"
#include "base/checked.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/order.h"
#include "runtime/quant.h"
#include "runtime/tokenizer_kinds.h"
#include <assert.h>
#include <string.h>

struct slm1_sum slm1_sum_start(void)
{
    return (struct slm1_sum){.h = UINT64_C(0xcbf29ce484222325)};
}

static uint64_t sum_step(uint64_t h, uint64_t byte_xor_index)
{
    uint64_t x = h ^ byte_xor_index;
    return ((x << 5) | (x >> 59)) * UINT64_C(0x100000001b3);
}

void slm1_sum_add(struct slm1_sum *s, struct span bytes)
{
    size_t i = 0;
    uint64_t h = s->h, at = s->at;
    for (; i < bytes.n && at < SLM1_HEADER_BYTES; i++, at++) {
        bool own = at >= SLM1_CHECKSUM_AT && at < SLM1_CHECKSUM_AT + 8;
        h = sum_step(h, at ^ (own ? 0 : bytes.p[i]));
    }
    for (; i < bytes.n; i++, at++)
        h = sum_step(h, at ^ bytes.p[i]);
    s->h = h;
    s->at = at;
}

uint64_t slm1_sum_finish(const struct slm1_sum *s)
{
    return s->h == 0 ? 1 : s->h;
}

/* FNV-1a, piece by piece. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t slm1_name_hash(const char *name)
{
    return hash_text(UINT64_C(0xcbf29ce484222325), name);
}

static const char *base_name(size_t index)
{
    static const char *const names[TENSOR_ROLE_COUNT] = {
        [ROLE_EMBEDDING] = "tok_embeddings",
        [ROLE_NORM] = "norm",
        [ROLE_OUTPUT] = "output",
        [ROLE_ATTN_NORM] = "attn_norm",
        [ROLE_FFN_NORM] = "ffn_norm",
        [ROLE_WQ] = "wq",
        [ROLE_WK] = "wk",
        [ROLE_WV] = "wv",
        [ROLE_WO] = "wo",
        [ROLE_W1] = "w1",
        [ROLE_W2] = "w2",
        [ROLE_W3] = "w3",
    };
    const char *base = names[plan_role(index)];
    assert(base != NULL);
    return base;
}

void slm1_name(size_t index, char name[SLM1_NAME_MAX])
{
    if (index < ROLES_GLOBAL)
        text_fmt(name, SLM1_NAME_MAX, "%s.weight", base_name(index));
    else
        text_fmt(name, SLM1_NAME_MAX, "layers.%u.%s.weight", plan_layer(index), base_name(index));
}

/* slm1_name_hash of the place's name, which is not written for it: a parse asks for all of them. */
static uint64_t place_hash(size_t index)
{
    uint64_t h = slm1_name_hash(index < ROLES_GLOBAL ? "" : "layers.");
    if (index >= ROLES_GLOBAL) {
        char digits[12] = "", *p = digits + sizeof digits - 1;
        *--p = '.';
        uint32_t layer = plan_layer(index);
        do
            *--p = (char)('0' + layer % 10);
        while ((layer /= 10) > 0);
        h = hash_text(h, p);
    }
    return hash_text(hash_text(h, base_name(index)), ".weight");
}

/* One u32 of the header and the values it may have. */
struct field {
    uint32_t at, low, high;
    const char *name, *code;
    enum status status;
};

static const struct field fields[] = {
    {8, SLM1_HEADER_BYTES, SLM1_HEADER_BYTES, "header_length", "slm1-header-length",
     ST_MODEL_HEADER},
    {12, 1, 1, "model_type", "slm1-model-type", ST_MODEL_HEADER},
    {16, 0, SLM1_FLAG_TIED, "flags", "slm1-flags", ST_MODEL_HEADER},
    {20, 4, MODEL_VOCAB_MAX, "vocab_size", "slm1-vocab-size", ST_MODEL_HEADER},
    {24, 4, MODEL_VOCAB_MAX, "special_token_count", "slm1-special-token-count", ST_MODEL_HEADER},
    {28, 1, MODEL_HIDDEN_MAX, "hidden_size", "slm1-hidden-size", ST_MODEL_HEADER},
    {32, 1, MODEL_LAYERS_MAX, "layer_count", "slm1-layer-count", ST_MODEL_HEADER},
    {36, 1, MODEL_HIDDEN_MAX, "head_count", "slm1-head-count", ST_MODEL_HEADER},
    {40, 1, MODEL_HIDDEN_MAX, "kv_head_count", "slm1-kv-head-count", ST_MODEL_HEADER},
    {44, 1, MODEL_HIDDEN_MAX, "head_dim", "slm1-head-dim", ST_MODEL_HEADER},
    {48, 1, MODEL_FFN_MAX, "ffn_size", "slm1-ffn-size", ST_MODEL_HEADER},
    {52, 1, MODEL_CONTEXT_MAX, "max_context", "slm1-max-context", ST_MODEL_HEADER},
    {88, 1, SLM1_TENSORS_MAX, "tensor_count", "slm1-tensor-count", ST_MODEL_DIRECTORY},
};

/* The header's offsets, checked to be where the order of the file puts them. */
struct extents {
    uint64_t tokenizer_bytes, directory, data;
    uint32_t tensors;
};

static enum status check_container(struct front *h)
{
    struct span magic = front_bytes(h, 4);
    if (h->status != ST_OK)
        return h->status;
    if (memcmp(magic.p, "GGUF", 4) == 0)
        return err_at(h->err, ST_MODEL_MAGIC, h->stage, "slm1-is-gguf", 0,
                      "the bytes are GGUF, they were to be SLM1");
    if (memcmp(magic.p, "SLM1", 4) != 0)
        return err_at(h->err, ST_MODEL_MAGIC, h->stage, "slm1-magic", 0,
                      "the magic is %02x %02x %02x %02x, not SLM1", magic.p[0], magic.p[1],
                      magic.p[2], magic.p[3]);
    uint32_t version = front_u32(h);
    if (h->status == ST_OK && version != SLM1_VERSION)
        return err_at(h->err, ST_MODEL_VERSION, h->stage, "slm1-version", 4,
                      "version %u is not known, only 1 is", version);
    return h->status;
}

static enum status check_fields(struct front *h, const uint8_t *p)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *f = &fields[i];
        uint32_t v = get_le32(p + f->at);
        if (v < f->low || v > f->high)
            return err_at(h->err, f->status, h->stage, f->code, f->at,
                          "%s is %u, allowed are %u…%u", f->name, v, f->low, f->high);
    }
    return ST_OK;
}

static enum status check_shape(struct front *h, const uint8_t *p, struct model_shape *s)
{
    *s = (struct model_shape){.tied = (get_le32(p + 16) & SLM1_FLAG_TIED) != 0,
                              .vocab = get_le32(p + 20),
                              .hidden = get_le32(p + 28),
                              .layers = get_le32(p + 32),
                              .heads = get_le32(p + 36),
                              .kv_heads = get_le32(p + 40),
                              .head_dim = get_le32(p + 44),
                              .ffn = get_le32(p + 48),
                              .context = get_le32(p + 52),
                              .rope_theta = get_f32(p + 56),
                              .rms_epsilon = get_f32(p + 60)};
    if (get_le32(p + 24) > s->vocab)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-special-token-count", 24,
                      "%u special tokens in a vocabulary of %u", get_le32(p + 24), s->vocab);
    if ((uint64_t)s->heads * s->head_dim != s->hidden)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-heads-times-dim", 36,
                      "%u heads × %u values are not hidden_size %u", s->heads, s->head_dim,
                      s->hidden);
    if (s->heads % s->kv_heads != 0)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-kv-heads-divide", 40,
                      "%u kv heads do not divide %u heads", s->kv_heads, s->heads);
    if (s->head_dim % 2 != 0)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-head-dim-odd", 44,
                      "head_dim %u is odd, rotation takes pairs", s->head_dim);
    if (!float_is_sound(s->rope_theta))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-rope-theta", 56,
                      "rope_theta (bits %08x) is not a positive finite number", get_le32(p + 56));
    if (!float_is_sound(s->rms_epsilon))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-rms-norm-epsilon", 60,
                      "rms_norm_epsilon (bits %08x) is not a positive finite number",
                      get_le32(p + 60));
    return ST_OK;
}

static enum status check_extents(struct front *h, const uint8_t *p, struct extents *x)
{
    *x = (struct extents){.tokenizer_bytes = get_le64(p + 72), .tensors = get_le32(p + 88)};
    if (get_le64(p + 64) != SLM1_HEADER_BYTES)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-tokenizer-offset", 64,
                      "the tokenizer must begin at 108, not at %llu",
                      (unsigned long long)get_le64(p + 64));
    uint64_t end, data;
    if (!checked_add(SLM1_HEADER_BYTES, x->tokenizer_bytes, &end) ||
        !checked_align(end, SLM1_ALIGN, &x->directory) || x->directory > h->file_bytes)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-tokenizer-length", 72,
                      "a tokenizer of %llu bytes does not fit a file of %llu",
                      (unsigned long long)x->tokenizer_bytes, (unsigned long long)h->file_bytes);
    if (get_le64(p + 80) != x->directory)
        return err_at(h->err, ST_MODEL_DIRECTORY, h->stage, "slm1-directory-offset", 80,
                      "the directory must begin at %llu, not at %llu",
                      (unsigned long long)x->directory, (unsigned long long)get_le64(p + 80));
    if (!checked_add(x->directory, (uint64_t)x->tensors * SLM1_ENTRY_BYTES, &end) ||
        !checked_align(end, SLM1_ALIGN, &data) || data > h->file_bytes)
        return err_at(h->err, ST_MODEL_DIRECTORY, h->stage, "slm1-tensor-count", 88,
                      "a directory of %u tensors does not fit the file", x->tensors);
    x->data = data;
    if (get_le64(p + 92) != data)
        return err_at(h->err, ST_MODEL_DIRECTORY, h->stage, "slm1-data-offset", 92,
                      "the tensors must begin at %llu, not at %llu", (unsigned long long)data,
                      (unsigned long long)get_le64(p + 92));
    if (get_le64(p + SLM1_CHECKSUM_AT) == 0)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "slm1-checksum-zero", SLM1_CHECKSUM_AT,
                      "the checksum may not be 0");
    return ST_OK;
}

static enum status parse_header(struct front *h, struct layout *out, struct extents *x)
{
    enum status st = check_container(h);
    if (st != ST_OK)
        return st;
    out->facts.format_version = SLM1_VERSION;
    text_fmt(out->facts.family, sizeof out->facts.family, "tinylm");
    h->stage = "header";
    h->at = 0;
    const uint8_t *p = front_bytes(h, SLM1_HEADER_BYTES).p;
    if (h->status != ST_OK)
        return h->status;
    st = check_fields(h, p);
    if (st == ST_OK)
        st = check_shape(h, p, &out->facts.shape);
    if (st == ST_OK)
        st = check_extents(h, p, x);
    out->facts.tensors = get_le32(p + 88);
    out->facts.internal_checksum = get_le64(p + SLM1_CHECKSUM_AT);
    return st;
}

static enum status parse_tokenizer(struct front *h, struct layout *out, uint64_t bytes)
{
    h->stage = "tokenizer";
    uint64_t at = h->at;
    struct span section = front_bytes(h, bytes);
    if (h->status != ST_OK)
        return h->status;
    enum status st =
        tokenizer_open_section(section, at, out->facts.shape.vocab, &out->tokenizer, h->err);
    if (st == ST_OK)
        tokenizer_describe(out->tokenizer, &out->facts);
    return st;
}

/* The directory, entry by entry. */
struct directory {
    struct front *head;
    struct layout *out;
    uint64_t *hashes;         /* [plan_count] of the names the plan wants */
    char name[SLM1_NAME_MAX]; /* written when a refusal needs one */
};

static const char *name_of(struct directory *d, size_t index)
{
    slm1_name(index, d->name);
    return d->name;
}

static enum status entry_shape(struct directory *d, const uint8_t *p, uint64_t at, size_t index,
                               struct placed *t)
{
    enum tensor_role role = plan_role(index);
    role_shape(&d->out->facts.shape, role, &t->rows, &t->cols);
    uint32_t rank = role_is_vector(role) ? 1 : 2;
    if (get_le32(p + 12) != rank)
        return err_at(d->head->err, ST_MODEL_SHAPE, "directory", "slm1-rank", at + 12,
                      "%s has rank %u, it must be %u", name_of(d, index), get_le32(p + 12), rank);
    const uint32_t want[4] = {rank == 1 ? t->cols : t->rows, rank == 1 ? 1 : t->cols, 1, 1};
    for (size_t i = 0; i < 4; i++) {
        uint32_t dim = get_le32(p + 16 + 4 * i);
        if (dim != want[i])
            return err_at(d->head->err, ST_MODEL_SHAPE, "directory",
                          i < rank ? "slm1-shape" : "slm1-unused-dim", at + 16 + 4 * i,
                          "%s: dimension %zu is %u, it must be %u", name_of(d, index), i, dim,
                          want[i]);
    }
    return ST_OK;
}

static enum status entry_dtype(struct directory *d, const uint8_t *p, uint64_t at, size_t index,
                               struct placed *t)
{
    struct err *e = d->head->err;
    uint32_t block = get_le32(p + 56), want = 0;
    switch (get_le32(p + 8)) {
    case SLM1_F32: t->type = DTYPE_F32; break;
    case SLM1_Q8_0:
        t->type = DTYPE_SLM_Q8;
        want = t->cols;
        break;
    case SLM1_Q4_0:
        t->type = DTYPE_SLM_Q4;
        t->block = want = block;
        if (block == 0 || block % 2 != 0 || t->cols % block != 0)
            return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-block-size", at + 56,
                          "%s: block_size %u must be even and divide a row of %u",
                          name_of(d, index), block, t->cols);
        break;
    default:
        return err_at(e, ST_MODEL_DTYPE, "directory", "slm1-dtype", at + 8,
                      "%s has dtype %u; known are 1 (f32), 2 (q8_0), 3 (q4_0)", name_of(d, index),
                      get_le32(p + 8));
    }
    if (block != want)
        return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-block-size", at + 56,
                      "%s: block_size is %u, it must be %u", name_of(d, index), block, want);
    if (get_le32(p + 60) != 0)
        return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-reserved", at + 60,
                      "%s: the reserved field is %u, it must be 0", name_of(d, index),
                      get_le32(p + 60));
    return ST_OK;
}

static enum status entry_extent(struct directory *d, const uint8_t *p, uint64_t at, size_t index,
                                struct placed *t)
{
    struct err *e = d->head->err;
    t->offset = get_le64(p + 32);
    t->scale_offset = get_le64(p + 48);
    if (!placed_measure(t) || get_le64(p + 40) != t->bytes)
        return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-byte-length", at + 40,
                      "%s: byte_length is %llu, its shape and dtype make %llu", name_of(d, index),
                      (unsigned long long)get_le64(p + 40), (unsigned long long)t->bytes);
    if (t->scale_bytes == 0 && t->scale_offset != 0)
        return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-scale-offset", at + 48,
                      "%s: f32 has no scales, scale_offset must be 0", name_of(d, index));
    if (!checked_range(t->offset, t->bytes, d->head->file_bytes))
        return err_at(e, ST_MODEL_DIRECTORY, "tensors", "slm1-tensor-past-end", at + 32,
                      "%s: %llu bytes at %llu end after the file", name_of(d, index),
                      (unsigned long long)t->bytes, (unsigned long long)t->offset);
    if (!checked_range(t->scale_offset, t->scale_bytes, d->head->file_bytes))
        return err_at(e, ST_MODEL_DIRECTORY, "tensors", "slm1-scales-past-end", at + 48,
                      "%s: %llu bytes of scales at %llu end after the file", name_of(d, index),
                      (unsigned long long)t->scale_bytes, (unsigned long long)t->scale_offset);
    return ST_OK;
}

static enum status parse_entry(struct directory *d, const uint8_t *p, uint64_t at)
{
    struct layout *out = d->out;
    struct err *e = d->head->err;
    uint64_t hash = get_le64(p);
    size_t index = 0;
    while (index < out->placed_count && d->hashes[index] != hash)
        index++;
    if (index == out->placed_count || hash == 0)
        return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-unknown-tensor", at,
                      "no tensor of this model has the name hash %016llx",
                      (unsigned long long)hash);
    struct placed *t = &out->placed[index];
    if (t->present)
        return err_at(e, ST_MODEL_DIRECTORY, "directory", "slm1-duplicate-tensor", at,
                      "the name hash %016llx stands in the directory twice",
                      (unsigned long long)hash);
    t->present = true;
    t->entry = at;
    enum status st = entry_shape(d, p, at, index, t);
    if (st == ST_OK)
        st = entry_dtype(d, p, at, index, t);
    if (st == ST_OK)
        st = entry_extent(d, p, at, index, t);
    if (st != ST_OK)
        return st;
    out->regions[out->region_count++] =
        (struct region){.offset = t->offset, .length = t->bytes, .entry = at + 32, .type = t->type};
    if (t->scale_bytes != 0)
        out->regions[out->region_count++] = (struct region){.offset = t->scale_offset,
                                                            .length = t->scale_bytes,
                                                            .entry = at + 48,
                                                            .type = DTYPE_F32,
                                                            .scales = true};
    return ST_OK;
}

static enum status parse_directory(struct front *h, struct layout *out)
{
    h->stage = "directory";
    uint64_t at = h->at;
    struct span entries = front_bytes(h, (uint64_t)out->facts.tensors * SLM1_ENTRY_BYTES);
    if (h->status != ST_OK)
        return h->status;
    enum status st = layout_allocate(out, h->err);
    if (st != ST_OK)
        return st;
    SCOPED(heap_scope) uint64_t *hashes = heap_zero(out->placed_count, sizeof *hashes);
    if (hashes == NULL)
        return err_set(h->err, ST_NO_MEMORY, NULL, "no memory for the names of %zu tensors",
                       out->placed_count);
    for (size_t i = 0; i < out->placed_count; i++)
        hashes[i] = plan_wanted(&out->facts.shape, i) ? place_hash(i) : 0;
    struct directory d = {.head = h, .out = out, .hashes = hashes};
    for (uint32_t i = 0; i < out->facts.tensors && st == ST_OK; i++)
        st = parse_entry(&d, entries.p + (size_t)i * SLM1_ENTRY_BYTES,
                         at + (uint64_t)i * SLM1_ENTRY_BYTES);
    for (size_t i = 0; i < out->placed_count && st == ST_OK; i++) {
        if (out->placed[i].present || !plan_wanted(&out->facts.shape, i))
            continue;
        st = err_at(h->err, ST_MODEL_MISSING_TENSOR, "directory", "slm1-missing-tensor", at,
                    "the directory lacks %s", name_of(&d, i));
    }
    return st;
}

static bool region_before(const void *a, const void *b)
{
    const struct region *x = a, *y = b;
    return x->offset != y->offset ? x->offset < y->offset : x->entry < y->entry;
}

/* In the order of the file each payload must begin where the one before, padded, ended. */
static enum status check_regions(struct front *h, struct layout *out, uint64_t data)
{
    order_sort(out->regions, out->region_count, sizeof *out->regions, region_before);
    uint64_t end = data;
    for (size_t i = 0; i < out->region_count; i++) {
        const struct region *r = &out->regions[i];
        if (r->offset < end)
            return err_at(h->err, ST_MODEL_DIRECTORY, "tensors", "slm1-overlap", r->entry,
                          "bytes at %llu belong to what lies before, which ends at %llu",
                          (unsigned long long)r->offset, (unsigned long long)end);
        if (r->offset % SLM1_ALIGN != 0)
            return err_at(h->err, ST_MODEL_DIRECTORY, "tensors", "slm1-unaligned", r->entry,
                          "offset %llu is no multiple of 64", (unsigned long long)r->offset);
        if (r->offset > end)
            return err_at(h->err, ST_MODEL_DIRECTORY, "tensors", "slm1-gap", r->entry,
                          "bytes %llu…%llu belong to nothing", (unsigned long long)end,
                          (unsigned long long)r->offset);
        if (!checked_align(r->offset + r->length, SLM1_ALIGN, &end) || end > h->file_bytes)
            return err_at(h->err, ST_MODEL_DIRECTORY, "length", "slm1-truncated", h->file_bytes,
                          "the last tensor's padding is cut off, the file has %llu bytes",
                          (unsigned long long)h->file_bytes);
    }
    if (end != h->file_bytes)
        return err_at(h->err, ST_MODEL_DIRECTORY, "length", "slm1-trailing-bytes", end,
                      "the tensors end at %llu, the file has %llu bytes", (unsigned long long)end,
                      (unsigned long long)h->file_bytes);
    return ST_OK;
}

enum status slm1_parse(struct front *h, struct layout *out)
{
    struct extents x;
    enum status st = parse_header(h, out, &x);
    if (st == ST_OK)
        st = parse_tokenizer(h, out, x.tokenizer_bytes);
    if (st == ST_OK && !front_zeros(h, x.directory, "slm1-padding"))
        st = h->status;
    if (st == ST_OK)
        st = parse_directory(h, out);
    assert(st != ST_OK || h->at == x.data); /* 64 bytes an entry: no padding follows */
    if (st == ST_OK)
        st = check_regions(h, out, x.data);
    if (st == ST_OK)
        layout_count(out);
    return st;
}
