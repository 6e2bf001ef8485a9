/* Model files of any shape with random weights, to measure on and against others.
 *
 *     bench_make SHAPE TYPE FILE
 *
 * SHAPE is 260K, 15M, 16M, 110M, or H/F/L/HEADS/KV/V/C. TYPE is one of GGUF's (f32 f16 bf16 q8_0
 * q4_0 q4_1 q5_0 q5_1 q2_K q3_K q4_K q5_K q6_K), for a GGUF file; or llama2c, for that program's
 * own checkpoint in f32. The same words give the same bytes. */
#include "base/bytes.h"
#include "runtime/quant.h"
#include <stdio.h>
#include <stdlib.h>

struct shape {
    const char *name;
    uint32_t hidden, ffn, layers, heads, kv_heads, vocab, context;
};
static const struct shape shapes[] = {
    {"260K", 64, 172, 5, 8, 4, 512, 512},
    {"15M", 288, 768, 6, 6, 6, 32000, 256},
    {"16M", 512, 2048, 4, 8, 8, 260, 512},
    {"110M", 768, 2048, 12, 12, 12, 32000, 1024},
};

static const struct {
    enum dtype type;
    uint32_t ggml, file_type;
} types[] = {
    {DTYPE_F32, 0, 0},    {DTYPE_F16, 1, 1},    {DTYPE_BF16, 30, 32}, {DTYPE_Q8_0, 8, 7},
    {DTYPE_Q4_0, 2, 2},   {DTYPE_Q4_1, 3, 3},   {DTYPE_Q5_0, 6, 8},   {DTYPE_Q5_1, 7, 9},
    {DTYPE_Q2_K, 10, 10}, {DTYPE_Q3_K, 11, 12}, {DTYPE_Q4_K, 12, 15}, {DTYPE_Q5_K, 13, 17},
    {DTYPE_Q6_K, 14, 18},
};
#define TYPES     (sizeof types / sizeof *types)

#define ALIGNMENT 32u

static FILE *out;
static uint64_t written;

static void put(const void *p, size_t n)
{
    if (fwrite(p, 1, n, out) != n)
        exit(1);
    written += n;
}

static void put_u32(uint32_t v)
{
    uint8_t b[4];
    put_le32(b, v);
    put(b, 4);
}

static void put_u64(uint64_t v)
{
    uint8_t b[8];
    put_le64(b, v);
    put(b, 8);
}

static void put_text(const char *s)
{
    put_u64(strlen(s));
    put(s, strlen(s));
}

static void put_f32(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u32(bits);
}

static void align(void)
{
    static const uint8_t zero[ALIGNMENT];
    put(zero, (size_t)(-written % ALIGNMENT));
}

static uint32_t random_word(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 32);
}

/* Even in (−1, 1). */
static float random_unit(void)
{
    return (float)(int32_t)random_word() * 0x1p-31f;
}

/* ---- tensors ----------------------------------------------------------------------------------
 */

/* Every scale of a block about `size`: what the block's integers make of it stays near one. */
static void random_block(enum dtype type, float size, uint8_t *p)
{
    const struct dtype_layout *l = dtype_layout(type);
    for (size_t i = 0; i < l->bytes; i++)
        p[i] = (uint8_t)(random_word() >> 8);
    for (size_t i = 0; i < l->half_count; i++) {
        uint32_t bits;
        float scale = size * (type >= DTYPE_Q2_K   ? 0x1p-10f
                              : type == DTYPE_Q8_0 ? 0x1p-7f
                                                   : 0x1p-3f);
        memcpy(&bits, &scale, sizeof bits);
        uint32_t half = (((bits >> 23) - 112) << 10) | ((bits >> 13) & 0x3ff);
        put_le16(p + l->half_at[i], (uint16_t)half);
    }
}

static void put_values(enum dtype type, uint64_t count, float size)
{
    uint8_t block[256];
    const struct dtype_layout *l = dtype_layout(type);
    for (uint64_t i = 0; i < count / l->values; i++) {
        float v = size * random_unit();
        uint32_t bits;
        memcpy(&bits, &v, sizeof bits);
        if (type == DTYPE_F32)
            put_le32(block, bits);
        else if (type == DTYPE_BF16)
            put_le16(block, (uint16_t)(bits >> 16));
        else if (type == DTYPE_F16) /* the magnitudes that a half has no room for do not come up */
            put_le16(block,
                     (uint16_t)((bits >> 16 & 0x8000) |
                                ((bits >> 23 & 0xff) > 113
                                     ? ((bits >> 23 & 0xff) - 112) << 10 | (bits >> 13 & 0x3ff)
                                     : 0)));
        else
            random_block(type, size, block);
        put(block, l->bytes);
    }
}

