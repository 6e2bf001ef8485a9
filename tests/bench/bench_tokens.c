/* How fast tokens come.
 *
 *     bench_tokens FILE [TOKENS]               greedy generation of a model file from the empty
 * prompt bench_tokens shape H F L HEADS KV V C TYPE [TOKENS] forward passes over random weights of
 * that shape; TYPE is f32, f16 or q8_0 (ggml's)
 *
 * Seven rounds; the median and the best are printed, the median being the figure to quote. */
#include "base/clock.h"
#include "base/heap.h"
#include "runtime/forward.h"
#include "runtime/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 7

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, uint32_t tokens, double rate[ROUNDS], double bytes)
{
    qsort(rate, ROUNDS, sizeof *rate, by_value);
    printf("%s: %u tokens, median %.1f tok/s, best %.1f", what, tokens, rate[ROUNDS / 2],
           rate[ROUNDS - 1]);
    printf("; weights %.2f MB, %.1f GB/s\n", bytes / 1e6, bytes * rate[ROUNDS / 2] / 1e9);
}

static int fail(const struct err *e)
{
    fprintf(stderr, "bench_tokens: %s: %s\n", err_code(e), e->detail);
    return 1;
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    uint8_t part[65536];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_append(out, SPAN(part, n));
    (void)fclose(f);
    return !out->failed;
}

static int bench_file(const char *path, uint32_t tokens)
{
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    SCOPED(model_scope) struct model *model = NULL;
    SCOPED(session_scope) struct session *session = NULL;
    struct err e = ERR_NONE;
    struct generation got;
    double rate[ROUNDS];
    if (!read_file(path, &file)) {
        fprintf(stderr, "bench_tokens: cannot read %s\n", path);
        return 1;
    }
    if (model_open(buf_span(&file), &model_limits_default, true, &model, &e) != ST_OK ||
        session_open(model, &session, &e) != ST_OK)
        return fail(&e);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = clock_ticks();
        if (session_generate(session, SPAN("", 0), tokens, NULL, &got, &e) != ST_OK)
            return fail(&e);
        rate[i] = (double)got.token_count * 1e9 / (double)(clock_ticks() - began);
    }
    report(path, (uint32_t)got.token_count, rate, (double)model_facts(model)->weight_bytes);
    return 0;
}

static uint32_t random_word(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 32);
}

static uint64_t all_bytes;

/* SLM1's types keep their scales beside the values: one a row, or one per 32 of them. */
static void add_scales(struct tensor *t)
{
    t->block = t->type == DTYPE_SLM_Q4 ? 32 : 0;
    size_t count = (size_t)t->rows * (t->block != 0 ? t->cols / t->block : 1);
    float *scales = heap_alloc(count * sizeof *scales);
    if (scales == NULL)
        exit(1);
    for (size_t i = 0; i < count; i++)
        scales[i] = t->block != 0 ? 0x1p-7f : 0x1p-11f;
    t->scales = (const uint8_t *)scales;
    all_bytes += count * sizeof *scales;
}

/* Values around ±1/16; halves of about 0.06 and small quants for the others. */
static struct tensor random_tensor(enum dtype type, uint32_t rows, uint32_t cols)
{
    uint64_t row_bytes = (uint64_t)cols / dtype_block_values(type) * dtype_block_bytes(type);
    size_t size = (size_t)(rows * row_bytes);
    uint8_t *p = heap_aligned(64, size);
    if (p == NULL)
        exit(1);
    for (size_t i = 0; i + 4 <= size && type == DTYPE_F32; i += 4) {
        float v = (float)(int32_t)random_word() * 0x1p-35f;
        memcpy(p + i, &v, 4);
    }
    for (size_t i = 0; i + 2 <= size && type != DTYPE_F32; i += 2)
        put_le16(p + i, type == DTYPE_F16 ? (uint16_t)(0x2800 | (random_word() & 0x83ff))
                                          : (uint16_t)random_word());
    for (size_t i = 0; i + 34 <= size && type == DTYPE_Q8_0; i += 34)
        put_le16(p + i, 0x1000); /* a scale of 2^-11 */
    all_bytes += size;
    struct tensor t = {.type = type, .rows = rows, .cols = cols, .row_bytes = row_bytes, .data = p};
    if (type == DTYPE_SLM_Q8 || type == DTYPE_SLM_Q4)
        add_scales(&t);
    return t;
}

