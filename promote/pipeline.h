/* The pipeline: gates over one artifact, from what the policy asks to evidence in the store.
 *
 *     identities bound → baseline found → fresh evidence reused, or: gate run → signed → committed
 *
 * What has to run runs side by side (verify/abreast.h), each piece of evidence committed when its
 * turn has come. The same for one command over one artifact and for a night over all channels. */
#ifndef PROMOTE_PIPELINE_H
#define PROMOTE_PIPELINE_H

#include "promote/baseline.h"
#include "verify/abreast.h"

struct pipeline {
    struct store *store;
    const struct trust *trust;
    const struct policy *policy;
    const struct signer *gate, *log; /* NULL: only reuse; what has to run is ST_SIGNATURE */
    struct clock clock;
    bool again;         /* measure although fresh evidence is there */
    uint64_t max_age_s; /* of evidence that is reused, beside what channels ask; 0: no limit */
    struct gate_cost machine; /* what may be used; all zero: what there is */
    /* Told what the gates that run are doing; NULL: nobody listens. */
    void (*tell)(void *ctx, enum gate g, const struct abreast_news *news);
    void *ctx;
};

struct gated {
    struct evidence evidence;
    bool reused;
    enum status status; /* not ST_OK: there is no evidence, and why not */
    struct err error;
};
void gated_release(struct gated *g);
/* All of them. */
void gated_release_all(struct gated out[GATE_COUNT]);

/* The wanted gates, each into its place of `out` (to be released either way). A gate that could not
 * measure (verdict error, inconclusive) is tried again each time; pass and fail stand while they
 * are fresh. What is one gate's own trouble stands in its place, and the others go on;
 * ST_SIGNATURE, code "no-key", before any has run; ST_INTERRUPTED, after which what was measured is
 * kept; and the trouble of machine and store. */
enum status pipeline_gates(const struct pipeline *p, const struct artifact *a,
                           const bool wanted[GATE_COUNT], struct gated out[GATE_COUNT],
                           struct err *e) MUST_CHECK;

/* Do any of the policy's channels ask for this gate? */
bool pipeline_asked(const struct policy *p, enum gate g);
/* Trouble that the next gate would have, too. */
bool pipeline_trouble(enum status st);

#endif
