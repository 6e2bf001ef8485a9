/* bench store: where the store's time goes on this machine. */
#include "base/text.h"
#include "cli/bench_store.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/target.h"
#include <stdlib.h>

#define MIB_USUAL 256
#define MIB_MOST  16384

static void tell_json(struct cli *c, const struct bench_result *r)
{
    static const char *const kinds[] = {"limit", "stage", "whole"};
    struct json_out j = answer_open(c, "assay.bench-store/1");
    member_u64(&j, "bytes", r->bytes);
    member_u64(&j, "cores", r->cores);
    member_u64(&j, "rounds", BENCH_ROUNDS);
    json_key(&j, "lines");
    json_array(&j);
    for (size_t i = 0; i < r->count; i++) {
        const struct bench_line *l = &r->lines[i];
        json_object(&j);
        member_text(&j, "kind", kinds[l->kind]);
        member_text(&j, "name", l->name);
        member_u64(&j, "bytes_per_second", (uint64_t)l->rate);
        member_u64(&j, "best", (uint64_t)l->best);
        if (l->kind == BENCH_WHOLE)
            member_u64(&j, "limit", (uint64_t)l->limit);
        json_close(&j);
    }
    json_close(&j);
    answer_close(c, &j);
}

/* To two places; a number as text. */
static const char *number(double v, char out[32])
{
    struct buf b = buf_over((uint8_t *)out, 31);
    buf_fixed(&b, v, 2);
    out[b.n] = '\0';
    return out;
}

static void put_rate(struct table *t, const struct bench_line *l)
{
    char text[32];
    if (l->rate > 0)
        table_cell(t, "%s GB/s", number(l->rate * 1e-9, text));
    else
        table_cell(t, "not here");
}

static void put_share(struct table *t, const struct bench_line *l)
{
    char limit[32], share[32];
    table_cell(t, "%s of the %s GB/s that stages, cores and disk allow",
               number(l->limit > 0 ? l->rate / l->limit : 0, share),
               number(l->limit * 1e-9, limit));
}

static void tell_text(struct cli *c, const struct bench_result *r)
{
    static const char *const titles[] = {"this machine, one thread", "stages, one thread each",
                                         "the whole, all threads"};
    for (enum bench_kind kind = BENCH_LIMIT; kind <= BENCH_WHOLE; kind++) {
        SCOPED(table_release) struct table t = table_of(kind == BENCH_WHOLE ? 3 : 2);
        buf_fmt(&c->out, "%s\n", titles[kind]);
        for (size_t i = 0; i < r->count; i++) {
            const struct bench_line *l = &r->lines[i];
            if (l->kind != kind)
                continue;
            table_cell(&t, "  %s", l->name);
            put_rate(&t, l);
            if (kind == BENCH_WHOLE)
                put_share(&t, l);
        }
        table_put(&t, &c->out);
    }
}

enum status cmd_bench_store(struct cli *c, struct err *e)
{
    struct bench_result r;
    uint64_t mib = MIB_USUAL;
    const char *dir = c->args.value[OPT_OUTPUT];
    if (dir == NULL)
        dir = getenv("TMPDIR");
    if (dir == NULL || *dir == '\0')
        dir = "/var/tmp";
    enum status st = opt_u64(&c->args, OPT_MIB, 48, MIB_MOST, &mib, e);
    if (st == ST_OK)
        st = target_outside(c, dir, e);
    if (st == ST_OK)
        st = bench_store(dir, mib, &r, e);
    if (st != ST_OK)
        return st;
    if (c->json)
        tell_json(c, &r);
    else
        tell_text(c, &r);
    return ST_OK;
}
