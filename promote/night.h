/* A night: the gates that the policy asks for, over everything that is in a channel, and what came
 * out of it.
 *
 * Fresh evidence is reused after its signature was checked again; what is stale is measured anew
 * and signed; a newest piece that is damaged is named, and makes its item an error. The night moves
 * no baseline while it measures. Where policy has a failing stable demoted, that is a signed
 * decision like any other (promote/leave.h), made when all is measured, and only if the channel
 * still holds what was measured. An item that could not be looked into is an item with an error,
 * never one left out.
 *
 * With shards, item i belongs to shard i mod n, counted over the sorted list of holders: machines
 * that see the same store cut it the same way. */
#ifndef PROMOTE_NIGHT_H
#define PROMOTE_NIGHT_H

#include "promote/pipeline.h"

/* A measurement of one check in one piece of evidence, for trends. */
struct night_point {
    char when[TIME_TEXT_MAX];
    double value;
};
#define NIGHT_POINTS 30 /* the newest of them are kept */

struct night_gate {
    enum gate gate;
    enum verdict verdict; /* VERDICT_ERROR when it could not be measured */
    bool reused, changed; /* changed: the evidence before had another verdict */
    enum verdict before;  /* VERDICT_NONE: there was none */
    struct digest evidence;
    char ended[TIME_TEXT_MAX];
    struct gate_check *checks; /* [check_count] */
    size_t check_count;
    char error[256];   /* why it could not be measured; "" else */
    char damaged[256]; /* what is wrong with the newest evidence there was before; "" nothing */
};

struct night_item {
    struct holder holder;
    char version[MANIFEST_NAME_MAX];
    enum verdict verdict; /* the worst of its gates */
    struct night_gate gates[GATE_COUNT];
    size_t gate_count;
    char action[256]; /* "demoted", or why not; what is damaged; "" when nothing was to be done */
};

struct night {
    char store_id[33], policy_name[64];
    struct digest policy;
    char started[TIME_TEXT_MAX], ended[TIME_TEXT_MAX];
    uint32_t shard, shards;
    struct night_item *items; /* [count], by name and channel */
    size_t count;
};
void night_release(struct night *n);

struct night_plan {
    struct pipeline pipeline;     /* its max_age_s is set from the policy */
    const struct signer *release; /* who demotes; NULL: a demotion that policy asks for is told only
                                   */
    uint32_t shard, shards;       /* 0 of 1: everything */
    /* Called before each item and after it; NULL: nobody listens. ST_INTERRUPTED from it ends the
     * night. */
    enum status (*each)(void *ctx, const struct night_item *item, bool done, struct err *e);
    void *ctx;
};
/* ST_OK whatever the gates said. ST_CONFIG when the policy has no nightly section. */
enum status night_run(const struct night_plan *plan, struct night *out, struct err *e) MUST_CHECK;
/* The worst verdict of all items; VERDICT_PASS when there is none. */
enum verdict night_verdict(const struct night *n);

/* The newest measurements of one check in an artifact's evidence, oldest first: at most
 * NIGHT_POINTS. */
enum status night_trend(const struct pipeline *p, const struct digest *artifact, enum gate g,
                        const char *check, struct night_point *out, size_t *count,
                        struct err *e) MUST_CHECK;

#endif
