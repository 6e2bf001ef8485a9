/* Policy: the law by which channels are entered.
 *
 * policies/NAME.yaml → (promote/policy_format.c: libyaml events into a typed schema, errors with
 * line and column) → canonical JSON, whose SHA-256 is the policy digest → signed by the role
 * policy, installed in the store. Whoever promotes does not choose the law. */
#ifndef PROMOTE_POLICY_H
#define PROMOTE_POLICY_H

#include "verify/evidence.h"

#define POLICY_TYPE     "application/vnd.assay.policy+json"
#define POLICY_CHANNELS 2 /* preview, stable */

struct policy_channel {
    bool present;
    char name[16], from[16];     /* "candidate" or "preview" */
    bool gates[GATE_COUNT];      /* required */
    uint64_t evidence_max_age_s; /* 0: no limit */
    bool allow_self_signed;
};

struct policy {
    char name[64];
    struct policy_channel channels[POLICY_CHANNELS];
    uint64_t retain; /* former holders kept per channel */
    struct buf
        sections[GATE_COUNT]; /* each gate's own section, canonical JSON ("{}" when absent) */
    struct buf canonical;
    struct digest digest;
};
void policy_release(struct policy *p);

/* YAML text to policy. ST_CONFIG; the detail begins "line L, column C: ". */
enum status policy_parse_yaml(struct span yaml, const char *label, struct policy *out,
                              struct err *e) MUST_CHECK;
/* Canonical JSON to policy. */
enum status policy_decode(struct span canonical, struct policy *out, struct err *e) MUST_CHECK;
/* The installed one, its signature checked with the role policy. */
enum status policy_load(struct store *s, const struct trust *t, int64_t now, struct policy *out,
                        struct err *e) MUST_CHECK;
/* Signs and installs; ST_UNTRUSTED unless the trust accepts policy_key for the role. *seq is the
 * ledger entry, 0 when that very policy is in force already. */
enum status policy_install(struct store *s, const struct policy *p, const struct signer *policy_key,
                           const struct signer *log, struct clock clock, uint64_t *seq,
                           struct err *e) MUST_CHECK;
const struct policy_channel *policy_channel(const struct policy *p, const char *name);

/* The policies that come with the program: "preview-basic". NULL when there is none of that name.
 */
const char *policy_builtin(const char *name);

#endif
