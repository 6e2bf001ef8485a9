/* GGUF metadata of architecture `llama` → the shape of a model. Whatever could change what the
 * model computes and is not known here is refused by name, never ignored. */
#include "base/text.h"
#include "runtime/gguf.h"
#include <string.h>

static enum status refuse(const struct gguf *g, const char *code, const struct gguf_pair *p,
                          const char *what, struct span value)
{
    return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, p->at, "%s: %.*s", what,
                  (int)(value.n < 64 ? value.n : 64), (const char *)value.p);
}

static void keep_text(char *out, size_t cap, struct span s)
{
    text_fmt(out, cap, "%.*s", (int)(s.n < cap ? s.n : cap), (const char *)s.p);
}

static bool is(struct span s, const char *text)
{
    return span_equal(s, span_text(text));
}

static enum status check_architecture(const struct gguf *g, struct model_facts *facts)
{
    struct span name = SPAN(NULL, 0), license = SPAN(NULL, 0), type = span_text("model");
    enum status st = gguf_text(g, "general.architecture", "gguf-architecture", &name);
    if (st == ST_OK)
        st = gguf_text(g, "general.license", "gguf-license", &license);
    if (st == ST_OK)
        st = gguf_text(g, "general.type", "gguf-general-type", &type);
    if (st != ST_OK)
        return st;
    if (gguf_find(g, "general.architecture") == NULL)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-architecture", 24,
                      "general.architecture is missing");
    keep_text(facts->family, sizeof facts->family, name);
    keep_text(facts->license, sizeof facts->license, license);
    if (!is(name, "llama"))
        return refuse(g, "gguf-architecture", gguf_find(g, "general.architecture"),
                      "only the architecture llama is supported, not", name);
    if (!is(type, "model"))
        return refuse(g, "gguf-general-type", gguf_find(g, "general.type"),
                      "this is not a whole model but", type);
    uint64_t quantization = 2, parts = 1;
    st = gguf_number(g, "general.quantization_version", "gguf-quantization-version", 2, 2,
                     &quantization);
    return st == ST_OK ? gguf_number(g, "split.count", "gguf-split", 0, 1, &parts) : st;
}

/* Keys under llama. that are read here or change nothing. */
static const char *const known_keys[] = {
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "vocab_size",
    "tensor_data_layout",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "rope.scale_linear",
    "expert_count",
    "expert_used_count",
};

static enum status check_keys(const struct gguf *g)
{
    for (uint32_t i = 0; i < g->pair_count; i++) {
        struct span key = g->pairs[i].key;
        if (key.n < 6 || memcmp(key.p, "llama.", 6) != 0)
            continue;
        bool known = false;
        for (size_t k = 0; k < sizeof known_keys / sizeof known_keys[0] && !known; k++)
            known = is(SPAN(key.p + 6, key.n - 6), known_keys[k]);
        if (!known)
            return refuse(g, "gguf-unknown-key", &g->pairs[i],
                          "this may change what the model computes and is not supported", key);
    }
    return ST_OK;
}

static enum status require(const struct gguf *g, const char *key, const char *code, uint64_t high,
                           uint32_t *out)
{
    uint64_t v = 0;
    if (gguf_find(g, key) == NULL)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, 24, "%s is missing",
                      key);
    enum status st = gguf_number(g, key, code, 1, high, &v);
    *out = (uint32_t)v;
    return st;
}

/* Sizes that other keys may repeat must say the same. */
static enum status check_same(const struct gguf *g, const char *key, const char *code,
                              uint32_t want)
{
    uint64_t v = want;
    return gguf_number(g, key, code, want, want, &v);
}

static enum status read_sizes(const struct gguf *g, struct model_shape *s)
{
    enum status st =
        require(g, "llama.context_length", "gguf-context-length", MODEL_CONTEXT_MAX, &s->context);
    if (st == ST_OK)
        st = require(g, "llama.embedding_length", "gguf-embedding-length", MODEL_HIDDEN_MAX,
                     &s->hidden);
    if (st == ST_OK)
        st = require(g, "llama.block_count", "gguf-block-count", MODEL_LAYERS_MAX, &s->layers);
    if (st == ST_OK)
        st = require(g, "llama.feed_forward_length", "gguf-feed-forward-length", MODEL_FFN_MAX,
                     &s->ffn);
    if (st == ST_OK)
        st = require(g, "llama.attention.head_count", "gguf-head-count", MODEL_HIDDEN_MAX,
                     &s->heads);
    uint64_t kv = s->heads;
    if (st == ST_OK)
        st =
            gguf_number(g, "llama.attention.head_count_kv", "gguf-head-count-kv", 1, s->heads, &kv);
    s->kv_heads = (uint32_t)kv;
    return st;
}

