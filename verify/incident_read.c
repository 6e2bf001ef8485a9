/* An incident from JSON that anybody may have written. */
#include "base/base64.h"
#include "base/text.h"
#include "verify/gate_checks.h"
#include "verify/incident.h"
#include <string.h>

#define ELAPSED_MAX UINT64_C(31536000000) /* ms: a year */

/* One object being read; the first thing that is wrong sticks. */
struct reading {
    const struct json *v;
    const char *what; /* "identity" */
    struct err *e;
    bool wrong;
};

static void refuse(struct reading *r, const char *code, const char *key, const char *why)
{
    if (r->wrong)
        return;
    r->wrong = true;
    (void)err_at(r->e, ST_FORMAT, "incident", code, ERR_NO_OFFSET, "%s%s%s %s", r->what,
                 r->what[0] != '\0' ? "." : "", key, why);
}

/* An object of just these members, the first `needed` of which must be there. */
static struct reading object(const struct json *v, const char *what, const char *const *members,
                             size_t count, size_t needed, struct err *e)
{
    struct reading r = {.v = v, .what = what, .e = e};
    if (json_kind(v) != JSON_OBJECT) {
        refuse(&r, "incident-object", "", "is no object");
        return r;
    }
    for (size_t i = 0; i < json_count(v); i++) {
        const char *key = json_member(v, i, NULL);
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || text_equal(members[k], key);
        if (!known)
            refuse(&r, "incident-member", "", "has a member that no incident has");
    }
    for (size_t k = 0; k < needed; k++)
        if (json_get(v, members[k]) == NULL)
            refuse(&r, "incident-member", members[k], "is missing");
    return r;
}

/* A text of fewer than `cap` bytes; absent and null are "". */
static void take_text(struct reading *r, const char *key, char *out, size_t cap)
{
    const struct json *v = json_get(r->v, key);
    const char *s = json_as_string(v);
    out[0] = '\0';
    if (json_kind(v) == JSON_NULL)
        return;
    if (s == NULL)
        refuse(r, "incident-kind", key, "is no text");
    else if (strlen(s) >= cap)
        refuse(r, "incident-length", key, "is too long");
    else
        text_fmt(out, cap, "%s", s);
}

static void take_digest(struct reading *r, const char *key, struct digest *out)
{
    char hex[DIGEST_TEXT + 1];
    take_text(r, key, hex, sizeof hex);
    *out = (struct digest){{0}};
    if (hex[0] != '\0' && (strlen(hex) != DIGEST_TEXT - 1 || !digest_parse(hex, out)))
        refuse(r, "incident-digest", key, "is no SHA-256");
}

static void take_u64(struct reading *r, const char *key, uint64_t most, uint64_t *out)
{
    *out = 0;
    if (!json_as_u64(json_get(r->v, key), out) || *out > most)
        refuse(r, "incident-number", key, "is no number in its range");
}

static void take_name(struct reading *r, const char *key, char out[MANIFEST_NAME_MAX])
{
    take_text(r, key, out, MANIFEST_NAME_MAX);
    if (out[0] != '\0' && !manifest_name_valid(out))
        refuse(r, "incident-name", key, "is no name");
}

/* A word of letters and digits, such as an error's name. */
static void take_word(struct reading *r, const char *key, char *out, size_t cap)
{
    take_text(r, key, out, cap);
    for (const char *c = out; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '-')) {
            refuse(r, "incident-word", key, "is no word");
            out[0] = '\0';
            return;
        }
}

/* With the page's fraction of a second, which is left out. */
static void take_time(struct reading *r, const char *key, int64_t *out)
{
    char s[TIME_TEXT_MAX + 4];
    take_text(r, key, s, sizeof s);
    char *point = strchr(s, '.');
    if (point != NULL && strlen(point) == 5 && point[4] == 'Z' &&
        strspn(point + 1, "0123456789") == 3) {
        point[0] = 'Z';
        point[1] = '\0';
    }
    if (!time_parse(s, out))
        refuse(r, "incident-time", key, "is no time");
}

/* ---- its parts ---------------------------------------------------------------------------- */

