/* run: the bundled runtime over the verified bytes, text as it comes. */
#include "base/io.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/incident_file.h"
#include "cli/print.h"
#include "runtime/session.h"
#include "runtime/team.h"
#include <string.h>
#include <unistd.h>

#define NEW_TOKENS 256 /* by default */

struct streaming {
    struct cli *c;
    bool stream;     /* JSON lines, one a token */
    bool line_open;  /* the last byte was no line's end */
    struct err lost; /* why standard output takes no more */
};

static const char *stop_name(enum stop s)
{
    switch (s) {
    case STOP_NONE: return "none";
    case STOP_EOS: return "eos";
    case STOP_LIMIT: return "limit";
    case STOP_CAPACITY: return "capacity";
    case STOP_CANCELLED: return "cancelled";
    }
    return "none";
}

/* Shown at once, unbuffered: whoever reads sees each token when it is drawn. */
static bool on_token(void *ctx, uint32_t id, struct span text)
{
    struct streaming *s = ctx;
    if (process_interrupted())
        return false;
    buf_append(&s->c->token_ids, SPAN(&id, sizeof id));
    if (s->c->json && !s->stream)
        return true;
    if (s->c->json) {
        struct json_out j = answer_open(s->c, "assay.token/1");
        member_u64(&j, "id", id);
        json_key(&j, "text");
        json_text(&j, text);
        answer_close(s->c, &j);
    } else {
        text_escape(&s->c->out, text, true);
        if (text.n > 0)
            s->line_open = text.p[text.n - 1] != '\n';
    }
    return cli_flush(s->c, &s->lost) == ST_OK;
}

static enum status read_sampling(const struct args *a, struct sampling *how, uint64_t *tokens,
                                 struct err *e)
{
    uint64_t top_k = how->top_k, seed = how->seed;
    double temperature = 0, top_p = 1;
    enum status st = opt_u64(a, OPT_MAX_NEW_TOKENS, 0, UINT32_MAX, tokens, e);
    if (st == ST_OK)
        st = opt_u64(a, OPT_TOP_K, 0, UINT32_MAX, &top_k, e);
    if (st == ST_OK)
        st = opt_u64(a, OPT_SEED, 0, UINT64_MAX, &seed, e);
    if (st == ST_OK)
        st = opt_decimal(a, OPT_TEMPERATURE, &temperature, e);
    if (st == ST_OK)
        st = opt_decimal(a, OPT_TOP_P, &top_p, e);
    *how = (struct sampling){.temperature = (float)temperature,
                             .top_k = (uint32_t)top_k,
                             .top_p = (float)top_p,
                             .seed = seed};
    return st;
}

static void ids_json(struct json_out *j, const char *key, const uint32_t *ids, size_t count)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < count; i++)
        json_u64(j, ids[i]);
    json_close(j);
}

static void milliseconds(struct json_out *j, const char *key, uint64_t ns)
{
    json_key(j, key);
    json_fixed(j, (double)ns / 1e6, 3);
}

static double per_second(uint64_t count, uint64_t ns)
{
    return ns > 0 ? (double)count * 1e9 / (double)ns : 0;
}

static enum status tell_json(struct cli *c, const struct artifact *a, const struct session *session,
                             const struct generation *g, uint64_t load_ns, struct err *e)
{
    SCOPED(buf_release) struct buf diagnostics = BUF_EMPTY;
    if (session_diagnostics(session, &diagnostics) != ST_OK)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the diagnostics");
    struct json_out j = answer_open(c, "assay.run/1");
    member_text(&j, "name", a->manifest.name);
    member_text(&j, "version", a->manifest.version);
    member_digest(&j, "artifact", &a->digest);
    member_digest(&j, "sha256", &a->content);
    json_key(&j, "text");
    json_text(&j, g->text);
    ids_json(&j, "prompt_ids", g->prompt_ids, g->prompt_count);
    ids_json(&j, "token_ids", g->token_ids, g->token_count);
    member_text(&j, "stop", stop_name(g->stop));
    json_key(&j, "timings");
    json_object(&j);
    milliseconds(&j, "load_ms", load_ns);
    milliseconds(&j, "prefill_ms", g->prefill_ns);
    milliseconds(&j, "decode_ms", g->decode_ns);
    json_key(&j, "tokens_per_second");
    json_fixed(&j, per_second(g->token_count, g->decode_ns), 3);
    json_close(&j);
    json_key(&j, "diagnostics");
    json_raw(&j, buf_span(&diagnostics));
    answer_close(c, &j);
    return ST_OK;
}

static void tell_text(struct cli *c, const struct streaming *s, const struct generation *g)
{
    if (s->line_open)
        buf_byte(&c->out, '\n');
    SCOPED(buf_release) struct buf speed = BUF_EMPTY;
    buf_fixed(&speed, per_second(g->token_count, g->decode_ns), 1);
    buf_byte(&speed, 0);
    cli_hint(c, "%zu tokens, stopped by %s, %s tokens a second", g->token_count, stop_name(g->stop),
             speed.failed ? "?" : (const char *)speed.p);
}

