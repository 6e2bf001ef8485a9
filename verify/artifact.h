/* An artifact in the store: found by REF, its manifest verified, its model opened.
 *
 * REF: NAME@CHANNEL, NAME@VERSION, or a digest prefix of at least eight hex digits (`sha256:` may
 * stand before), of the artifact or of its content. */
#ifndef VERIFY_ARTIFACT_H
#define VERIFY_ARTIFACT_H

#include "runtime/model.h"
#include "runtime/stages.h"
#include "store/manifest.h"
#include "verify/trust.h"

struct artifact {
    struct digest digest;
    struct manifest manifest;
    struct digest content;
    char added[TIME_TEXT_MAX];
    struct digest envelope;                 /* the one that the manifest came in */
    unsigned publishers, publishers_needed; /* distinct keys of the role that signed; 0, 0 when it
                                               was opened without a trust */
    bool self_signed;
    char channel[16]; /* when found through one: "preview", "stable"; else "" */
};
void artifact_release(struct artifact *a);

/* ST_NOT_FOUND, ST_AMBIGUOUS, ST_USAGE for what is no REF. The manifest's digest is checked; with a
 * trust also that a publisher signed it: at least one, which is enough to look at it and for the
 * others to add theirs; artifact_published asks for the threshold. now: TRUST_ANY_TIME to read. */
enum status artifact_find(struct store *s, const struct trust *t, const char *ref, int64_t now,
                          struct artifact *out, struct err *e) MUST_CHECK;

/* The same by its digest. */
enum status artifact_open(struct store *s, const struct trust *t, const struct digest *digest,
                          int64_t now, struct artifact *out, struct err *e) MUST_CHECK;
/* Did as many publishers sign as the trust asks for? ST_UNTRUSTED, code "below-threshold". */
enum status artifact_published(const struct artifact *a, struct err *e) MUST_CHECK;
/* Is it a word that names a channel, and so cannot be a version? */
bool artifact_is_channel(const char *word);
/* Which of its files is the model; points into a. ST_USAGE, code "opaque". */
enum status artifact_model_file(struct store *s, const struct artifact *a,
                                const struct manifest_file **out, struct err *e) MUST_CHECK;

/* The artifact's model, from a verified and sealed memory file; opaque ones are ST_USAGE, code
 * "opaque". The handle owns mapping and model. *at (may be NULL): the stage at which it failed. */
struct loaded;
enum status artifact_load(struct store *s, const struct artifact *a, struct loaded **out,
                          enum run_stage *at, struct err *e) MUST_CHECK;
void loaded_close(struct loaded *l);
SCOPE_OF(loaded, struct loaded, loaded_close)
const struct model *loaded_model(const struct loaded *l);
int loaded_fd(const struct loaded *l);

#endif
