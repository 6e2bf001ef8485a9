#include "verify/rerun.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/text.h"
#include "verify/exam.h"
#include "verify/sandbox.h"
#include "verify/trail.h"
#include <sys/mman.h>

#define ANSWER  (64u << 10)
#define SECONDS 60u
#define SLOWEST 8000000u /* bytes of model a second */

/* ---- in the child ------------------------------------------------------------------------- */

struct replaying {
    const struct rerun_job *job;
    int out;
    struct model *model;
    struct session *session;
    struct generation made;
    bool forward; /* was marked */
};

/* Before the first batch of the prompt: from here on the layers are at work. */
static bool onward(void *ctx)
{
    struct replaying *r = ctx;
    if (!r->forward)
        trail_mark(r->out, STAGE_FORWARD);
    r->forward = true;
    return true;
}

static enum status load(struct replaying *r, struct span file, enum run_stage *at, struct err *e)
{
    enum status st = trail_open(r->out, file, NULL, true, &r->model, &r->session, e);
    *at = st == ST_OK ? STAGE_NONE : stage_of_open(e);
    return st;
}

static enum status generate(struct replaying *r, enum run_stage *at, struct err *e)
{
    const struct token_sink sink = {.ctx = r, .onward = onward};
    const uint32_t tokens =
        r->job->max_new_tokens < RERUN_TOKENS ? r->job->max_new_tokens : RERUN_TOKENS;
    trail_mark(r->out, STAGE_SAMPLING);
    enum status st = session_configure(r->session, &r->job->sampling, e);
    if (st == ST_OK) {
        trail_mark(r->out, STAGE_TOKENIZATION);
        st = session_generate(r->session, r->job->prompt, tokens, &sink, &r->made, e);
    }
    *at = st == ST_OK ? STAGE_NONE : stage_of_generation(e);
    return st;
}

static enum status tell(const struct replaying *r, enum run_stage at, const struct err *e, int out)
{
    struct err lost = ERR_NONE;
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    struct json_out j = json_out(&text);
    json_object(&j);
    json_key(&j, "stage");
    json_string(&j, stage_name(at));
    json_key(&j, "code");
    json_string(&j, at == STAGE_NONE ? "" : err_code(e));
    json_key(&j, "detail");
    json_string(&j, at == STAGE_NONE ? "" : e->detail);
    json_key(&j, "prompt_tokens");
    json_u64(&j, r->made.prompt_count);
    json_key(&j, "tokens");
    json_u64(&j, r->made.token_count);
    json_close(&j);
    trail_mark(out, at);
    return buf_status(&text) == ST_OK ? io_write(out, buf_span(&text), &lost) : ST_NO_MEMORY;
}

static int replay_child(void *ctx, int in, int out)
{
    struct replaying r = {.job = ctx, .out = out};
    struct err e = ERR_NONE;
    enum run_stage at = STAGE_NONE;
    const size_t bytes = (size_t)r.job->bytes;
    void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, in, 0);
    if (map == MAP_FAILED)
        return 2;
    if (load(&r, SPAN(map, bytes), &at, &e) == ST_OK)
        at = generate(&r, &at, &e) == ST_OK ? STAGE_NONE : at;
    /* The process ends here; what it holds goes with it. */
    return tell(&r, at, &e, out) == ST_OK ? 0 : 3;
}

/* ---- in the parent ------------------------------------------------------------------------ */

static void ended(struct rerun_end *out, enum run_stage at, const char *code, const char *detail)
{
    out->stage = at;
    text_fmt(out->code, sizeof out->code, "%s", code);
    text_fmt(out->detail, sizeof out->detail, "%s", detail);
}

/* The child looked at hostile bytes: what it says is held to be just that. */
static bool read_answer(struct span answer, struct rerun_end *out)
{
    struct err e = ERR_NONE;
    SCOPED(json_scope) struct json *v = NULL;
    if (json_parse(answer, ANSWER, &v, &e) != ST_OK)
        return false;
    const char *stage = json_as_string(json_get(v, "stage"));
    const char *code = json_as_string(json_get(v, "code"));
    const char *detail = json_as_string(json_get(v, "detail"));
    if (stage == NULL || code == NULL || detail == NULL ||
        !json_as_u64(json_get(v, "prompt_tokens"), &out->prompt_tokens) ||
        !json_as_u64(json_get(v, "tokens"), &out->tokens))
        return false;
    enum run_stage at = stage_parse(stage);
    if (at == STAGE_NONE && !text_equal(stage, "none"))
        return false;
    ended(out, at, code, detail);
    return true;
}

static enum status in_child(const struct artifact *a, const struct rerun_job *job, int fd,
                            struct rerun_end *out, struct err *e)
{
    SCOPED(sandbox_outcome_release) struct sandbox_outcome o = {0};
    SCOPED(sandbox_scope) struct sandbox *sandbox = NULL;
    struct rerun_job copy = *job;
    const unsigned seconds = SECONDS + (unsigned)(job->bytes / SLOWEST);
    struct sandbox_limits limits = {
        .cpu_seconds = seconds, .wall_ms = seconds * 2000, .output_bytes = ANSWER};
    enum status st = exam_memory(&a->manifest.model, job->bytes, &limits.memory_bytes, e);
    if (st == ST_OK)
        st = sandbox_start(&limits, replay_child, &copy, fd, &sandbox, e);
    if (st == ST_OK)
        st = sandbox_finish(sandbox, &o, e);
    if (st != ST_OK)
        return st;
    struct span answer = buf_span(&o.answer);
    const enum run_stage last = trail_take(&answer);
    text_fmt(out->sandbox, sizeof out->sandbox, "%s", o.level);
    if (o.ending == SANDBOX_RETURNED && read_answer(answer, out))
        return ST_OK;
    ended(out, last == STAGE_NONE ? STAGE_ADMISSION : last, sandbox_ending_name(o.ending),
          o.ending == SANDBOX_RETURNED ? "its answer is not usable" : o.message);
    return ST_OK;
}

/* Is it the store's or the bytes' trouble, and so a finding? */
static bool is_finding(enum status st)
{
    return st == ST_NOT_FOUND || st == ST_CORRUPT || st == ST_MISMATCH || st == ST_FORMAT ||
           st == ST_IO || st == ST_NO_SPACE;
}

enum status rerun_run(struct store *s, const struct artifact *a, const struct rerun_job *job,
                      struct rerun_end *out, struct err *e)
{
    SCOPED(fd_release) int fd = -1;
    const uint64_t began = clock_ticks();
    const struct manifest_file *file = NULL;
    struct rerun_job mine = *job;
    *out = (struct rerun_end){0};
    enum status st = artifact_model_file(s, a, &file, e);
    if (st == ST_OK)
        st = store_content_memory(s, &file->sha256, &fd, e);
    if (is_finding(st)) {
        ended(out, stage_of_bytes(e), err_code(e), e->detail);
        *e = ERR_NONE;
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    mine.bytes = file->bytes;
    st = in_child(a, &mine, fd, out, e);
    out->elapsed_ms = (clock_ticks() - began) / 1000000u;
    return st;
}
