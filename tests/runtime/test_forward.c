#include "runtime/forward.h"

#include "base/heap.h"
#include "runtime/budget.h"
#include "tests/support/model_make.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define POSITIONS 12
#define WIDEST    64
#define VOCAB     272

/* The same pass written down once more, in double and in the plainest way. */
struct exact {
    const struct model_shape *m;
    const struct weights *w;
    double keys[4][POSITIONS][WIDEST], values[4][POSITIONS][WIDEST];
    double x[WIDEST], logits[VOCAB];
};

static void exact_matvec(const struct tensor *w, const struct tensor *bias, const double *x,
                         double *out)
{
    float row[WIDEST], added[WIDEST] = {0};
    if (bias != NULL && bias->data != NULL)
        tensor_row(bias, 0, added);
    for (uint32_t r = 0; r < w->rows; r++) {
        tensor_row(w, r, row);
        out[r] = 0.0;
        for (uint32_t i = 0; i < w->cols; i++)
            out[r] += (double)row[i] * x[i];
        if (bias != NULL)
            out[r] += (double)added[r];
    }
}

static void exact_norm(const struct exact *z, const struct tensor *weight, double *out)
{
    float w[WIDEST];
    double mean = 0.0;
    tensor_row(weight, 0, w);
    for (uint32_t i = 0; i < z->m->hidden; i++)
        mean += z->x[i] * z->x[i] / z->m->hidden;
    for (uint32_t i = 0; i < z->m->hidden; i++)
        out[i] = z->x[i] / sqrt(mean + (double)z->m->rms_epsilon) * (double)w[i];
}

static void exact_rotate(const struct exact *z, double *v, uint32_t heads, int position)
{
    const uint32_t d = z->m->head_dim;
    float divisor[WIDEST];
    for (uint32_t i = 0; i < d / 2; i++)
        divisor[i] = 1;
    if (z->w->rope_freqs.data != NULL)
        tensor_row(&z->w->rope_freqs, 0, divisor);
    for (uint32_t i = 0; i < heads * d; i += 2) {
        double angle = position * pow((double)z->m->rope_theta, -(double)(i % d) / d);
        angle /= (double)divisor[i % d / 2] * (double)z->w->rope_factor;
        double a = v[i], b = v[i + 1];
        v[i] = a * cos(angle) - b * sin(angle);
        v[i + 1] = a * sin(angle) + b * cos(angle);
    }
}

static void exact_attention(struct exact *z, uint32_t layer, int position)
{
    const struct layer_weights *w = &z->w->layers[layer];
    const uint32_t d = z->m->head_dim, share = z->m->heads / z->m->kv_heads;
    double n[WIDEST], q[WIDEST], a[WIDEST] = {0}, out[WIDEST];
    exact_norm(z, &w->attn_norm, n);
    exact_matvec(&w->wq, &w->bq, n, q);
    exact_matvec(&w->wk, &w->bk, n, z->keys[layer][position]);
    exact_matvec(&w->wv, &w->bv, n, z->values[layer][position]);
    exact_rotate(z, q, z->m->heads, position);
    exact_rotate(z, z->keys[layer][position], z->m->kv_heads, position);
    for (uint32_t h = 0; h < z->m->heads; h++) {
        double p[POSITIONS], sum = 0.0;
        for (int t = 0; t <= position; t++) {
            double s = 0.0;
            for (uint32_t i = 0; i < d; i++)
                s += q[h * d + i] * z->keys[layer][t][h / share * d + i];
            sum += p[t] = exp(s / sqrt(d));
        }
        for (int t = 0; t <= position; t++)
            for (uint32_t i = 0; i < d; i++)
                a[h * d + i] += p[t] / sum * z->values[layer][t][h / share * d + i];
    }
    exact_matvec(&w->wo, &w->bo, a, out);
    for (uint32_t i = 0; i < z->m->hidden; i++)
        z->x[i] += out[i];
}

static void exact_token(struct exact *z, uint32_t token, int position)
{
    float row[WIDEST];
    double n[WIDEST], g[WIDEST], u[WIDEST], out[WIDEST];
    tensor_row(&z->w->embedding, token, row);
    for (uint32_t i = 0; i < z->m->hidden; i++)
        z->x[i] = (double)row[i];
    for (uint32_t layer = 0; layer < z->m->layers; layer++) {
        exact_attention(z, layer, position);
        exact_norm(z, &z->w->layers[layer].ffn_norm, n);
        exact_matvec(&z->w->layers[layer].w1, &z->w->layers[layer].b1, n, g);
        exact_matvec(&z->w->layers[layer].w3, &z->w->layers[layer].b3, n, u);
        for (uint32_t i = 0; i < z->m->ffn; i++)
            g[i] = g[i] / (1.0 + exp(-g[i])) * u[i];
        exact_matvec(&z->w->layers[layer].w2, &z->w->layers[layer].b2, g, out);
        for (uint32_t i = 0; i < z->m->hidden; i++)
            z->x[i] += out[i];
    }
    exact_norm(z, &z->w->norm, n);
    exact_matvec(&z->w->output, NULL, n, z->logits);
}

