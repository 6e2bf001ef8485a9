#include "base/files.h"
#include "verify/cuts.h"
#include <criterion/criterion.h>
#include <fcntl.h>

static const char model_path[] = "testdata/tinyworld/tinyworld-1.0.slm";

static struct buf read_model(void)
{
    struct buf model = BUF_EMPTY;
    struct err e = ERR_NONE;
    cr_assert_eq(file_read(AT_FDCWD, model_path, 16u << 20, &model, &e), ST_OK, "%s", e.detail);
    return model;
}

static size_t ask(enum model_format format, struct span front, uint64_t bytes)
{
    SCOPED(buf_release) struct buf cuts = BUF_EMPTY;
    struct err e = ERR_NONE;
    uint64_t last = 0, cut;
    cr_assert_eq(cuts_of(format, front, bytes, &cuts, &e), ST_OK, "%s", e.detail);
    for (size_t at = 0; at < cuts.n; at += sizeof cut, last = cut) {
        memcpy(&cut, cuts.p + at, sizeof cut);
        cr_expect(cut > last && cut <= bytes, "a cut at %llu", (unsigned long long)cut);
    }
    return cuts.n / sizeof cut;
}

Test(cuts, lie_around_the_long_tensors_of_a_model)
{
    SCOPED(buf_release) struct buf model = read_model();
    cr_expect_gt(ask(MODEL_FORMAT_SLM1, buf_span(&model), model.n), 2);
    cr_expect_gt(ask(MODEL_FORMAT_SLM1, SPAN(model.p, 65536), model.n), 2, "the front is enough");
}

Test(cuts, are_not_given_for_what_does_not_parse)
{
    SCOPED(buf_release) struct buf model = read_model();
    cr_expect_eq(ask(MODEL_FORMAT_SLM1, SPAN(model.p, 100), model.n), 0, "too little of it");
    cr_expect_eq(ask(MODEL_FORMAT_GGUF, buf_span(&model), model.n), 0, "another container");
    cr_expect_eq(ask(MODEL_FORMAT_SLM1, SPAN(model.p, model.n / 2), model.n / 2), 0, "cut short");
}
