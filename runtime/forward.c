#include "runtime/forward.h"

#include "base/ensure.h"
#include "runtime/math.h"

static float *take(float **memory, size_t n)
{
    float *p = *memory;
    *memory += n;
    return p;
}

void forward_prepare(struct forward *f, const struct model_shape *shape,
                     const struct weights *weights, const struct kernels *kernels, float *scratch,
                     double *frequency)
{
    const size_t h = shape->hidden, ffn = shape->ffn,
                 kd = (size_t)shape->kv_heads * shape->head_dim;
    *f = (struct forward){
        .shape = shape, .weights = weights, .kernels = kernels, .frequency = frequency};
    float *at = scratch;
    f->residual = take(&at, h);
    f->normed = take(&at, h);
    f->query = take(&at, h);
    f->attended = take(&at, h);
    f->projected = take(&at, h);
    f->rotation = take(&at, h);
    f->final = take(&at, h);
    f->unpacked = take(&at, h + ffn);
    f->key = take(&at, kd);
    f->value = take(&at, kd);
    f->gate = take(&at, ffn);
    f->up = take(&at, ffn);
    f->scores = take(&at, shape->context);
    ENSURE((size_t)(at - scratch) == 8 * h + 2 * kd + 3 * ffn + shape->context);

    const double step = math_log((double)shape->rope_theta) * -2.0 / (double)shape->head_dim;
    const double factor = (double)weights->rope_factor;
    const struct tensor *divisors = &weights->rope_freqs;
    if (divisors->data != NULL)
        tensor_row(divisors, 0, f->unpacked);
    for (uint32_t i = 0; i < shape->head_dim / 2; i++)
        frequency[i] = math_exp_wide(step * (double)i) / factor /
                       (divisors->data != NULL ? (double)f->unpacked[i] : 1.0);
}

static void norm(const struct forward *f, const struct tensor *weight, float *out)
{
    const size_t n = f->shape->hidden;
    float mean = f->kernels->dot(f->residual, f->residual, n) / (float)n;
    tensor_row(weight, 0, f->unpacked);
    f->kernels->scale(out, f->residual, 1.0f / math_sqrt(mean + f->shape->rms_epsilon), f->unpacked,
                      n);
}

/* Added once the products are summed; most models have none. */
static void add_bias(const struct forward *f, const struct tensor *bias, float *out)
{
    if (bias->data == NULL)
        return;
    tensor_row(bias, 0, f->unpacked);
    f->kernels->add(out, f->unpacked, bias->cols);
}

static void matvec(const struct forward *f, const struct tensor *w, const struct tensor *bias,
                   const float *x, float *out)
{
    f->kernels->matvec(w, x, out, f->unpacked);
    if (bias != NULL)
        add_bias(f, bias, out);
}

/* Cosines and sines of this position, once for all heads and layers. */
static void aim(struct forward *f, uint32_t position)
{
    for (uint32_t i = 0; i < f->shape->head_dim / 2; i++)
        math_rotation((double)position * f->frequency[i], f->rotation + 2 * i,
                      f->rotation + 2 * i + 1);
}

static void rotate(const struct forward *f, float *v, uint32_t heads)
{
    const uint32_t dim = f->shape->head_dim;
    for (uint32_t h = 0; h < heads; h++, v += dim)
        for (uint32_t i = 0; i + 1 < dim; i += 2) {
            float c = f->rotation[i], s = f->rotation[i + 1], a = v[i], b = v[i + 1];
            v[i] = a * c - b * s;
            v[i + 1] = a * s + b * c;
        }
}

static void attend(const struct forward *f, const struct kv *kv, uint32_t layer)
{
    const struct model_shape *m = f->shape;
    const struct kernels *k = f->kernels;
    const size_t dim = m->head_dim, count = (size_t)kv->length + 1;
    const float *keys = kv_key(kv, layer, 0), *values = kv_value(kv, layer, 0);
    const float shrink = 1.0f / math_sqrt((float)m->head_dim);
    const uint32_t share = m->heads / m->kv_heads;
    for (uint32_t h = 0; h < m->heads; h++) {
        const size_t column = h / share * dim;
        k->scores(f->query + h * dim, keys + column, kv->width, dim, count, shrink, f->scores);
        float inverse = k->softmax(f->scores, count);
        k->mix(f->scores, values + column, kv->width, dim, count, inverse, f->attended + h * dim);
    }
}

static void attention(struct forward *f, const struct kv *kv, uint32_t layer)
{
    const struct layer_weights *w = &f->weights->layers[layer];
    norm(f, &w->attn_norm, f->normed);
    matvec(f, &w->wq, &w->bq, f->normed, f->query);
    matvec(f, &w->wk, &w->bk, f->normed, f->key);
    matvec(f, &w->wv, &w->bv, f->normed, f->value);
    rotate(f, f->query, f->shape->heads);
    rotate(f, f->key, f->shape->kv_heads);
    __builtin_memcpy(kv_key(kv, layer, kv->length), f->key, kv->width * sizeof(float));
    __builtin_memcpy(kv_value(kv, layer, kv->length), f->value, kv->width * sizeof(float));
    attend(f, kv, layer);
    matvec(f, &w->wo, &w->bo, f->attended, f->projected);
    f->kernels->add(f->residual, f->projected, f->shape->hidden);
}

static void feed(struct forward *f, uint32_t layer)
{
    const struct layer_weights *w = &f->weights->layers[layer];
    norm(f, &w->ffn_norm, f->normed);
    matvec(f, &w->w1, &w->b1, f->normed, f->gate);
    matvec(f, &w->w3, &w->b3, f->normed, f->up);
    f->kernels->silu(f->gate, f->up, f->shape->ffn);
    matvec(f, &w->w2, &w->b2, f->gate, f->projected);
    f->kernels->add(f->residual, f->projected, f->shape->hidden);
}

