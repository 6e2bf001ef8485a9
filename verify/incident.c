#include "verify/incident.h"
#include "base/text.h"
#include "runtime/diagnostics.h"
#include <string.h>

/* The host's numbers; runtime/web/protocol.js has the same (a test compares them). */
static const struct host_error {
    unsigned code;
    const char *name, *message;
} host_errors[] = {
    {100, "BadMessage", "the message is not one of this protocol"},
    {101, "UnknownCommand", "there is no such command"},
    {102, "RepeatedId", "the id was used before"},
    {103, "BadRequest", "a member of the command is missing or of the wrong kind"},
    {104, "NotBooted", "the runtime has not been booted"},
    {105, "Busy", "the runtime is at work on something else"},
    {INCIDENT_FETCH_FAILED, "FetchFailed", "the bytes could not be had"},
    {INCIDENT_TRUNCATED, "Truncated", "the bytes did not come over whole"},
    {INCIDENT_DIGEST_MISMATCH, "DigestMismatch", "the bytes are not the ones that were promoted"},
    {109, "TooLarge", "the model is larger than this runtime takes"},
    {INCIDENT_OUT_OF_MEMORY, "OutOfMemory", "there is not enough memory for it"},
    {111, "StalePair", "page and runtime do not belong together"},
    {INCIDENT_WORKER_LOST, "WorkerLost", "whoever did the work ended unexpectedly"},
    {INCIDENT_TRAPPED, "Trapped", "the runtime stopped on an inner error"},
    {114, "NoWebAssembly", "this browser has no WebAssembly"},
    {INCIDENT_GATE_REFUSED, "GateRefused", "a gate said no"},
    {INCIDENT_NOT_MEASURED, "NotMeasured", "a gate could not measure"},
};

static const char *const policies[] = {
    [PROMPT_LENGTH] = "length", [PROMPT_DIGEST] = "digest", [PROMPT_FULL] = "full"};

void incident_release(struct incident *i)
{
    buf_release(&i->prompt.text);
    buf_release(&i->diagnostics);
    *i = (struct incident){0};
}

const char *prompt_policy_name(enum prompt_policy p)
{
    return policies[p];
}

bool prompt_policy_parse(const char *name, enum prompt_policy *out)
{
    for (int p = PROMPT_LENGTH; name != NULL && p <= PROMPT_FULL; p++)
        if (text_equal(name, policies[p])) {
            *out = (enum prompt_policy)p;
            return true;
        }
    return false;
}

void incident_number(struct incident *i, unsigned code)
{
    const char *name = code < ABI_COUNT ? abi_name(code) : "Unknown";
    const char *message = code < ABI_COUNT ? abi_message(code) : "an error of another version";
    for (size_t k = 0; k < sizeof host_errors / sizeof *host_errors; k++)
        if (host_errors[k].code == code) {
            name = host_errors[k].name;
            message = host_errors[k].message;
        }
    i->code = code;
    i->detail[0] = '\0';
    text_fmt(i->name, sizeof i->name, "%s", name);
    text_fmt(i->message, sizeof i->message, "%s", message);
}

static unsigned number_of(enum run_stage stage, const struct err *e)
{
    if (stage == STAGE_FETCH)
        return INCIDENT_FETCH_FAILED;
    if (stage == STAGE_PROVENANCE)
        return INCIDENT_DIGEST_MISMATCH;
    if (e->status == ST_NO_MEMORY || e->status == ST_NO_SPACE)
        return INCIDENT_OUT_OF_MEMORY;
    return stage == STAGE_TRANSFER ? INCIDENT_TRUNCATED : abi_error(e->status);
}

void incident_fail(struct incident *i, enum run_stage stage, const struct err *e)
{
    incident_number(i, number_of(stage, e));
    i->stage = stage;
    text_fmt(i->detail, sizeof i->detail, "%s: %s", err_code(e),
             e->detail[0] != '\0' ? e->detail : status_phrase(e->status));
}

enum status incident_prompt(struct incident *i, enum prompt_policy policy, struct span prompt,
                            struct err *e)
{
    struct incident_prompt *p = &i->prompt;
    *p = (struct incident_prompt){.policy = policy, .given = true, .bytes = prompt.n};
    if (policy == PROMPT_FULL && prompt.n > INCIDENT_PROMPT)
        p->policy = PROMPT_DIGEST;
    if (p->policy == PROMPT_DIGEST)
        p->sha256 = digest_of(prompt);
    if (p->policy == PROMPT_FULL)
        buf_append(&p->text, prompt);
    return buf_status(&p->text) == ST_OK ? ST_OK
                                         : err_set(e, ST_NO_MEMORY, NULL, "no memory for a prompt");
}

