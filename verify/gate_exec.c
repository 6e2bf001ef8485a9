/* The exec gate: programs of the user's own look at the model and at what it answers to their
 * suites. What one is told and may answer stands in verify/exec_talk.h, what it may do in
 * verify/sandbox.h. */
#include "base/files.h"
#include "base/text.h"
#include "verify/exec_talk.h"
#include "verify/sandbox.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOT_RUN 126 /* exit code of a child that could not become the program */

struct program {
    const char *name;
    const struct json *part;
    struct digest digest;
    int fd[3]; /* itself, the model, its suite; sealed; −1 */
    size_t fds;
    struct exam exam; /* one suite, or none */
};

static void program_release(struct program *p)
{
    for (size_t i = 0; i < 3; i++)
        fd_release(&p->fd[i]);
    exam_release(&p->exam);
}

/* ---- the child ---------------------------------------------------------------------------- */

/* Becomes the program, which lies in descriptor 3. */
static int become(void *ctx, int in, int out)
{
    static char name[] = "gate", path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8",
                home[] = "HOME=/nonexistent", none[] = "";
    char *argv[] = {name, NULL}, *envp[] = {path, lang, home, NULL};
    (void)ctx;
    (void)in;
    (void)out;
    (void)syscall(SYS_execveat, 3, none, argv, envp, AT_EMPTY_PATH);
    return NOT_RUN;
}

/* ---- preparing ---------------------------------------------------------------------------- */

static void check(struct gate_checks *checks, const char *part, const char *what, bool pass,
                  const char *message)
{
    char name[64];
    text_fmt(name, sizeof name, "%s %s", part, what);
    checks_add(checks, name, pass, "%s", message);
}

/* A file of the store as a sealed memory file. What the store has not, or has damaged, is a check
 * that is an error. */
static enum status fetch(const struct gate_subject *s, const char *name, const struct digest *d,
                         int *fd, bool *fine, struct gate_checks *checks, struct err *e)
{
    char hex[DIGEST_TEXT];
    struct err why = ERR_NONE;
    enum status st = store_content_memory(s->store, d, fd, &why);
    digest_text(d, hex);
    *fine = st == ST_OK && lseek(*fd, 0, SEEK_SET) == 0; /* it is read from its start */
    if (st == ST_NOT_FOUND)
        checks_error(checks, name,
                     "exec-missing: sha256:%s is not in the store; assay add its file", hex);
    else if (st == ST_CORRUPT || st == ST_MISMATCH)
        checks_error(checks, name, "exec-missing: sha256:%.12s: %.150s", hex, why.detail);
    else if (st != ST_OK)
        *e = why;
    return st == ST_NOT_FOUND || st == ST_CORRUPT || st == ST_MISMATCH ? ST_OK : st;
}

static enum status prepare(const struct gate_subject *s, struct program *p, bool *fine,
                           struct gate_checks *checks, struct gate_result *result, struct err *e)
{
    const char *hex = json_as_string(json_get(p->part, "sha256"));
    const char *suite = json_as_string(json_get(p->part, "suite"));
    *fine = hex != NULL && digest_parse(hex, &p->digest);
    if (!*fine) {
        checks_error(checks, p->name, "the policy does not say which program %s is", p->name);
        return ST_OK;
    }
    enum status st = fetch(s, p->name, &p->digest, &p->fd[0], fine, checks, e);
    if (st == ST_OK && *fine)
        st = fetch(s, p->name, &s->file->sha256, &p->fd[1], fine, checks, e);
    p->fds = 2;
    if (st != ST_OK || !*fine || suite == NULL)
        return st;
    const struct exam_part file = {.name = p->name, .sha256 = suite, .kind = EXAM_EITHER};
    text_fmt(p->exam.child, sizeof p->exam.child, "%s child", p->name);
    st = exam_add(s, &file, checks, &p->exam, e);
    *fine = st == ST_OK && p->exam.n == 1;
    if (*fine)
        st = fetch(s, p->name, &p->exam.suites[0].digest, &p->fd[2], fine, checks, e);
    p->fds = 3;
    if (st == ST_OK && *fine)
        st = exam_ask(s, &p->exam, checks, result, fine, e);
    return st;
}

/* ---- running ------------------------------------------------------------------------------ */

static uint64_t setting(const struct program *p, const char *key)
{
    uint64_t v = 0;
    (void)section_part_value(p->part, section_named(GATE_EXEC, "programs", key), &v);
    return v;
}