/* In the order of a GGUF file. `visit` gets name, columns, rows (0: a vector) and whether the type
 * is the file's. */
static void each_tensor(const struct shape *s,
                        void (*visit)(const char *name, uint32_t cols, uint32_t rows, void *ctx),
                        void *ctx)
{
    const uint32_t h = s->hidden, kd = h / s->heads * s->kv_heads;
    const struct {
        const char *name;
        uint32_t cols, rows;
    } layer[] = {{"attn_norm", h, 0},     {"ffn_norm", h, 0},      {"attn_q", h, h},
                 {"attn_k", h, kd},       {"attn_v", h, kd},       {"attn_output", h, h},
                 {"ffn_gate", h, s->ffn}, {"ffn_down", s->ffn, h}, {"ffn_up", h, s->ffn}};
    visit("token_embd.weight", h, s->vocab, ctx);
    visit("output_norm.weight", h, 0, ctx);
    for (uint32_t i = 0; i < s->layers; i++)
        for (size_t k = 0; k < sizeof layer / sizeof *layer; k++) {
            char name[64];
            (void)snprintf(name, sizeof name, "blk.%u.%s.weight", i, layer[k].name);
            visit(name, layer[k].cols, layer[k].rows, ctx);
        }
}

struct writing {
    enum dtype type;
    uint32_t ggml;
    uint64_t offset, count;
};

static enum dtype type_of(const struct writing *w, uint32_t cols, uint32_t rows)
{
    return rows == 0 || cols % dtype_layout(w->type)->values != 0 ? DTYPE_F32 : w->type;
}

static uint64_t bytes_of(enum dtype type, uint64_t count)
{
    return count / dtype_layout(type)->values * dtype_layout(type)->bytes;
}

static void count_one(const char *name, uint32_t cols, uint32_t rows, void *ctx)
{
    (void)name;
    (void)cols;
    (void)rows;
    ((struct writing *)ctx)->count++;
}

