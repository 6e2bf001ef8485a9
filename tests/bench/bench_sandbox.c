/* How long a sandbox takes: from the call until its function runs behind every wall, and until it
 * has been reaped. bench_sandbox [ROUNDS]; medians and the worst, in milliseconds by the clock. */
#include "base/clock.h"
#include "base/text.h"
#include "verify/sandbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 1000 };

static int body(void *ctx, int in, int out)
{
    (void)ctx;
    (void)in;
    return write(out, "x", 1) == 1 ? 0 : 1;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    const struct sandbox_limits limits = {
        .memory_bytes = 64u << 20, .cpu_seconds = 10, .wall_ms = 10000, .output_bytes = 64};
    static double first[MOST], whole[MOST];
    uint64_t n = 101;
    char level[64] = "";
    if (argc > 1 && (!text_u64(span_text(argv[1]), &n) || n < 1 || n > MOST))
        return 2;
    for (uint64_t i = 0; i < n; i++) {
        SCOPED(sandbox_scope) struct sandbox *s = NULL;
        SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
        struct err e = ERR_NONE;
        uint8_t byte;
        size_t got = 0;
        const uint64_t from = clock_ticks();
        if (sandbox_start(&limits, body, NULL, -1, &s, &e) != ST_OK ||
            sandbox_read(s, &byte, 1, &got, &e) != ST_OK || got != 1)
            return 1;
        first[i] = (double)(clock_ticks() - from) / 1e6;
        if (sandbox_finish(s, &o, &e) != ST_OK || o.ending != SANDBOX_RETURNED)
            return 1;
        whole[i] = (double)(clock_ticks() - from) / 1e6;
        text_fmt(level, sizeof level, "%s", o.level);
    }
    qsort(first, n, sizeof *first, by_size);
    qsort(whole, n, sizeof *whole, by_size);
    (void)printf("level          %s\nstart          median %.2f ms, worst %.2f ms of %u\n"
                 "start to end   median %.2f ms, worst %.2f ms\n",
                 level, first[n / 2], first[n - 1], (unsigned)n, whole[n / 2], whole[n - 1]);
    return 0;
}
