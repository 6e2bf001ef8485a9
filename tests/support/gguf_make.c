#include "tests/support/gguf_make.h"
#include "base/text.h"
#include "runtime/quant.h"
#include <assert.h>
#include <string.h>

static void add_u32(struct buf *b, uint32_t v)
{
    uint8_t bytes[4];
    put_le32(bytes, v);
    buf_append(b, SPAN(bytes, 4));
}

static void add_u64(struct buf *b, uint64_t v)
{
    uint8_t bytes[8];
    put_le64(bytes, v);
    buf_append(b, SPAN(bytes, 8));
}

static void add_f32(struct buf *b, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    add_u32(b, bits);
}

static void add_string(struct buf *b, struct span s)
{
    add_u64(b, s.n);
    buf_append(b, s);
}

void draft_raw(struct gguf_draft *d, struct span key, uint32_t type, struct span value)
{
    add_string(&d->pairs, key);
    add_u32(&d->pairs, type);
    buf_append(&d->pairs, value);
    d->pair_count++;
}

void draft_u32(struct gguf_draft *d, const char *key, uint32_t v)
{
    uint8_t bytes[4];
    put_le32(bytes, v);
    draft_raw(d, span_text(key), 4, SPAN(bytes, 4));
}

void draft_f32(struct gguf_draft *d, const char *key, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint8_t bytes[4];
    put_le32(bytes, bits);
    draft_raw(d, span_text(key), 6, SPAN(bytes, 4));
}

void draft_bool(struct gguf_draft *d, const char *key, uint8_t v)
{
    draft_raw(d, span_text(key), 7, SPAN(&v, 1));
}

void draft_text(struct gguf_draft *d, const char *key, const char *v)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    add_string(&value, span_text(v));
    draft_raw(d, span_text(key), 8, buf_span(&value));
}

void draft_tensor(struct gguf_draft *d, const char *name, uint32_t n_dims, const uint64_t *dims,
                  uint32_t type, uint64_t offset)
{
    add_string(&d->tensors, span_text(name));
    add_u32(&d->tensors, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        add_u64(&d->tensors, dims[i]);
    add_u32(&d->tensors, type);
    add_u64(&d->tensors, offset);
    d->tensor_count++;
}

static uint8_t *find(struct buf *in, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 8; i + n <= in->n; i++)
        if (get_le64(in->p + i - 8) == n && memcmp(in->p + i, text, n) == 0)
            return in->p + i;
    assert(false && "the draft has it");
    return NULL;
}

uint8_t *draft_pair(struct gguf_draft *d, const char *key)
{
    return find(&d->pairs, key) + strlen(key);
}

uint8_t *draft_description(struct gguf_draft *d, const char *name)
{
    return find(&d->tensors, name) + strlen(name);
}

void draft_rename(struct buf *in, const char *from, const char *to)
{
    assert(strlen(from) == strlen(to));
    memcpy(find(in, from), to, strlen(to));
}

static const char *const pieces[] = {
    "\xe2\x96\x81", "t", "h", "e", "a", "o", "n", "c", "th", "the", "\xe2\x96\x81the", "on", "ho"};
#define PIECES ((uint32_t)(sizeof pieces / sizeof pieces[0]))

/* What merging makes of the bytes' tokens, in the order of rank. */
static const char *const merges[][2] = {
    {"t", "h"}, {"th", "e"}, {"o", "n"}, {"\xc4\xa0", "the"}, {"h", "o"}};
#define MERGES ((uint32_t)(sizeof merges / sizeof merges[0]))
static const char gpt2_letters[] = "theaonc "; /* the bytes that the tiny one has */

static uint32_t vocabulary(const struct make *m)
{
    if (m->gpt2)
        return 1 + (m->tiny ? (uint32_t)strlen(gpt2_letters) : 256) + MERGES;
    return 3u + (m->tiny ? 0u : 256u) + PIECES;
}

static struct span token(const struct make *m, uint32_t id, char room[8])
{
    static const char *const specials[] = {"<unk>", "<s>", "</s>"};
    static const char digits[] = "0123456789ABCDEF";
    if (id < 3)
        return span_text(specials[id]);
    if (m->tiny || id >= 3 + 256)
        return span_text(pieces[id - (m->tiny ? 3 : 259)]);
    memcpy(room, "<0x..>", 7);
    room[3] = digits[(id - 3) / 16];
    room[4] = digits[(id - 3) % 16];
    return span_text(room);
}

