/* Baseline: whom a gate compares a candidate with, and what that one did itself.
 *
 * A section of the task or safety gate names a channel; its present holder is the baseline, unless
 * it is the candidate. What the holder's own evidence of the same gate kept, made by this same
 * runtime, is not measured again. The baseline never moves by being measured: only a promotion
 * changes who holds a channel. */
#ifndef PROMOTE_BASELINE_H
#define PROMOTE_BASELINE_H

#include "promote/channel.h"

struct baseline {
    bool present;
    struct artifact artifact;
    struct buf answers; /* of its evidence; may be empty */
    struct gate_against against;
};
void baseline_release(struct baseline *b);

/* `section` as in the policy. ST_OK with present false when the section names no channel, nobody
 * holds it, or the candidate does. */
enum status baseline_find(struct store *s, const struct trust *t, const struct artifact *candidate,
                          enum gate g, struct span section, int64_t now, struct baseline *out,
                          struct err *e) MUST_CHECK;
/* The same, in the form that gate_run takes: NULL when there is none. */
const struct gate_against *baseline_against(const struct baseline *b);
/* Was the evidence made in comparison with this one? */
bool baseline_same(const struct baseline *b, const struct evidence *v);

#endif