#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool read_error(const struct json *v, struct incident *out, struct err *e)
{
    static const char *const members[] = {"code", "name", "message", "detail"};
    struct reading r = object(v, "error", members, COUNT(members), 2, e);
    uint64_t code;
    take_u64(&r, "code", 999, &code);
    out->code = (unsigned)code;
    take_word(&r, "name", out->name, sizeof out->name);
    take_text(&r, "message", out->message, sizeof out->message);
    take_text(&r, "detail", out->detail, sizeof out->detail);
    return !r.wrong;
}

static bool read_identity(const struct json *v, struct incident *out, struct err *e)
{
    static const char *const members[] = {"artifact", "sha256", "name",   "version", "channel",
                                          "program",  "bundle", "module", "browser"};
    struct reading r = object(v, "identity", members, COUNT(members), 0, e);
    take_digest(&r, "artifact", &out->artifact);
    take_digest(&r, "sha256", &out->content);
    take_name(&r, "name", out->artifact_name);
    take_name(&r, "version", out->version);
    take_word(&r, "channel", out->channel, sizeof out->channel);
    take_digest(&r, "program", &out->program);
    take_digest(&r, "bundle", &out->bundle);
    take_word(&r, "module", out->module, sizeof out->module);
    take_text(&r, "browser", out->browser, sizeof out->browser);
    return !r.wrong;
}

static void read_full(struct reading *r, struct incident_prompt *p)
{
    const char *text = json_as_string(json_get(r->v, "text"));
    const char *coded = json_as_string(json_get(r->v, "base64"));
    if ((text != NULL) == (coded != NULL)) {
        refuse(r, "incident-prompt", "text", "is to be there, or base64 in its place");
        return;
    }
    if (text != NULL)
        buf_text(&p->text, text);
    else if (!base64_decode(&p->text, span_text(coded)))
        refuse(r, "incident-prompt", "base64", "is not base64");
    if (p->text.n != p->bytes || p->text.n > INCIDENT_PROMPT)
        refuse(r, "incident-prompt", "bytes", "is not the length of the text");
}

static bool read_prompt(const struct json *v, struct incident_prompt *p, struct err *e)
{
    static const char *const members[] = {"policy", "bytes", "sha256", "text", "base64"};
    struct reading r = object(v, "prompt", members, COUNT(members), 2, e);
    char policy[16];
    take_text(&r, "policy", policy, sizeof policy);
    if (!r.wrong && !prompt_policy_parse(policy, &p->policy))
        refuse(&r, "incident-prompt", "policy", "is none of length, digest and full");
    p->given = json_kind(json_get(v, "bytes")) != JSON_NULL;
    if (p->given)
        take_u64(&r, "bytes", UINT32_MAX, &p->bytes);
    if (p->given && p->policy == PROMPT_DIGEST)
        take_digest(&r, "sha256", &p->sha256);
    if (!r.wrong && p->given && p->policy == PROMPT_FULL)
        read_full(&r, p);
    return !r.wrong;
}

static void take_double(struct reading *r, const char *key, double *out)
{
    *out = 0;
    if (!json_as_double(json_get(r->v, key), out) || *out < -1e12 || *out > 1e12)
        refuse(r, "incident-number", key, "is no number in its range");
}

/* A count as somebody typed it: what is none becomes 0, which no runtime takes either. */
static uint64_t take_count(struct reading *r, const char *key)
{
    double v = 0;
    take_double(r, key, &v);
    return v >= 1 && v <= (double)UINT32_MAX && v == (double)(uint64_t)v ? (uint64_t)v : 0;
}

/* As they were set: what is out of range may be what the incident is about. */
static bool read_sampling(const struct json *v, struct incident *out, struct err *e)
{
    static const char *const members[] = {"temperature", "top_k", "top_p", "seed",
                                          "max_new_tokens"};
    struct reading r = object(v, "sampling", members, COUNT(members), 5, e);
    double temperature, top_p;
    char seed[32];
    take_double(&r, "temperature", &temperature);
    take_double(&r, "top_p", &top_p);
    take_text(&r, "seed", seed, sizeof seed);
    out->sampling = (struct sampling){.temperature = (float)temperature,
                                      .top_k = (uint32_t)take_count(&r, "top_k"),
                                      .top_p = (float)top_p,
                                      .seed = 1};
    if (!text_u64(span_text(seed), &out->sampling.seed))
        out->sampling.seed = 1;
    out->max_new_tokens = take_count(&r, "max_new_tokens");
    out->sampled = true;
    return !r.wrong;
}

