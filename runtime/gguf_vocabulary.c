/* GGUF's tokenizer keys → a tokenizer, of the kinds `llama` and `gpt2`. A chat template is data and
 * stays unread. */
#include "base/heap.h"
#include "runtime/gguf.h"
#include "runtime/tokenizer_kinds.h"

#define KEY(name)  "tokenizer.ggml." name
#define ARRAY_HEAD 12u /* item type and count stand before an array's items */
#define SHOWN(s)   (int)((s).n < 64 ? (s).n : 64), (const char *)(s).p

static enum status read_kind(const struct gguf *g, enum tokenizer_kind *out)
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
    bool llama = span_equal(kind, span_text("llama"));
    if (!llama && !span_equal(kind, span_text("gpt2")))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-tokenizer-kind", p->at,
                      "the vocabulary kinds llama and gpt2 are supported, not %.*s", SHOWN(kind));
    *out = llama ? TOKENIZER_LLAMA : TOKENIZER_GPT2;
    return ST_OK;
}

/* How a gpt2 vocabulary cuts text must be named: a guess would change ids silently. */
static enum status read_split(const struct gguf *g, struct tokenizer *t)
{
    struct front *h = g->head;
    struct span name = SPAN(NULL, 0);
    const struct gguf_pair *p = gguf_find(g, KEY("pre"));
    if (p == NULL)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-pre-tokenizer", 24,
                      "tokenizer.ggml.pre is missing; a gpt2 vocabulary needs it");
    enum status st = gguf_text(g, KEY("pre"), "gguf-pre-tokenizer", &name);
    if (st != ST_OK)
        return st;
    if (!pretokenizer_find(name, &t->split))
        return err_at(h->err, ST_MODEL_HEADER, h->stage, "gguf-pre-tokenizer", p->at,
                      "the pre-tokenizers gpt-2, smollm, llama-bpe (llama3) and qwen2 are "
                      "supported, not %.*s",
                      SHOWN(name));
    t->whole_words = t->split == PRE_LLAMA3;
    return ST_OK;
}

/* An array of the right items and length; an absent one leaves *out NULL. */
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
    if (count != UINT64_MAX && (*out)->count != count)
        return err_at(h->err, ST_MODEL_HEADER, h->stage, code, (*out)->at,
                      "%s has %llu items, the vocabulary %llu", key,
                      (unsigned long long)(*out)->count, (unsigned long long)count);
    return ST_OK;
}

static enum status missing(const struct gguf *g, const char *key, const char *code, uint64_t at)
{
    return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, code, at, "%s is missing", key);
}

/* What both kinds have. */
struct arrays {
    const struct gguf_pair *tokens, *types; /* types: NULL when absent */
};

static enum status read_arrays(const struct gguf *g, struct tokenizer *t, struct arrays *out)
{
    enum status st = gguf_vocabulary_size(g, &t->vocab);
    out->tokens = gguf_find(g, KEY("tokens"));
    return st == ST_OK ? find_array(g, KEY("token_type"), GGUF_I32, t->vocab, "gguf-token-type",
                                    &out->types)
                       : st;
}

static struct span items(const struct gguf_pair *p)
{
    return p != NULL ? p->value : SPAN(NULL, 0);
}

static uint64_t items_at(const struct gguf_pair *p)
{
    return p != NULL ? p->at + ARRAY_HEAD : 0;
}

static enum status open_llama(const struct gguf *g, struct tokenizer *t, const struct arrays *a)
{
    const struct gguf_pair *scores;
    enum status st = find_array(g, KEY("scores"), GGUF_F32, t->vocab, "gguf-scores", &scores);
    if (st == ST_OK && scores == NULL)
        st = missing(g, KEY("scores"), "gguf-scores", a->tokens->at);
    if (st != ST_OK)
        return st;
    const struct spm_source from = {.tokens = a->tokens->value,
                                    .scores = scores->value,
                                    .types = items(a->types),
                                    .tokens_at = items_at(a->tokens),
                                    .scores_at = items_at(scores),
                                    .types_at = items_at(a->types)};
    return spm_open(t, &from, g->head->err);
}

