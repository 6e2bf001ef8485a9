/* A gate's own section of the policy: what it may limit, and which check measures it.
 *
 * The table is one for all: the policy reader takes its keys and units from it, the gate reads its
 * limits by it and names its checks after it, and promotion applies the limits again to the
 * measurements in the evidence. A section in canonical JSON:
 *
 *     structural  {"budgets":{"kv_bytes":N,"logits_bytes":N,"scratch_bytes":N,"total_bytes":N,
 *                             "transfer_bytes":N}}
 *     smoke       {"limits":{"first_token_ms":N,"load_ms":N,"peak_bytes":N,"tokens_per_second":N},
 *                  "repeats":N,"tokens":N}
 *
 * Every member may be absent: then there is no such limit, and a setting has its default. */
#ifndef VERIFY_SECTION_H
#define VERIFY_SECTION_H

#include "verify/gate.h"

enum section_sense {
    SECTION_SETTING,  /* how the gate works; nothing is measured against it */
    SECTION_AT_MOST,  /* measured ≤ limit */
    SECTION_AT_LEAST, /* measured ≥ limit */
};

struct section_member {
    enum gate gate;
    const char *group; /* "budgets"; NULL: directly in the section */
    const char *key;   /* "kv_bytes" */
    const char *unit;  /* "bytes", "ms", "tokens/s", "" */
    enum section_sense sense;
    const char *check;  /* the name of the check that measures it; NULL for a setting */
    uint64_t low, high; /* what a policy may ask for */
    uint64_t fallback;  /* of a setting that the policy leaves out */
};

/* The members of a gate's section, one after the other: i from 0 until NULL. */
const struct section_member *section_member(enum gate g, size_t i);
const struct section_member *section_find(enum gate g, const char *check);

/* The member's value in a section; false when the policy does not say (a setting's *out is then its
 * fallback). */
bool section_value(const struct json *section, const struct section_member *m, uint64_t *out);

/* Does a measurement (decimal text, "123" or "123.45") keep the limit? False for any other text. */
bool section_holds(const struct section_member *m, const char *measured, uint64_t limit);

#endif
