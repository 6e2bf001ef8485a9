#include "runtime/slm1_write.h"
#include "runtime/tensor.h"
#include "runtime/tokenizer.h"
#include "tests/support/model_make.h"
#include <criterion/criterion.h>

static enum status count(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    *(uint64_t *)ctx += bytes.n;
    return ST_OK;
}

static struct slm1_spec tinylm(enum slm1_dtype dtype)
{
    return (struct slm1_spec){.shape = {.vocab = 260,
                                        .hidden = 512,
                                        .layers = 4,
                                        .heads = 8,
                                        .kv_heads = 8,
                                        .head_dim = 64,
                                        .ffn = 2048,
                                        .context = 512,
                                        .rope_theta = 10000,
                                        .rms_epsilon = 1e-5f},
                              .tokenizer = slm1_btok(),
                              .dtype = dtype,
                              .whole = true};
}

static enum status constant(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                            struct err *e)
{
    (void)ctx, (void)name, (void)row, (void)e;
    for (uint32_t i = 0; i < cols; i++)
        out[i] = 0.5f;
    return ST_OK;
}

static void check_size(enum slm1_dtype dtype, uint64_t want)
{
    struct slm1_spec spec = tinylm(dtype);
    struct slm1_values values = {.row = constant};
    uint64_t promised = 0, written = 0;
    struct err e = ERR_NONE;
    cr_assert_eq(slm1_size(&spec, &promised, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(promised, want);
    cr_assert_eq(slm1_write(&spec, &values, (struct sink){count, &written}, &e), ST_OK, "%s",
                 e.detail);
    cr_expect_eq(written, want);
}

Test(slm1_write, tinylm_16m_in_f32_has_its_published_size)
{
    check_size(SLM1_F32, 68194944);
}

Test(slm1_write, tinylm_16m_in_q8_0_has_its_published_size)
{
    check_size(SLM1_Q8_0, 17160000);
}

Test(slm1_write, tinylm_16m_in_q4_0_has_its_published_size)
{
    check_size(SLM1_Q4_0, 10657728);
}

static void check_roundtrip(const struct make *m, float tolerance)
{
    SCOPED(buf_release) struct buf file = make_slm1(m);
    struct slm1_spec spec = make_slm1_spec(m);
    SCOPED(model_scope) struct model *model = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(&file), NULL, true, &model, &e), ST_OK, "%s: %s", e.code,
                 e.detail);
    const struct weights *w = model_weights(model);
    const struct tensor *some[] = {&w->embedding, &w->layers[1].w2, &w->layers[0].wk, &w->norm};
    const char *names[] = {"tok_embeddings.weight", "layers.1.w2.weight", "layers.0.wk.weight",
                           "norm.weight"};
    float row[64];
    for (size_t k = 0; k < 4; k++) {
        for (uint32_t r = 0; r < some[k]->rows; r++) {
            tensor_row(some[k], r, row);
            for (uint32_t i = 0; i < some[k]->cols; i++) {
                float off = row[i] - make_value(names[k], r, i);
                cr_assert(off <= tolerance && off >= -tolerance, "%s [%u,%u] is off by %g",
                          names[k], r, i, (double)off);
            }
        }
    }
    cr_expect_eq(w->output.data == w->embedding.data, spec.shape.tied);
}

Test(slm1_write, f32_comes_back_exactly)
{
    check_roundtrip(&(struct make){.dtype = MAKE_F32}, 0);
    check_roundtrip(&(struct make){.dtype = MAKE_F32, .tied = true, .kv_heads = 2, .bpe = true}, 0);
}

Test(slm1_write, q8_0_comes_back_within_half_a_step)
{
    check_roundtrip(&(struct make){.dtype = MAKE_Q8_0}, 0.25f / 254 * 1.001f);
    check_roundtrip(&(struct make){.dtype = MAKE_Q8_0, .whole = true}, 1.25f / 254 * 1.001f);
}

Test(slm1_write, q4_0_comes_back_within_half_a_step)
{
    check_roundtrip(&(struct make){.dtype = MAKE_Q4_0}, 0.25f / 14 * 1.001f);
    check_roundtrip(&(struct make){.dtype = MAKE_Q4_0, .whole = true, .kv_heads = 1},
                    1.25f / 14 * 1.001f);
}

