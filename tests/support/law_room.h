/* A store with everything a promotion stands on: a trust (one person, one key a role), the policy
 * preview-basic, an admitted model, and short ways to make evidence of any kind. A failed call of
 * law_* ends the test program. */
#ifndef TESTS_SUPPORT_LAW_ROOM_H
#define TESTS_SUPPORT_LAW_ROOM_H

#include "promote/decision.h"
#include "promote/entry.h"
#include "tests/support/model_make.h"
#include "tests/support/store_room.h"

#define LAW_DAY  INT64_C(86400)
#define LAW_HEAD "schema: assay.policy/1\nname: mine\n"

struct law_room {
    struct store_room r;
    struct signer *keys[ROLE_COUNT];
    struct trust *trust; /* expires 365 days after the room's clock */
    struct policy policy;
    struct artifact a; /* tiny@1, a valid model */
    struct promoter by;
};

/* Prepared in place: promoter and artifact point into it. */
void law_make(struct law_room *l);
void law_remove(struct law_room *l);

/* Admits `bytes` as NAME@VERSION. */
struct artifact law_admit(struct law_room *l, struct span bytes, const char *name,
                          const char *version);
/* Installs a policy given as YAML; one named mine with these channels. */
void law_set(struct law_room *l, const char *yaml);
void law_channels(struct law_room *l, const char *channels);
/* A statement as promote would make it of tiny@1 for preview, for commits that it would not make.
 */
struct statement law_statement(struct law_room *l, const struct standing *on);

/* How a piece of evidence shall look; zero values make a good one by the role gate, ended now. */
struct law_case {
    enum role signer;     /* ROLE_NONE: gate */
    enum verdict verdict; /* VERDICT_NONE: pass */
    int64_t age;          /* seconds before the room's clock */
    bool other_runtime, other_program, other_section, other_content;
    const char *check;             /* this check … */
    const char *measured;          /* … measured this; NULL: it is left out */
    const char *sandbox, *browser; /* recorded; NULL: "none", none */
    const struct digest *baseline; /* whom it was compared with; NULL: nobody */
};
struct digest law_evidence(struct law_room *l, const struct artifact *a, enum gate g,
                           const struct law_case *how);
/* Good evidence of every gate that preview asks for. */
void law_pass(struct law_room *l, const struct artifact *a);

/* Promotes to preview and returns whether it was allowed. */
bool law_promote(struct law_room *l, const struct artifact *a, struct decision *d);
/* The message of the first unmet rule whose name begins so, "" when there is none. */
const char *law_unmet(const struct decision *d, const char *rule);

#endif
