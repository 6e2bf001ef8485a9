#include "verify/gate_worker.h"
#include "base/files.h"
#include "base/heap.h"
#include "base/io.h"
#include "base/process.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEAD      5u           /* bytes of a frame before its own */
#define FRAME_MAX (256u << 20) /* bytes of one */
#define GRACE_MS  15000u       /* for a worker to put away a browser */
#define REAP_MS   10000u       /* from its last word to its end */

enum frame { FRAME_PROGRESS = 'p', FRAME_RESULT = 'r', FRAME_CASES = 'c', FRAME_ERROR = 'e' };

struct gate_worker {
    struct gate_job job;
    pid_t parent, pid; /* pid 0: none, or reaped */
    int say[2];        /* read and write end, −1 */
    struct buf heard;  /* of frames that are not whole yet */
    uint64_t done, total;
    bool failed, told; /* an error, a result has come */
    struct err error;
    struct gate_result result;
};

/* ---- the worker --------------------------------------------------------------------------- */

static bool put_frame(int fd, enum frame kind, struct span body)
{
    uint8_t head[HEAD] = {(uint8_t)kind};
    struct err lost = ERR_NONE;
    put_le32(head + 1, (uint32_t)body.n);
    return body.n <= FRAME_MAX && io_write(fd, SPAN(head, HEAD), &lost) == ST_OK &&
           io_write(fd, body, &lost) == ST_OK;
}

static void put_progress(void *ctx, uint64_t done, uint64_t total)
{
    const struct gate_worker *w = ctx;
    uint8_t body[16];
    put_le64(body, done);
    put_le64(body + 8, total);
    (void)put_frame(w->say[1], FRAME_PROGRESS, SPAN(body, sizeof body));
}

static void member(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_string(j, text);
}

static void write_result(const struct gate_result *r, struct buf *out)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(out);
    digest_text(&r->baseline, hex);
    json_object(&j);
    member(&j, "baseline", hex);
    member(&j, "browser", r->browser);
    json_key(&j, "checks");
    json_array(&j);
    for (size_t i = 0; i < r->check_count; i++)
        check_write(&r->checks[i], &j);
    json_close(&j);
    member(&j, "ended", r->ended);
    member(&j, "sandbox", r->sandbox);
    member(&j, "started", r->started);
    member(&j, "verdict", verdict_name(r->verdict));
    json_close(&j);
}

static bool tell(const struct gate_worker *w, enum status st, struct gate_result *r,
                 const struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    if (st != ST_OK)
        return put_frame(w->say[1], FRAME_ERROR, SPAN(e, sizeof *e));
    write_result(r, &text);
    return buf_status(&text) == ST_OK && put_frame(w->say[1], FRAME_RESULT, buf_span(&text)) &&
           put_frame(w->say[1], FRAME_CASES, buf_span(&r->cases));
}

static int worker(void *ctx)
{
    struct gate_worker *w = ctx;
    const struct gate_job *job = &w->job;
    SCOPED(store_scope) struct store *s = NULL;
    SCOPED(gate_result_release) struct gate_result r = {0};
    SCOPED(progress_scope) struct progress *progress = progress_relay(put_progress, w);
    const struct gate_means means = {.cores = job->cores, .progress = progress};
    struct err e = ERR_NONE;
    (void)close(w->say[0]);
    if (!process_heed(w->parent))
        return 1;
    enum status st = store_open(job->store, &s, &e);
    if (st == ST_OK)
        st = gate_run(job->gate, s, job->artifact, job->against, job->section, job->clock, &means,
                      &r, &e);
    if (st == ST_OK && process_interrupted())
        st = err_set(&e, ST_INTERRUPTED, NULL, "interrupted before evidence was made");
    return tell(w, st, &r, &e) ? 0 : 1;
}

/* ---- the parent --------------------------------------------------------------------------- */

void gate_worker_free(struct gate_worker *w)
{
    if (w == NULL)
        return;
    if (w->pid > 0)
        process_stop(w->pid, GRACE_MS);
    fd_release(&w->say[0]);
    fd_release(&w->say[1]);
    buf_release(&w->heard);
    gate_result_release(&w->result);
    heap_free(w);
}