static enum status not_finite(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                              struct err *e)
{
    enum status st = constant(ctx, name, row, cols, out, e);
    if (row == 3)
        out[1] = 1.0f / 0.0f;
    return st;
}

/* The reader looks for hashes of names that it does not write out. */
Test(slm1_write, layers_of_one_to_three_digits_are_found_by_their_names)
{
    SCOPED(buf_release) struct buf file = make_slm1(&(struct make){.tiny = true, .layers = 256});
    SCOPED(model_scope) struct model *m = NULL;
    struct err e = ERR_NONE;
    cr_assert_eq(model_open(buf_span(&file), NULL, true, &m, &e), ST_OK, "%s", e.detail);
    cr_expect_eq(model_facts(m)->shape.layers, 256);
}

Test(slm1_write, a_value_that_is_not_finite_is_refused_before_a_byte_leaves)
{
    struct slm1_spec spec = make_slm1_spec(&(struct make){0});
    struct slm1_values values = {.row = not_finite};
    uint64_t written = 0;
    struct err e = ERR_NONE;
    cr_assert_eq(slm1_write(&spec, &values, (struct sink){count, &written}, &e),
                 ST_MODEL_DIRECTORY);
    cr_expect_str_eq(e.code, "slm1-not-finite");
    cr_expect_eq(written, 0);
}

Test(slm1_write, a_shape_that_the_reader_refuses_is_not_written)
{
    struct slm1_spec spec = make_slm1_spec(&(struct make){.kv_heads = 3});
    uint64_t written = 0;
    struct err e = ERR_NONE;
    cr_assert_eq(slm1_write(&spec, &make_values, (struct sink){count, &written}, &e),
                 ST_MODEL_HEADER);
    cr_expect_str_eq(e.code, "slm1-kv-heads-divide");
    cr_expect_eq(written, 0);
}

Test(slm1_write, a_block_that_does_not_divide_the_row_is_refused)
{
    struct slm1_spec spec = make_slm1_spec(&(struct make){.dtype = MAKE_Q4_0});
    spec.block = 24;
    uint64_t bytes = 0;
    struct err e = ERR_NONE;
    cr_assert_eq(slm1_size(&spec, &bytes, &e), ST_INVALID_LENGTH);
    cr_expect_str_eq(e.code, "slm1-block-size");
}

/* 172 values a row are 43 blocks of 4; that is no reason to cut the rows of 64 as small. */
Test(slm1_write, each_tensor_has_the_largest_block_that_divides_its_own_rows)
{
    struct slm1_spec spec = tinylm(SLM1_Q4_0);
    spec.shape.hidden = 64;
    spec.shape.head_dim = 8;
    spec.shape.ffn = 172;
    uint64_t q4 = 0, q8 = 0, written = 0;
    struct slm1_values values = {.row = constant};
    struct err e = ERR_NONE;
    cr_assert_eq(slm1_size(&spec, &q4, &e), ST_OK, "%s", e.detail);
    cr_assert_eq(slm1_write(&spec, &values, (struct sink){count, &written}, &e), ST_OK, "%s",
                 e.detail);
    cr_expect_eq(written, q4);
    spec.dtype = SLM1_Q8_0;
    cr_assert_eq(slm1_size(&spec, &q8, &e), ST_OK, "%s", e.detail);
    cr_expect_lt(q4, q8 * 4 / 5);
}

/* A source that changes its mind the second time round. */
static enum status fickle(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                          struct err *e)
{
    unsigned *asked = ctx;
    enum status st = constant(ctx, name, row, cols, out, e);
    out[0] = (float)++*asked;
    return st;
}

Test(slm1_write, values_that_differ_the_second_time_are_refused)
{
    struct slm1_spec spec = make_slm1_spec(&(struct make){.tiny = true});
    unsigned asked = 0;
    struct slm1_values values = {.row = fickle, .ctx = &asked};
    uint64_t written = 0;
    struct err e = ERR_NONE;
    cr_assert_eq(slm1_write(&spec, &values, (struct sink){count, &written}, &e), ST_CONFLICT);
    cr_expect_str_eq(e.code, "slm1-values-changed");
}
