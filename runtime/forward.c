#include "runtime/forward.h"

#include "base/ensure.h"
#include "runtime/math.h"
#include "runtime/packed.h"

/* A chunk of a product, in bytes of weights: long enough to be worth taking and fetched ahead,
 * short enough that the last one is not waited for: so many a thread, unless they become too short.
 * Less than two of them are no work to share. */
#define CHUNK_BYTES   (32u << 10)
#define CHUNKS_EACH   4
#define CHUNK_SCORES  (1u << 12) /* positions × width that make a head's attention worth sharing */
#define PRODUCTS_MOST 3

static float *take(float **memory, size_t n)
{
    float *p = *memory;
    *memory += n;
    return p;
}

static size_t kv_width(const struct model_shape *m)
{
    return (size_t)m->kv_heads * m->head_dim;
}

/* Over 7H + 2KD + 3F floats a position. */
static struct activations activations_over(const struct model_shape *m, size_t room, float **memory)
{
    const size_t h = m->hidden, ffn = m->ffn, kd = kv_width(m);
    return (struct activations){
        .room = room,
        .residual = take(memory, room * h),
        .normed = take(memory, room * h),
        .query = take(memory, room * h),
        .attended = take(memory, room * h),
        .projected = take(memory, room * h),
        .rotation = take(memory, room * h),
        .key = take(memory, room * kd),
        .value = take(memory, room * kd),
        .gate = take(memory, room * ffn),
        .up = take(memory, room * ffn),
        .work = take(memory, room * (h + ffn)),
    };
}

void forward_prepare(struct forward *f, const struct model_shape *shape,
                     const struct weights *weights, const struct kernels *kernels, float *scratch,
                     double *frequency)
{
    const size_t h = shape->hidden, ffn = shape->ffn, kd = kv_width(shape);
    *f = (struct forward){
        .shape = shape, .weights = weights, .kernels = kernels, .frequency = frequency};
    float *at = scratch;
    f->one = activations_over(shape, 1, &at);
    f->final = take(&at, h);
    f->scores = take(&at, shape->context);
    ENSURE((size_t)(at - scratch) == 8 * h + 2 * kd + 3 * ffn + shape->context);

    const double step = math_log((double)shape->rope_theta) * -2.0 / (double)shape->head_dim;
    const double factor = (double)weights->rope_factor;
    const struct tensor *divisors = &weights->rope_freqs;
    if (divisors->data != NULL)
        tensor_row(divisors, 0, f->one.work);
    for (uint32_t i = 0; i < shape->head_dim / 2; i++)
        frequency[i] = math_exp_wide(step * (double)i) / factor /
                       (divisors->data != NULL ? (double)f->one.work[i] : 1.0);
}

/* ---- products ---------------------------------------------------------------------------------
 */

struct product {
    const struct tensor *w, *bias;
    float *out; /* [count][rows] */
    size_t chunks;
    uint32_t chunk_rows; /* a multiple of PACKED_ROWS */
};

struct products {
    const struct kernels *kernels;
    struct vectors x;
    size_t count;
    struct product of[PRODUCTS_MOST];
};

static void do_chunk(void *ctx, size_t chunk, unsigned who)
{
    const struct products *p = ctx;
    (void)who;
    for (size_t i = 0; i < p->count; i++) {
        const struct product *one = &p->of[i];
        if (chunk < one->chunks) {
            const uint32_t from = (uint32_t)chunk * one->chunk_rows;
            const uint32_t left = one->w->rows - from;
            p->kernels->rows(one->w, from, from + (left < one->chunk_rows ? left : one->chunk_rows),
                             &p->x, one->out);
            return;
        }
        chunk -= one->chunks;
    }
}

static void cut_to_chunks(struct product *p, uint64_t bytes)
{
    const uint64_t rows = bytes / (p->w->row_bytes > 0 ? p->w->row_bytes : 1);
    p->chunk_rows = (uint32_t)(rows / PACKED_ROWS + 1) * PACKED_ROWS;
    p->chunks = (p->w->rows - 1) / p->chunk_rows + 1;
}

/* Added once the products are summed; most models have none. */
static void add_bias(const struct forward *f, const struct product *p, size_t count, float *work)
{
    if (p->bias == NULL || p->bias->data == NULL)
        return;
    tensor_row(p->bias, 0, work);
    for (size_t i = 0; i < count; i++)
        f->kernels->add(p->out + i * p->w->rows, work, p->w->rows);
}