/* A stable code for how it ended; NULL: by itself, with 0. */
static const char *ending_code(const struct sandbox_outcome *o)
{
    switch (o->ending) {
    case SANDBOX_RETURNED: return NULL;
    case SANDBOX_FAILED: return o->end.exit_code == NOT_RUN ? "exec-program" : "exec-exit";
    case SANDBOX_CRASHED: return "exec-crash";
    case SANDBOX_FORBIDDEN: return "exec-forbidden";
    case SANDBOX_DEADLINE: return "exec-hang";
    case SANDBOX_CPU: return "exec-cpu";
    case SANDBOX_FLOOD: return "exec-flood";
    case SANDBOX_NONE: break;
    }
    return "exec-none";
}

static enum status run(const struct program *p, struct span told, struct sandbox_outcome *o,
                       struct err *e)
{
    const unsigned seconds = (unsigned)setting(p, "seconds");
    const struct sandbox_program keep = {.keep = p->fd, .count = p->fds};
    const struct sandbox_limits limits = {.memory_bytes = setting(p, "memory_bytes"),
                                          .cpu_seconds = seconds,
                                          .wall_ms = seconds * 4000,
                                          .output_bytes = EXEC_ANSWER,
                                          .program = &keep};
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    enum status st = sandbox_start(&limits, become, NULL, -1, &sandbox, e);
    if (st != ST_OK)
        return st;
    st = sandbox_feed(sandbox, told, e);
    if (st == ST_CANCELLED) { /* it does not read on: that is its own affair */
        *e = ERR_NONE;
        st = ST_OK;
    }
    return st == ST_OK ? sandbox_finish(sandbox, o, e) : st;
}

/* What it was told and said stays with the evidence. */
static void record(const struct program *p, const struct sandbox_outcome *o, struct buf *cases)
{
    char hex[DIGEST_TEXT];
    struct json_out j = json_out(cases);
    digest_text(&p->digest, hex);
    json_object(&j);
    json_key(&j, "exec");
    json_string(&j, p->name);
    json_key(&j, "program");
    json_string(&j, hex);
    json_key(&j, "said");
    json_text(&j, buf_span(&o->answer));
    json_close(&j);
    buf_byte(cases, '\n');
}

static enum status judge(const struct gate_subject *s, const struct program *p,
                         struct gate_checks *checks, struct gate_result *result, struct err *e)
{
    SCOPED(buf_release) struct buf told = BUF_EMPTY;
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    char hex[DIGEST_TEXT], message[240];
    const uint64_t cases = p->exam.n > 0 ? p->exam.suites[0].count : 0;
    enum status st = exec_tell(s, &p->exam, &told, e);
    if (st == ST_OK)
        st = run(p, buf_span(&told), &o, e);
    if (st != ST_OK)
        return st;
    text_fmt(result->sandbox, sizeof result->sandbox, "%s", o.level);
    digest_text(&p->digest, hex);
    const char *code = ending_code(&o);
    text_fmt(message, sizeof message, "%s%sprogram sha256:%.12s %s", code != NULL ? code : "",
             code != NULL ? ": " : "", hex,
             o.end.exit_code == NOT_RUN && code != NULL ? "could not be run here" : o.message);
    check(checks, p->name, "program", code == NULL, message);
    record(p, &o, &result->cases);
    if (code == NULL) {
        char name[64];
        text_fmt(name, sizeof name, "%s cases", p->name);
        checks_measure_u64(checks, name, cases, "", "cases that the program was given");
        exec_hear(p->name, buf_span(&o.answer), cases, checks);
    }
    return ST_OK;
}

enum status gate_exec(const struct gate_subject *s, struct gate_checks *checks,
                      struct gate_result *result, struct err *e)
{
    const struct json *parts = json_get(s->section, "programs");
    enum status st = ST_OK;
    if (json_count(parts) == 0)
        checks_error(checks, "programs", "the policy names no program: nothing was measured");
    for (size_t i = 0; st == ST_OK && i < json_count(parts) && i < SECTION_PARTS; i++) {
        SCOPED(program_release) struct program p = {.fd = {-1, -1, -1}};
        bool fine = false;
        p.name = json_member(parts, i, &p.part);
        st = prepare(s, &p, &fine, checks, result, e);
        if (st == ST_OK && fine)
            st = judge(s, &p, checks, result, e);
    }
    return st;
}
