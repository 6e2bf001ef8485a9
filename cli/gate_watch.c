#include "cli/gate_watch.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/print.h"
#include "cli/size.h"
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_NS UINT64_C(100000000)
#define EVENT_NS  UINT64_C(1000000000)

static const char *const steps[] = {[ABREAST_WAITS] = "waiting",
                                    [ABREAST_STARTED] = "started",
                                    [ABREAST_RUNS] = "running",
                                    [ABREAST_ENDED] = "ended"};

struct gate_watch gate_watch_begin(struct cli *c, const char *of)
{
    struct gate_watch w = {.c = c, .of = of};
    w.streaming = c->json && opt_given(&c->args, OPT_STREAM);
    w.drawing = !c->quiet && !w.streaming && isatty(STDERR_FILENO);
    return w;
}

enum status gate_watch_machine(const struct args *a, struct gate_cost *out, struct err *e)
{
    uint64_t cores = 0;
    *out = gate_machine();
    enum status st = opt_u64(a, OPT_CORES, 1, 1024, &cores, e);
    if (st == ST_OK)
        st = size_option(a, OPT_MEMORY, &out->memory, e);
    if (cores > 0)
        out->cores = (unsigned)cores;
    return st;
}

/* ---- on a terminal ------------------------------------------------------------------------ */

static void put_line(struct buf *b, enum gate g, const struct abreast_news *n, size_t columns)
{
    const size_t from = b->n;
    buf_fmt(b, "  %-10s  ", gate_name(g));
    if (n->step == ABREAST_ENDED)
        buf_fmt(b, "%-12s", n->verdict == VERDICT_NONE ? "no result" : verdict_name(n->verdict));
    else
        buf_fmt(b, "%-12s", n->step == ABREAST_WAITS ? "waiting" : "running");
    if (n->step != ABREAST_WAITS) {
        buf_fixed(b, (double)n->ms / 1000, 1);
        buf_text(b, " s");
    }
    if (n->done > 0 && n->total > 0)
        buf_fmt(b, "  %llu of %llu cases", (unsigned long long)n->done,
                (unsigned long long)n->total);
    if (b->n - from > columns - 1 && !b->failed)
        b->n = from + columns - 1;
    buf_text(b, "\x1b[K\n");
}

static void show(struct span text)
{
    struct err ignored = ERR_NONE; /* a terminal that went away stops no work */
    enum status st = io_write(STDERR_FILENO, text, &ignored);
    (void)st;
}

static void back(struct buf *b, size_t lines)
{
    if (lines > 0)
        buf_fmt(b, "\x1b[%zuA\r", lines);
}

static void draw(struct gate_watch *w, bool now)
{
    char room[4096];
    struct buf b = buf_over(room, sizeof room);
    struct winsize window = {.ws_col = 0};
    const uint64_t ticks = clock_ticks();
    if (!now && ticks < w->redraw)
        return;
    w->redraw = ticks + REDRAW_NS;
    size_t columns =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
    back(&b, w->lines);
    w->lines = 0;
    for (int g = GATE_STRUCTURAL; g < GATE_COUNT; g++)
        if (w->shown[g]) {
            put_line(&b, (enum gate)g, &w->news[g], columns);
            w->lines++;
        }
    if (!b.failed)
        show(buf_span(&b));
}

void gate_watch_clear(struct gate_watch *w)
{
    char room[64];
    struct buf b = buf_over(room, sizeof room);
    back(&b, w->lines);
    buf_text(&b, "\x1b[J");
    if (w->lines > 0)
        show(buf_span(&b));
    *w = gate_watch_begin(w->c, w->of);
}

/* ---- elsewhere ---------------------------------------------------------------------------- */

static void put_event(struct gate_watch *w, enum gate g, const struct abreast_news *n)
{
    struct err lost = ERR_NONE;
    struct json_out j = answer_open(w->c, "assay.gate-event/1");
    member_text(&j, "gate", gate_name(g));
    member_text(&j, "event", steps[n->step]);
    member_u64(&j, "ms", n->ms);
    if (n->total > 0) {
        member_u64(&j, "done", n->done);
        member_u64(&j, "total", n->total);
    }
    if (n->step == ABREAST_ENDED)
        member_text(&j, "result", n->verdict == VERDICT_NONE ? NULL : verdict_name(n->verdict));
    answer_close(w->c, &j);
    enum status st = cli_flush(w->c, &lost);
    (void)st; /* who reads no events still gets the gates */
}

static void note(const struct gate_watch *w, enum gate g, const struct abreast_news *n)
{
    char of[200];
    text_fmt(of, sizeof of, "%s%s", w->of, w->of[0] != '\0' ? " " : "");
    if (n->step == ABREAST_STARTED)
        cli_note(w->c, "%s%s …", of, gate_name(g));
    else if (n->step == ABREAST_ENDED)
        cli_note(w->c, "%s%s: %s after %llu.%llu s", of, gate_name(g),
                 n->verdict == VERDICT_NONE ? "no result" : verdict_name(n->verdict),
                 (unsigned long long)(n->ms / 1000), (unsigned long long)(n->ms / 100 % 10));
}

void gate_watch_tell(void *ctx, enum gate g, const struct abreast_news *news)
{
    struct gate_watch *w = ctx;
    const bool runs = news->step == ABREAST_RUNS;
    w->shown[g] = true;
    w->news[g] = *news;
    if (w->drawing)
        draw(w, !runs);
    if (w->streaming && (!runs || clock_ticks() >= w->due[g])) {
        w->due[g] = clock_ticks() + EVENT_NS;
        put_event(w, g, news);
    }
    if (!w->drawing && !w->streaming)
        note(w, g, news);
}
