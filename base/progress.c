#include "base/progress.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/io.h"
#include "base/text.h"
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 24, LINE_MAX_BYTES = 256 };
#define REDRAW_NS UINT64_C(100000000)
#define SECOND_NS UINT64_C(1000000000)

struct progress {
    const char *label, *unit;
    void (*told)(void *ctx, uint64_t done, uint64_t total); /* NULL: drawn here */
    void *ctx;
    uint64_t began;
    _Atomic uint64_t total;
    _Atomic uint64_t done;
    _Atomic uint64_t next_draw; /* clock_ticks from which a redraw is due; whoever moves it draws */
};

struct progress *progress_start(const char *label, const char *unit, uint64_t total, bool quiet)
{
    if (quiet || !isatty(STDERR_FILENO))
        return NULL;
    struct progress *p = heap_zero(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->label = label;
    p->unit = unit;
    p->total = total;
    p->began = clock_ticks();
    p->next_draw = p->began + REDRAW_NS;
    return p;
}

struct progress *progress_relay(void (*told)(void *ctx, uint64_t done, uint64_t total), void *ctx)
{
    struct progress *p = heap_zero(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->told = told;
    p->ctx = ctx;
    p->next_draw = clock_ticks();
    return p;
}

/* "1.4 GiB", or "12 files". */
static void put_amount(struct buf *b, uint64_t v, const char *unit)
{
    static const char *const binary[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (!text_equal(unit, "B")) {
        buf_fmt(b, "%llu %s", (unsigned long long)v, unit);
        return;
    }
    unsigned step = 0;
    double shown = (double)v;
    while (shown >= 1024 && step < 6) {
        shown /= 1024;
        step++;
    }
    buf_fixed(b, shown, step > 0);
    buf_fmt(b, " %s", binary[step]);
}

static void put_bar(struct buf *b, uint64_t done, uint64_t total)
{
    double part = done < total ? (double)done / (double)total : 1;
    int full = (int)(part * BAR);
    buf_byte(b, '[');
    for (int i = 0; i < BAR; i++)
        buf_byte(b, i < full ? '#' : '.');
    buf_fmt(b, "] %3d%% ", (int)(part * 100));
}

static void put_rate(struct buf *b, const struct progress *p, uint64_t done, uint64_t now)
{
    double seconds = (double)(now - p->began) / (double)SECOND_NS;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    buf_text(b, "  ");
    put_amount(b, (uint64_t)rate, p->unit);
    buf_text(b, "/s");
    const uint64_t total = atomic_load_explicit(&p->total, memory_order_relaxed);
    if (total > done && rate > 0) {
        uint64_t left = (uint64_t)((double)(total - done) / rate);
        buf_fmt(b, "  %llu:%02u left", (unsigned long long)(left / 60), (unsigned)(left % 60));
    }
}

static void show(struct span line)
{
    struct err ignored = ERR_NONE; /* a terminal that went away stops no work */
    enum status st = io_write(STDERR_FILENO, line, &ignored);
    (void)st;
}

static void draw(const struct progress *p, uint64_t done, uint64_t now)
{
    char line[LINE_MAX_BYTES];
    struct buf b = buf_over(line, sizeof line);
    struct winsize window = {.ws_col = 0};
    size_t columns =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
    buf_text(&b, "\r");
    buf_fmt(&b, "%.40s ", p->label);
    const uint64_t total = atomic_load_explicit(&p->total, memory_order_relaxed);
    if (total > 0)
        put_bar(&b, done, total);
    put_amount(&b, done, p->unit);
    put_rate(&b, p, done, now);
    b.n = b.n < columns ? b.n
                        : columns; /* the carriage return takes no column, the last stays free */
    buf_text(&b, "\x1b[K");
    show(buf_span(&b));
}

void progress_add(struct progress *p, uint64_t n)
{
    if (p == NULL)
        return;
    uint64_t done = atomic_fetch_add_explicit(&p->done, n, memory_order_relaxed) + n;
    uint64_t due = atomic_load_explicit(&p->next_draw, memory_order_relaxed), now = clock_ticks();
    if (now < due || !atomic_compare_exchange_strong(&p->next_draw, &due, now + REDRAW_NS))
        return;
    if (p->told != NULL)
        p->told(p->ctx, done, atomic_load_explicit(&p->total, memory_order_relaxed));
    else
        draw(p, done, now);
}

void progress_total(struct progress *p, uint64_t total)
{
    if (p == NULL)
        return;
    atomic_store_explicit(&p->total, total, memory_order_relaxed);
    progress_add(p, 0);
}

void progress_finish(struct progress *p)
{
    if (p == NULL)
        return;
    if (p->told == NULL)
        show(span_text("\r\x1b[K"));
    heap_free(p);
}
