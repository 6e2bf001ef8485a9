/* diagnose: what an incident says, held against the store and replayed; or the same for a REF. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/print.h"
#include "verify/diagnose.h"
#include "verify/web_asset.h"
#include <fcntl.h>
#include <string.h>

#define TOKENS 16

struct diagnosing {
    struct cli *c;
    struct incident incident;
    struct diagnosis said;
    char no_store[256]; /* why the store could not be asked, "" it could */
};

static void diagnosing_release(struct diagnosing *d)
{
    diagnosis_release(&d->said);
    incident_release(&d->incident);
}

static bool is_file(const char *word)
{
    const size_t n = strlen(word);
    return strchr(word, '/') != NULL || (n > 5 && strcmp(word + n - 5, ".json") == 0);
}

/* ---- the answer --------------------------------------------------------------------------- */

static void incident_json(const struct incident *i, struct json_out *j)
{
    char time[TIME_TEXT_MAX];
    time_format(i->time, time);
    json_key(j, "incident");
    json_object(j);
    member_text(j, "time", time);
    member_text(j, "command", i->command);
    member_text(j, "stage", i->stage != STAGE_NONE ? stage_name(i->stage) : NULL);
    member_u64(j, "code", i->code);
    member_text(j, "name", i->name);
    member_text(j, "detail", i->detail[0] != '\0' ? i->detail : NULL);
    member_u64(j, "elapsed_ms", i->elapsed_ms);
    if (i->gate.gate != GATE_NONE) {
        member_text(j, "gate", gate_name(i->gate.gate));
        member_text(j, "result", verdict_name(i->gate.verdict));
        member_digest(j, "evidence", &i->gate.evidence);
    }
    json_close(j);
}

static void replay_json(const struct diagnosis *d, struct json_out *j)
{
    const struct rerun_end *r = &d->replay;
    json_key(j, "replay");
    if (!d->replayed) {
        json_null(j);
        return;
    }
    json_object(j);
    member_text(j, "stage", r->stage != STAGE_NONE ? stage_name(r->stage) : NULL);
    member_text(j, "code", r->code[0] != '\0' ? r->code : NULL);
    member_text(j, "detail", r->detail[0] != '\0' ? r->detail : NULL);
    member_u64(j, "prompt_tokens", r->prompt_tokens);
    member_u64(j, "tokens", r->tokens);
    member_u64(j, "elapsed_ms", r->elapsed_ms);
    member_text(j, "sandbox", r->sandbox[0] != '\0' ? r->sandbox : NULL);
    member_text(j, "prompt", d->prompt[0] != '\0' ? d->prompt : NULL);
    json_close(j);
}

static void tell_json(const struct diagnosing *g, bool incident)
{
    const struct diagnosis *d = &g->said;
    struct json_out j = answer_open(g->c, "assay.diagnosis/1");
    if (incident)
        incident_json(&g->incident, &j);
    member_text(&j, "stage", d->stage != STAGE_NONE ? stage_name(d->stage) : NULL);
    member_bool(&j, "stage_agrees", d->agrees);
    member_text(&j, "store", g->no_store[0] != '\0' ? g->no_store : NULL);
    json_key(&j, "identities");
    json_array(&j);
    for (size_t i = 0; i < d->match_count; i++) {
        json_object(&j);
        member_text(&j, "what", d->matches[i].what);
        member_text(&j, "match", match_name(d->matches[i].match));
        member_text(&j, "message", d->matches[i].text);
        json_close(&j);
    }
    json_close(&j);
    replay_json(d, &j);
    member_text(&j, "recovery", recovery_name(d->recovery));
    member_text(&j, "advice", d->advice);
    member_text(&j, "next", d->next[0] != '\0' ? d->next : NULL);
    answer_close(g->c, &j);
}

static void tell_incident(const struct diagnosing *g)
{
    struct buf *out = &g->c->out;
    const struct incident *i = &g->incident;
    char time[TIME_TEXT_MAX];
    time_format(i->time, time);
    buf_fmt(out, "1 captured    %s %s: ", time, i->command);
    put_foreign(out, i->name);
    buf_fmt(out, " (%u) after %llu ms\n", i->code, (unsigned long long)i->elapsed_ms);
    if (i->detail[0] != '\0') {
        buf_text(out, "              ");
        put_foreign(out, i->detail);
        buf_byte(out, '\n');
    }
    buf_text(out, "2 identities  ");
    if (g->no_store[0] != '\0') {
        buf_text(out, "the store could not be asked: ");
        put_foreign(out, g->no_store);
        buf_byte(out, '\n');
    }
    for (size_t k = 0; k < g->said.match_count; k++) {
        const struct identity_match *m = &g->said.matches[k];
        if (k > 0 || g->no_store[0] != '\0')
            buf_text(out, "              ");
        buf_fmt(out, "%-9s %-9s ", m->what, match_name(m->match));
        put_foreign(out, m->text);
        buf_byte(out, '\n');
    }
}

