#include "base/files.h"
#include "base/text.h"
#include "verify/exam.h"
#include "verify/sandbox.h"
#include "verify/section.h"
#include "verify/smoke.h"
#include "verify/trail.h"

#define SMOKE_ANSWER  (256u << 10) /* bytes of JSON */
#define SMOKE_SECONDS 120
#define SMOKE_SLOWEST 8000000u /* bytes of model a second */

static uint32_t setting(const struct gate_subject *s, const char *key)
{
    const struct section_member *m = NULL;
    uint64_t v = 0;
    for (size_t i = 0; (m = section_member(GATE_SMOKE, i)) != NULL; i++)
        if (text_equal(m->key, key)) {
            (void)section_value(s->section, m, &v);
            v = v < m->low ? m->low : v > m->high ? m->high : v;
        }
    return (uint32_t)v;
}

static enum status run_child(const struct gate_subject *s, int fd, struct sandbox_outcome *o,
                             struct err *e)
{
    struct smoke_job job = {
        .bytes = s->file->bytes, .tokens = setting(s, "tokens"), .repeats = setting(s, "repeats")};
    unsigned seconds = SMOKE_SECONDS + (unsigned)(s->file->bytes / SMOKE_SLOWEST);
    struct sandbox_limits limits = {
        .cpu_seconds = seconds, .wall_ms = seconds * 1000, .output_bytes = SMOKE_ANSWER};
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    enum status st =
        exam_memory(&s->artifact->manifest.model, s->file->bytes, &limits.memory_bytes, e);
    if (st == ST_OK)
        st = sandbox_start(&limits, smoke_child, &job, fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, o, e);
    return st;
}

enum status gate_smoke(const struct gate_subject *s, struct gate_checks *checks,
                       struct gate_result *result, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    enum status st = store_content_memory(s->store, &s->file->sha256, &fd, e);
    if (st == ST_CORRUPT || st == ST_MISMATCH || st == ST_NOT_FOUND) {
        checks_add(checks, "load", false, "the store cannot give the bytes: %.180s" TRAIL_AT "%s",
                   e->detail, stage_name(stage_of_bytes(e)));
        *e = ERR_NONE;
        text_fmt(result->sandbox, sizeof result->sandbox, "none");
        return ST_OK;
    }
    if (st == ST_OK)
        st = run_child(s, fd, &o, e);
    if (st != ST_OK)
        return st;
    text_fmt(result->sandbox, sizeof result->sandbox, "%s", o.level);
    struct span answer;
    char ending[256];
    trail_ending(&o, &answer, ending);
    checks_add(checks, "child", o.ending == SANDBOX_RETURNED, "the sandboxed child %s", ending);
    if (o.ending == SANDBOX_RETURNED)
        smoke_read(answer, checks);
    checks_measure_u64(checks, "peak memory", o.end.peak_bytes, "bytes",
                       "peak resident memory, the program included");
    return ST_OK;
}
