/* GGUF's tokenizer keys → a tokenizer. One kind is read: `llama`. A chat template is data and stays
 * unread. */
#include "base/heap.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer_kinds.h"

#define KEY(name) "tokenizer.ggml." name

static enum status check_kind(const struct gguf *g)
{
    struct front *h = g->head;
    struct span kind = SPAN(NULL, 0);
    const struct gguf_pair *p = gguf_find(g, KEY("model"));
    if (p == NULL)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-tokenizer-kind", 24,
                      "tokenizer.ggml.model is missing");
    enum status st = gguf_text(g, KEY("model"), "gguf-tokenizer-kind", &kind);
    if (st != ST_OK)
        return st;
    if (!span_equal(kind, span_text("llama")))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-tokenizer-kind", p->at,
                      "only the vocabulary kind llama is supported, not %.*s",
                      (int)(kind.n < 64 ? kind.n : 64), (const char *)kind.p);
    return ST_OK;
}

/* An array of the right items and length; optional ones may be absent (*out NULL). */
static enum status find_array(const struct gguf *g, const char *key, enum gguf_type items,
                              uint64_t count, const char *code, const struct gguf_pair **out)
{
    struct front *h = g->head;
    *out = gguf_find(g, key);
    if (*out == NULL)
        return ST_OK;
    if ((*out)->type != GGUF_ARRAY || (*out)->items != items)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, (*out)->at,
                      "%s must be an array of type %u", key, (unsigned)items);
    if ((*out)->count != count)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, (*out)->at,
                      "%s has %llu items, the vocabulary %llu", key,
                      (unsigned long long)(*out)->count, (unsigned long long)count);
    return ST_OK;
}

static enum status read_arrays(const struct gguf *g, struct tokenizer *t, struct spm_source *from)
{
    struct front *h = g->head;
    const struct gguf_pair *tokens = gguf_find(g, KEY("tokens")), *scores, *types;
    if (tokens == NULL || tokens->type != GGUF_ARRAY || tokens->items != GGUF_STRING ||
        tokens->count == 0 || tokens->count > MODEL_VOCAB_MAX)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-tokens",
                      tokens != NULL ? tokens->at : 24,
                      "tokenizer.ggml.tokens must be an array of 1…%u strings", MODEL_VOCAB_MAX);
    t->vocab = (uint32_t)tokens->count;
    enum status st = find_array(g, KEY("scores"), GGUF_F32, tokens->count, "gguf-scores", &scores);
    if (st == ST_OK)
        st = find_array(g, KEY("token_type"), GGUF_I32, tokens->count, "gguf-token-type", &types);
    if (st != ST_OK)
        return st;
    if (scores == NULL)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-scores", tokens->at,
                      "tokenizer.ggml.scores is missing");
    *from = (struct spm_source){.tokens = tokens->value,
                                .scores = scores->value,
                                .tokens_at = tokens->at + 12, /* behind item type and count */
                                .scores_at = scores->at + 12};
    if (types != NULL) {
        from->types = types->value;
        from->types_at = types->at + 12;
    }
    return ST_OK;
}

static enum status read_special(const struct gguf *g, const struct tokenizer *t, const char *key,
                                int32_t usual, int32_t *out)
{
    uint64_t id = UINT64_MAX;
    enum status st = gguf_number(g, key, "gguf-special-id", 0, t->vocab - 1, &id);
    *out = id != UINT64_MAX ? (int32_t)id : usual < (int32_t)t->vocab ? usual : -1;
    return st;
}

static enum status read_options(const struct gguf *g, struct tokenizer *t)
{
    bool strip = false;
    t->add_bos = t->space_prefix = true;
    enum status st = read_special(g, t, KEY("bos_token_id"), 1, &t->bos);
    if (st == ST_OK)
        st = read_special(g, t, KEY("eos_token_id"), 2, &t->eos);
    if (st == ST_OK)
        st = read_special(g, t, KEY("unknown_token_id"), 0, &t->unk);
    if (st == ST_OK)
        st = read_special(g, t, KEY("padding_token_id"), -1, &t->pad);
    if (st == ST_OK)
        st = gguf_flag(g, KEY("add_bos_token"), "gguf-add-bos", &t->add_bos);
    if (st == ST_OK)
        st = gguf_flag(g, KEY("add_eos_token"), "gguf-add-eos", &t->add_eos);
    if (st == ST_OK)
        st = gguf_flag(g, KEY("add_space_prefix"), "gguf-space-prefix", &t->space_prefix);
    if (st == ST_OK)
        st = gguf_flag(g, KEY("remove_extra_whitespaces"), "gguf-remove-whitespaces", &strip);
    if (st == ST_OK && strip)
        st = err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-remove-whitespaces",
                    gguf_find(g, KEY("remove_extra_whitespaces"))->at,
                    "a vocabulary that removes extra spaces is not supported");
    return st;
}

enum status gguf_tokenizer(const struct gguf *g, struct tokenizer **out)
{
    SCOPED(tokenizer_scope) struct tokenizer *t = heap_zero(1, sizeof *t);
    if (t == NULL)
        return err_set(g->head->err, ST_NO_MEMORY, NULL, "no memory for a tokenizer");
    for (unsigned b = 0; b < 256; b++)
        t->bytes[b] = (uint8_t)b;
    struct spm_source from;
    enum status st = check_kind(g);
    if (st == ST_OK)
        st = read_arrays(g, t, &from);
    if (st == ST_OK)
        st = read_options(g, t);
    if (st == ST_OK)
        st = spm_open(t, &from, g->head->err);
    if (st == ST_OK)
        *out = tokenizer_take(&t);
    return st;
}