/* A model with all it needs to run, by one table of kernels. */
struct bench {
    struct buf file;
    struct model *model;
    const struct model_shape *shape;
    float *scratch, *cache, *logits, *batch;
    double *frequency;
    struct forward forward;
    struct kv kv;
};

static void bench_open(struct bench *b, const struct make *how, const struct kernels *kernels)
{
    struct err e = ERR_NONE;
    struct budget need;
    b->file = how->biases || how->freqs || how->kinds ? make_gguf(how) : make_slm1(how);
    cr_assert_eq(model_open(buf_span(&b->file), &model_limits_default, true, &b->model, &e), ST_OK,
                 "%s", e.detail);
    cr_assert_eq(budget_of(model_facts(b->model), &need, &e), ST_OK);
    b->shape = &model_facts(b->model)->shape;
    b->scratch = heap_alloc(need.scratch);
    b->cache = heap_alloc(need.kv);
    b->logits = heap_alloc(need.logits);
    b->batch = heap_alloc(need.batch);
    b->frequency = heap_alloc(need.rotation);
    forward_prepare(&b->forward, b->shape, model_weights(b->model), kernels, b->scratch,
                    b->frequency);
    b->kv = kv_over(b->shape, b->cache);
}

static void bench_close(struct bench *b)
{
    heap_free(b->scratch);
    heap_free(b->cache);
    heap_free(b->logits);
    heap_free(b->batch);
    heap_free(b->frequency);
    model_close(b->model);
    buf_release(&b->file);
}

static const uint32_t tokens[POSITIONS] = {256, 'O',  'n',  'c', 'e', ' ',
                                           'u', 0xc3, 0xa9, 'p', 'o', 259};

/* Quantised matrices cut their vectors to 16 bits (runtime/integers.h). */
static void check_against_exact(const struct make *how)
{
    const double within = how->dtype == MAKE_F32 ? 2e-4 : 6e-4;
    static struct exact z;
    struct bench b;
    bench_open(&b, how, kernels_best());
    z = (struct exact){.m = b.shape, .w = model_weights(b.model)};
    for (int i = 0; i < POSITIONS; i++) {
        forward_token(&b.forward, &b.kv, tokens[i], b.logits);
        exact_token(&z, tokens[i], i);
        for (uint32_t v = 0; v < b.shape->vocab; v++)
            cr_assert_float_eq((double)b.logits[v], z.logits[v], within,
                               "position %d, token %u: %f, exactly %f", i, v, (double)b.logits[v],
                               z.logits[v]);
    }
    cr_assert_eq(b.kv.length, POSITIONS);
    bench_close(&b);
}

Test(forward, agrees_with_a_pass_in_double)
{
    check_against_exact(&(struct make){.dtype = MAKE_F32});
    check_against_exact(&(struct make){.dtype = MAKE_Q8_0, .whole = true});
    check_against_exact(&(struct make){.dtype = MAKE_Q4_0});
}

Test(forward, agrees_with_a_pass_in_double_when_heads_share_keys_and_values)
{
    check_against_exact(&(struct make){.kv_heads = 2});
    check_against_exact(&(struct make){.kv_heads = 1, .dtype = MAKE_Q8_0});
}

Test(forward, agrees_with_a_pass_in_double_when_the_output_is_tied)
{
    check_against_exact(&(struct make){.tied = true, .layers = 3});
}

Test(forward, agrees_with_a_pass_in_double_when_there_are_biases_and_scaled_rotations)
{
    check_against_exact(&(struct make){.biases = true});
    check_against_exact(&(struct make){.freqs = true, .kv_heads = 2});
    check_against_exact(&(struct make){.biases = true, .freqs = true, .dtype = MAKE_Q8_0});
}

Test(forward, gives_the_same_bits_with_every_table_of_kernels)
{
    for (unsigned dtype = MAKE_F32; dtype <= MAKE_Q4_0; dtype++) {
        struct bench want, got;
        struct make how = {.dtype = (enum make_dtype)dtype, .kv_heads = 2};
        for (unsigned which = 1; kernels_at(which) != NULL; which++) {
            bench_open(&want, &how, &kernels_reference);
            bench_open(&got, &how, kernels_at(which));
            for (int i = 0; i < POSITIONS; i++) {
                forward_token(&want.forward, &want.kv, tokens[i], want.logits);
                forward_token(&got.forward, &got.kv, tokens[i], got.logits);
                cr_assert_arr_eq(want.logits, got.logits, want.shape->vocab * sizeof(float), "%s",
                                 kernels_at(which)->name);
            }
            bench_close(&want);
            bench_close(&got);
        }
    }
}