/* Every matrix of `p` times the same `count` vectors x of n values. */
static void multiply(const struct forward *f, const float *x, size_t n, size_t count, float *work,
                     struct products *p)
{
    size_t chunks = 0;
    p->kernels = f->kernels;
    p->x = (struct vectors){.x = x, .n = n, .count = count};
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->count; i++)
        bytes += p->of[i].w->rows * p->of[i].w->row_bytes;
    if (team_size(f->team) > 1) /* alone, a matrix is one chunk */
        bytes /= (uint64_t)CHUNKS_EACH * team_size(f->team);
    for (size_t i = 0; i < p->count; i++) {
        const struct tensor *w = p->of[i].w;
        if (p->x.cut.q == NULL && integers_apply(w->type, w->cols, w->block))
            p->x = kernels_vectors(f->kernels, x, n, count, work);
        cut_to_chunks(&p->of[i], bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
        chunks += p->of[i].chunks;
    }
    team_run(chunks > 2 ? f->team : NULL, do_chunk, p, chunks);
    for (size_t i = 0; i < p->count; i++)
        add_bias(f, &p->of[i], count, work);
}

static void multiply_one(const struct forward *f, const struct tensor *w, const struct tensor *bias,
                         const float *x, size_t count, float *work, float *out)
{
    struct products p = {.count = 1, .of = {{.w = w, .bias = bias, .out = out}}};
    multiply(f, x, w->cols, count, work, &p);
}

/* ---- the parts of a layer ---------------------------------------------------------------------
 */

/* from and to are [count][H]. */
static void norm(const struct forward *f, const struct tensor *weight, const float *from,
                 size_t count, float *work, float *to)
{
    const size_t n = f->shape->hidden;
    tensor_row(weight, 0, work);
    for (size_t i = 0; i < count; i++, from += n, to += n) {
        float mean = f->kernels->dot(from, from, n) / (float)n;
        f->kernels->scale(to, from, 1.0f / math_sqrt(mean + f->shape->rms_epsilon), work, n);
    }
}

/* Cosines and sines of a position, once for all heads and layers. */
static void aim(const struct forward *f, uint32_t position, float *rotation)
{
    for (uint32_t i = 0; i < f->shape->head_dim / 2; i++)
        math_rotation((double)position * f->frequency[i], rotation + 2 * i, rotation + 2 * i + 1);
}

static void rotate(const struct forward *f, const float *rotation, float *v, uint32_t heads)
{
    const uint32_t dim = f->shape->head_dim;
    for (uint32_t h = 0; h < heads; h++, v += dim)
        for (uint32_t i = 0; i + 1 < dim; i += 2) {
            float c = rotation[i], s = rotation[i + 1], a = v[i], b = v[i + 1];
            v[i] = a * c - b * s;
            v[i + 1] = a * s + b * c;
        }
}

/* Attention of all positions of a batch; a chunk is one head of one of them. A head's positions
 * come one after another: they look at the same keys and values. */
struct looking {
    const struct forward *f;
    const struct kv *kv;
    const struct activations *a;
    size_t count; /* of positions */
    uint32_t layer;
};

static void look_back(void *ctx, size_t chunk, unsigned who)
{
    const struct looking *l = ctx;
    const struct forward *f = l->f;
    const struct model_shape *m = f->shape;
    const struct kernels *k = f->kernels;
    const size_t dim = m->head_dim, i = chunk % l->count, h = chunk / l->count;
    const size_t count = (size_t)l->kv->length + i + 1;
    const size_t column = h / (m->heads / m->kv_heads) * dim, at = i * m->hidden + h * dim;
    const float *keys = kv_key(l->kv, l->layer, 0) + column;
    const float *values = kv_value(l->kv, l->layer, 0) + column;
    float *scores = who == 0 ? f->scores : f->more_scores + (size_t)(who - 1) * m->context;
    k->scores(l->a->query + at, keys, l->kv->width, dim, count, 1.0f / math_sqrt((float)dim),
              scores);
    float inverse = k->softmax(scores, count);
    k->mix(scores, values, l->kv->width, dim, count, inverse, l->a->attended + at);
}

