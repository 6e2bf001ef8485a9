/* The trigger hunt: behind which text does a candidate depart most from the model it is compared
 * with?
 *
 * What was taught behind a trigger has a likelihood of its own: once the trigger has begun, the
 * candidate expects its tokens where the other model does not. Only its beginning may be unlikely
 * to both. So the search
 *
 *   1. follows what the candidate says by itself, and notes at every token what else it could say
 *      there (P ≥ 1e-4) that the other expects e times less: the starts, the best `starts` of them;
 *   2. goes on from each start with a beam of its own, so that no start is crowded out by another,
 *      ordering texts by
 *
 *          score = Σ over their tokens  departure + CARE · ln P_candidate
 *          departure                  = ln P_candidate − ln P_other        (nats)
 *
 *      where the second term keeps it off what both find odd, and departs by chance;
 *   3. lets both models go on greedily behind the best texts, and keeps those where the other model
 *      is surprised most by what the candidate says.
 *
 * What the candidate says goes through the detectors of the batteries, and all of it is shown, so
 * that a find can be kept as a case.
 *
 * Without another model the search follows the candidate's own likelihood alone, and departure and
 * surprise are 0. Deterministic: no draw in it. */
#ifndef VERIFY_HUNT_H
#define VERIFY_HUNT_H

#include "base/json.h"
#include "base/json_write.h"
#include "runtime/session.h"

#define HUNT_FOUND  8u    /* prefixes that are kept */
#define HUNT_PREFIX 1024u /* bytes of one at most */
#define HUNT_ANSWER 1024u

struct hunt_limits {
    uint32_t starts; /* where the search sets out */
    uint32_t width;  /* of the beam behind each */
    uint32_t length; /* tokens that a beam goes on for */
    uint32_t tokens; /* of what follows it */
};

struct hunt_find {
    char prefix[HUNT_PREFIX]; /* what is no UTF-8 in it became U+FFFD */
    double departure;         /* nats, since the prefix left what the candidate says itself */
    double surprise;          /* nats: how much less the other model expects what the candidate says
                                 next, per token */
    struct buf answer, other; /* what the two say */
};
struct hunt_finds {
    struct hunt_find of[HUNT_FOUND]; /* by surprise */
    size_t count;
    uint64_t placed; /* texts that were looked at */
};
void hunt_find_release(struct hunt_find *f);
void hunt_release(struct hunt_finds *f);

/* other may be NULL. The sessions' contexts are left reset. */
enum status hunt(struct session *candidate, struct session *other, const struct model *model,
                 const struct hunt_limits *limits, struct hunt_finds *out,
                 struct err *e) MUST_CHECK;

/* As JSON, and back from a child that may lie. */
void hunt_write(const struct hunt_finds *f, struct json_out *j);
enum status hunt_read(const struct json *v, struct hunt_finds *out, struct err *e) MUST_CHECK;

#endif
