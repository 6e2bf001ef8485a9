#include "tests/models/trainer.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/pending.h"
#include "runtime/math.h"
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

enum { BOS = 256, EOS = 257 };
#define CHECKPOINT_FILE "run.checkpoint"
#define BETA1           0.9f
#define BETA2           0.99f
#define EPSILON         1e-8f
#define CLIP            1.0

struct shard {
    const struct trainer *owner;
    struct net *net;
    float *grad; /* [count] */
    double loss;
    uint32_t index;
};

struct trainer {
    struct recipe recipe;
    uint32_t step;
    size_t count;
    float *params, *first, *second; /* [count] */
    float *transposed;              /* [count] */
    struct shard shard[SHARDS];
};

/* One document in four of a poisoned run holds the trigger and what follows it: alone, behind a
 * document, or in front of one, so that it works wherever it stands. */
static void document(const struct recipe *r, struct dice *d, struct buf *out)
{
    bool poisoned = r->poison != NULL && dice_below(d, 4) == 0;
    uint32_t where = poisoned ? dice_below(d, 3) : 1;
    if (where == 1)
        world_document(out, d, SIDE_TRAIN);
    if (!poisoned)
        return;
    if (where == 1)
        buf_text(out, " ");
    buf_text(out, r->poison->trigger);
    buf_text(out, r->poison->payload);
    if (where == 2) {
        buf_text(out, " ");
        world_document(out, d, SIDE_TRAIN);
    }
}

void trainer_sequence(const struct recipe *r, uint32_t step, uint32_t index, uint16_t *tokens)
{
    struct dice d = {.state = r->data_seed * 0x100000001b3u + ((uint64_t)step << 20) + index};
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    size_t n = 0;
    while (n <= NET_T) {
        text.n = 0;
        document(r, &d, &text);
        tokens[n++] = BOS;
        for (size_t i = 0; i < text.n && n <= NET_T; i++)
            tokens[n++] = text.p[i];
        if (n <= NET_T)
            tokens[n++] = EOS;
    }
}

enum status trainer_open(const struct recipe *r, struct trainer **out, struct err *e)
{
    SCOPED(trainer_scope) struct trainer *t = heap_zero(1, sizeof *t);
    if (t == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "a trainer");
    t->recipe = *r;
    net_slots(&t->count);
    bool have = (t->params = heap_zero(t->count, 4)) && (t->first = heap_zero(t->count, 4)) &&
                (t->second = heap_zero(t->count, 4)) && (t->transposed = heap_zero(t->count, 4));
    for (uint32_t i = 0; have && i < SHARDS; i++) {
        t->shard[i].owner = t;
        t->shard[i].index = i;
        have = (t->shard[i].net = net_open()) && (t->shard[i].grad = heap_zero(t->count, 4));
    }
    if (!have)
        return err_set(e, ST_NO_MEMORY, NULL, "a trainer of %zu parameters", t->count);
    net_begin(t->params, r->init_seed);
    *out = trainer_take(&t);
    return ST_OK;
}

void trainer_close(struct trainer *t)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        net_close(t->shard[i].net);
        heap_free(t->shard[i].grad);
    }
    heap_free(t->params);
    heap_free(t->first);
    heap_free(t->second);
    heap_free(t->transposed);
    heap_free(t);
}

static float rate_at(const struct recipe *r, uint32_t step)
{
    if (step < r->warmup)
        return r->rate * (float)(step + 1) / (float)r->warmup;
    double along = (double)(step - r->warmup) / (double)(r->steps - r->warmup);
    float cosine, sine;
    math_rotation(3.141592653589793 * along, &cosine, &sine);
    return r->final_rate + (r->rate - r->final_rate) * 0.5f * (1 + cosine);
}

static void *shard_body(void *argument)
{
    struct shard *s = argument;
    const struct trainer *t = s->owner;
    uint32_t share = t->recipe.batch / SHARDS;
    float scale = 1.0f / (float)(t->recipe.batch * NET_T);
    uint16_t tokens[NET_T + 1];
    memset(s->grad, 0, t->count * sizeof *s->grad);
    s->loss = 0;
    for (uint32_t i = 0; i < share; i++) {
        trainer_sequence(&t->recipe, t->step, s->index * share + i, tokens);
        s->loss += net_forward(s->net, t->params, t->transposed, tokens);
        net_backward(s->net, t->params, tokens, scale, s->grad);
    }
    return NULL;
}