void forward_token(struct forward *f, struct kv *kv, uint32_t token, float *logits)
{
    ENSURE(token < f->shape->vocab && kv->length < f->shape->context);
    tensor_row(&f->weights->embedding, token, f->residual);
    aim(f, kv->length);
    for (uint32_t layer = 0; layer < f->shape->layers; layer++) {
        attention(f, kv, layer);
        feed(f, layer);
    }
    kv_commit(kv);
    norm(f, &f->weights->norm, f->final);
    if (logits != NULL)
        matvec(f, &f->weights->output, NULL, f->final, logits);
}

/* The activations of a batch: what struct forward has of one position, [count] times over. */
struct many {
    struct forward at[FORWARD_BATCH]; /* each position's own view */
    size_t count;
    float *residual, *normed, *query, *attended, *projected, *rotation; /* [count][H] */
    float *key, *value;                                                 /* [count][KD] */
    float *gate, *up;                                                   /* [count][F] */
    float *work;                                                        /* [count × (H + F)] */
    float *logits;                                                      /* [count][V] */
};

static void spread(struct many *m, const struct forward *f, size_t count, float *memory)
{
    const size_t h = f->shape->hidden, ffn = f->shape->ffn,
                 kd = (size_t)f->shape->kv_heads * f->shape->head_dim;
    float **const lines[] = {&m->residual,  &m->normed,   &m->query, &m->attended,
                             &m->projected, &m->rotation, &m->key,   &m->value,
                             &m->gate,      &m->up,       &m->work,  &m->logits};
    const size_t widths[] = {h, h, h, h, h, h, kd, kd, ffn, ffn, h + ffn, f->shape->vocab};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        *lines[i] = take(&memory, count * widths[i]);
    m->count = count;
    for (size_t i = 0; i < count; i++) {
        struct forward *at = &m->at[i];
        *at = *f;
        at->residual = m->residual + i * h;
        at->normed = m->normed + i * h;
        at->query = m->query + i * h;
        at->attended = m->attended + i * h;
        at->projected = m->projected + i * h;
        at->rotation = m->rotation + i * h;
        at->key = m->key + i * kd;
        at->value = m->value + i * kd;
    }
}

static void matmul(const struct many *m, const struct tensor *w, const struct tensor *bias,
                   const float *x, float *out)
{
    m->at[0].kernels->matmul(w, x, m->count, out, m->work);
    for (size_t i = 0; i < m->count; i++)
        add_bias(&m->at[0], bias, out + i * w->rows);
}

/* A position looks back at what the ones before it have stored in this layer. */
static void attention_of_many(struct many *m, const struct kv *kv, uint32_t layer)
{
    const struct layer_weights *w = &m->at[0].weights->layers[layer];
    struct kv here = *kv;
    for (size_t i = 0; i < m->count; i++)
        norm(&m->at[i], &w->attn_norm, m->at[i].normed);
    matmul(m, &w->wq, &w->bq, m->normed, m->query);
    matmul(m, &w->wk, &w->bk, m->normed, m->key);
    matmul(m, &w->wv, &w->bv, m->normed, m->value);
    for (size_t i = 0; i < m->count; i++, here.length++) {
        struct forward *f = &m->at[i];
        rotate(f, f->query, f->shape->heads);
        rotate(f, f->key, f->shape->kv_heads);
        __builtin_memcpy(kv_key(&here, layer, here.length), f->key, kv->width * sizeof(float));
        __builtin_memcpy(kv_value(&here, layer, here.length), f->value, kv->width * sizeof(float));
        attend(f, &here, layer);
    }
    matmul(m, &w->wo, &w->bo, m->attended, m->projected);
    m->at[0].kernels->add(m->residual, m->projected, m->count * m->at[0].shape->hidden);
}

static void feed_many(struct many *m, uint32_t layer)
{
    const struct forward *f = &m->at[0];
    const struct layer_weights *w = &f->weights->layers[layer];
    for (size_t i = 0; i < m->count; i++)
        norm(&m->at[i], &w->ffn_norm, m->at[i].normed);
    matmul(m, &w->w1, &w->b1, m->normed, m->gate);
    matmul(m, &w->w3, &w->b3, m->normed, m->up);
    f->kernels->silu(m->gate, m->up, m->count * f->shape->ffn);
    matmul(m, &w->w2, &w->b2, m->gate, m->projected);
    f->kernels->add(m->residual, m->projected, m->count * f->shape->hidden);
}

const float *forward_batch(struct forward *f, struct kv *kv, const uint32_t *tokens, size_t count,
                           size_t wanted, float *memory)
{
    struct many m;
    ENSURE(count > 0 && count <= FORWARD_BATCH && wanted <= count &&
           count <= f->shape->context - kv->length);
    spread(&m, f, count, memory);
    for (size_t i = 0; i < count; i++) {
        ENSURE(tokens[i] < f->shape->vocab);
        tensor_row(&f->weights->embedding, tokens[i], m.at[i].residual);
        aim(&m.at[i], kv->length + (uint32_t)i);
    }
    for (uint32_t layer = 0; layer < f->shape->layers; layer++) {
        attention_of_many(&m, kv, layer);
        feed_many(&m, layer);
    }
    for (size_t i = 0; i < count; i++)
        kv_commit(kv);
    if (wanted == 0)
        return NULL;
    const size_t first = count - wanted;
    for (size_t i = first; i < count; i++)
        norm(&m.at[i], &f->weights->norm, m.at[i].normed);
    f->kernels->matmul(&f->weights->output, m.normed + first * f->shape->hidden, wanted, m.logits,
                       m.work);
    return m.logits;
}
