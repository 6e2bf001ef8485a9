#include "verify/ahead.h"
#include <string.h>

void ahead_release(struct ahead *f)
{
    buf_release(&f->bytes);
}

enum status ahead_fill(struct ahead *f, size_t n, struct err *e)
{
    while (!f->ended && f->bytes.n < n) {
        size_t have = f->bytes.n, got = 0;
        uint8_t *p = buf_space(&f->bytes, n - have);
        if (p == NULL)
            return err_set(e, ST_NO_MEMORY, NULL, "no memory to look at a file");
        enum status st = f->from.read(f->from.ctx, p, n - have, &got, e);
        f->bytes.n = have + got;
        f->ended = got == 0;
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status ahead_read(void *ctx, uint8_t *p, size_t cap, size_t *got, struct err *e)
{
    struct ahead *f = ctx;
    size_t left = f->bytes.n - f->at;
    if (left == 0) {
        buf_release(&f->bytes);
        f->at = 0;
        *got = 0;
        return f->ended ? ST_OK : f->from.read(f->from.ctx, p, cap, got, e);
    }
    *got = left < cap ? left : cap;
    if (*got > 0)
        memcpy(p, f->bytes.p + f->at, *got);
    f->at += *got;
    return ST_OK;
}

struct source ahead_source(struct ahead *f)
{
    return (struct source){.read = ahead_read, .ctx = f};
}