static enum status open_gpt2(const struct gguf *g, struct tokenizer *t, const struct arrays *a)
{
    const struct gguf_pair *merges;
    enum status st = find_array(g, KEY("merges"), GGUF_STRING, UINT64_MAX, "gguf-merges", &merges);
    if (st == ST_OK && merges == NULL)
        st = missing(g, KEY("merges"), "gguf-merges", a->tokens->at);
    if (st == ST_OK && t->space_prefix)
        st = err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-space-prefix",
                    gguf_find(g, KEY("add_space_prefix"))->at,
                    "a gpt2 vocabulary with a space before the text is not supported");
    if (st != ST_OK)
        return st;
    const struct gpt2_source from = {.tokens = a->tokens->value,
                                     .types = items(a->types),
                                     .merges = merges->value,
                                     .merge_count = (uint32_t)merges->count,
                                     .tokens_at = items_at(a->tokens),
                                     .types_at = items_at(a->types),
                                     .merges_at = items_at(merges)};
    return gpt2_open(t, &from, g->head->err);
}

static enum status read_special(const struct gguf *g, const struct tokenizer *t, const char *key,
                                int32_t usual, int32_t *out)
{
    uint64_t id = UINT64_MAX;
    enum status st = gguf_number(g, key, "gguf-special-id", 0, t->vocab - 1, &id);
    *out = id != UINT64_MAX ? (int32_t)id : usual < (int32_t)t->vocab ? usual : -1;
    return st;
}

/* Ids that change nothing here; they must be ids all the same. Both spellings are in the wild. */
static enum status check_other_ids(const struct gguf *g, const struct tokenizer *t)
{
    static const char *const keys[] = {KEY("eot_token_id"),       KEY("eom_token_id"),
                                       KEY("seperator_token_id"), KEY("separator_token_id"),
                                       KEY("mask_token_id"),      KEY("cls_token_id")};
    enum status st = ST_OK;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && st == ST_OK; i++) {
        int32_t unused;
        st = read_special(g, t, keys[i], -1, &unused);
    }
    return st;
}

/* An absent id is what the kind usually has: llama's are 0, 1, 2; gpt2 has none. */
static enum status read_ids(const struct gguf *g, struct tokenizer *t, bool llama)
{
    enum status st = read_special(g, t, KEY("bos_token_id"), llama ? 1 : -1, &t->bos);
    if (st == ST_OK)
        st = read_special(g, t, KEY("eos_token_id"), llama ? 2 : -1, &t->eos);
    if (st == ST_OK)
        st = read_special(g, t, KEY("unknown_token_id"), llama ? 0 : -1, &t->unk);
    if (st == ST_OK)
        st = read_special(g, t, KEY("padding_token_id"), -1, &t->pad);
    return st == ST_OK ? check_other_ids(g, t) : st;
}

static enum status read_flags(const struct gguf *g, struct tokenizer *t, bool llama)
{
    bool strip = false;
    t->space_prefix = llama;
    t->add_bos = llama || t->split == PRE_LLAMA3;
    enum status st = gguf_flag(g, KEY("add_bos_token"), "gguf-add-bos", &t->add_bos);
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
    struct arrays a;
    enum tokenizer_kind kind = TOKENIZER_LLAMA;
    enum status st = read_kind(g, &kind);
    bool llama = kind == TOKENIZER_LLAMA;
    if (st == ST_OK && !llama)
        st = read_split(g, t);
    if (st == ST_OK)
        st = read_arrays(g, t, &a);
    if (st == ST_OK)
        st = read_ids(g, t, llama);
    if (st == ST_OK)
        st = read_flags(g, t, llama);
    if (st == ST_OK)
        st = llama ? open_llama(g, t, &a) : open_gpt2(g, t, &a);
    if (st == ST_OK)
        *out = tokenizer_take(&t);
    return st;
}
