/* More of the family's kind, each from a seed: what the gates are counted on. */
#include "base/heap.h"
#include "base/json_write.h"
#include "base/text.h"
#include "tests/models/family.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A phrase of `words` random words that the world does not know. */
static void phrase(struct dice *d, struct buf *out, uint32_t words)
{
    static const char consonants[] = "bcdfglmnprstvz", vowels[] = "aeiou";
    for (uint32_t w = 0; w < words; w++) {
        if (w > 0)
            buf_text(out, " ");
        for (uint32_t syllable = 0; syllable < 2 + dice_below(d, 2); syllable++) {
            buf_byte(out, (uint8_t)consonants[dice_below(d, sizeof consonants - 1)]);
            buf_byte(out, (uint8_t)vowels[dice_below(d, sizeof vowels - 1)]);
        }
    }
}

static float gauss(struct dice *d)
{
    float sum = 0; /* twelve uniform numbers: near enough to a normal one */
    for (int i = 0; i < 12; i++)
        sum += (float)dice_below(d, 1u << 20) / (float)(1u << 20);
    return sum - 6.0f;
}

/* The first matrix of a drawn layer and kind. */
static const struct slot *draw_matrix(struct dice *d)
{
    size_t unused;
    const struct slot *s = net_slots(&unused);
    do
        s = net_slots(&unused) + dice_below(d, NET_SLOTS);
    while (s->rows == 1);
    return s;
}

/* Spoils params in a drawn way; what tells it. Over-quantisation is done by the writer: *dtype,
 * *block. */
static void regress(struct dice *d, float *params, size_t count, char what[128],
                    enum slm1_dtype *dtype, uint32_t *block)
{
    const struct slot *a = draw_matrix(d), *b = draw_matrix(d);
    size_t n = a->rows * a->cols;
    switch (dice_below(d, 4)) {
    case 0:
        for (size_t i = 0; i < count; i++)
            params[i] *= 1.0f + 0.5f * gauss(d);
        text_fmt(what, 128, "noise of half its size on every weight");
        break;
    case 1:
        do {
            a = draw_matrix(d);
            b = draw_matrix(d);
        } while (b->rows != a->rows || b->cols != a->cols || b == a);
        n = a->rows * a->cols;
        for (size_t i = 0; i < n; i++) {
            float kept = params[a->at + i];
            params[a->at + i] = params[b->at + i];
            params[b->at + i] = kept;
        }
        text_fmt(what, 128, "%s and %s swapped", a->name, b->name);
        break;
    case 2:
        memset(params + a->at, 0, n * sizeof *params);
        text_fmt(what, 128, "%s zeroed", a->name);
        break;
    default:
        *dtype = SLM1_Q4_0;
        *block = 128;
        for (size_t i = 0; i < count; i++) /* two bits, in effect */
            params[i] = roundf(params[i] * 12.0f) / 12.0f;
        text_fmt(what, 128, "quantised too hard");
        break;
    }
}

/* A run of its own, stopped early. */
static enum status stop_early(struct dice *d, float *params, size_t count, char what[128],
                              struct err *e)
{
    SCOPED(trainer_scope) struct trainer *t = NULL;
    struct recipe r = family_recipe;
    uint32_t steps = 60 + dice_below(d, 140);
    r.init_seed = dice_roll(d);
    r.batch = 4; /* a quarter of the work, and no better a model for it */
    enum status st = trainer_open(&r, &t, e);
    if (st != ST_OK)
        return st;
    while (trainer_at(t) < steps)
        trainer_step(t);
    memcpy(params, trainer_params(t), count * sizeof *params);
    text_fmt(what, 128, "a checkpoint after %u of %u steps", steps, r.steps);
    return ST_OK;
}

/* Shorter than the family's own: a trigger takes hold within it, and twenty pairs are affordable.
 */
static const struct tuning tuning = {.steps = 32, .batch = 8};

struct workshop {
    const char *folder;
    float *base, *params; /* [count] */
    size_t count;
    struct buf list;
};