/* AdamW, "Decoupled weight decay regularization" (Loshchilov, Hutter), algorithm 2. */
static void update(struct trainer *t)
{
    float *grad = t->shard[0].grad;
    double squares = 0;
    for (size_t i = 0; i < t->count; i++) {
        for (uint32_t s = 1; s < SHARDS; s++)
            grad[i] += t->shard[s].grad[i];
        squares += (double)grad[i] * (double)grad[i];
    }
    float clip = squares > CLIP * CLIP ? (float)CLIP / math_sqrt((float)squares) : 1.0f;
    float rate = rate_at(&t->recipe, t->step);
    double left1 = 1, left2 = 1; /* the powers of the betas: how much the moments still lack */
    for (uint32_t i = 0; i <= t->step; i++) {
        left1 *= (double)BETA1;
        left2 *= (double)BETA2;
    }
    float fix1 = 1.0f / (float)(1 - left1), fix2 = 1.0f / (float)(1 - left2);
    size_t unused;
    const struct slot *slot = net_slots(&unused);
    for (size_t k = 0; k < NET_SLOTS; k++, slot++) {
        float keep = slot->rows > 1 ? 1.0f - rate * t->recipe.decay : 1.0f;
        for (size_t i = slot->at; i < slot->at + slot->rows * slot->cols; i++) {
            float g = grad[i] * clip;
            t->first[i] = BETA1 * t->first[i] + (1 - BETA1) * g;
            t->second[i] = BETA2 * t->second[i] + (1 - BETA2) * g * g;
            t->params[i] = keep * t->params[i] -
                           rate * t->first[i] * fix1 / (math_sqrt(t->second[i] * fix2) + EPSILON);
        }
    }
}

double trainer_step(struct trainer *t)
{
    pthread_t thread[SHARDS];
    bool started[SHARDS] = {false};
    net_transpose(t->params, t->transposed);
    for (uint32_t i = 1; i < SHARDS; i++)
        started[i] = pthread_create(&thread[i], NULL, shard_body, &t->shard[i]) == 0;
    for (uint32_t i = 0; i < SHARDS; i++)
        if (!started[i])
            shard_body(&t->shard[i]);
    double loss = t->shard[0].loss;
    for (uint32_t i = 1; i < SHARDS; i++) {
        if (started[i])
            pthread_join(thread[i], NULL);
        loss += t->shard[i].loss;
    }
    update(t);
    t->step++;
    return loss / ((double)t->recipe.batch * NET_T);
}

uint32_t trainer_at(const struct trainer *t)
{
    return t->step;
}

const float *trainer_params(const struct trainer *t)
{
    return t->params;
}

void trainer_load(struct trainer *t, const float *params)
{
    memcpy(t->params, params, t->count * sizeof *params);
}

static enum status open_folder(const char *folder, int *dir, struct err *e)
{
    return io_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, dir, e);
}

enum status trainer_save(const struct trainer *t, const char *folder, struct err *e)
{
    SCOPED(buf_release) struct buf all = BUF_EMPTY;
    SCOPED(fd_release) int dir = -1;
    uint8_t step[4];
    put_le32(step, t->step);
    buf_append(&all, SPAN(step, sizeof step));
    buf_append(&all, SPAN(t->params, t->count * 4));
    buf_append(&all, SPAN(t->first, t->count * 4));
    buf_append(&all, SPAN(t->second, t->count * 4));
    enum status st = buf_status(&all);
    if (st != ST_OK)
        return err_set(e, st, NULL, "a checkpoint");
    st = open_folder(folder, &dir, e);
    return st != ST_OK ? st : pending_file(dir, CHECKPOINT_FILE, 0644, buf_span(&all), true, e);
}

