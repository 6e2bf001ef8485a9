/* What a decision rested on, by digest: enough to decide it again later, under its own law or
 * another. It stands in every signed decision and in the record of every refusal.
 *
 *     {"approvals":[HEX…],"attestations":{"source":HEX,…},"baselines":{"task":HEX,…},
 *      "evidence":{"smoke":HEX,…},"frozen":"","program":HEX,"runtime":HEX,"source":HEX or null,
 *      "trust":HEX,"waivers":[HEX…]} */
#ifndef PROMOTE_BASIS_H
#define PROMOTE_BASIS_H

#include "base/json_write.h"
#include "promote/policy.h"

#define BASIS_APPROVALS 64 /* counted for one decision; with more that hold nothing is decided */
#define BASIS_WAIVERS   16
#define FROZEN_MAX      160

struct basis {
    struct digest trust;                /* in force */
    struct digest runtime, program;     /* of the program that decided */
    struct digest evidence[GATE_COUNT]; /* the newest of each required gate; zero where none */
    struct digest baseline[GATE_COUNT]; /* what the channel it is compared with held then */
    struct digest attestations[ATTEST_COUNT];
    struct digest approvals[BASIS_APPROVALS]; /* that held then, whatever they say */
    struct digest waivers[BASIS_WAIVERS];     /* that held then */
    struct digest source; /* the newest decision about the channel it comes from; zero none */
    size_t approval_count, waiver_count;
    char frozen[FROZEN_MAX]; /* why it stood still; "" it did not */
};

void basis_write(const struct basis *b, struct json_out *j);
bool basis_read(const struct json *v, struct basis *out);

#endif
