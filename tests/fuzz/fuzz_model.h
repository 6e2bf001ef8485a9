/* Shared by the model targets: any bytes, opened whole and scanned in pieces, are taken or refused
 * alike; what is taken can be used. */
#ifndef TESTS_FUZZ_FUZZ_MODEL_H
#define TESTS_FUZZ_FUZZ_MODEL_H

#include "runtime/tensor.h"
#include "runtime/tokenizer.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
    float *row = malloc(sizeof(float) * t->cols);
    assert(row != NULL);
    tensor_row(t, 0, row);
    tensor_row(t, t->rows - 1, row);
    free(row);
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

static void fuzz_model(enum model_format format, struct span file)
{
    SCOPED(model_scope) struct model *m = NULL;
    struct err opened = ERR_NONE, scanned = ERR_NONE;
    enum status st = model_open(file, NULL, true, &m, &opened);
    size_t piece = file.n % 16 == 0 ? 1 : file.n % 2 == 0 ? 61 : 4096;
    enum status same = fuzz_scan(format, file, piece, &scanned);
    assert(st == same);
    if (st == ST_OK) {
        fuzz_use(m);
        return;
    }
    assert(opened.offset == scanned.offset && strcmp(err_code(&opened), err_code(&scanned)) == 0);
    assert(status_exit(st) == 7);
}

#endif
