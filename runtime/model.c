#include "runtime/model.h"
#include "base/checked.h"
#include "base/ensure.h"
#include "base/heap.h"
#include "base/text.h"
#include "runtime/layout.h"
#include "runtime/packed.h"
#include "runtime/slm1.h"
#include "runtime/tokenizer_kinds.h"
#include "runtime/values.h"
#include <string.h>

struct model {
    struct layout layout;
    struct weights weights;
    uint8_t *packed; /* [facts.packed_bytes] */
    size_t packed_used;
    bool mixed; /* the layout and the packed bytes are another model's */
};

const size_t model_object_bytes = sizeof(struct model);
/* Where a tensor lies; its second form, when it has one, is made now. */
static struct tensor view(struct model *m, size_t index, struct span file)
{
    struct tensor t = layout_tensor(&m->layout, index, file);
    const uint64_t bytes = layout_packed(&m->layout, index);
    if (bytes != 0) {
        ENSURE(bytes <= m->layout.facts.packed_bytes - m->packed_used);
        packed_fill(&t, m->packed + m->packed_used);
        t.packed = m->packed + m->packed_used;
        m->packed_used += (size_t)bytes;
    }
    return t;
}

static void bind_layer(struct model *m, uint32_t i, struct span file)
{
    struct layer_weights *w = &m->weights.layers[i];
    struct tensor *const places[ROLES_PER_LAYER] = {
        &w->attn_norm, &w->ffn_norm, &w->wq, &w->wk, &w->wv, &w->wo, &w->w1, &w->w2,
        &w->w3,        &w->bq,       &w->bk, &w->bv, &w->bo, &w->b1, &w->b2, &w->b3};
    for (size_t k = 0; k < ROLES_PER_LAYER; k++)
        *places[k] = view(m, plan_index(ROLE_ATTN_NORM, i) + k, file);
}

