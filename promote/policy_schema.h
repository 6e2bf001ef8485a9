/* The shape of a policy, once for its YAML and for its canonical JSON.
 *
 * A place is a mapping of the document ("the root", "gates", "channels.preview"); schema_find says
 * what a key means there. Sections that gates.md names and this program cannot yet hold to
 * (approvals, soak …) are known as SLOT_LATER: they are refused by name, never ignored, for a law
 * that is not kept is worse than none. */
#ifndef PROMOTE_POLICY_SCHEMA_H
#define PROMOTE_POLICY_SCHEMA_H

#include "verify/section.h"

#define POLICY_SCHEMA "assay.policy/1"
#define POLICY_MAX    (1u << 20) /* bytes of a policy */
#define SCHEMA_DEPTH  8          /* mappings within mappings */

enum place_kind {
    PLACE_ROOT,
    PLACE_GATES,
    PLACE_SECTION,
    PLACE_CHANNELS,
    PLACE_CHANNEL,
    PLACE_RETENTION
};

struct place {
    enum place_kind kind;
    enum gate gate;      /* PLACE_SECTION */
    const char *group;   /* PLACE_SECTION: NULL or "budgets" */
    const char *channel; /* PLACE_CHANNEL: "preview" */
};

enum slot_kind {
    SLOT_UNKNOWN,
    SLOT_LATER,  /* known, not supported yet */
    SLOT_MAP,    /* another place */
    SLOT_TEXT,   /* one exact text: `exact` */
    SLOT_NAME,   /* [a-z0-9][a-z0-9._-]{0,62} */
    SLOT_NUMBER, /* low … high in `unit`: "bytes", "ms", "s" or "" */
    SLOT_BOOL,
    SLOT_GATES, /* a list of gates, each once */
};

struct slot {
    enum slot_kind kind;
    const char *exact, *unit;
    uint64_t low, high;
    struct place to; /* SLOT_MAP */
    unsigned bit;    /* its number among the keys of its place */
};

struct slot schema_find(const struct place *in, const char *key);
/* Appends the keys that may stand there: "from, gates, …". */
void schema_keys(const struct place *in, struct buf *out);
/* The first required key whose bit is not in `seen`, NULL when all are there. */
const char *schema_missing(const struct place *in, uint32_t seen);
/* A gate that a channel may require; GATE_NONE with *later set for one that is known but not built.
 */
enum gate schema_gate(const char *name, bool *later);

/* Checks a decoded document against all of this. ST_CONFIG, naming the member. */
enum status schema_check(const struct json *root, struct err *e) MUST_CHECK;

#endif
