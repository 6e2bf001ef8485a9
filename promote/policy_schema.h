/* The shape of a policy, once for its YAML and for its canonical JSON.
 *
 * A place is a mapping of the document ("the root", "gates", "channels.preview"); schema_find says
 * what a key means there. Nothing that a policy says is ever ignored: what is unknown is refused,
 * for a law that is not kept is worse than none. docs/policy.md tells it key by key. */
#ifndef PROMOTE_POLICY_SCHEMA_H
#define PROMOTE_POLICY_SCHEMA_H

#include "verify/section.h"

#define POLICY_SCHEMA "assay.policy/1"
#define POLICY_MAX    (1u << 20) /* bytes of a policy */
#define SCHEMA_DEPTH  8          /* mappings within mappings */
#define SCHEMA_KEYS   32         /* keys of one mapping */
#define SCHEMA_ITEMS  256        /* items of one list */

enum place_kind {
    PLACE_ROOT,
    PLACE_LIMITS,
    PLACE_RECORDED,
    PLACE_BROWSERS,
    PLACE_GATES,
    PLACE_SECTION,
    PLACE_CHANNELS,
    PLACE_CHANNEL,
    PLACE_APPROVALS,
    PLACE_RETENTION,
    PLACE_EMERGENCY,
    PLACE_WAIVERS,
    PLACE_NIGHTLY
};

struct place {
    enum place_kind kind;
    const char *name;  /* "channels.preview": for messages */
    enum gate gate;    /* PLACE_SECTION */
    const char *group; /* PLACE_SECTION: NULL or "budgets" */
    bool parts, part;  /* PLACE_SECTION: a group of named parts; one of them */
};

enum slot_kind {
    SLOT_UNKNOWN,
    SLOT_MAP,     /* another place */
    SLOT_WORD,    /* one of `words` */
    SLOT_NAME,    /* [a-z0-9][a-z0-9._-]{0,62} */
    SLOT_NUMBER,  /* low … high in `unit`: "bytes", "ms", "s" or "" */
    SLOT_DECIMAL, /* low … high in millionths; a text in JSON */
    SLOT_DIGEST,  /* 64 hex digits */
    SLOT_BOOL,
    SLOT_LIST, /* of `words`, or of SPDX identifiers when there are none; each once */
};

struct slot {
    enum slot_kind kind;
    const char *unit;
    const char *const *words; /* [until NULL] */
    uint64_t low, high;
    struct place to; /* SLOT_MAP */
};

struct slot schema_find(const struct place *in, const char *key);
/* Appends the keys that may stand there: "from, gates, …". */
void schema_keys(const struct place *in, struct buf *out);
/* Appends "a, b, c". */
void schema_words(const char *const *words, struct buf *out);
/* The i-th key that must be there, NULL past the last. */
const char *schema_required(const struct place *in, size_t i);
bool schema_word_known(const struct slot *s, const char *text);

/* Checks a decoded document against all of this. ST_CONFIG, naming the member. */
enum status schema_check(const struct json *root, struct err *e) MUST_CHECK;

#endif