static struct weights random_weights(const struct model_shape *m, enum dtype type)
{
    const uint32_t h = m->hidden, kd = m->kv_heads * m->head_dim;
    struct weights w = {.layers = heap_zero(m->layers, sizeof *w.layers)};
    for (uint32_t i = 0; i < m->layers; i++)
        w.layers[i] = (struct layer_weights){
            .attn_norm = random_tensor(DTYPE_F32, 1, h),
            .ffn_norm = random_tensor(DTYPE_F32, 1, h),
            .wq = random_tensor(type, h, h),
            .wk = random_tensor(type, kd, h),
            .wv = random_tensor(type, kd, h),
            .wo = random_tensor(type, h, h),
            .w1 = random_tensor(type, m->ffn, h),
            .w2 = random_tensor(type, h, m->ffn),
            .w3 = random_tensor(type, m->ffn, h),
        };
    w.norm = random_tensor(DTYPE_F32, 1, h);
    w.embedding = w.output = random_tensor(type, m->vocab, h);
    return w;
}

static int bench_shape(const struct model_shape *m, enum dtype type, uint32_t tokens)
{
    const struct model_facts facts = {.shape = *m};
    struct weights w = random_weights(m, type);
    struct budget b;
    struct err e = ERR_NONE;
    struct forward f;
    double rate[ROUNDS];
    if (budget_of(&facts, &b, &e) != ST_OK)
        return fail(&e);
    float *scratch = heap_alloc(b.scratch), *cache = heap_alloc(b.kv),
          *logits = heap_alloc(b.logits);
    double *frequency = heap_alloc(b.rotation);
    if (scratch == NULL || cache == NULL || logits == NULL || frequency == NULL)
        return 1;
    forward_prepare(&f, m, &w, kernels_best(), scratch, frequency);
    struct kv kv = kv_over(m, cache);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = clock_ticks();
        kv_reset(&kv);
        for (uint32_t t = 0; t < tokens; t++)
            forward_token(&f, &kv, (t * 7 + 1) % m->vocab, logits);
        rate[i] = (double)tokens * 1e9 / (double)(clock_ticks() - began);
    }
    report(f.kernels->name, tokens, rate, (double)all_bytes);
    return 0; /* the process ends: its memory goes with it */
}

int main(int argc, char **argv)
{
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "shape") != 0)
        return bench_file(argv[1], argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 256);
    if (argc < 10) {
        fprintf(stderr,
                "usage: bench_tokens FILE [TOKENS] | shape H F L HEADS KV V C TYPE [TOKENS]\n");
        return 2;
    }
    uint32_t n[7];
    for (int i = 0; i < 7; i++)
        n[i] = (uint32_t)strtoul(argv[2 + i], NULL, 10);
    const struct model_shape m = {.hidden = n[0],
                                  .ffn = n[1],
                                  .layers = n[2],
                                  .heads = n[3],
                                  .kv_heads = n[4],
                                  .head_dim = n[0] / n[3],
                                  .vocab = n[5],
                                  .context = n[6],
                                  .rope_theta = 10000.0f,
                                  .rms_epsilon = 1e-5f};
    static const struct {
        const char *name;
        enum dtype type;
    } types[] = {{"f32", DTYPE_F32},
                 {"f16", DTYPE_F16},
                 {"q8_0", DTYPE_Q8_0},
                 {"slm_q8", DTYPE_SLM_Q8},
                 {"slm_q4", DTYPE_SLM_Q4}};
    enum dtype type = DTYPE_COUNT;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(argv[9], types[i].name) == 0)
            type = types[i].type;
    if (type == DTYPE_COUNT) {
        fprintf(stderr, "bench_tokens: no type %s\n", argv[9]);
        return 2;
    }
    uint32_t tokens = argc > 10 ? (uint32_t)strtoul(argv[10], NULL, 10) : 256;
    return bench_shape(&m, type, tokens < m.context ? tokens : m.context);
}