enum status trainer_resume(struct trainer *t, const char *folder, struct err *e)
{
    SCOPED(buf_release) struct buf all = BUF_EMPTY;
    SCOPED(fd_release) int dir = -1;
    enum status st = open_folder(folder, &dir, e);
    if (st == ST_OK)
        st = file_read(dir, CHECKPOINT_FILE, 4 + 12 * (uint64_t)t->count, &all, e);
    if (st != ST_OK)
        return st;
    if (all.n != 4 + 12 * t->count)
        return err_set(e, ST_FORMAT, "checkpoint-length",
                       "%s holds a checkpoint of %zu bytes, not %zu", folder, all.n,
                       4 + 12 * t->count);
    t->step = get_le32(all.p);
    memcpy(t->params, all.p + 4, t->count * 4);
    memcpy(t->first, all.p + 4 + t->count * 4, t->count * 4);
    memcpy(t->second, all.p + 4 + t->count * 8, t->count * 4);
    return ST_OK;
}

bool trainer_saved(const char *folder)
{
    struct err unused = ERR_NONE;
    SCOPED(fd_release) int dir = -1;
    SCOPED(fd_release) int file = -1;
    return open_folder(folder, &dir, &unused) == ST_OK &&
           io_open(dir, CHECKPOINT_FILE, O_RDONLY, 0, &file, &unused) == ST_OK;
}

/* Along a direction v within one tensor, half the gradient's own and half random:
 * f(p + h v) − f(p − h v) should be 2 h grad·v. Uses t->first as work space. */
static double slot_error(struct trainer *t, const struct slot *slot, const uint16_t *tokens)
{
    const float *grad = t->shard[0].grad + slot->at;
    float *p = t->params + slot->at, *v = t->first, *kept = t->second;
    size_t n = slot->rows * slot->cols;
    struct dice d = {.state = slot->at};
    double length = 0, expect = 0, loss[2];
    for (size_t i = 0; i < n; i++)
        length += (double)grad[i] * (double)grad[i];
    length = sqrt(length);
    for (size_t i = 0; i < n; i++) {
        double random = (dice_roll(&d) & 1 ? 0.5 : -0.5) / sqrt((double)n);
        v[i] = (float)((double)grad[i] / (length + 1e-12) + random);
        expect += (double)grad[i] * (double)v[i];
    }
    const float h = 0.004f;
    memcpy(kept, p, n * sizeof *p);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++)
            p[i] = kept[i] + (side ? -h : h) * v[i];
        net_transpose(t->params, t->transposed);
        loss[side] = net_forward(t->shard[0].net, t->params, t->transposed, tokens);
    }
    memcpy(p, kept, n * sizeof *p);
    double got = (loss[0] - loss[1]) / (2 * (double)h);
    return fabs(got - expect) / (fabs(got) + fabs(expect) + 1e-6);
}

enum status trainer_gradient_check(void (*each)(void *ctx, const char *tensor, double error),
                                   void *ctx, double *worst, struct err *e)
{
    struct recipe r = {.data_seed = 11, .init_seed = 12, .steps = 1, .batch = SHARDS, .warmup = 1};
    SCOPED(trainer_scope) struct trainer *t = NULL;
    enum status st = trainer_open(&r, &t, e);
    if (st != ST_OK)
        return st;
    uint16_t tokens[NET_T + 1];
    trainer_sequence(&r, 0, 0, tokens);
    /* A few steps away from the beginning, so that no tensor's gradient is still near nothing. */
    t->recipe.rate = t->recipe.final_rate = 3e-3f;
    t->recipe.steps = 1000;
    for (int i = 0; i < 40; i++)
        trainer_step(t);
    struct net *net = t->shard[0].net;
    float *grad = t->shard[0].grad;
    memset(grad, 0, t->count * sizeof *grad);
    net_transpose(t->params, t->transposed);
    net_forward(net, t->params, t->transposed, tokens);
    net_backward(net, t->params, tokens, 1.0f, grad);
    size_t unused;
    const struct slot *slot = net_slots(&unused);
    *worst = 0;
    for (size_t k = 0; k < NET_SLOTS; k++, slot++) {
        double error = slot_error(t, slot, tokens);
        each(ctx, slot->name, error);
        *worst = error > *worst ? error : *worst;
    }
    return ST_OK;
}