enum status gate_worker_start(const struct gate_job *job, struct gate_worker **out, struct err *e)
{
    SCOPED(gate_worker_scope) struct gate_worker *w = heap_zero(1, sizeof *w);
    if (w == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for a gate's process");
    w->say[0] = w->say[1] = -1;
    w->job = *job;
    w->parent = getpid();
    if (pipe2(w->say, O_CLOEXEC) != 0)
        return err_sys(e, errno, "pipe", gate_name(job->gate));
    enum status st = process_fork(worker, w, &w->pid, e);
    if (st != ST_OK) {
        w->pid = 0;
        return err_stage(e, "gate");
    }
    (void)close(w->say[1]);
    w->say[1] = -1;
    *out = gate_worker_take(&w);
    return ST_OK;
}

int gate_worker_fd(const struct gate_worker *w)
{
    return w->say[0];
}

void gate_worker_progress(const struct gate_worker *w, uint64_t *done, uint64_t *total)
{
    *done = w->done;
    *total = w->total;
}

static bool read_text(const struct json *v, const char *key, char *out, size_t cap)
{
    const char *text = json_as_string(json_get(v, key));
    return text != NULL && text_fmt(out, cap, "%s", text) < cap;
}

static bool read_checks(const struct json *list, struct gate_result *r)
{
    struct err odd = ERR_NONE;
    const size_t n = json_count(list);
    r->checks = n > 0 && n <= GATE_CHECKS_MAX ? heap_zero(n, sizeof *r->checks) : NULL;
    bool fine = n == 0 || r->checks != NULL;
    for (; fine && r->check_count < n; r->check_count++)
        fine = check_read(json_at(list, r->check_count), &r->checks[r->check_count], &odd) == ST_OK;
    return fine;
}

static bool read_result(struct span body, struct gate_result *r)
{
    SCOPED(json_scope) struct json *v = NULL;
    struct err odd = ERR_NONE;
    char hex[DIGEST_TEXT];
    if (json_parse(body, FRAME_MAX, &v, &odd) != ST_OK)
        return false;
    r->verdict = verdict_parse(json_as_string(json_get(v, "verdict")));
    return r->verdict != VERDICT_NONE && read_text(v, "baseline", hex, sizeof hex) &&
           digest_parse(hex, &r->baseline) && read_text(v, "browser", r->browser, 64) &&
           read_text(v, "sandbox", r->sandbox, sizeof r->sandbox) &&
           read_text(v, "started", r->started, sizeof r->started) &&
           read_text(v, "ended", r->ended, sizeof r->ended) &&
           read_checks(json_get(v, "checks"), r);
}

/* One whole frame; false when it makes no sense. */
static bool take_frame(struct gate_worker *w, enum frame kind, struct span body)
{
    switch (kind) {
    case FRAME_PROGRESS:
        if (body.n != 16)
            return false;
        w->done = get_le64(body.p);
        w->total = get_le64(body.p + 8);
        return true;
    case FRAME_ERROR:
        w->failed = body.n == sizeof w->error;
        if (w->failed)
            memcpy(&w->error, body.p, sizeof w->error);
        return w->failed;
    case FRAME_RESULT: return w->result.checks == NULL && read_result(body, &w->result);
    case FRAME_CASES:
        buf_append(&w->result.cases, body);
        w->told = true;
        return buf_status(&w->result.cases) == ST_OK;
    }
    return false;
}

static enum status nonsense(const struct gate_worker *w, struct err *e)
{
    return err_set(e, ST_HARNESS, "gate-worker", "the process of gate %s ended without a result",
                   gate_name(w->job.gate));
}

enum status gate_worker_hear(struct gate_worker *w, bool *ended, struct err *e)
{
    uint8_t part[16384];
    size_t got = 0, at = 0;
    enum status st = io_read(w->say[0], part, sizeof part, &got, e);
    *ended = st != ST_OK || got == 0;
    buf_append(&w->heard, SPAN(part, got));
    if (st == ST_OK && buf_status(&w->heard) != ST_OK)
        st = err_set(e, ST_NO_MEMORY, NULL, "no memory for a gate's result");
    while (st == ST_OK && w->heard.n - at >= HEAD) {
        const uint8_t *head = w->heard.p + at;
        const uint32_t n = get_le32(head + 1);
        if (n > FRAME_MAX)
            return nonsense(w, e);
        if (w->heard.n - at - HEAD < n)
            break;
        if (!take_frame(w, (enum frame)head[0], SPAN(head + HEAD, n)))
            return nonsense(w, e);
        at += HEAD + n;
    }
    if (at > 0) {
        memmove(w->heard.p, w->heard.p + at, w->heard.n - at);
        w->heard.n -= at;
    }
    return st;
}

enum status gate_worker_finish(struct gate_worker *w, struct gate_result *out, struct err *e)
{
    struct process_end end;
    SCOPED(buf_release) struct buf rest = BUF_EMPTY;
    *out = (struct gate_result){0};
    enum status st = process_collect(w->pid, -1, 0, REAP_MS, &rest, &end, e);
    w->pid = 0;
    if (st != ST_OK)
        return st;
    if (w->failed) {
        *e = w->error;
        return e->status;
    }
    if (!w->told)
        return nonsense(w, e);
    *out = w->result;
    w->result = (struct gate_result){0};
    return ST_OK;
}