Test(forward, keeps_keys_and_values_by_layer_position_and_head)
{
    struct bench b;
    bench_open(&b, &(struct make){.kv_heads = 2, .layers = 2}, kernels_best());
    memset(b.cache, 0, 2 * sizeof(float) * 2 * 64 * 16);
    forward_token(&b.forward, &b.kv, 'a', NULL);
    forward_token(&b.forward, &b.kv, 'b', NULL);
    const size_t width = 2 * 8, context = 64;
    cr_assert_eq(kv_key(&b.kv, 1, 1), b.cache + (1 * context + 1) * width);
    cr_assert_eq(kv_value(&b.kv, 1, 0), b.cache + (2 + 1) * context * width);
    for (size_t layer = 0; layer < 4; layer++) {
        cr_assert_neq(b.cache[(layer * context + 1) * width], 0.0f);
        cr_assert_eq(b.cache[(layer * context + 2) * width], 0.0f,
                     "nothing is written beyond the position");
    }
    kv_reset(&b.kv);
    cr_assert_eq(b.kv.length, 0);
    cr_assert_neq(b.cache[0], 0.0f, "a reset keeps the memory");
    bench_close(&b);
}

/* POSITIONS tokens one by one and in batches of `size`: keys, values and all logits; of every other
 * batch only the last logits are asked for. */
static void check_batches(const struct make *how, unsigned table, size_t size)
{
    struct bench one, many;
    bench_open(&one, how, kernels_at(table));
    bench_open(&many, how, kernels_at(table));
    const size_t vocab = one.shape->vocab;
    for (size_t i = 0; i < POSITIONS; i += size) {
        size_t n = POSITIONS - i < size ? POSITIONS - i : size;
        size_t wanted = (i / size) % 2 == 0 ? n : 1;
        forward_batch(&many.forward, &many.kv, tokens + i, n, many.batch);
        for (size_t k = 0; k < n; k++) {
            forward_token(&one.forward, &one.kv, tokens[i + k], one.logits);
            if (k + wanted < n)
                continue;
            const size_t first = k - (k + wanted - n) % FORWARD_LOGITS;
            const size_t some = n - first < FORWARD_LOGITS ? n - first : FORWARD_LOGITS;
            const float *got = forward_logits(&many.forward, n, first, some, many.batch);
            cr_assert_arr_eq(got + (k - first) * vocab, one.logits, vocab * sizeof *got,
                             "%s, type %d, batches of %zu, position %zu", kernels_at(table)->name,
                             (int)how->dtype, size, i + k);
        }
    }
    cr_assert_eq(many.kv.length, POSITIONS);
    for (uint32_t layer = 0; layer < one.shape->layers; layer++) {
        const size_t bytes = POSITIONS * one.kv.width * sizeof(float);
        cr_assert_arr_eq(kv_key(&one.kv, layer, 0), kv_key(&many.kv, layer, 0), bytes);
        cr_assert_arr_eq(kv_value(&one.kv, layer, 0), kv_value(&many.kv, layer, 0), bytes);
    }
    bench_close(&one);
    bench_close(&many);
}

Test(forward, gives_the_same_bits_in_batches_with_biases)
{
    const struct make how = {.biases = true, .freqs = true, .kv_heads = 2},
                      packed = {.biases = true, .dtype = MAKE_Q8_0};
    for (unsigned table = 0; kernels_at(table) != NULL; table++) {
        check_batches(&how, table, 5);
        check_batches(&packed, table, FORWARD_BATCH);
    }
}

Test(forward, gives_the_same_bits_in_batches_of_any_size)
{
    for (unsigned table = 0; kernels_at(table) != NULL; table++)
        for (unsigned dtype = MAKE_F32; dtype <= MAKE_Q4_0; dtype++)
            for (size_t size = 1; size <= POSITIONS; size++)
                check_batches(&(struct make){.dtype = (enum make_dtype)dtype, .kv_heads = 2}, table,
                              size);
}

Test(forward, gives_the_same_bits_in_batches_of_every_type)
{
    for (unsigned table = 0; kernels_at(table) != NULL; table++) {
        check_batches(&(struct make){.kinds = true}, table, 3);
        check_batches(&(struct make){.kinds = true}, table, POSITIONS);
    }
}
