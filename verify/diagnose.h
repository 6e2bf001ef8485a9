/* A diagnosis: an incident held against the store, replayed, its stage named, and the narrowest
 * thing that helps.
 *
 *     read → identities matched → replayed natively → stage named → narrowest recovery
 *
 * The stage is named from the incident alone; store and replay confirm it or say that it is not to
 * be had here. Nothing is written and nothing recovered: people do that. */
#ifndef VERIFY_DIAGNOSE_H
#define VERIFY_DIAGNOSE_H

#include "verify/advice.h"
#include "verify/incident.h"
#include "verify/rerun.h"

enum match { MATCH_UNKNOWN, MATCH_SAME, MATCH_DIFFERENT }; /* unknown: not recorded, or no store */
const char *match_name(enum match m);

struct identity_match {
    const char *what; /* "artifact" */
    enum match match;
    char text[192];
};
#define DIAGNOSIS_MATCHES 6

struct diagnosis {
    enum run_stage stage; /* STAGE_NONE: the incident is about no load and no generation */
    bool agrees;          /* the stage that was recorded fits its error number */
    struct identity_match matches[DIAGNOSIS_MATCHES];
    size_t match_count;
    bool found; /* the artifact is in the store */
    struct artifact artifact;
    bool replayed;
    struct rerun_end replay;
    char prompt[128]; /* with which text it was replayed */
    enum recovery recovery;
    const char *advice; /* verify/advice.h's */
    char next[160];     /* what to type; "" nothing */
};
void diagnosis_release(struct diagnosis *d);

/* What there is to look at. */
struct diagnose_room {
    struct store *store; /* NULL: none; then nothing is matched and replayed */
    const struct trust *trust;
    int64_t now;
    struct span prompt; /* what the person says the text was; its length and digest are checked */
    bool prompted;
    struct digest bundle; /* of this program's page */
};
enum status diagnose(const struct diagnose_room *room, const struct incident *i,
                     struct diagnosis *out, struct err *e) MUST_CHECK;
/* The same for an artifact, without an incident: does it load and generate here? */
enum status diagnose_artifact(struct store *s, const struct artifact *a,
                              const struct rerun_job *job, struct diagnosis *out,
                              struct err *e) MUST_CHECK;

#endif