static bool read_gate(const struct json *v, struct incident_gate *g, struct err *e)
{
    static const char *const members[] = {"name", "result", "evidence", "checks"};
    struct reading r = object(v, "gate", members, COUNT(members), 4, e);
    char name[24], result[24];
    take_text(&r, "name", name, sizeof name);
    take_text(&r, "result", result, sizeof result);
    take_digest(&r, "evidence", &g->evidence);
    g->gate = gate_parse(name);
    g->verdict = verdict_parse(result);
    const struct json *checks = json_get(v, "checks");
    if (g->gate == GATE_NONE || g->verdict == VERDICT_NONE)
        refuse(&r, "incident-gate", "name", "and result are of no gate");
    if (json_kind(checks) != JSON_ARRAY || json_count(checks) > INCIDENT_CHECKS)
        refuse(&r, "incident-gate", "checks", "is no short list");
    for (size_t i = 0; !r.wrong && i < json_count(checks); i++)
        r.wrong = check_read(json_at(checks, i), &g->checks[g->check_count++], e) != ST_OK;
    return !r.wrong;
}

static bool read_head(const struct json *v, struct incident *out, struct err *e)
{
    static const char *const members[] = {"schema",     "time",     "command",    "error",
                                          "elapsed_ms", "identity", "prompt",     "stage",
                                          "sampling",   "gate",     "diagnostics"};
    struct reading r = object(v, "", members, COUNT(members), 7, e);
    char schema[32], stage[24];
    take_text(&r, "schema", schema, sizeof schema);
    if (!text_equal(schema, "assay.incident/1"))
        refuse(&r, "incident-schema", "schema", "is not assay.incident/1");
    take_time(&r, "time", &out->time);
    take_text(&r, "command", out->command, sizeof out->command);
    if (!incident_known(out->command))
        refuse(&r, "incident-command", "command", "is none that fails with an incident");
    take_text(&r, "stage", stage, sizeof stage);
    out->stage = stage_parse(stage);
    if (stage[0] != '\0' && out->stage == STAGE_NONE)
        refuse(&r, "incident-stage", "stage", "is none of the thirteen");
    take_u64(&r, "elapsed_ms", ELAPSED_MAX, &out->elapsed_ms);
    return !r.wrong;
}

/* Of the runtime's own words only the state is taken. */
static bool read_diagnostics(const struct json *v, struct incident *out, struct err *e)
{
    struct reading r = {.v = v, .what = "diagnostics", .e = e};
    out->diagnosed = json_kind(v) == JSON_OBJECT;
    if (!out->diagnosed && json_kind(v) != JSON_NULL)
        refuse(&r, "incident-object", "", "is no object");
    if (out->diagnosed)
        take_word(&r, "state", out->state, sizeof out->state);
    return !r.wrong;
}

enum status incident_read(struct span file, struct incident *out, struct err *e)
{
    SCOPED(json_scope) struct json *v = NULL;
    *out = (struct incident){0};
    enum status st = json_parse_decimals(file, INCIDENT_BYTES, &v, e);
    if (st != ST_OK)
        return st;
    const struct json *sampling = json_get(v, "sampling"), *gate = json_get(v, "gate");
    bool fine = read_head(v, out, e) && read_error(json_get(v, "error"), out, e) &&
                read_identity(json_get(v, "identity"), out, e) &&
                read_prompt(json_get(v, "prompt"), &out->prompt, e);
    if (fine && json_kind(sampling) != JSON_NULL)
        fine = read_sampling(sampling, out, e);
    if (fine && gate != NULL)
        fine = read_gate(gate, &out->gate, e);
    fine = fine && read_diagnostics(json_get(v, "diagnostics"), out, e);
    if (fine && buf_status(&out->prompt.text) == ST_OK)
        return ST_OK;
    incident_release(out);
    return fine ? err_set(e, ST_NO_MEMORY, NULL, "no memory for an incident") : e->status;
}
