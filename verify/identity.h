/* Identities: what evidence is bound to, fixed before a gate runs. */
#ifndef VERIFY_IDENTITY_H
#define VERIFY_IDENTITY_H

#include "verify/gate.h"

struct bound {
    enum gate gate;
    struct digest artifact, content;
    struct digest runtime; /* the program whose runtime ran, natively or as the page it carries */
    struct digest program; /* the gate program; today the same file */
    struct digest policy_section; /* that gate's own section of the policy, canonical */
};

/* SHA-256 of the running program, read once through /proc/self/exe. */
enum status identity_program(struct digest *out, struct err *e) MUST_CHECK;
enum status identity_bind(enum gate g, const struct artifact *a, struct span section,
                          struct bound *out, struct err *e) MUST_CHECK;
/* The first identity in which they differ ("runtime"), NULL when all are equal. */
const char *identity_difference(const struct bound *a, const struct bound *b);
/* What describes the machine: CPU, cores, memory, kernel; a JSON object. */
void identity_describe(struct buf *out);

#endif
