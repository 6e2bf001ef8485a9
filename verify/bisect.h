/* Tensor bisect: which tensors of a worse model carry the loss?
 *
 * Two models of one shape. Hybrids are made of views of both, nothing is copied (model_mix). With
 * loss(M) the mean cost of a suite's first cases:
 *
 *     cost of a tensor       loss(good with that tensor of bad) − loss(good)
 *     carriers               the fewest of the dearest tensors whose restoration brings bad back:
 *                            loss(bad with those of good) ≤ loss(good) + a twentieth of the
 * difference
 *
 * A case's cost in nats: choice, −ln of the right choice's share; exact, −ln P of what is expected
 * after the prompt, a token; text, −ln P a token. Tensors that are the same in both cost nothing
 * and are not asked. */
#ifndef VERIFY_BISECT_H
#define VERIFY_BISECT_H

#include "runtime/model.h"
#include "verify/suite.h"

#define BISECT_TENSORS 4096u /* places at most */

struct bisect_tensor {
    char name[MODEL_PLACE_NAME];
    double cost;
    bool differs, carries;
};
struct bisect_result {
    double good, bad, restored; /* loss; restored: of bad with its carriers' places from good */
    struct bisect_tensor *of;   /* [n], from heap_alloc */
    size_t n, carriers;
};
void bisect_release(struct bisect_result *r);

/* ST_MODEL_SHAPE when they are not of one shape; ST_USAGE when bad is not worse on these cases. */
enum status bisect(const struct model *good, const struct model *bad, const struct suite *suite,
                   size_t cases, struct bisect_result *out, struct err *e) MUST_CHECK;

#endif