static enum status check_heads(const struct gguf *g, struct model_shape *s)
{
    struct front *h = g->head;
    const struct gguf_pair *heads = gguf_find(g, "llama.attention.head_count");
    const struct gguf_pair *kv = gguf_find(g, "llama.attention.head_count_kv");
    if (s->hidden % s->heads != 0)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-heads-divide", heads->at,
                      "%u heads do not divide embedding_length %u", s->heads, s->hidden);
    if (s->heads % s->kv_heads != 0)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-kv-heads-divide",
                      kv != NULL ? kv->at : heads->at, "%u kv heads do not divide %u heads",
                      s->kv_heads, s->heads);
    s->head_dim = s->hidden / s->heads;
    if (s->head_dim % 2 != 0)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-head-dim-odd", heads->at,
                      "a head of %u values is odd, rotation takes pairs", s->head_dim);
    enum status st =
        check_same(g, "llama.rope.dimension_count", "gguf-rope-dimension-count", s->head_dim);
    if (st == ST_OK)
        st = check_same(g, "llama.attention.key_length", "gguf-key-size", s->head_dim);
    return st == ST_OK
               ? check_same(g, "llama.attention.value_length", "gguf-value-size", s->head_dim)
               : st;
}

static enum status check_scaling(const struct gguf *g)
{
    struct span type = span_text("none");
    float factor = 1, linear = 1;
    enum status st = gguf_text(g, "llama.rope.scaling.type", "gguf-rope-scaling", &type);
    if (st != ST_OK)
        return st;
    if (!is(type, "none"))
        return refuse(g, "gguf-rope-scaling", gguf_find(g, "llama.rope.scaling.type"),
                      "rotation scaling is not supported", type);
    st = gguf_float(g, "llama.rope.scaling.factor", "gguf-rope-scaling", &factor);
    if (st == ST_OK)
        st = gguf_float(g, "llama.rope.scale_linear", "gguf-rope-scaling", &linear);
    if (st != ST_OK)
        return st;
    if (factor < 1 || factor > 1)
        return refuse(g, "gguf-rope-scaling", gguf_find(g, "llama.rope.scaling.factor"),
                      "rotation scaling is not supported", span_text("a factor other than 1"));
    if (linear < 1 || linear > 1)
        return refuse(g, "gguf-rope-scaling", gguf_find(g, "llama.rope.scale_linear"),
                      "rotation scaling is not supported", span_text("a factor other than 1"));
    return ST_OK;
}

static enum status read_floats(const struct gguf *g, struct model_shape *s)
{
    const char *epsilon = "llama.attention.layer_norm_rms_epsilon";
    if (gguf_find(g, epsilon) == NULL)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-rms-epsilon", 24,
                      "%s is missing", epsilon);
    s->rope_theta = 10000;
    enum status st = gguf_float(g, epsilon, "gguf-rms-epsilon", &s->rms_epsilon);
    return st == ST_OK
               ? gguf_float(g, "llama.rope.freq_base", "gguf-rope-freq-base", &s->rope_theta)
               : st;
}

/* How many tokens there are; the tokenizer itself is read later. */
static enum status read_vocabulary_size(const struct gguf *g, struct model_shape *s)
{
    const struct gguf_pair *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    if (tokens == NULL || tokens->type != GGUF_ARRAY || tokens->items != GGUF_STRING ||
        tokens->count == 0 || tokens->count > MODEL_VOCAB_MAX)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-tokens",
                      tokens != NULL ? tokens->at : 24,
                      "tokenizer.ggml.tokens must be an array of 1…%u strings", MODEL_VOCAB_MAX);
    s->vocab = (uint32_t)tokens->count;
    return check_same(g, "llama.vocab_size", "gguf-vocab-size", s->vocab);
}

enum status gguf_llama_shape(const struct gguf *g, struct model_facts *facts)
{
    struct model_shape *s = &facts->shape;
    uint64_t experts = 0;
    enum status st = check_architecture(g, facts);
    if (st == ST_OK)
        st = gguf_number(g, "llama.expert_count", "gguf-experts", 0, 0, &experts);
    if (st == ST_OK)
        st = gguf_number(g, "llama.expert_used_count", "gguf-experts", 0, 0, &experts);
    if (st == ST_OK)
        st = check_keys(g);
    if (st == ST_OK)
        st = read_sizes(g, s);
    if (st == ST_OK)
        st = check_heads(g, s);
    if (st == ST_OK)
        st = read_floats(g, s);
    if (st == ST_OK)
        st = check_scaling(g);
    return st == ST_OK ? read_vocabulary_size(g, s) : st;
}
