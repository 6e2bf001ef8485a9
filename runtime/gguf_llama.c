/* GGUF metadata of architecture `llama` → the shape of a model. Whatever could change what the
 * model computes and is not known here is refused by name, never ignored. */
#include "runtime/gguf.h"
#include <string.h>

static enum status refuse(const struct gguf *g, const char *code, const struct gguf_pair *p,
                          const char *what, struct span value)
{
    return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, p->at, "%s: %.*s", what,
                  (int)(value.n < 64 ? value.n : 64), (const char *)value.p);
}

static bool is(struct span s, const char *text)
{
    return span_equal(s, span_text(text));
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

/* Linear scaling divides positions, which is the same as dividing all frequencies. The factor
 * counts unless the type is "none"; the old key is a factor by another name. */
static enum status read_scaling(const struct gguf *g, float *factor)
{
    struct span type = span_text("linear");
    float named = 1, old = 1;
    enum status st = gguf_text(g, "llama.rope.scaling.type", "gguf-rope-scaling", &type);
    if (st != ST_OK)
        return st;
    if (!is(type, "none") && !is(type, "linear"))
        return refuse(g, "gguf-rope-scaling", gguf_find(g, "llama.rope.scaling.type"),
                      "of the scalings of the rotation none and linear are supported, not", type);
    st = gguf_float(g, "llama.rope.scaling.factor", "gguf-rope-scaling", &named);
    if (st == ST_OK)
        st = gguf_float(g, "llama.rope.scale_linear", "gguf-rope-scaling", &old);
    *factor = is(type, "none")                                    ? 1
              : gguf_find(g, "llama.rope.scaling.factor") != NULL ? named
                                                                  : old;
    return st;
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

static enum status llama_shape(const struct gguf *g, struct layout *out)
{
    struct model_shape *s = &out->facts.shape;
    uint64_t experts = 0;
    enum status st = gguf_number(g, "llama.expert_count", "gguf-experts", 0, 0, &experts);
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
        st = read_scaling(g, &out->rope_factor);
    if (st == ST_OK)
        st = gguf_vocabulary_size(g, &s->vocab);
    return st == ST_OK ? check_same(g, "llama.vocab_size", "gguf-vocab-size", s->vocab) : st;
}

static const struct gguf_tensor_name globals[] = {{"token_embd.weight", ROLE_EMBEDDING},
                                                  {"output_norm.weight", ROLE_NORM},
                                                  {"output.weight", ROLE_OUTPUT},
                                                  {"rope_freqs.weight", ROLE_ROPE_FREQS},
                                                  {NULL, TENSOR_ROLE_COUNT}};

static const struct gguf_tensor_name locals[] = {{"attn_norm.weight", ROLE_ATTN_NORM},
                                                 {"ffn_norm.weight", ROLE_FFN_NORM},
                                                 {"attn_q.weight", ROLE_WQ},
                                                 {"attn_k.weight", ROLE_WK},
                                                 {"attn_v.weight", ROLE_WV},
                                                 {"attn_output.weight", ROLE_WO},
                                                 {"ffn_gate.weight", ROLE_W1},
                                                 {"ffn_down.weight", ROLE_W2},
                                                 {"ffn_up.weight", ROLE_W3},
                                                 {"attn_q.bias", ROLE_BQ},
                                                 {"attn_k.bias", ROLE_BK},
                                                 {"attn_v.bias", ROLE_BV},
                                                 {"attn_output.bias", ROLE_BO},
                                                 {"ffn_gate.bias", ROLE_B1},
                                                 {"ffn_down.bias", ROLE_B2},
                                                 {"ffn_up.bias", ROLE_B3},
                                                 {NULL, TENSOR_ROLE_COUNT}};

const struct gguf_architecture gguf_llama = {"llama", llama_shape, globals, locals};