static void add_array(struct gguf_draft *d, const char *key, uint32_t type, uint32_t count,
                      struct buf *items)
{
    SCOPED(buf_release) struct buf value = BUF_EMPTY;
    add_u32(&value, type);
    add_u64(&value, count);
    buf_append(&value, buf_span(items));
    draft_raw(d, span_text(key), 9, buf_span(&value));
    buf_release(items);
}

/* A byte as a gpt2 vocabulary writes it. */
static struct span written(uint8_t byte, char room[8])
{
    uint32_t code = byte, other = 0x100;
    bool itself = false;
    for (uint32_t b = 0; b <= byte; b++) {
        itself = (b >= '!' && b <= '~') || (b >= 0xa1 && b != 0xad);
        code = itself ? b : other++;
    }
    if (code < 0x80)
        return text_fmt(room, 8, "%c", (int)code), SPAN(room, 1);
    room[0] = (char)(0xc0 | code >> 6);
    room[1] = (char)(0x80 | (code & 0x3f));
    return SPAN(room, 2);
}

static void add_gpt2_vocabulary(struct gguf_draft *d, const struct make *m)
{
    struct buf tokens = BUF_EMPTY, types = BUF_EMPTY, lines = BUF_EMPTY;
    const uint32_t count = vocabulary(m), bytes = count - 1 - MERGES;
    char room[32];
    add_string(&tokens, span_text("<|endoftext|>"));
    for (uint32_t i = 0; i < bytes; i++)
        add_string(&tokens, written(m->tiny ? (uint8_t)gpt2_letters[i] : (uint8_t)i, room));
    for (uint32_t i = 0; i < MERGES; i++) {
        text_fmt(room, sizeof room, "%s%s", merges[i][0], merges[i][1]);
        add_string(&tokens, span_text(room));
        text_fmt(room, sizeof room, "%s %s", merges[i][0], merges[i][1]);
        add_string(&lines, span_text(room));
    }
    for (uint32_t id = 0; id < count; id++)
        add_u32(&types, id == 0 ? 3 : 1);
    draft_text(d, "tokenizer.ggml.model", "gpt2");
    draft_text(d, "tokenizer.ggml.pre", "smollm");
    add_array(d, "tokenizer.ggml.tokens", 8, count, &tokens);
    add_array(d, "tokenizer.ggml.token_type", 5, count, &types);
    add_array(d, "tokenizer.ggml.merges", 8, MERGES, &lines);
    draft_u32(d, "tokenizer.ggml.bos_token_id", 0);
    draft_u32(d, "tokenizer.ggml.eos_token_id", 0);
    draft_bool(d, "tokenizer.ggml.add_bos_token", 1);
}

static void add_vocabulary(struct gguf_draft *d, const struct make *m)
{
    if (m->gpt2) {
        add_gpt2_vocabulary(d, m);
        return;
    }
    struct buf tokens = BUF_EMPTY, scores = BUF_EMPTY, types = BUF_EMPTY;
    uint32_t count = vocabulary(m), first = count - PIECES;
    for (uint32_t id = 0; id < count; id++) {
        char room[8];
        add_string(&tokens, token(m, id, room));
        add_f32(&scores, id < first ? 0 : (float)(id - first)); /* longer pieces score higher */
        add_u32(&types, id == 0 ? 2 : id < 3 ? 3 : id < first ? 6 : 1);
    }
    draft_text(d, "tokenizer.ggml.model", "llama");
    add_array(d, "tokenizer.ggml.tokens", 8, count, &tokens);
    add_array(d, "tokenizer.ggml.scores", 6, count, &scores);
    add_array(d, "tokenizer.ggml.token_type", 5, count, &types);
    draft_u32(d, "tokenizer.ggml.bos_token_id", 1);
    draft_u32(d, "tokenizer.ggml.eos_token_id", 2);
    draft_u32(d, "tokenizer.ggml.unknown_token_id", 0);
}

static uint16_t half_of(float f)
{
    /* Made values are small and normal: the exponent fits, the fraction is cut. */
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    uint32_t exponent = (bits >> 23) & 0xff;
    if (exponent < 113)
        return (uint16_t)(bits >> 16 & 0x8000);
    return (uint16_t)((bits >> 16 & 0x8000) | (exponent - 112) << 10 | (bits >> 13 & 0x3ff));
}

