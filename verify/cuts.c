#include "verify/cuts.h"
#include "base/io.h"
#include "runtime/layout.h"
#include "verify/sandbox.h"
#include <string.h>

#define MEMORY  (256u << 20)
#define SECONDS 10u

struct look {
    enum model_format format;
    struct span front;
    uint64_t file_bytes;
};

/* Both ends of a long region; a next one may begin where it ends. */
static void add_region(const struct region *r, struct buf *list, uint64_t *last)
{
    const uint64_t ends[] = {r->offset, r->offset + r->length};
    if (r->length < CHUNK_MIN)
        return;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *p = ends[i] > *last && list->n < (size_t)8 * CUTS_MOST ? buf_space(list, 8) : NULL;
        if (p == NULL)
            continue;
        put_le64(p, ends[i]);
        *last = ends[i];
    }
}

static int child(void *ctx, int in, int out)
{
    const struct look *l = ctx;
    struct layout layout = {0};
    struct err e = ERR_NONE;
    SCOPED(buf_release) struct buf list = BUF_EMPTY;
    uint64_t need = 0, last = 0;
    (void)in;
    if (layout_parse(l->format, l->front, l->file_bytes, &model_limits_default, &layout, &need,
                     &e) != ST_OK)
        return 1;
    for (size_t i = 0; i < layout.region_count; i++)
        add_region(&layout.regions[i], &list, &last);
    layout_release(&layout);
    return buf_status(&list) == ST_OK && io_write(out, buf_span(&list), &e) == ST_OK ? 0 : 1;
}

/* Ascending, within the file, few enough: or none. */
static void keep(struct span answer, uint64_t file_bytes, struct buf *out)
{
    uint64_t last = 0;
    if (answer.n % 8 != 0 || answer.n > (size_t)8 * CUTS_MOST)
        return;
    for (size_t at = 0; at < answer.n; at += 8) {
        uint64_t cut = get_le64(answer.p + at);
        if (cut <= last || cut > file_bytes)
            return;
        last = cut;
    }
    for (size_t at = 0; at < answer.n; at += 8) {
        uint64_t cut = get_le64(answer.p + at);
        buf_append(out, SPAN(&cut, sizeof cut));
    }
}

enum status cuts_of(enum model_format format, struct span front, uint64_t file_bytes,
                    struct buf *out, struct err *e)
{
    SCOPED(sandbox_scope) struct sandbox *s = NULL;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    struct look look = {format, front, file_bytes};
    struct err why = ERR_NONE;
    const struct sandbox_limits limits = {.memory_bytes = MEMORY,
                                          .cpu_seconds = SECONDS,
                                          .wall_ms = SECONDS * 1000u,
                                          .output_bytes = 8 * CUTS_MOST};
    enum status st = sandbox_start(&limits, child, &look, -1, &s, &why);
    if (st == ST_OK)
        st = sandbox_finish(s, &o, &why);
    if (st == ST_NO_MEMORY || st == ST_INTERRUPTED) {
        *e = why;
        return st;
    }
    if (st == ST_OK && o.ending == SANDBOX_RETURNED)
        keep(buf_span(&o.answer), file_bytes, out);
    st = buf_status(out);
    return st == ST_OK ? st : err_set(e, st, NULL, "no memory for a model's cuts");
}
