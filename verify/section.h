/* A gate's own section of the policy: what it may limit, and which check measures it.
 *
 * The table is one for all: the policy reader takes its keys and units from it, the gate reads its
 * limits by it and names its checks after it, and promotion applies the limits again to the
 * measurements in the evidence. docs/policy.md tells it key by key. A section in canonical JSON:
 *
 *     structural  {"budgets":{"kv_bytes":N,"logits_bytes":N,"scratch_bytes":N,"total_bytes":N,
 *                             "transfer_bytes":N}}
 *     smoke       {"limits":{"first_token_ms":N,"load_ms":N,"peak_bytes":N,"tokens_per_second":N},
 *                  "repeats":N,"tokens":N}
 *     task        {"baseline":"stable","suites":{NAME:{"accuracy":"0.9","sha256":HEX,…}}}
 *     safety      {"baseline":"stable","batteries":{NAME:{"rate":"0","sha256":HEX,…}},
 *                  "static":{"urls":N,…},"trigger":{"departure":"2.5","prefixes":N,…}}
 *     browser     {"limits":{…},"tokens":N}
 *     reports     {"results":{NAME:{"metric":"acc","score":"0.4","sha256":FINGERPRINT,…}}}
 *     exec        {"programs":{NAME:{"score":"0.9","seconds":N,"sha256":HEX,"suite":HEX}}}
 *
 * Every member but a sha256 may be absent: then there is no such limit, and a setting has its
 * default. Decimals are texts with at most six places and count in millionths. In a group of named
 * parts (suites, batteries) the check that measures a limit is called "PART CHECK". */
#ifndef VERIFY_SECTION_H
#define VERIFY_SECTION_H

#include "verify/gate.h"

#define SECTION_PARTS 16 /* suites or batteries at most */
#define SECTION_PART  40 /* bytes of a part's name, with its NUL */

enum section_type {
    SECTION_NUMBER,  /* a JSON integer */
    SECTION_DECIMAL, /* a text such as "0.95", in millionths here */
    SECTION_DIGEST,  /* a text of 64 hex digits */
    SECTION_WORD,    /* a text, one of `words` */
};

enum section_sense {
    SECTION_SETTING,  /* how the gate works; nothing is measured against it */
    SECTION_AT_MOST,  /* measured ≤ limit */
    SECTION_AT_LEAST, /* measured ≥ limit */
};

struct section_member {
    enum gate gate;
    const char *group; /* "budgets"; NULL: directly in the section */
    bool parts;        /* the group has named parts, and each may have this member */
    const char *key;   /* "kv_bytes" */
    enum section_type type;
    const char *unit; /* "bytes", "ms", "tokens/s", "" */
    enum section_sense sense;
    const char *check;        /* the name of the check that measures it; NULL for a setting */
    uint64_t low, high;       /* what a policy may ask for */
    uint64_t fallback;        /* of a number setting that the policy leaves out */
    const char *const *words; /* [until NULL]; the first is the fallback */
};

/* The members of a gate's section, one after the other: i from 0 until NULL. */
const struct section_member *section_member(enum gate g, size_t i);
const struct section_member *section_find(enum gate g, const char *check);
/* The member `key` of a group (NULL: directly in the section). */
const struct section_member *section_named(enum gate g, const char *group, const char *key);
bool section_group(enum gate g, const char *group, bool *parts);
bool section_part_valid(const char *name); /* [a-z0-9][a-z0-9._-]{0,38} */

/* The member's value in the object where it stands (`part` NULL: found through its group); false
 * when the policy does not say (a number setting's *out is then its fallback). */
bool section_value(const struct json *section, const struct section_member *m, uint64_t *out);
bool section_part_value(const struct json *part, const struct section_member *m, uint64_t *out);
/* A word setting: what the section says, else its fallback. */
const char *section_word(const struct json *section, enum gate g, const char *key);

/* Does a measurement (decimal text, "123" or "123.45") keep the limit? False for any other text. */
bool section_holds(const struct section_member *m, const char *measured, uint64_t limit);
/* A limit as people write it: "1048576", "0.95". */
void section_text(const struct section_member *m, uint64_t value, char out[32]);

/* One limit that a section states, and the check that has to measure it. */
struct section_limit {
    const struct section_member *member;
    char check[64];
    uint64_t limit;
};
struct section_walk {
    enum gate gate;
    const struct json *section;
    size_t member, part;
};
struct section_walk section_limits(enum gate g, const struct json *section);
/* The next one, parts in their order; false at the end. */
bool section_next(struct section_walk *w, struct section_limit *out);

/* Every member is one that the gate knows, of its type and within its range. ST_CONFIG. */
enum status section_check(enum gate g, const struct json *section, struct err *e) MUST_CHECK;

#endif