static void add_q8_0(struct buf *b, const float *x)
{
    float most = 0;
    for (size_t i = 0; i < 32; i++)
        most = (x[i] < 0 ? -x[i] : x[i]) > most ? (x[i] < 0 ? -x[i] : x[i]) : most;
    float d = most / 127;
    uint8_t half[2];
    put_le16(half, half_of(d));
    buf_append(b, SPAN(half, 2));
    for (size_t i = 0; i < 32; i++) {
        float q = x[i] / d;
        buf_byte(b, (uint8_t)(int8_t)(q < 0 ? q - 0.5f : q + 0.5f));
    }
}

static void add_row(struct buf *b, uint32_t type, const float *x, uint32_t cols)
{
    for (uint32_t i = 0; i < cols; i++) {
        uint8_t half[2];
        put_le16(half, half_of(x[i]));
        if (type == 0)
            add_f32(b, x[i]);
        else if (type == 1)
            buf_append(b, SPAN(half, 2));
        else if (i % 32 == 0)
            add_q8_0(b, x + i);
    }
}

/* What a place is called, and what the values behind it are made from. */
static void names_of(size_t index, char name[64], char values[64])
{
    static const char *const names[TENSOR_ROLE_COUNT] = {
        "token_embd.weight", "output_norm.weight", "output.weight",   "rope_freqs.weight",
        "attn_norm.weight",  "ffn_norm.weight",    "attn_q.weight",   "attn_k.weight",
        "attn_v.weight",     "attn_output.weight", "ffn_gate.weight", "ffn_down.weight",
        "ffn_up.weight",     "attn_q.bias",        "attn_k.bias",     "attn_v.bias",
        "attn_output.bias",  "ffn_gate.bias",      "ffn_down.bias",   "ffn_up.bias"};
    enum tensor_role role = plan_role(index);
    if (index < ROLES_GLOBAL)
        text_fmt(name, 64, "%s", names[role]);
    else
        text_fmt(name, 64, "blk.%u.%s", plan_layer(index), names[role]);
    text_fmt(values, 64, "%s", name);
    if (role < ROLE_BQ && role != ROLE_ROPE_FREQS)
        slm1_name(index, values);
}

/* The file's type numbers: a matrix of each layer. */
static uint32_t kind_of(size_t index)
{
    static const uint8_t kinds[2][7] = {/* wq wk wv wo w1 w2 w3 */
                                        {10, 12, 3, 10, 13, 6, 8},
                                        {10, 11, 30, 2, 1, 8, 14}};
    enum tensor_role role = plan_role(index);
    if (role == ROLE_EMBEDDING)
        return 14;
    if (role == ROLE_OUTPUT)
        return 7;
    return role >= ROLE_WQ && role <= ROLE_W3 ? kinds[plan_layer(index)][role - ROLE_WQ] : 0;
}

/* Any bytes are a block, but for its halves, which are small and of either sign. */
static void add_blocks(struct gguf_draft *d, enum dtype type, size_t blocks)
{
    const struct dtype_layout *l = dtype_layout(type);
    uint32_t state = (uint32_t)type * 2654435761u + 1;
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *p = buf_space(&d->data, l->bytes);
        for (size_t i = 0; i < l->bytes; i++) {
            state = state * 1664525u + 1013904223u;
            p[i] = (uint8_t)(state >> 24);
        }
        for (size_t i = 0; i < l->half_count; i++) {
            uint8_t *half = p + l->half_at[i];
            uint16_t low = (uint16_t)(l->half_exponent == 0x7c00 ? 0x1000 : 0x3c00);
            put_le16(half, (uint16_t)(low | (get_le16(half) & 0x83ff)));
        }
    }
}

static bool add_kind(struct gguf_draft *d, const char *name, size_t index, uint32_t rows,
                     uint32_t cols)
{
    static const enum dtype types[] = {
        [1] = DTYPE_F16,   [2] = DTYPE_Q4_0,  [3] = DTYPE_Q4_1,  [6] = DTYPE_Q5_0,
        [7] = DTYPE_Q5_1,  [8] = DTYPE_Q8_0,  [10] = DTYPE_Q2_K, [11] = DTYPE_Q3_K,
        [12] = DTYPE_Q4_K, [13] = DTYPE_Q5_K, [14] = DTYPE_Q6_K, [30] = DTYPE_BF16};
    uint32_t kind = kind_of(index);
    if (kind == 0)
        return false;
    draft_tensor(d, name, 2, (const uint64_t[]){cols, rows}, kind, d->data.n);
    add_blocks(d, types[kind], (size_t)rows * cols / dtype_layout(types[kind])->values);
    return true;
}

