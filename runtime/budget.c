#include "runtime/budget.h"

#include "base/checked.h"
#include "base/json_write.h"
#include "base/text.h"
#include "runtime/forward.h"
#include "runtime/layout.h"
#include "runtime/session_state.h"
#include "runtime/tokenizer_kinds.h"

/* A token's text, its place in a hash table and its score, on average. */
#define VOCABULARY_BYTES 48

/* *sum += a × b × c */
static bool include(uint64_t *sum, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t product;
    return checked_mul(a, b, &product) && checked_mul(product, c, &product) &&
           checked_add(*sum, product, sum);
}

static bool batch(const struct model_shape *m, uint64_t kd, struct budget *b)
{
    const uint64_t n = m->context < FORWARD_BATCH ? m->context : FORWARD_BATCH;
    const uint64_t logits = m->context < FORWARD_LOGITS ? m->context : FORWARD_LOGITS;
    return include(&b->batch, n, 4 * 7, m->hidden) && include(&b->batch, n, 4 * 2, kd) &&
           include(&b->batch, n, 4 * 3, m->ffn) && include(&b->batch, logits, 4, m->vocab);
}

static bool formulas(const struct model_shape *m, struct budget *b)
{
    uint64_t kd, positions;
    return checked_mul(m->kv_heads, m->head_dim, &kd) && include(&b->scratch, 8, m->hidden, 4) &&
           include(&b->scratch, 2, kd, 4) && include(&b->scratch, 3, m->ffn, 4) &&
           include(&b->scratch, m->context, 4, 1) &&
           checked_mul(m->layers, m->context, &positions) && include(&b->kv, positions, kd, 8) &&
           include(&b->logits, m->vocab, 4, 1) && batch(m, kd, b);
}

enum status budget_of(const struct model_facts *facts, struct budget *out, struct err *e)
{
    const struct model_shape *m = &facts->shape;
    struct budget b = {
        .transfer = facts->file_bytes,
        .weights = facts->weight_bytes,
        .packed = facts->packed_bytes,
        .rotation = (uint64_t)(m->head_dim / 2) * sizeof(double),
        .tokens = (uint64_t)m->context * sizeof(uint32_t),
        .output = SESSION_OUTPUT_MAX,
        .views = plan_count(m) * (sizeof(struct placed) + 2 * sizeof(struct region)) +
                 (uint64_t)m->layers * sizeof(struct layer_weights),
        .vocabulary = facts->vocabulary_bytes,
        .objects = model_object_bytes + sizeof(struct session) + sizeof(struct tokenizer),
        /* SLM1's byte vocabulary keeps nothing, and that is known. */
        .estimated = facts->vocabulary_bytes == 0 && !text_equal(facts->tokenizer, "byte"),
    };
    if (b.estimated)
        b.vocabulary = (uint64_t)m->vocab * VOCABULARY_BYTES;
    b.tables = b.rotation + b.tokens + b.output + b.views + b.vocabulary + b.objects;
    if (!formulas(m, &b) || !checked_add(b.tables, b.batch, &b.tables) ||
        !checked_add(b.transfer, b.scratch, &b.total) || !checked_add(b.total, b.kv, &b.total) ||
        !checked_add(b.total, b.logits, &b.total) || !checked_add(b.total, b.packed, &b.total) ||
        !checked_add(b.total, b.tables, &b.total))
        return err_set(e, ST_INVALID_LENGTH, "budget-overflow",
                       "the model's shape asks for more memory than 64 bits can count");
    *out = b;
    return ST_OK;
}

static void line(struct json_out *j, const char *key, uint64_t bytes)
{
    json_key(j, key);
    json_u64(j, bytes);
}

void budget_json(const struct budget *b, struct buf *out)
{
    struct json_out j = json_out(out);
    json_object(&j);
    line(&j, "transfer", b->transfer);
    line(&j, "weights", b->weights);
    line(&j, "packed", b->packed);
    line(&j, "scratch", b->scratch);
    line(&j, "kv", b->kv);
    line(&j, "logits", b->logits);
    line(&j, "rotation", b->rotation);
    line(&j, "batch", b->batch);
    line(&j, "tokens", b->tokens);
    line(&j, "output", b->output);
    line(&j, "views", b->views);
    line(&j, "objects", b->objects);
    if (b->estimated) {
        json_key(&j, "estimates");
        json_object(&j);
    }
    line(&j, "vocabulary", b->vocabulary);
    if (b->estimated)
        json_close(&j);
    line(&j, "total", b->total);
    json_close(&j);
}