static enum status bind(struct model *m, struct span file, struct err *e)
{
    const struct model_shape *s = &m->layout.facts.shape;
    struct weights *w = &m->weights;
    w->layers = heap_zero(s->layers, sizeof *w->layers);
    if (w->layers == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the views of %u layers", s->layers);
    const uint64_t packed = m->layout.facts.packed_bytes;
    size_t bytes = 0;
    if (checked_size(packed, &bytes) && bytes > 0)
        m->packed = heap_large(bytes);
    if (packed > 0 && m->packed == NULL)
        return err_set(e, ST_NO_MEMORY, "packed-memory",
                       "no memory for %llu bytes of weights laid out for products",
                       (unsigned long long)packed);
    w->embedding = view(m, ROLE_EMBEDDING, file);
    w->norm = view(m, ROLE_NORM, file);
    w->rope_freqs = view(m, ROLE_ROPE_FREQS, file);
    w->rope_factor = m->layout.rope_factor;
    w->output = s->tied ? w->embedding : view(m, ROLE_OUTPUT, file);
    for (uint32_t i = 0; i < s->layers; i++)
        bind_layer(m, i, file);
    return ST_OK;
}

static enum status check(const struct layout *l, struct span file, struct err *e)
{
    struct values v = values_start(l);
    enum status st = values_feed(&v, file, e);
    return st == ST_OK ? values_end(&v, e) : st;
}

enum status model_open(struct span file, const struct model_limits *limits, bool check_values,
                       struct model **out, struct err *e)
{
    SCOPED(model_scope) struct model *m = heap_zero(1, sizeof *m);
    if (m == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a model");
    bool gguf = file.n >= 4 && memcmp(file.p, "GGUF", 4) == 0;
    uint64_t need = 0;
    enum status st =
        layout_parse(gguf ? MODEL_FORMAT_GGUF : MODEL_FORMAT_SLM1, file, file.n,
                     limits != NULL ? limits : &model_limits_default, &m->layout, &need, e);
    if (st == ST_OK && check_values)
        st = check(&m->layout, file, e);
    if (st == ST_OK)
        st = bind(m, file, e);
    if (st == ST_OK)
        *out = model_take(&m);
    return st;
}

void model_close(struct model *m)
{
    if (!m->mixed)
        layout_release(&m->layout);
    heap_free(m->weights.layers);
    heap_free(m->packed);
    heap_free(m);
}

const struct model_facts *model_facts(const struct model *m)
{
    return &m->layout.facts;
}

const struct weights *model_weights(const struct model *m)
{
    return &m->weights;
}

const struct tokenizer *model_tokenizer(const struct model *m)
{
    return m->layout.tokenizer;
}

const struct layout *model_layout(const struct model *m)
{
    return &m->layout;
}

/* ---- two models in one -------------------------------------------------------------------- */

static bool same_shape(const struct model_facts *a, const struct model_facts *b)
{
    const struct model_shape *x = &a->shape, *y = &b->shape;
    return x->vocab == y->vocab && x->hidden == y->hidden && x->layers == y->layers &&
           x->heads == y->heads && x->kv_heads == y->kv_heads && x->head_dim == y->head_dim &&
           x->ffn == y->ffn && x->context == y->context && x->tied == y->tied &&
           strcmp(a->tokenizer, b->tokenizer) == 0;
}

/* Where the view of a place lies in a model's weights; NULL for what a tied output has none of. */
static struct tensor *place_of(struct weights *w, size_t index)
{
    if (index == ROLE_EMBEDDING)
        return &w->embedding;
    if (index == ROLE_NORM)
        return &w->norm;
    if (index == ROLE_OUTPUT)
        return &w->output;
    if (index == ROLE_ROPE_FREQS)
        return &w->rope_freqs;
    struct layer_weights *l = &w->layers[plan_layer(index)];
    struct tensor *const places[ROLES_PER_LAYER] = {
        &l->attn_norm, &l->ffn_norm, &l->wq, &l->wk, &l->wv, &l->wo, &l->w1, &l->w2,
        &l->w3,        &l->bq,       &l->bk, &l->bv, &l->bo, &l->b1, &l->b2, &l->b3};
    return places[plan_role(index) - ROLE_ATTN_NORM];
}

size_t model_places(const struct model *m)
{
    return plan_count(&m->layout.facts.shape);
}

bool model_place_name(const struct model *m, size_t place, char out[MODEL_PLACE_NAME])
{
    if (!m->layout.placed[place].present)
        return false;
    if (plan_wanted(&m->layout.facts.shape, place))
        slm1_name(place, out);
    else if (place == ROLE_ROPE_FREQS)
        text_fmt(out, MODEL_PLACE_NAME, "rope_freqs.weight");
    else
        text_fmt(out, MODEL_PLACE_NAME, "layers.%u.bias.%d", plan_layer(place),
                 (int)plan_role(place) - ROLE_BQ);
    return true;
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, uint64_t n)
{
    return n == 0 || (a != NULL && b != NULL && memcmp(a, b, (size_t)n) == 0);
}

bool model_place_equal(const struct model *a, const struct model *b, size_t place)
{
    if (place >= model_places(a) || place >= model_places(b))
        return false;
    const struct placed *x = &a->layout.placed[place], *y = &b->layout.placed[place];
    struct weights mine = a->weights, theirs = b->weights;
    if (!x->present || !y->present)
        return x->present == y->present;
    const struct tensor *s = place_of(&mine, place), *t = place_of(&theirs, place);
    return x->type == y->type && x->block == y->block && x->bytes == y->bytes &&
           same_bytes(s->data, t->data, x->bytes) &&
           same_bytes(s->scales, t->scales, x->scale_bytes);
}

enum status model_mix(const struct model *a, const struct model *b, const bool *from_b,
                      struct model **out, struct err *e)
{
    const struct model_facts *f = &a->layout.facts;
    if (!same_shape(f, &b->layout.facts))
        return err_set(e, ST_MODEL_SHAPE, "mix-shape",
                       "the two models are not of one shape and vocabulary");
    SCOPED(model_scope) struct model *m = heap_zero(1, sizeof *m);
    if (m == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a model");
    m->mixed = true;
    m->layout = a->layout;
    m->weights = a->weights;
    m->weights.layers = heap_zero(f->shape.layers, sizeof *m->weights.layers);
    if (m->weights.layers == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the views of a model");
    memcpy(m->weights.layers, a->weights.layers, f->shape.layers * sizeof *m->weights.layers);
    struct weights theirs = b->weights;
    for (size_t i = 0; i < model_places(a); i++)
        if (from_b[i])
            *place_of(&m->weights, i) = *place_of(&theirs, i);
    if (f->shape.tied)
        m->weights.output = m->weights.embedding;
    *out = model_take(&m);
    return ST_OK;
}
