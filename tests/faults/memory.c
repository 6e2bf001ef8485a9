/* Memory that cannot be had: the n-th allocation of the program or of any library in it fails, once
 * or from then on. This program's own malloc stands before libc's. */
#include "tests/faults/campaign.h"
#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libc's own, under the names it keeps for such as us. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

/* The child has its own copy, and says through a memory file what became of it: "D" at the first
 * denial, then how many were asked for. Its own sandboxed children go on counting where it was. */
enum { FRAMES = 40 };

static struct {
    bool counting, sticky, tells; /* tells: where the denied allocation stood, for addr2line */
    _Atomic uint64_t asked;
    uint64_t at;
    int report;
    void *from[FRAMES];
} gate;

static bool deny(void)
{
    if (!gate.counting)
        return false;
    uint64_t n = atomic_fetch_add_explicit(&gate.asked, 1, memory_order_relaxed) + 1;
    if (gate.at == 0 || n < gate.at || (n > gate.at && !gate.sticky))
        return false;
    if (n == gate.at && gate.tells)
        backtrace_symbols_fd(gate.from, backtrace(gate.from, FRAMES), 2);
    if (n == gate.at && write(gate.report, "D", 1) < 0)
        gate.report = -1; /* in a sandbox, which has no such descriptor: then it is not counted */
    errno = ENOMEM;
    return true;
}

#define OURS __attribute__((visibility("default"), used))

OURS void *malloc(size_t n)
{
    return deny() ? NULL : __libc_malloc(n);
}

OURS void *calloc(size_t n, size_t size)
{
    return deny() ? NULL : __libc_calloc(n, size);
}

OURS void *realloc(void *p, size_t n)
{
    return deny() ? NULL : __libc_realloc(p, n);
}

OURS void *aligned_alloc(size_t align, size_t n)
{
    return deny() ? NULL : __libc_memalign(align, n);
}

OURS int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = deny() ? NULL : __libc_memalign(align, n);
    if (p == NULL)
        return ENOMEM;
    *out = p;
    return 0;
}

struct wrapped {
    int (*body)(void *ctx);
    void *ctx;
};

static int counted(void *ctx)
{
    const struct wrapped *w = ctx;
    char text[40];
    gate.counting = true;
    int rc = w->body(w->ctx);
    gate.counting = false;
    int n = snprintf(text, sizeof text, "N%llu", (unsigned long long)atomic_load(&gate.asked));
    return write(gate.report, text, (size_t)n) == n ? rc : 126;
}

static struct trace_end attempt(struct run *r, struct unit *u, uint64_t at, bool sticky,
                                char report[64])
{
    static struct wrapped wrapped;
    if (gate.report == 0)
        gate.report = memfd_create("report", MFD_CLOEXEC);
    if (ftruncate(gate.report, 0) != 0 || lseek(gate.report, 0, SEEK_SET) != 0)
        die("memory file");
    tree_put(&u->state->tree, r->stage->live);
    struct trace_job job = stage_job(r->stage, u->try->line);
    wrapped = (struct wrapped){.body = job.body, .ctx = job.ctx};
    job.body = counted;
    job.ctx = &wrapped;
    gate.at = at;
    gate.tells =
        r->single && at > 0 && backtrace(gate.from, FRAMES) > 0; /* which loads a library */
    gate.sticky = sticky;
    struct trace_end end = stage_run(r->stage, &job);
    ssize_t n = pread(gate.report, report, 63, 0);
    report[n > 0 ? n : 0] = '\0';
    return end;
}

static uint64_t memory_count(struct run *r, struct unit *u)
{
    char report[64];
    (void)attempt(r, u, 0, false, report);
    return report[0] == 'N' ? 2 * strtoull(report + 1, NULL, 10) : 0;
}

static enum verdict memory_point(struct run *r, struct unit *u, uint64_t i, char why[WHY])
{
    char report[64];
    struct trace_end end = attempt(r, u, i / 2 + 1, i % 2 == 1, report);
    if (report[0] != 'D')
        return VERDICT_NONE; /* the count differs by a few from run to run */
    why[0] = '\0';
    campaign_said(r, &end);
    if (end.hung || end.signal != 0) {
        (void)snprintf(why, WHY, "%s, signal %d: %.300s", end.hung ? "hangs" : "crashes",
                       end.signal, stage_said(r->stage, true));
        return VERDICT_BAD;
    }
    struct promise promise = promise_of(r->stage, u);
    if (end.exit == 0 && u->exit == 0) /* whatever it said: success is a promise too */
        promise = (struct promise){.entries = u->added, .files = true};
    return judge_all(r->stage, u, promise, &end, why) ? VERDICT_GOOD : VERDICT_BAD;
}

const struct campaign campaign_memory = {.name = "memory",
                                         .what = "failing allocations",
                                         .also = {"trees"},
                                         .trees = true,
                                         .count = memory_count,
                                         .point = memory_point};