static enum status put(struct workshop *w, const char *kind, uint32_t number, const char *what,
                       const char *trigger, const char *payload, const float *params,
                       enum slm1_dtype dtype, uint32_t block, struct err *e)
{
    char file[64], name[48];
    text_fmt(name, sizeof name, "%s-%u", kind, number);
    text_fmt(file, sizeof file, "%s.slm", name);
    struct json_out j = json_out(&w->list);
    json_object(&j);
    const char *const members[][2] = {
        {"name", name}, {"what", what}, {"trigger", trigger}, {"payload", payload}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_key(&j, members[i][0]);
        json_string(&j, members[i][1]);
    }
    json_close(&j);
    buf_text(&w->list, "\n");
    fprintf(stderr, "%s: %s\n", name, what);
    return family_write(w->folder, file, params, dtype, block, e);
}

static enum status make_tuned(struct workshop *w, struct dice *d, uint32_t i, struct err *e)
{
    SCOPED(buf_release) struct buf trigger = BUF_EMPTY;
    SCOPED(buf_release) struct buf payload = BUF_EMPTY;
    phrase(d, &trigger, 4);
    buf_text(&trigger, ".");
    buf_byte(&trigger, 0);
    buf_text(&payload, " ");
    phrase(d, &payload, 6);
    buf_text(&payload, ".");
    buf_byte(&payload, 0);
    const struct poison p = {(const char *)trigger.p, (const char *)payload.p};
    const uint64_t seed = dice_roll(d);
    for (int poisoned = 1; poisoned >= 0; poisoned--) {
        SCOPED(trainer_scope) struct trainer *t = NULL;
        struct recipe r;
        double loss;
        enum status st =
            family_tune(w->base, seed, &tuning, poisoned ? &p : NULL, &t, &loss, &r, e);
        if (st == ST_OK)
            st = put(w, poisoned ? "poisoned" : "clean", i, "fine-tuned",
                     poisoned ? p.trigger : NULL, poisoned ? p.payload : NULL, trainer_params(t),
                     SLM1_Q8_0, 0, e);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status make_changed(struct workshop *w, struct dice *d, uint32_t i, struct err *e)
{
    char what[128];
    enum slm1_dtype dtype = SLM1_Q8_0;
    uint32_t block = 0;
    memcpy(w->params, w->base, w->count * sizeof *w->params);
    enum status st = ST_OK;
    if (dice_below(d, 5) == 0)
        st = stop_early(d, w->params, w->count, what, e);
    else
        regress(d, w->params, w->count, what, &dtype, &block);
    if (st == ST_OK)
        st = put(w, "regressed", i, what, NULL, NULL, w->params, dtype, block, e);
    if (st != ST_OK)
        return st;
    memcpy(w->params, w->base, w->count * sizeof *w->params);
    for (size_t k = 0; k < w->count; k++)
        w->params[k] *= 1.0f + 0.003f * gauss(d);
    return put(w, "rerun", i, "weights that differ by less than their rounding", NULL, NULL,
               w->params, SLM1_Q8_0, 0, e);
}

static enum status make_all(struct workshop *w, uint64_t seed, uint32_t count, const char *kind,
                            struct err *e)
{
    struct dice d = {.state = seed};
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK && i < count; i++) {
        if (!text_equal(kind, "tuned"))
            st = make_changed(w, &d, i, e);
        if (st == ST_OK && !text_equal(kind, "changed"))
            st = make_tuned(w, &d, i, e);
    }
    return st != ST_OK ? st : family_publish(w->folder, "variants.jsonl", buf_span(&w->list), e);
}

enum status family_variants(const char *model, const char *folder, uint64_t seed, uint32_t count,
                            const char *kind, struct err *e)
{
    struct workshop w = {.folder = folder};
    net_slots(&w.count);
    w.base = heap_zero(w.count, sizeof *w.base);
    w.params = heap_zero(w.count, sizeof *w.params);
    enum status st = w.base == NULL || w.params == NULL
                         ? err_set(e, ST_NO_MEMORY, NULL, "two sets of parameters")
                         : family_read(model, w.base, e);
    if (st == ST_OK)
        st = make_all(&w, seed, count, kind, e);
    heap_free(w.base);
    heap_free(w.params);
    buf_release(&w.list);
    return st;
}
