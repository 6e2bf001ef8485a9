/* Incidents: what was known when a run, a gate or the page failed, taken before anything is reset,
 * as one JSON object (docs/incident.md gives it member by member).
 *
 * Written by us and by the page, read as hostile: bounded, each member of its kind, none unknown,
 * none twice; what it says is never believed without a look at the store (verify/diagnose.h). Texts
 * in it are foreign and escaped by whoever prints them. */
#ifndef VERIFY_INCIDENT_H
#define VERIFY_INCIDENT_H

#include "runtime/session.h"
#include "runtime/stages.h"
#include "verify/gate.h"

#define INCIDENT_BYTES (1u << 20) /* of a file */
#define INCIDENT_PROMPT \
    (256u << 10)             /* bytes of a prompt that is kept in full; longer: its digest */
#define INCIDENT_TEXT   1024 /* bytes of a message, a browser's name …, with its NUL */
#define INCIDENT_CHECKS 8    /* failed checks of a gate that are told */

/* Error numbers: 0…15 are the runtime's (runtime/diagnostics.h), from 100 on the host's. */
enum incident_code {
    INCIDENT_FETCH_FAILED = 106,
    INCIDENT_TRUNCATED = 107,
    INCIDENT_DIGEST_MISMATCH = 108,
    INCIDENT_OUT_OF_MEMORY = 110,
    INCIDENT_WORKER_LOST = 112, /* whoever worked was killed or ran out of time */
    INCIDENT_TRAPPED = 113,     /* it crashed */
    INCIDENT_GATE_REFUSED = 120,
    INCIDENT_NOT_MEASURED = 121
};

/* What is kept of the prompt. */
enum prompt_policy { PROMPT_LENGTH, PROMPT_DIGEST, PROMPT_FULL };
const char *prompt_policy_name(enum prompt_policy p);
bool prompt_policy_parse(const char *name, enum prompt_policy *out);

struct incident_prompt {
    enum prompt_policy policy;
    bool given; /* there was one */
    uint64_t bytes;
    struct digest sha256; /* digest */
    struct buf text;      /* full */
};

/* Of a gate's run. */
struct incident_gate {
    enum gate gate; /* GATE_NONE: no gate */
    enum verdict verdict;
    struct digest evidence; /* the envelope; zero: none was made */
    struct gate_check checks[INCIDENT_CHECKS];
    size_t check_count;
};

struct incident {
    int64_t time;
    char command[24];     /* of the page, or "run", "gate" */
    enum run_stage stage; /* as recorded; STAGE_NONE: not known */
    unsigned code;
    char name[48]; /* "ContextExceeded" */
    char message[INCIDENT_TEXT], detail[INCIDENT_TEXT];
    uint64_t elapsed_ms;
    struct digest artifact, content; /* zero: not known */
    char artifact_name[MANIFEST_NAME_MAX], version[MANIFEST_NAME_MAX], channel[16];
    struct digest program, bundle; /* who failed: the native program, or page and modules */
    char module[16], browser[INCIDENT_TEXT];
    struct incident_prompt prompt;
    bool sampled; /* the settings are known */
    struct sampling sampling;
    uint64_t max_new_tokens; /* 0 may be what was asked for */
    struct incident_gate gate;
    struct buf diagnostics; /* written: the runtime's JSON, empty: null. Read: empty */
    bool diagnosed;         /* read: the runtime could still tell of itself */
    char state[32];         /* read: the state it was in */
};
void incident_release(struct incident *i);

/* Which command the stage of a page's or our own command belongs to: a load or a generation. */
bool incident_known(const char *command);
/* Fills stage, number, name, message and detail from an error. */
void incident_fail(struct incident *i, enum run_stage stage, const struct err *e);
/* Sets the number, its name and its message; an empty detail. */
void incident_number(struct incident *i, unsigned code);
/* Keeps of the prompt what the policy says. ST_NO_MEMORY. */
enum status incident_prompt(struct incident *i, enum prompt_policy policy, struct span prompt,
                            struct err *e) MUST_CHECK;

/* The stage that number and command allow: the recorded one when it is among them, else the
 * likeliest; *agrees says whether the recorded one was. */
enum run_stage incident_stage(const struct incident *i, bool *agrees);

void incident_write(const struct incident *i, struct buf *out);
/* ST_FORMAT, code "incident-…" or "json-…". */
enum status incident_read(struct span file, struct incident *out, struct err *e) MUST_CHECK;

#endif