/* One load and one generation, and at which stage they failed. */
struct running {
    struct cli *c;
    struct artifact artifact;
    struct loaded *model;
    struct session *session;
    struct sampling how;
    uint64_t tokens, began; /* began: in ticks */
    enum prompt_policy policy;
    enum run_stage at;
};

static void running_release(struct running *r)
{
    session_scope(&r->session);
    loaded_scope(&r->model);
    artifact_release(&r->artifact);
}

static struct span prompt_of(const struct cli *c)
{
    const char *prompt = c->args.value[OPT_PROMPT];
    return prompt != NULL ? span_text(prompt) : (struct span){0};
}

/* Everything that stands before the first token. */
static enum status prepare(struct running *r, struct err *e)
{
    uint64_t threads = 1;
    enum status st = opt_u64(&r->c->args, OPT_THREADS, 1, TEAM_MAX, &threads, e);
    if (st == ST_OK)
        st = artifact_load(r->c->store, &r->artifact, &r->model, &r->at, e);
    if (st != ST_OK)
        return st;
    st = session_open(loaded_model(r->model), &r->session, e);
    if (st != ST_OK) {
        r->at = stage_of_open(e);
        return st;
    }
    st = session_threads(r->session, (unsigned)threads, e);
    if (st != ST_OK)
        r->at = STAGE_FORWARD;
    return st;
}

static enum status generate(struct running *r, struct err *e)
{
    struct cli *c = r->c;
    struct generation g = {0};
    struct streaming s = {.c = c, .stream = opt_given(&c->args, OPT_STREAM), .lost = ERR_NONE};
    const struct token_sink sink = {.token = on_token, .ctx = &s};
    enum status st = session_configure(r->session, &r->how, e);
    uint64_t load_ns = clock_ticks() - r->began;
    if (st == ST_OK)
        st = session_generate(r->session, prompt_of(c), (uint32_t)r->tokens, &sink, &g, e);
    if (s.lost.status != ST_OK) {
        *e = s.lost;
        return e->status;
    }
    if (st != ST_OK) {
        r->at = st == ST_CANCELLED ? STAGE_NONE : stage_of_generation(e);
        return st;
    }
    if (c->json)
        return tell_json(c, &r->artifact, r->session, &g, load_ns, e);
    tell_text(c, &s, &g);
    return ST_OK;
}

/* Taken while the session still knows what happened. */
static void keep_incident(const struct running *r, const struct err *failure)
{
    struct err e = ERR_NONE;
    SCOPED(incident_release) struct incident i = incident_begin(r->c, "run", &r->artifact);
    if (r->at == STAGE_NONE)
        return; /* cancelled, or nobody reads: nothing of the model's failed */
    incident_fail(&i, r->at, failure);
    i.elapsed_ms = (clock_ticks() - r->began) / 1000000u;
    i.sampled = true;
    i.sampling = r->how;
    i.max_new_tokens = r->tokens;
    enum status st = incident_prompt(&i, r->policy, prompt_of(r->c), &e);
    if (st == ST_OK && r->session != NULL)
        st = session_diagnostics(r->session, &i.diagnostics);
    if (st == ST_OK)
        incident_save(r->c, &i);
}

/* Bytes that are known of and not here: a failed fetch. */
static void keep_missing(struct running *r, const struct err *failure)
{
    struct err e = ERR_NONE;
    r->began = clock_ticks();
    r->at = STAGE_FETCH;
    if (text_equal(err_code(failure), "evicted") &&
        cli_artifact(r->c, r->c->word[0], false, &r->artifact, &e) == ST_OK)
        keep_incident(r, failure);
}

static enum status read_options(struct running *r, struct err *e)
{
    struct cli *c = r->c;
    enum status st = read_sampling(&c->args, &r->how, &r->tokens, e);
    if (st == ST_OK)
        st = incident_policy(c, &r->policy, e);
    return st;
}

enum status cmd_run(struct cli *c, struct err *e)
{
    SCOPED(running_release)
    struct running r = {.c = c, .how = SAMPLING_DEFAULT, .tokens = NEW_TOKENS};
    enum status st = read_options(&r, e);
    if (st == ST_OK)
        st = cli_artifact(c, c->word[0], true, &r.artifact, e);
    if (st != ST_OK) {
        keep_missing(&r, e);
        return st;
    }
    if (r.how.temperature > 0 && r.how.top_k == 1)
        cli_note(c, "top-k is 1, so the temperature changes nothing: add --top-k 40");
    r.began = clock_ticks();
    st = prepare(&r, e);
    if (st == ST_OK)
        st = generate(&r, e);
    if (st == ST_OK)
        return ST_OK;
    keep_incident(&r, e);
    return err_subject(e, "%s", c->word[0]);
}
