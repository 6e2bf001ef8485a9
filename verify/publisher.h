/* The publishers' signatures on an artifact's manifest.
 *
 * The manifest lies in the store in the envelope it came with; whoever signs later adds an envelope
 * of his own around the same payload, named in the state under signature/ARTIFACT/KEYID. Together
 * they are what counts towards the publisher threshold: one distinct key, one voice. */
#ifndef VERIFY_PUBLISHER_H
#define VERIFY_PUBLISHER_H

#include "store/manifest.h"
#include "verify/trust.h"

/* The manifest's payload with every signature that the store holds for it. `stored` is the envelope
 * that the artifact's facts name. ST_CORRUPT when one of them is about something else. */
enum status publisher_envelope(struct store *s, const struct digest *artifact,
                               const struct digest *stored, struct envelope *out,
                               struct err *e) MUST_CHECK;

/* Records those signatures of `bytes`, an envelope around the artifact's manifest, that are by keys
 * of the role publisher and that `have` lacks: one entry of type "sign". *added says how many;
 * 0: nothing was committed. */
struct publisher_record {
    const struct digest *artifact;
    const struct manifest *manifest; /* for name and version in the entry */
    const struct envelope *have;
    struct span bytes;
    struct clock clock;
    const struct signer *log;
};
enum status publisher_record(struct store *s, const struct trust *t,
                             const struct publisher_record *r, size_t *added, struct digest *where,
                             uint64_t *seq, struct err *e) MUST_CHECK;

#endif
