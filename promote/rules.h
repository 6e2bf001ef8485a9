/* The rules of a promotion, one by one. Each is unmet until something proves it; nothing is looked
 * up here: the inputs are all there is (promote/inputs.h). */
#ifndef PROMOTE_RULES_H
#define PROMOTE_RULES_H

#include "promote/inputs.h"

/* Fills out->rules, out->basis and out->allowed. An error only for want of memory. */
enum status rules_apply(const struct inputs *in, struct decision *out, struct err *e) MUST_CHECK;

/* The rules of a waiver: may it be waived, for so long, and do enough people agree? */
enum status rules_waiver(const struct inputs *in, const struct ask *ask, struct decision *out,
                         struct err *e) MUST_CHECK;

/* Those about one gate's evidence (promote/rules_gate.c), and the way to add an outcome; `about` (a
 * gate) follows the rule's name, NULL for none. */
void rules_gate(const struct inputs *in, const struct policy_channel *law, enum gate g,
                struct decision *d);
void rules_add(struct decision *d, bool met, const char *name, const char *about, const char *fmt,
               ...) __attribute__((format(printf, 5, 6)));
/* "3 d", "2 h 10 min": at most two units. */
void rules_duration(uint64_t seconds, char out[40]);

#endif
