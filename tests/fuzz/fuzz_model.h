/* Shared by the model targets: any bytes, opened whole and (one input in four) scanned in pieces,
 * are taken or refused alike; what is taken can be used. */
#ifndef TESTS_FUZZ_FUZZ_MODEL_H
#define TESTS_FUZZ_FUZZ_MODEL_H

#include "base/heap.h"
#include "runtime/tensor.h"
#include "runtime/tokenizer.h"
#include "tests/fuzz/reach.h"
#include <assert.h>
#include <string.h>

#define FUZZ_SCAN_ONE_IN 4

static enum status fuzz_scan(enum model_format format, struct span file, size_t piece,
                             struct err *e)
{
    SCOPED(scan_scope) struct scan *s = NULL;
    enum status st = scan_open(format, file.n, NULL, &s, e);
    for (size_t at = 0; at < file.n && st == ST_OK; at += piece)
        st = scan_feed(s, SPAN(file.p + at, file.n - at < piece ? file.n - at : piece), e);
    return st == ST_OK ? scan_end(s, e) : st;
}

static void fuzz_tensor(const struct tensor *t)
{
    float *row = heap_alloc(sizeof(float) * t->cols);
    assert(row != NULL);
    tensor_row(t, 0, row);
    tensor_row(t, t->rows - 1, row);
    heap_free(row);
}

static void fuzz_use(const struct model *m)
{
    const struct weights *w = model_weights(m);
    const struct tokenizer *t = model_tokenizer(m);
    SCOPED(buf_release) struct buf ids = BUF_EMPTY;
    struct err e = ERR_NONE;
    fuzz_tensor(&w->embedding);
    fuzz_tensor(&w->output);
    fuzz_tensor(&w->layers[0].w2);
    fuzz_tensor(&w->layers[model_facts(m)->shape.layers - 1].wk);
    enum status st = tokenizer_encode(t, span_text("once the \xc3\xa9"), true, &ids, &e);
    assert(st == ST_OK);
    for (size_t i = 0; i + 4 <= ids.n; i += 4) {
        uint32_t id;
        memcpy(&id, ids.p + i, 4);
        assert(id < model_facts(m)->shape.vocab);
        (void)tokenizer_piece(t, id, i == 4);
    }
}

/* Something that differs from input to input, in the input alone. */
static uint32_t fuzz_draw(struct span in)
{
    uint32_t h = (uint32_t)in.n;
    for (size_t i = 0; i < in.n && i < 256; i++)
        h = (h ^ in.p[i]) * 16777619u;
    return h ^ h >> 15;
}

/* Which stages of the work lie behind the one that refused. */
static int fuzz_depth(const struct err *e)
{
    static const char *const fronts[] = {"container", "header"}, *const tensors[] = {
                                                                     "tensors", "length", "values",
                                                                     "checksum"};
    for (size_t i = 0; i < 2; i++)
        if (e->stage == NULL || strcmp(e->stage, fronts[i]) == 0)
            return 0;
    for (size_t i = 0; i < 4; i++)
        if (strcmp(e->stage, tensors[i]) == 0)
            return 2;
    return 1;
}

static void fuzz_scan_alike(enum model_format format, struct span file, size_t piece,
                            enum status opened, const struct err *why)
{
    struct err scanned = ERR_NONE;
    enum status st = fuzz_scan(format, file, piece, &scanned);
    assert(st == opened);
    assert(st == ST_OK ||
           (why->offset == scanned.offset && strcmp(err_code(why), err_code(&scanned)) == 0));
}

/* Returns the depth that the bytes came to: 3 when they are a model. */
static int fuzz_model(enum model_format format, struct span file)
{
    static const size_t pieces[FUZZ_SCAN_ONE_IN * 4] = {1, 61, 509, 4096};
    SCOPED(model_scope) struct model *m = NULL;
    struct err e = ERR_NONE;
    enum status st = model_open(file, NULL, true, &m, &e);
    size_t piece = pieces[fuzz_draw(file) % (FUZZ_SCAN_ONE_IN * 4)];
    if (piece > 0)
        fuzz_scan_alike(format, file, piece, st, &e);
    assert(st == ST_OK || status_exit(st) == 7);
    if (st == ST_OK)
        fuzz_use(m);
    return st == ST_OK ? 3 : fuzz_depth(&e);
}

static const char *const fuzz_model_depths[REACH_DEPTHS] = {"past the header", "to the tensors",
                                                            "opened and used"};

#endif
