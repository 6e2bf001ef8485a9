#include "runtime/budget.h"

#include "base/json.h"
#include <criterion/criterion.h>

static struct model_facts tinylm(void)
{
    return (struct model_facts){
        .shape = {.vocab = 260,
                  .hidden = 512,
                  .layers = 4,
                  .heads = 8,
                  .kv_heads = 8,
                  .head_dim = 64,
                  .ffn = 2048,
                  .context = 512},
        .tensors = 39,
        .file_bytes = 17160000,
        .weight_bytes = 17048064,
    };
}

Test(budget, gives_the_published_figures_of_tinylm_16m)
{
    struct model_facts f = tinylm();
    struct budget b;
    struct err e = ERR_NONE;
    cr_assert_eq(budget_of(&f, &b, &e), ST_OK);
    cr_assert_eq(b.scratch, 47104);
    cr_assert_eq(b.kv, 8388608);
    cr_assert_eq(b.logits, 1040);
    cr_assert_eq(b.transfer, 17160000);
    cr_assert_eq(b.tables,
                 b.rotation + b.batch + b.tokens + b.output + b.views + b.vocabulary + b.objects);
    cr_assert_eq(b.total, b.transfer + b.scratch + b.kv + b.logits + b.tables);
}

Test(budget, shared_heads_shrink_keys_and_values_only)
{
    struct model_facts f = tinylm();
    struct budget b;
    struct err e = ERR_NONE;
    f.shape.kv_heads = 2;
    cr_assert_eq(budget_of(&f, &b, &e), ST_OK);
    cr_assert_eq(b.scratch, 4u * (8 * 512 + 2 * 128 + 3 * 2048 + 512));
    cr_assert_eq(b.kv, 8388608 / 4);
}

Test(budget, refuses_a_shape_whose_memory_64_bits_cannot_count)
{
    struct model_facts f = tinylm();
    struct budget b = {.total = 7};
    struct err e = ERR_NONE;
    f.shape.layers = f.shape.context = f.shape.kv_heads = UINT32_MAX;
    cr_assert_eq(budget_of(&f, &b, &e), ST_INVALID_LENGTH);
    cr_assert_eq(b.total, 7);
}

Test(budget, json_names_every_line)
{
    struct model_facts f = tinylm();
    struct budget b;
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf out = BUF_EMPTY;
    SCOPED(json_scope) struct json *root = NULL;
    cr_assert_eq(budget_of(&f, &b, &e), ST_OK);
    budget_json(&b, &out);
    cr_assert_eq(json_parse(buf_span(&out), 1 << 16, &root, &e), ST_OK, "%s", e.detail);
    uint64_t v = 0;
    cr_assert_eq(json_need_u64(root, "budget", "scratch", &v, &e), ST_OK);
    cr_assert_eq(v, 47104);
    cr_assert_eq(json_need_u64(root, "budget", "total", &v, &e), ST_OK);
    cr_assert_eq(v, b.total);
}
