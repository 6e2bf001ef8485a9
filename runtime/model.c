#include "runtime/model.h"
#include "base/heap.h"
#include "runtime/layout.h"
#include "runtime/tokenizer_kinds.h"
#include "runtime/values.h"
#include <string.h>

struct model {
    struct layout layout;
    struct weights weights;
};

const size_t model_object_bytes = sizeof(struct model);

static void bind_layer(struct model *m, uint32_t i, struct span file)
{
    struct layer_weights *w = &m->weights.layers[i];
    struct tensor *const places[ROLES_PER_LAYER] = {
        &w->attn_norm, &w->ffn_norm, &w->wq, &w->wk, &w->wv, &w->wo, &w->w1, &w->w2,
        &w->w3,        &w->bq,       &w->bk, &w->bv, &w->bo, &w->b1, &w->b2, &w->b3};
    for (size_t k = 0; k < ROLES_PER_LAYER; k++)
        *places[k] = layout_tensor(&m->layout, plan_index(ROLE_ATTN_NORM, i) + k, file);
}

static enum status bind(struct model *m, struct span file, struct err *e)
{
    const struct model_shape *s = &m->layout.facts.shape;
    struct weights *w = &m->weights;
    w->layers = heap_zero(s->layers, sizeof *w->layers);
    if (w->layers == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the views of %u layers", s->layers);
    w->embedding = layout_tensor(&m->layout, ROLE_EMBEDDING, file);
    w->norm = layout_tensor(&m->layout, ROLE_NORM, file);
    w->rope_freqs = layout_tensor(&m->layout, ROLE_ROPE_FREQS, file);
    w->rope_factor = m->layout.rope_factor;
    w->output = s->tied ? w->embedding : layout_tensor(&m->layout, ROLE_OUTPUT, file);
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
    layout_release(&m->layout);
    heap_free(m->weights.layers);
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