static void tell_people(const struct diagnosing *g, bool incident)
{
    struct buf *out = &g->c->out;
    const struct diagnosis *d = &g->said;
    if (incident)
        tell_incident(g);
    buf_fmt(out, "3 stage       %s%s\n",
            d->stage != STAGE_NONE ? stage_name(d->stage) : "none of a load or a generation",
            d->agrees ? "" : " (what was recorded does not fit the error's number)");
    buf_text(out, "4 replayed    ");
    if (!d->replayed) {
        buf_text(out, "not, without the artifact\n");
    } else if (d->replay.stage == STAGE_NONE) {
        buf_fmt(out, "%s%sit goes through: %llu tokens\n", d->prompt,
                d->prompt[0] != '\0' ? ", " : "", (unsigned long long)d->replay.tokens);
    } else {
        buf_fmt(out, "%s%sit ends at %s: ", d->prompt, d->prompt[0] != '\0' ? ", " : "",
                stage_name(d->replay.stage));
        put_foreign(out, d->replay.detail);
        buf_byte(out, '\n');
    }
    buf_fmt(out, "5 recovery    %s: %s\n", recovery_name(d->recovery), d->advice);
    buf_fmt(out, "6 next        %s\n", d->next[0] != '\0' ? d->next : "-");
}

/* ---- the work ----------------------------------------------------------------------------- */

/* A store that cannot be asked hides nothing that the incident itself says. */
static enum status open_store(struct diagnosing *g, struct diagnose_room *room, struct err *e)
{
    struct err why = ERR_NONE;
    enum status st = cli_trust(g->c, &why);
    if (st == ST_NO_MEMORY || st == ST_INTERRUPTED || st == ST_USAGE) {
        *e = why;
        return st;
    }
    if (st != ST_OK)
        text_fmt(g->no_store, sizeof g->no_store, "%.250s", why.detail);
    room->store = st == ST_OK ? g->c->store : NULL;
    room->trust = g->c->trust;
    room->now = cli_now(g->c);
    return ST_OK;
}

static enum status of_incident(struct diagnosing *g, struct err *e)
{
    const char *prompt = g->c->args.value[OPT_PROMPT];
    struct diagnose_room room = {.prompted = prompt != NULL};
    SCOPED(web_bundle_release) struct web_bundle bundle = {0};
    SCOPED(buf_release) struct buf file = BUF_EMPTY;
    enum status st = file_read(AT_FDCWD, g->c->word[0], INCIDENT_BYTES, &file, e);
    if (st == ST_OK)
        st = incident_read(buf_span(&file), &g->incident, e);
    if (st == ST_OK)
        st = open_store(g, &room, e);
    if (st == ST_OK)
        st = web_bundle_make(&bundle, e);
    if (st != ST_OK)
        return err_subject(e, "%s", g->c->word[0]);
    room.bundle = bundle.digest;
    if (prompt != NULL)
        room.prompt = span_text(prompt);
    return diagnose(&room, &g->incident, &g->said, e);
}

/* How the load or the generation itself would have left. */
static enum status outcome(const struct diagnosis *d)
{
    switch (d->stage) {
    case STAGE_NONE: return ST_OK;
    case STAGE_FETCH: return ST_NOT_FOUND;
    case STAGE_PROVENANCE:
    case STAGE_ADMISSION:
    case STAGE_TENSORS: return ST_CORRUPT;
    case STAGE_TRANSFER:
    case STAGE_SCRATCH_KV:
    case STAGE_UTF8_TRANSFER:
    case STAGE_SAMPLING:
    case STAGE_TOKENIZATION:
    case STAGE_CONTEXT:
    case STAGE_FORWARD:
    case STAGE_SAMPLING_STEP:
    case STAGE_DECODE:
    case STAGE_COUNT: break;
    }
    return ST_GENERATION_FAILED;
}

static enum status of_artifact(struct diagnosing *g, struct err *e)
{
    const char *prompt = g->c->args.value[OPT_PROMPT];
    const struct rerun_job job = {.prompt = span_text(prompt != NULL ? prompt : "Once upon a time"),
                                  .sampling = SAMPLING_DEFAULT,
                                  .max_new_tokens = TOKENS};
    SCOPED(artifact_release) struct artifact a = {0};
    enum status st = cli_artifact(g->c, g->c->word[0], false, &a, e);
    if (st == ST_OK)
        st = diagnose_artifact(g->c->store, &a, &job, &g->said, e);
    return st != ST_OK ? err_subject(e, "%s", g->c->word[0]) : ST_OK;
}

enum status cmd_diagnose(struct cli *c, struct err *e)
{
    SCOPED(diagnosing_release) struct diagnosing g = {.c = c};
    const bool incident = is_file(c->word[0]);
    enum status st = incident ? of_incident(&g, e) : of_artifact(&g, e);
    if (st != ST_OK)
        return st;
    if (c->json)
        tell_json(&g, incident);
    else
        tell_people(&g, incident);
    st = incident ? ST_OK : outcome(&g.said);
    c->answered = st != ST_OK;
    return st;
}
