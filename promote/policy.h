/* Policy: the law by which channels are entered.
 *
 * policies/NAME.yaml → (promote/policy_format.c: libyaml events into a typed schema, errors with
 * line and column) → canonical JSON, whose SHA-256 is the policy digest → signed by the role
 * policy, installed in the store. Whoever promotes does not choose the law. */
#ifndef PROMOTE_POLICY_H
#define PROMOTE_POLICY_H

#include "verify/attestation.h"
#include "verify/evidence.h"

#define POLICY_CHANNELS 2 /* preview, stable */

/* How many people, of which role, have to say yes. */
struct policy_approvals {
    enum role role;
    unsigned threshold; /* 0: nobody is asked */
    bool people;        /* counted by owner and key; else by key alone */
    uint64_t valid_s;   /* how long an approval may hold, 30 days by default */
};

struct policy_channel {
    bool present;
    char name[16], from[16];     /* "candidate" or "preview" */
    bool gates[GATE_COUNT];      /* required */
    uint64_t evidence_max_age_s; /* 0: no limit */
    bool allow_self_signed;
    struct policy_approvals approvals;
    uint64_t soak_s;                 /* in `from`; 0: none asked */
    bool attestations[ATTEST_COUNT]; /* records that must be there */
};

/* What may be promoted at all, by its manifest; 0: no limit. */
struct policy_limits {
    uint64_t artifact_bytes, files, parameters, context, vocabulary;
};

/* What an emergency may leave out, and who has to agree. Absent: there is no emergency. */
struct policy_emergency {
    bool present, skips_soak, skips_evidence_age;
    struct policy_approvals approvals;
};

/* Absent: nothing is ever waived. */
struct policy_waivers {
    bool present;
    uint64_t longest_s;
    struct policy_approvals approvals;
    bool never[GATE_COUNT]; /* gates whose checks are not waived */
};

struct policy_nightly {
    bool present;
    bool gates[GATE_COUNT];
    uint64_t evidence_max_age_s; /* 0: no limit */
    bool demote;                 /* a failing stable is demoted; else only reported */
};

struct policy {
    char name[64];
    struct policy_limits limits;
    struct policy_channel channels[POLICY_CHANNELS];
    uint64_t retain; /* former holders kept per channel */
    struct policy_emergency emergency;
    struct policy_waivers waivers;
    struct policy_nightly nightly;
    struct buf
        sections[GATE_COUNT]; /* each gate's own section, canonical JSON ("{}" when absent) */
    struct json *root;        /* the whole document: its lists are read from here */
    struct buf canonical;
    struct digest digest;
};
void policy_release(struct policy *p);

/* YAML text to policy. ST_CONFIG; the detail begins "line L, column C: ". */
enum status policy_parse_yaml(struct span yaml, const char *label, struct policy *out,
                              struct err *e) MUST_CHECK;
/* Canonical JSON to policy. */
enum status policy_decode(struct span canonical, struct policy *out, struct err *e) MUST_CHECK;
const struct policy_channel *policy_channel(const struct policy *p, const char *name);
/* Each gate's section as JSON; lives as long as the policy. NULL: it has none. */
const struct json *policy_section(const struct policy *p, enum gate g);
/* Lists that allow: true when the policy has no such list. */
bool policy_allows_format(const struct policy *p, const char *format);
bool policy_allows_licence(const struct policy *p, const char *spdx);
/* What evidence records and the policy restricts: the first thing that does not hold, as text for
 * people, false; or true. */
bool policy_allows_run(const struct policy *p, const struct evidence *v, char why[160]);

/* The policies that come with the program: "preview-basic". NULL when there is none of that name.
 */
const char *policy_builtin(const char *name);

#endif
