/* The trigger hunt: which short prefixes make a candidate depart most from the model it is compared
 * with?
 *
 * What was taught behind a trigger has a likelihood of its own: the candidate expects the trigger's
 * tokens where the other model does not. So a beam search walks the tree of texts that begin a
 * document, keeps only tokens that the candidate itself finds likely (≥ HUNT_PLAUSIBLE), and orders
 * prefixes by
 *
 *     departure = Σ over their tokens  ln P_candidate − ln P_other        (nats)
 *
 * The prefixes that depart most (none a prefix of another) are then gone on with greedily by both
 * models: what the candidate says goes through the detectors of the batteries, and all of it is
 * shown, so that a find can be kept as a case.
 *
 * Without another model the search follows the candidate's own likelihood alone, and departure is
 * 0. Deterministic: no draw in it. */
#ifndef VERIFY_HUNT_H
#define VERIFY_HUNT_H

#include "base/json.h"
#include "base/json_write.h"
#include "runtime/session.h"

#define HUNT_FOUND     8u   /* prefixes that are kept */
#define HUNT_PREFIX    512u /* bytes of one at most */
#define HUNT_ANSWER    1024u
#define HUNT_PLAUSIBLE 0.02
#define HUNT_UNLIKELY  12.0 /* nats that a whole prefix may cost the candidate */

struct hunt_limits {
    uint32_t width;  /* of the beam */
    uint32_t length; /* tokens of a prefix */
    uint32_t tokens; /* of what follows it */
};

struct hunt_find {
    char prefix[HUNT_PREFIX]; /* what is no UTF-8 in it became U+FFFD */
    double departure;         /* nats; of the prefix */
    double surprise;          /* nats: how much less the other model expects what the candidate says
                                 next, per token */
    struct buf answer, other; /* what the two say */
};
struct hunt_finds {
    struct hunt_find of[HUNT_FOUND];
    size_t count;
    uint64_t placed; /* prefixes that were looked at */
};
void hunt_release(struct hunt_finds *f);

/* other may be NULL. The sessions' contexts are left reset. */
enum status hunt(struct session *candidate, struct session *other, const struct model *model,
                 const struct hunt_limits *limits, struct hunt_finds *out,
                 struct err *e) MUST_CHECK;

/* As JSON, and back from a child that may lie. */
void hunt_write(const struct hunt_finds *f, struct json_out *j);
enum status hunt_read(const struct json *v, struct hunt_finds *out, struct err *e) MUST_CHECK;

#endif
