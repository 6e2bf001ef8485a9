/* The pipeline: one gate over one artifact, from what the policy asks to evidence in the store.
 *
 *     identities bound → baseline found → fresh evidence reused, or: gate run → signed → committed
 *
 * The same for one command over one artifact and for a night over all channels. */
#ifndef PROMOTE_PIPELINE_H
#define PROMOTE_PIPELINE_H

#include "promote/baseline.h"

struct pipeline {
    struct store *store;
    const struct trust *trust;
    const struct policy *policy;
    const struct signer *gate, *log; /* NULL: only reuse; what has to run is ST_SIGNATURE */
    struct clock clock;
    bool again;         /* measure although fresh evidence is there */
    uint64_t max_age_s; /* of evidence that is reused, beside what channels ask; 0: no limit */
    bool quiet;         /* no progress */
};

struct gated {
    struct evidence evidence;
    bool reused;
};
void gated_release(struct gated *g);

/* A gate that could not measure (verdict error, inconclusive) is tried again each time; pass and
 * fail stand while they are fresh. Errors are the harness's own; ST_INTERRUPTED leaves nothing. */
enum status pipeline_gate(const struct pipeline *p, const struct artifact *a, enum gate g,
                          struct gated *out, struct err *e) MUST_CHECK;

/* Do any of the policy's channels ask for this gate? */
bool pipeline_asked(const struct policy *p, enum gate g);

#endif