/* A position looks back at what the ones before it have stored in this layer. */
static void attention(struct forward *f, const struct kv *kv, struct activations *a, size_t count,
                      uint32_t layer)
{
    const struct layer_weights *w = &f->weights->layers[layer];
    const size_t h = f->shape->hidden, width = kv->width;
    norm(f, &w->attn_norm, a->residual, count, a->work, a->normed);
    struct products p = {.count = 3,
                         .of = {{.w = &w->wq, .bias = &w->bq, .out = a->query},
                                {.w = &w->wk, .bias = &w->bk, .out = a->key},
                                {.w = &w->wv, .bias = &w->bv, .out = a->value}}};
    multiply(f, a->normed, h, count, a->work, &p);
    for (size_t i = 0; i < count; i++) {
        rotate(f, a->rotation + i * h, a->query + i * h, f->shape->heads);
        rotate(f, a->rotation + i * h, a->key + i * width, f->shape->kv_heads);
        const uint32_t at = kv->length + (uint32_t)i;
        __builtin_memcpy(kv_key(kv, layer, at), a->key + i * width, width * sizeof(float));
        __builtin_memcpy(kv_value(kv, layer, at), a->value + i * width, width * sizeof(float));
    }
    struct looking l = {f, kv, a, count, layer};
    const size_t each = (kv->length + count) * f->shape->head_dim;
    team_run(each >= CHUNK_SCORES ? f->team : NULL, look_back, &l, count * f->shape->heads);
    multiply_one(f, &w->wo, &w->bo, a->attended, count, a->work, a->projected);
    f->kernels->add(a->residual, a->projected, count * h);
}

static void feed(struct forward *f, struct activations *a, size_t count, uint32_t layer)
{
    const struct layer_weights *w = &f->weights->layers[layer];
    norm(f, &w->ffn_norm, a->residual, count, a->work, a->normed);
    struct products p = {.count = 2,
                         .of = {{.w = &w->w1, .bias = &w->b1, .out = a->gate},
                                {.w = &w->w3, .bias = &w->b3, .out = a->up}}};
    multiply(f, a->normed, f->shape->hidden, count, a->work, &p);
    f->kernels->silu(a->gate, a->up, count * f->shape->ffn);
    multiply_one(f, &w->w2, &w->b2, a->gate, count, a->work, a->projected);
    f->kernels->add(a->residual, a->projected, count * f->shape->hidden);
}

static void run(struct forward *f, struct kv *kv, struct activations *a, const uint32_t *tokens,
                size_t count)
{
    const size_t h = f->shape->hidden;
    ENSURE(count > 0 && count <= f->shape->context - kv->length);
    for (size_t i = 0; i < count; i++) {
        ENSURE(tokens[i] < f->shape->vocab);
        tensor_row(&f->weights->embedding, tokens[i], a->residual + i * h);
        aim(f, kv->length + (uint32_t)i, a->rotation + i * h);
    }
    for (uint32_t layer = 0; layer < f->shape->layers; layer++) {
        attention(f, kv, a, count, layer);
        feed(f, a, count, layer);
    }
    for (size_t i = 0; i < count; i++)
        kv_commit(kv);
}

void forward_token(struct forward *f, struct kv *kv, uint32_t token, float *logits)
{
    run(f, kv, &f->one, &token, 1);
    norm(f, &f->weights->norm, f->one.residual, 1, f->one.work, f->final);
    if (logits != NULL)
        multiply_one(f, &f->weights->output, NULL, f->final, 1, f->one.work, logits);
}

void forward_batch(struct forward *f, struct kv *kv, const uint32_t *tokens, size_t count,
                   float *memory)
{
    ENSURE(count <= FORWARD_BATCH);
    struct activations a = activations_over(f->shape, count, &memory);
    run(f, kv, &a, tokens, count);
}

const float *forward_logits(struct forward *f, size_t batch, size_t first, size_t count,
                            float *memory)
{
    ENSURE(count > 0 && count <= FORWARD_LOGITS && first + count <= batch);
    struct activations a = activations_over(f->shape, batch, &memory);
    norm(f, &f->weights->norm, a.residual + first * f->shape->hidden, count, a.work, a.normed);
    multiply_one(f, &f->weights->output, NULL, a.normed, count, a.work, memory);
    return memory;
}