/* ---- which stage -------------------------------------------------------------------------- */

#define ON(stage) (1u << (STAGE_##stage))

/* The stages at which an error of a number may come up, the likeliest of a load and of a generation
 * first. */
static const struct rule {
    unsigned code;
    enum run_stage load, generation;
    unsigned others;
} stage_rules[] = {
    {ABI_OK, STAGE_NONE, STAGE_NONE, 0},
    {1, STAGE_ADMISSION, STAGE_UTF8_TRANSFER, 0},
    {2, STAGE_SCRATCH_KV, STAGE_TOKENIZATION, ON(SAMPLING)},
    {3, STAGE_ADMISSION, STAGE_UTF8_TRANSFER, ON(DECODE)},
    {4, STAGE_ADMISSION, STAGE_NONE, 0},
    {5, STAGE_ADMISSION, STAGE_NONE, 0},
    {6, STAGE_ADMISSION, STAGE_NONE, ON(TENSORS)},
    {7, STAGE_TENSORS, STAGE_NONE, 0},
    {8, STAGE_TENSORS, STAGE_NONE, 0},
    {9, STAGE_TENSORS, STAGE_NONE, 0},
    {10, STAGE_TENSORS, STAGE_NONE, 0},
    {11, STAGE_NONE, STAGE_CONTEXT, 0},
    {ABI_MODEL_NOT_LOADED, STAGE_NONE, STAGE_CONTEXT, 0},
    {ABI_GENERATION_FAILED, STAGE_SCRATCH_KV, STAGE_SAMPLING_STEP, ON(FORWARD) | ON(TOKENIZATION)},
    {14, STAGE_NONE, STAGE_DECODE, 0},
    {ABI_CANCELLED, STAGE_TRANSFER, STAGE_FORWARD, ~0u},
    {INCIDENT_FETCH_FAILED, STAGE_FETCH, STAGE_FETCH, 0},
    {INCIDENT_TRUNCATED, STAGE_TRANSFER, STAGE_TRANSFER, 0},
    {INCIDENT_DIGEST_MISMATCH, STAGE_PROVENANCE, STAGE_PROVENANCE, 0},
    {109, STAGE_TRANSFER, STAGE_TRANSFER, 0},
    {INCIDENT_OUT_OF_MEMORY, STAGE_SCRATCH_KV, STAGE_FORWARD,
     ON(TRANSFER) | ON(UTF8_TRANSFER) | ON(TOKENIZATION)},
    {111, STAGE_FETCH, STAGE_FETCH, 0},
    {INCIDENT_WORKER_LOST, STAGE_NONE, STAGE_FORWARD, ~0u},
    {INCIDENT_TRAPPED, STAGE_ADMISSION, STAGE_FORWARD, ~0u},
};

static const struct known {
    const char *command;
    bool load, generation;
} commands[] = {
    {"run", true, true},           {"gate", true, true},
    {"load-model", true, false},   {"configure-sampling", false, true},
    {"generate", false, true},     {"boot", true, false},
    {"free-model", false, false},  {"reset-context", false, false},
    {"diagnostics", false, false},
};

static const struct known *command_of(const char *name)
{
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++)
        if (text_equal(commands[k].command, name))
            return &commands[k];
    return NULL;
}

bool incident_known(const char *command)
{
    return command_of(command) != NULL;
}

enum run_stage incident_stage(const struct incident *i, bool *agrees)
{
    const struct known *c = command_of(i->command);
    const struct rule *r = NULL;
    for (size_t k = 0; k < sizeof stage_rules / sizeof *stage_rules; k++)
        if (stage_rules[k].code == i->code)
            r = &stage_rules[k];
    *agrees = true;
    if (r == NULL || c == NULL) /* a number that says nothing about the stage */
        return i->stage;
    bool load = c->load && r->load != STAGE_NONE &&
                !(c->generation && !stage_is_load(i->stage) && r->generation != STAGE_NONE);
    if (i->stage != STAGE_NONE) {
        bool fits = stage_is_load(i->stage) ? c->load : c->generation;
        *agrees = fits && (i->stage == r->load || i->stage == r->generation ||
                           (r->others & 1u << i->stage) != 0);
        if (*agrees)
            return i->stage;
    }
    /* The settings of the draws have a command of their own in the page. */
    if (text_equal(i->command, "configure-sampling") && i->code == 2)
        return STAGE_SAMPLING;
    return load ? r->load : c->generation ? r->generation : STAGE_NONE;
}
