#include "verify/diagnose.h"
#include "base/text.h"
#include "runtime/diagnostics.h"
#include "verify/identity.h"
#include <stdarg.h>

#define PROMPT_DEFAULT "Once upon a time"
#define STAND_IN       "the cat and the dog "
#define TOKENS_DEFAULT 16

const char *match_name(enum match m)
{
    static const char *const names[] = {
        [MATCH_UNKNOWN] = "unknown", [MATCH_SAME] = "same", [MATCH_DIFFERENT] = "different"};
    return names[m];
}

void diagnosis_release(struct diagnosis *d)
{
    artifact_release(&d->artifact);
    *d = (struct diagnosis){0};
}

/* ---- identities --------------------------------------------------------------------------- */

static void matched(struct diagnosis *d, const char *what, enum match m, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void matched(struct diagnosis *d, const char *what, enum match m, const char *fmt, ...)
{
    struct identity_match *at = &d->matches[d->match_count++];
    va_list ap;
    va_start(ap, fmt);
    text_vfmt(at->text, sizeof at->text, fmt, ap);
    va_end(ap);
    at->what = what;
    at->match = m;
}

static bool is_trouble(enum status st)
{
    return st == ST_NO_MEMORY || st == ST_INTERRUPTED || st == ST_CANCELLED;
}

/* By its digest, else by that of its content. */
static enum status find(const struct diagnose_room *room, const struct incident *i,
                        struct diagnosis *d, struct err *e)
{
    char hex[DIGEST_TEXT];
    struct err why = ERR_NONE;
    const bool named = !digest_is_zero(&i->artifact);
    if (!named && digest_is_zero(&i->content)) {
        matched(d, "artifact", MATCH_UNKNOWN, "the incident names no artifact");
        return ST_OK;
    }
    digest_text(named ? &i->artifact : &i->content, hex);
    enum status st = artifact_find(room->store, room->trust, hex, room->now, &d->artifact, &why);
    if (is_trouble(st)) {
        *e = why;
        return st;
    }
    d->found = st == ST_OK;
    if (d->found)
        matched(d, "artifact", MATCH_SAME, "%.12s is in the store as %.64s@%.64s", hex,
                d->artifact.manifest.name, d->artifact.manifest.version);
    else
        matched(d, "artifact", MATCH_DIFFERENT, "%.12s: %.150s", hex, why.detail);
    return ST_OK;
}

static void match_bytes(const struct incident *i, struct diagnosis *d)
{
    const struct artifact *a = &d->artifact;
    if (!d->found)
        return;
    if (digest_is_zero(&i->content))
        matched(d, "content", MATCH_UNKNOWN, "the incident does not say which bytes they were");
    else
        matched(d, "content", digest_equal(&i->content, &a->content) ? MATCH_SAME : MATCH_DIFFERENT,
                digest_equal(&i->content, &a->content)
                    ? "the bytes that were loaded are the artifact's"
                    : "the bytes that were loaded are not the artifact's");
    bool same = text_equal(i->artifact_name, a->manifest.name) &&
                text_equal(i->version, a->manifest.version);
    if (i->artifact_name[0] != '\0')
        matched(d, "name", same ? MATCH_SAME : MATCH_DIFFERENT, "it was called %.64s@%.64s",
                i->artifact_name, i->version);
}

static enum status match_channel(const struct diagnose_room *room, const struct incident *i,
                                 struct diagnosis *d, struct err *e)
{
    SCOPED(artifact_release) struct artifact holder = {0};
    struct err why = ERR_NONE;
    char ref[2 * MANIFEST_NAME_MAX];
    if (!d->found || i->artifact_name[0] == '\0' || !artifact_is_channel(i->channel))
        return ST_OK;
    text_fmt(ref, sizeof ref, "%s@%s", i->artifact_name, i->channel);
    enum status st = artifact_find(room->store, room->trust, ref, room->now, &holder, &why);
    if (is_trouble(st)) {
        *e = why;
        return st;
    }
    bool same = st == ST_OK && digest_equal(&holder.digest, &d->artifact.digest);
    matched(d, "channel", same ? MATCH_SAME : MATCH_DIFFERENT, "%.64s@%s %s", i->artifact_name,
            i->channel, same ? "still hands it out" : "hands out something else, or nothing, now");
    return ST_OK;
}

static enum status match_host(const struct diagnose_room *room, const struct incident *i,
                              struct diagnosis *d, struct err *e)
{
    struct digest mine;
    if (!digest_is_zero(&i->bundle)) {
        bool same = digest_equal(&i->bundle, &room->bundle);
        matched(d, "bundle", same ? MATCH_SAME : MATCH_DIFFERENT,
                same ? "page and modules are this program's"
                     : "page and modules are of another program");
    }
    if (digest_is_zero(&i->program))
        return ST_OK;
    enum status st = identity_program(&mine, e);
    if (st != ST_OK)
        return st;
    bool same = digest_equal(&i->program, &mine);
    matched(d, "program", same ? MATCH_SAME : MATCH_DIFFERENT,
            same ? "it was this program" : "it was another program than this");
    return ST_OK;
}

static bool differs(const struct diagnosis *d, const char *what)
{
    for (size_t k = 0; k < d->match_count; k++)
        if (text_equal(d->matches[k].what, what))
            return d->matches[k].match == MATCH_DIFFERENT;
    return false;
}

/* ---- the replay --------------------------------------------------------------------------- */

static void stand_in(struct buf *text, uint64_t bytes)
{
    const struct span words = span_text(STAND_IN);
    uint64_t left = bytes < INCIDENT_PROMPT ? bytes : INCIDENT_PROMPT;
    for (; left > 0 && !text->failed; left -= left < words.n ? left : words.n)
        buf_append(text, SPAN(words.p, left < words.n ? (size_t)left : words.n));
}

/* The text itself where it is to be had, else one of the same length. */
static enum status choose_prompt(const struct diagnose_room *room, const struct incident *i,
                                 struct diagnosis *d, struct buf *text, struct err *e)
{
    const struct incident_prompt *p = &i->prompt;
    if (room->prompted) {
        struct digest mine = digest_of(room->prompt);
        bool fits = !p->given || (p->bytes == room->prompt.n &&
                                  (p->policy != PROMPT_DIGEST || digest_equal(&mine, &p->sha256)));
        if (!fits)
            return err_set(e, ST_MISMATCH, "prompt-mismatch",
                           "the text given is not the one of the incident, which had %llu bytes",
                           (unsigned long long)p->bytes);
        buf_append(text, room->prompt);
        text_fmt(d->prompt, sizeof d->prompt, "with the text given");
    } else if (p->given && p->policy == PROMPT_FULL) {
        buf_append(text, buf_span(&p->text));
        text_fmt(d->prompt, sizeof d->prompt, "with the text that was kept");
    } else if (p->given) {
        stand_in(text, p->bytes);
        text_fmt(d->prompt, sizeof d->prompt,
                 "with another text of %llu bytes; give the right one with --prompt",
                 (unsigned long long)p->bytes);
    } else {
        buf_text(text, PROMPT_DEFAULT);
        text_fmt(d->prompt, sizeof d->prompt, "with \"" PROMPT_DEFAULT "\"");
    }
    enum status st = buf_status(text);
    return st == ST_OK ? ST_OK : err_set(e, st, NULL, "no memory for a prompt");
}

static enum status replay(const struct diagnose_room *room, const struct incident *i,
                          struct diagnosis *d, struct err *e)
{
    SCOPED(buf_release) struct buf text = BUF_EMPTY;
    enum status st = choose_prompt(room, i, d, &text, e);
    if (st != ST_OK || !d->found || !d->artifact.manifest.model.present)
        return st;
    uint64_t tokens = i->sampled ? i->max_new_tokens : TOKENS_DEFAULT;
    const struct rerun_job job = {.prompt = buf_span(&text),
                                  .sampling = i->sampled ? i->sampling : SAMPLING_DEFAULT,
                                  .max_new_tokens =
                                      tokens < RERUN_TOKENS ? (uint32_t)tokens : RERUN_TOKENS};
    st = rerun_run(room->store, &d->artifact, &job, &d->replay, e);
    d->replayed = st == ST_OK;
    return st;
}

/* ---- what helps --------------------------------------------------------------------------- */

static bool bytes_bad(const struct diagnosis *d)
{
    return d->replayed && (d->replay.stage == STAGE_FETCH || d->replay.stage == STAGE_PROVENANCE);
}

static enum advice bytes_advice(const struct diagnosis *d, const struct incident *i)
{
    if (bytes_bad(d))
        return d->replay.stage == STAGE_FETCH ? ADVICE_ADD_FILE : ADVICE_MEND_DAMAGED;
    if (i->code == INCIDENT_OUT_OF_MEMORY || i->code == 109)
        return ADVICE_SMALLER;
    if (differs(d, "bundle") || i->code == 111)
        return ADVICE_STALE_PAGE;
    return d->stage == STAGE_PROVENANCE ? ADVICE_CHANGED : ADVICE_LOAD;
}

static enum advice open_advice(const struct diagnosis *d)
{
    const bool again = d->replayed && stage_is_load(d->replay.stage);
    if (d->stage == STAGE_SCRATCH_KV)
        return again ? ADVICE_TOO_LARGE : ADVICE_FREE;
    if (bytes_bad(d))
        return ADVICE_MEND;
    if (again)
        return ADVICE_INCOMPATIBLE;
    if (differs(d, "bundle") || differs(d, "program"))
        return ADVICE_OTHER_PROGRAM;
    return d->replayed ? ADVICE_LOADS_HERE : ADVICE_REFUSED;
}

static enum advice request_advice(const struct diagnosis *d, const struct incident *i)
{
    if (i->code == ABI_MODEL_NOT_LOADED)
        return ADVICE_NOT_LOADED;
    if (i->code == INCIDENT_OUT_OF_MEMORY || i->code == ABI_GENERATION_FAILED)
        return ADVICE_SHORTER;
    if (d->stage == STAGE_SAMPLING)
        return ADVICE_SETTINGS;
    if (d->stage == STAGE_UTF8_TRANSFER)
        return ADVICE_UTF8;
    if (d->stage == STAGE_TOKENIZATION)
        return ADVICE_TOKENS;
    return text_equal(i->state, "continuation-ready") ? ADVICE_CONTEXT_USED : ADVICE_CONTEXT;
}

static bool is_lost(const struct incident *i)
{
    return i->code == INCIDENT_WORKER_LOST || i->code == INCIDENT_TRAPPED;
}

static enum advice generation_advice(const struct diagnosis *d, const struct incident *i)
{
    if (d->stage == STAGE_DECODE)
        return ADVICE_DECODE;
    if (i->code == INCIDENT_OUT_OF_MEMORY)
        return ADVICE_THREADS;
    if (d->replayed && d->replay.stage == d->stage)
        return ADVICE_NO_NUMBERS;
    if (is_lost(i))
        return ADVICE_LOST;
    return d->stage == STAGE_SAMPLING_STEP ? ADVICE_RESET : ADVICE_GENERATE;
}

static enum advice other_advice(const struct incident *i)
{
    if (i->gate.gate != GATE_NONE)
        return ADVICE_EVIDENCE;
    if (i->code == 111 || i->code == 114)
        return ADVICE_NO_WASM;
    return is_lost(i) ? ADVICE_LOST : ADVICE_AGAIN;
}

/* The command that does it, about the artifact as the store knows it. */
static void suggest(struct diagnosis *d, const struct incident *i)
{
    const char *name = d->artifact.manifest.name, *version = d->artifact.manifest.version;
    if (!d->found)
        return;
    if (d->recovery == RECOVERY_RESTORE && d->replay.stage == STAGE_FETCH)
        text_fmt(d->next, sizeof d->next, "assay add FILE --expect sha256:…");
    else if (d->recovery == RECOVERY_RESTORE)
        text_fmt(d->next, sizeof d->next, "assay fsck --repair --from GOOD-COPY");
    else if (d->recovery == RECOVERY_QUARANTINE && artifact_is_channel(i->channel))
        text_fmt(d->next, sizeof d->next, "assay rollback %s@%s --reason …", name, i->channel);
    else if (d->recovery == RECOVERY_QUARANTINE)
        text_fmt(d->next, sizeof d->next, "assay retire %.60s@%.60s --reason …", name, version);
    else if (i->gate.gate != GATE_NONE)
        text_fmt(d->next, sizeof d->next, "assay evidence %.50s@%.50s --gate %s", name, version,
                 gate_name(i->gate.gate));
}

static enum advice advice_for(const struct diagnosis *d, const struct incident *i)
{
    switch (d->stage) {
    case STAGE_FETCH:
    case STAGE_TRANSFER:
    case STAGE_PROVENANCE: return bytes_advice(d, i);
    case STAGE_ADMISSION:
    case STAGE_TENSORS:
    case STAGE_SCRATCH_KV: return open_advice(d);
    case STAGE_UTF8_TRANSFER:
    case STAGE_SAMPLING:
    case STAGE_TOKENIZATION:
    case STAGE_CONTEXT: return request_advice(d, i);
    case STAGE_FORWARD:
    case STAGE_SAMPLING_STEP:
    case STAGE_DECODE: return generation_advice(d, i);
    case STAGE_NONE:
    case STAGE_COUNT: break;
    }
    return other_advice(i);
}

static void advise(struct diagnosis *d, enum advice a)
{
    d->recovery = advice_of(a)->recovery;
    d->advice = advice_of(a)->text;
}

static void recover(struct diagnosis *d, const struct incident *i)
{
    advise(d, advice_for(d, i));
    suggest(d, i);
}

/* ------------------------------------------------------------------------------------------- */

enum status diagnose(const struct diagnose_room *room, const struct incident *i,
                     struct diagnosis *out, struct err *e)
{
    *out = (struct diagnosis){0};
    out->stage = incident_stage(i, &out->agrees);
    enum status st = ST_OK;
    if (room->store != NULL) {
        st = find(room, i, out, e);
        match_bytes(i, out);
        if (st == ST_OK)
            st = match_channel(room, i, out, e);
    }
    if (st == ST_OK)
        st = match_host(room, i, out, e);
    if (st == ST_OK && room->store != NULL)
        st = replay(room, i, out, e);
    if (st == ST_OK)
        recover(out, i);
    return st;
}

enum status diagnose_artifact(struct store *s, const struct artifact *a,
                              const struct rerun_job *job, struct diagnosis *out, struct err *e)
{
    struct incident as_if = {.command = "run"};
    *out = (struct diagnosis){.agrees = true};
    enum status st = rerun_run(s, a, job, &out->replay, e);
    if (st != ST_OK)
        return st;
    out->replayed = true;
    out->stage = out->replay.stage;
    if (out->stage == STAGE_NONE)
        advise(out, ADVICE_NOTHING);
    else
        recover(out, &as_if);
    return ST_OK;
}
