#include "tests/support/ascii_model.h"
#include <assert.h>
#include <string.h>

struct bias {
    uint32_t token;
};

static enum status bias_row(void *ctx, const char *name, uint32_t row, uint32_t cols, float *out,
                            struct err *e)
{
    const struct bias *b = ctx;
    const bool output = strcmp(name, "output.weight") == 0;
    (void)e;
    for (uint32_t i = 0; i < cols; i++) {
        float v = make_value(name, row, i);
        if (output && row == b->token)
            v *= 10.0f;
        else if (output && (row < ' ' || row > '~'))
            v = 0.0f;
        out[i] = v;
    }
    return ST_OK;
}

static enum status append(void *ctx, struct span bytes, struct err *e)
{
    (void)e;
    buf_append(ctx, bytes);
    return buf_status(ctx);
}

struct buf make_biased_slm1(const struct make *m, uint32_t token)
{
    struct slm1_spec spec = make_slm1_spec(m);
    struct bias bias = {token};
    struct buf file = BUF_EMPTY;
    struct err e = ERR_NONE;
    enum status st =
        slm1_write(&spec, &(struct slm1_values){bias_row, &bias}, (struct sink){append, &file}, &e);
    assert(!m->tied && st == ST_OK);
    (void)st;
    return file;
}

struct buf make_ascii_slm1(const struct make *m)
{
    return make_biased_slm1(m, UINT32_MAX);
}