static void describe(const char *name, uint32_t cols, uint32_t rows, void *ctx)
{
    struct writing *w = ctx;
    enum dtype type = type_of(w, cols, rows);
    put_text(name);
    put_u32(rows == 0 ? 1 : 2);
    put_u64(cols);
    if (rows != 0)
        put_u64(rows);
    put_u32(type == w->type ? w->ggml : 0);
    put_u64(w->offset);
    uint64_t bytes = bytes_of(type, (uint64_t)cols * (rows == 0 ? 1 : rows));
    w->offset += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* So that a product keeps the size of its input. */
static float size_for(uint32_t cols)
{
    float size = 1.0f;
    while (size * size * (float)cols > 3.0f)
        size *= 0.5f;
    return size;
}

static void fill(const char *name, uint32_t cols, uint32_t rows, void *ctx)
{
    (void)name;
    enum dtype type = type_of(ctx, cols, rows);
    if (rows == 0)
        for (uint32_t i = 0; i < cols; i++)
            put_f32(1.0f);
    else
        put_values(type, (uint64_t)cols * rows, size_for(cols));
    align();
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

static void key(const char *name, uint32_t type)
{
    put_text(name);
    put_u32(type);
}

static void pair_u32(const char *name, uint32_t v)
{
    key(name, 4);
    put_u32(v);
}

static void pair_f32(const char *name, float v)
{
    key(name, 6);
    put_f32(v);
}

static void array(const char *name, uint32_t type, uint64_t count)
{
    key(name, 9);
    put_u32(type);
    put_u64(count);
}

/* <unk> <s> </s>, the bytes, then made-up words. */
static void vocabulary(uint32_t count)
{
    char text[16];
    key("tokenizer.ggml.model", 8);
    put_text("llama");
    array("tokenizer.ggml.tokens", 8, count);
    for (uint32_t i = 0; i < count; i++) {
        static const char *const special[] = {"<unk>", "<s>", "</s>"};
        if (i < 3)
            (void)snprintf(text, sizeof text, "%s", special[i]);
        else if (i < 259)
            (void)snprintf(text, sizeof text, "<0x%02X>", i - 3);
        else
            (void)snprintf(text, sizeof text, "w%u", i);
        put_text(text);
    }
    array("tokenizer.ggml.scores", 6, count);
    for (uint32_t i = 0; i < count; i++)
        put_f32(i < 259 ? 0.0f : -(float)i);
    array("tokenizer.ggml.token_type", 5, count);
    for (uint32_t i = 0; i < count; i++)
        put_u32(i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1);
    pair_u32("tokenizer.ggml.bos_token_id", 1);
    pair_u32("tokenizer.ggml.eos_token_id", 2);
    pair_u32("tokenizer.ggml.unknown_token_id", 0);
}

static void write_gguf(const struct shape *s, size_t which)
{
    struct writing w = {.type = types[which].type, .ggml = types[which].ggml};
    each_tensor(s, count_one, &w);
    put("GGUF", 4);
    put_u32(3);
    put_u64(w.count);
    put_u64(19);
    key("general.architecture", 8);
    put_text("llama");
    key("general.name", 8);
    put_text("random weights");
    pair_u32("general.file_type", types[which].file_type);
    pair_u32("general.quantization_version", 2);
    pair_u32("llama.context_length", s->context);
    pair_u32("llama.embedding_length", s->hidden);
    pair_u32("llama.block_count", s->layers);
    pair_u32("llama.feed_forward_length", s->ffn);
    pair_u32("llama.attention.head_count", s->heads);
    pair_u32("llama.attention.head_count_kv", s->kv_heads);
    pair_u32("llama.rope.dimension_count", s->hidden / s->heads);
    pair_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    vocabulary(s->vocab);
    each_tensor(s, describe, &w);
    align();
    each_tensor(s, fill, &w);
}

/* llama2.c: seven numbers; the embedding (a positive vocabulary size says that the output is tied
 * to it), then each matrix of all layers, then two tables that are skipped. */
static void write_llama2c(const struct shape *s)
{
    const uint32_t h = s->hidden, d = h / s->heads, kd = d * s->kv_heads;
    const uint32_t head[7] = {h, s->ffn, s->layers, s->heads, s->kv_heads, s->vocab, s->context};
    for (size_t i = 0; i < 7; i++)
        put_u32(head[i]);
    const struct {
        uint64_t count;
        uint32_t cols;
    } parts[] = {{(uint64_t)s->vocab * h, h},
                 {(uint64_t)s->layers * h, 0},
                 {(uint64_t)s->layers * h * h, h},
                 {(uint64_t)s->layers * h * kd, h},
                 {(uint64_t)s->layers * h * kd, h},
                 {(uint64_t)s->layers * h * h, h},
                 {(uint64_t)s->layers * h, 0},
                 {(uint64_t)s->layers * h * s->ffn, h},
                 {(uint64_t)s->layers * h * s->ffn, s->ffn},
                 {(uint64_t)s->layers * h * s->ffn, h},
                 {h, 0},
                 {(uint64_t)s->context * d, h}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (uint64_t k = 0; k < parts[i].count; k++)
            put_f32(parts[i].cols == 0 ? 1.0f : size_for(parts[i].cols) * random_unit());
}

static bool shape_of(const char *word, struct shape *s)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(word, shapes[i].name) == 0) {
            *s = shapes[i];
            return true;
        }
    return sscanf(word, "%u/%u/%u/%u/%u/%u/%u", &s->hidden, &s->ffn, &s->layers, &s->heads,
                  &s->kv_heads, &s->vocab, &s->context) == 7 &&
           s->heads > 0 && s->hidden % s->heads == 0 && s->vocab >= 259;
}

int main(int argc, char **argv)
{
    struct shape s = {0};
    if (argc != 4 || !shape_of(argv[1], &s)) {
        fprintf(stderr,
                "usage: bench_make 260K|15M|16M|110M|H/F/L/HEADS/KV/V/C TYPE|llama2c FILE\n");
        return 2;
    }
    size_t which = 0;
    while (which < TYPES && strcmp(argv[2], dtype_name(types[which].type)) != 0)
        which++;
    if (which == TYPES && strcmp(argv[2], "llama2c") != 0) {
        fprintf(stderr, "bench_make: no type %s\n", argv[2]);
        return 2;
    }
    out = fopen(argv[3], "wb");
    if (out == NULL) {
        fprintf(stderr, "bench_make: cannot write %s\n", argv[3]);
        return 1;
    }
    if (which == TYPES)
        write_llama2c(&s);
    else
        write_gguf(&s, which);
    return fclose(out) == 0 ? 0 : 1;
}
