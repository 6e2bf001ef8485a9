/* Which architecture a GGUF file is of, and what all of them have in common. A new one is a room of
 * its own and a line in `known`. */
#include "base/text.h"
#include "runtime/gguf.h"

static const struct gguf_architecture *const known[] = {&gguf_llama};

static void keep_text(char *out, size_t cap, struct span s)
{
    text_fmt(out, cap, "%.*s", (int)(s.n < cap ? s.n : cap), (const char *)s.p);
}

static enum status check_general(const struct gguf *g)
{
    struct span type = span_text("model");
    uint64_t quantization = 2, parts = 1;
    enum status st = gguf_text(g, "general.type", "gguf-general-type", &type);
    if (st != ST_OK)
        return st;
    if (!span_equal(type, span_text("model")))
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-general-type",
                      gguf_find(g, "general.type")->at, "this is not a whole model but: %.*s",
                      (int)(type.n < 64 ? type.n : 64), (const char *)type.p);
    st = gguf_number(g, "general.quantization_version", "gguf-quantization-version", 2, 2,
                     &quantization);
    return st == ST_OK ? gguf_number(g, "split.count", "gguf-split", 0, 1, &parts) : st;
}

enum status gguf_architecture(const struct gguf *g, struct model_facts *facts,
                              const struct gguf_architecture **out)
{
    struct span name = SPAN(NULL, 0), license = SPAN(NULL, 0);
    const struct gguf_pair *p = gguf_find(g, "general.architecture");
    if (p == NULL)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-architecture", 24,
                      "general.architecture is missing");
    enum status st = gguf_text(g, "general.architecture", "gguf-architecture", &name);
    if (st == ST_OK)
        st = gguf_text(g, "general.license", "gguf-license", &license);
    if (st != ST_OK)
        return st;
    keep_text(facts->family, sizeof facts->family, name);
    keep_text(facts->license, sizeof facts->license, license);
    *out = NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_equal(name, span_text(known[i]->name)))
            *out = known[i];
    if (*out == NULL)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-architecture", p->at,
                      "only the architecture llama is supported, not: %.*s",
                      (int)(name.n < 64 ? name.n : 64), (const char *)name.p);
    return check_general(g);
}

enum status gguf_vocabulary_size(const struct gguf *g, uint32_t *out)
{
    const struct gguf_pair *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    if (tokens == NULL || tokens->type != GGUF_ARRAY || tokens->items != GGUF_STRING ||
        tokens->count == 0 || tokens->count > MODEL_VOCAB_MAX)
        return err_at(g->head->err, ST_MODEL_HEADER, g->head->stage, "gguf-tokens",
                      tokens != NULL ? tokens->at : 24,
                      "tokenizer.ggml.tokens must be an array of 1…%u strings", MODEL_VOCAB_MAX);
    *out = (uint32_t)tokens->count;
    return ST_OK;
}
