#include "base/checked.h"
#include "base/files.h"
#include "base/text.h"
#include "runtime/budget.h"
#include "verify/browser_run.h"
#include "verify/exam.h"
#include "verify/facts.h"
#include "verify/gate_run.h"
#include "verify/sandbox.h"
#include "verify/section.h"
#include "verify/web_model.h"

#define BROWSER_TRANSFER (UINT64_C(128) << 20) /* bytes of a model in a browser */
#define MEMORY_SPARE     (UINT64_C(16) << 20)  /* beside artifact and budget */
#define SCRIPT_MS        150000u
#define WALL_MS          420000u
#define SLOWEST          2000u /* bytes of model a millisecond, at each of a dozen passes */

static uint32_t tokens_of(const struct gate_subject *s)
{
    const struct section_member *m = section_named(GATE_BROWSER, NULL, "tokens");
    uint64_t v = 0;
    (void)section_value(s->section, m, &v);
    return (uint32_t)(v < m->low ? m->low : v > m->high ? m->high : v);
}

static enum status memory_of(const struct gate_subject *s, uint64_t *out, struct err *e)
{
    const struct model_facts facts =
        facts_of_manifest(&s->artifact->manifest.model, s->file->bytes);
    struct budget b;
    enum status st = budget_of(&facts, &b, e);
    if (st == ST_OK && !checked_add(b.total, MEMORY_SPARE, out))
        return err_set(e, ST_INVALID_LENGTH, "browser-memory", "the model needs too much memory");
    return st;
}

/* The native runtime's lines, made in a sandbox. *ok false: it could not, and the check says why.
 */
static enum status reference(const struct gate_subject *s, int fd, uint32_t tokens,
                             struct gate_checks *checks, struct buf *lines, bool *ok, struct err *e)
{
    struct trace_job job = {.bytes = s->file->bytes, .tokens = tokens};
    unsigned seconds = (unsigned)(SCRIPT_MS / 1000 + s->file->bytes / SLOWEST / 1000);
    struct sandbox_limits limits = {
        .cpu_seconds = seconds, .wall_ms = seconds * 1000, .output_bytes = TRACE_ANSWER};
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    enum status st =
        exam_memory(&s->artifact->manifest.model, s->file->bytes, &limits.memory_bytes, e);
    if (st == ST_OK)
        st = sandbox_start(&limits, trace_child, &job, fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, &o, e);
    if (st != ST_OK)
        return st;
    *ok = o.ending == SANDBOX_RETURNED;
    checks_add(checks, "native reference", *ok, "the sandboxed child %s", o.message);
    buf_append(lines, buf_span(&o.answer));
    return buf_status(lines) == ST_OK
               ? ST_OK
               : err_set(e, ST_NO_MEMORY, NULL, "no memory for the native reference");
}

static void list_model(const struct gate_subject *s, struct buf *out)
{
    const struct web_model m = {.artifact = s->artifact,
                                .file = s->file,
                                .name = s->artifact->manifest.name,
                                .channel = "candidate"};
    struct json_out j = web_models_open(out);
    web_models_add(&j, &m);
    web_models_close(&j);
}

/* No browser, or one that went or hung, is no verdict about the model. */
static void could_not(struct gate_checks *checks, const struct err *e)
{
    checks_add(checks, "browser", false, "%.250s", e->detail);
    struct gate_check *c = checks_find(checks, "browser");
    if (c != NULL)
        c->verdict = VERDICT_ERROR;
}

/* A console that is not empty fails unless the policy says how much it may say. */
static void judge_console(const struct gate_subject *s, struct gate_checks *checks)
{
    uint64_t limit = 0;
    const struct section_member *m = section_find(GATE_BROWSER, "console errors");
    struct gate_check *said = checks_find(checks, "console");
    if (said != NULL && m != NULL && section_value(s->section, m, &limit) && limit > 0)
        said->verdict = VERDICT_PASS; /* told, and counted against that limit */
}

static enum status visit(const struct gate_subject *s, struct browser_job *job,
                         struct gate_checks *checks, struct gate_result *result, struct err *e)
{
    SCOPED(buf_release) struct buf answer = BUF_EMPTY;
    struct process_end end = {0};
    unsigned extra = (unsigned)(s->file->bytes / SLOWEST) * 12;
    job->script_ms = SCRIPT_MS + extra;
    enum status st = browser_present(e);
    if (st == ST_OK)
        st = browser_host(browser_run, job, BROWSER_ANSWER, WALL_MS + 2 * extra, &answer, &end, e);
    if (st == ST_OK) {
        browser_read(buf_span(&answer), checks, result);
        judge_console(s, checks);
    }
    if (st == ST_HARNESS || st == ST_NOT_FOUND || st == ST_OUTPUT_EXCEEDED) {
        could_not(checks, e);
        *e = ERR_NONE;
        st = ST_OK;
    }
    return st;
}

static enum status measure(const struct gate_subject *s, int fd, struct gate_checks *checks,
                           struct gate_result *result, struct err *e)
{
    SCOPED(web_bundle_release) struct web_bundle bundle = {.count = 0};
    SCOPED(buf_release) struct buf listing = BUF_EMPTY;
    SCOPED(buf_release) struct buf lines = BUF_EMPTY;
    struct browser_job job = {.bundle = &bundle,
                              .sha256 = s->file->sha256,
                              .bytes = s->file->bytes,
                              .model = fd,
                              .tokens = tokens_of(s)};
    bool ok = false;
    enum status st = memory_of(s, &job.memory, e);
    if (st == ST_OK)
        st = web_bundle_make(&bundle, e);
    if (st == ST_OK)
        st = reference(s, fd, job.tokens, checks, &lines, &ok, e);
    if (st != ST_OK || !ok)
        return st;
    list_model(s, &listing);
    if (buf_status(&listing) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the list of models");
    job.listing = buf_span(&listing);
    job.expected = buf_span(&lines);
    return visit(s, &job, checks, result, e);
}

enum status gate_browser(const struct gate_subject *s, struct gate_checks *checks,
                         struct gate_result *result, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    text_fmt(result->sandbox, sizeof result->sandbox, "none"); /* until a browser was there */
    checks_add(checks, "transfer", s->file->bytes <= BROWSER_TRANSFER,
               "%llu bytes; a browser takes 128 MiB", (unsigned long long)s->file->bytes);
    if (s->file->bytes > BROWSER_TRANSFER)
        return ST_OK;
    enum status st = store_content_memory(s->store, &s->file->sha256, &fd, e);
    if (st == ST_CORRUPT || st == ST_MISMATCH || st == ST_NOT_FOUND) {
        checks_add(checks, "load", false, "the store cannot give the bytes: %.180s", e->detail);
        *e = ERR_NONE;
        return ST_OK;
    }
    return st == ST_OK ? measure(s, fd, checks, result, e) : st;
}