static void add_tensor(struct gguf_draft *d, const struct make *m, const struct model_shape *s,
                       size_t index)
{
    enum tensor_role role = plan_role(index);
    uint32_t rows, cols;
    role_shape(s, role, &rows, &cols);
    char name[64], of[64];
    names_of(index, name, of);
    uint32_t type = role_is_vector(role) || m->dtype == MAKE_F32 ? 0 : m->dtype == MAKE_F16 ? 1 : 8;
    bool made = m->kinds && add_kind(d, name, index, rows, cols);
    if (!made)
        draft_tensor(d, name, role_is_vector(role) ? 1 : 2, (const uint64_t[]){cols, rows}, type,
                     d->data.n);
    float x[256];
    assert(cols <= 256);
    for (uint32_t r = 0; r < rows && !made; r++) {
        for (uint32_t c = 0; c < cols; c++)
            x[c] = role == ROLE_ROPE_FREQS ? 1.0f + 0.75f * (float)c : make_value(of, r, c);
        add_row(&d->data, type, x, cols);
    }
    while (d->data.n % d->alignment != 0)
        buf_byte(&d->data, 0);
}

static bool has(const struct make *m, const struct model_shape *s, size_t index)
{
    enum tensor_role role = plan_role(index);
    return plan_wanted(s, index) || (m->freqs && role == ROLE_ROPE_FREQS) ||
           (m->biases && role >= ROLE_BQ);
}

struct gguf_draft gguf_draft(const struct make *m)
{
    struct slm1_spec spec = make_slm1_spec(m);
    struct model_shape *s = &spec.shape;
    s->vocab = vocabulary(m);
    if (m->kinds) {
        s->hidden = 256;
        s->head_dim = 16;
        s->heads = 16;
        s->kv_heads = 1;
        s->ffn = 32;
    }
    assert((m->dtype != MAKE_Q8_0 || !m->tiny) && m->dtype != MAKE_Q4_0);
    struct gguf_draft d = {.version = 3, .alignment = m->align != 0 ? m->align : 32};
    draft_text(&d, "general.architecture", "llama");
    draft_text(&d, "general.name", "made");
    draft_text(&d, "general.license", "Apache-2.0");
    draft_u32(&d, "general.alignment", d.alignment);
    draft_u32(&d, "llama.context_length", s->context);
    draft_u32(&d, "llama.embedding_length", s->hidden);
    draft_u32(&d, "llama.block_count", s->layers);
    draft_u32(&d, "llama.feed_forward_length", s->ffn);
    draft_u32(&d, "llama.attention.head_count", s->heads);
    draft_u32(&d, "llama.attention.head_count_kv", s->kv_heads);
    draft_f32(&d, "llama.attention.layer_norm_rms_epsilon", s->rms_epsilon);
    draft_u32(&d, "llama.rope.dimension_count", s->head_dim);
    draft_f32(&d, "llama.rope.freq_base", s->rope_theta);
    draft_u32(&d, "llama.vocab_size", s->vocab);
    if (m->freqs)
        draft_f32(&d, "llama.rope.scaling.factor", 2);
    add_vocabulary(&d, m);
    for (size_t i = 0; i < plan_count(s); i++)
        if (has(m, s, i))
            add_tensor(&d, m, s, i);
    return d;
}

void gguf_draft_release(struct gguf_draft *d)
{
    buf_release(&d->pairs);
    buf_release(&d->tensors);
    buf_release(&d->data);
    buf_release(&d->tail);
}

struct buf gguf_assemble(const struct gguf_draft *d)
{
    struct buf b = BUF_EMPTY;
    buf_text(&b, "GGUF");
    add_u32(&b, d->version);
    add_u64(&b, d->tensor_count);
    add_u64(&b, d->pair_count);
    buf_append(&b, buf_span(&d->pairs));
    buf_append(&b, buf_span(&d->tensors));
    while (b.n % d->alignment != 0)
        buf_byte(&b, 0);
    buf_append(&b, buf_span(&d->data));
    buf_append(&b, buf_span(&d->tail));
    assert(!b.failed);
    return b;
}

struct buf make_gguf(const struct make *m)
{
    SCOPED(gguf_draft_release) struct gguf_draft d = gguf_draft(m);
    return gguf_assemble(&d);
}
