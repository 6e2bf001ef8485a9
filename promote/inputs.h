/* Everything that a decision looks at, gathered and verified beforehand. promote/rules turns it
 * into a decision without another look at store, clock or keys; so the same rules decide a
 * promotion now (inputs_now), one that was decided before (promote/recall), and what a request's
 * reader holds in his hand without any store (promote/request). */
#ifndef PROMOTE_INPUTS_H
#define PROMOTE_INPUTS_H

#include "promote/ballot.h"
#include "promote/exception.h"
#include "promote/soak.h"

/* One required gate's evidence. */
struct gate_input {
    bool good;                /* it counts: signed by the role gate, about this artifact */
    char why[200];            /* else why not; "" there is none */
    struct evidence evidence; /* when good */
    struct digest baseline;   /* what the channel it is compared with holds; zero: nothing */
};

/* A record that somebody attested, by type. */
struct attested {
    bool good;
    char why[200]; /* who and when, or why it does not count */
};

struct inputs {
    enum ask_kind kind;
    struct digest artifact, content;
    const struct manifest *manifest;
    char added[TIME_TEXT_MAX];
    const struct trust *trust;
    const struct policy *policy;
    const char *channel; /* its name; the policy may not open it */
    bool self_signed;    /* the trust, or the artifact's signature */
    bool retired;
    unsigned publishers, publishers_needed;
    char publisher[200]; /* why the manifest's signature does not count; "" it does */
    int64_t now, seen;   /* seen: the newest time in the ledger before; 0: not known */
    struct gate_input gates[GATE_COUNT];
    struct soak soak; /* in the channel it comes from; holds: it is there */
    struct vote votes[APPROVALS_MAX];
    size_t vote_count;
    bool votes_unseen; /* more answers hold than there is room for */
    bool votes_unread; /* an answer that could count lies there and cannot be read */
    struct waiver waivers[BASIS_WAIVERS]; /* that hold */
    size_t waiver_count;
    struct attested attested[ATTEST_COUNT];
    bool far;   /* judged from a request, where there is no store to type commands at */
    bool again; /* decided before: evidence may be about the section of `old` */
    const struct policy *old;
    struct basis basis; /* all of the above by digest, to be recorded */
};
void inputs_release(struct inputs *in);

/* Whatever is missing, damaged or signed by the wrong key is not good; an error only when it could
 * not be looked into. `on`: the channel as it stands. The artifact and policy must outlive it. */
enum status inputs_now(const struct promoter *by, const struct promotion *what,
                       const struct policy *policy, const struct standing *on, struct inputs *out,
                       struct err *e) MUST_CHECK;

/* The soak of a past or present promotion from the chain that ends with basis.source, which is the
 * newest before entry `before` (UINT64_MAX: of all). */
enum status inputs_soak(struct store *s, struct inputs *in, uint64_t before,
                        struct err *e) MUST_CHECK;

/* The same for a waiver: only the votes for that very ask are gathered. */
enum status inputs_waiver(const struct promoter *by, const struct artifact *a,
                          const struct ask *ask, const struct policy *policy, struct inputs *out,
                          struct err *e) MUST_CHECK;

/* Could it not be looked into? A bad signature says no, a failing disk says nothing. */
bool inputs_trouble(enum status st);

/* Whose approvals are asked for: the channel's, or an emergency's; NULL: nobody's. */
const struct policy_approvals *inputs_approvals(const struct inputs *in);
/* The identities that evidence of a gate must be bound to. */
void inputs_bound(const struct inputs *in, enum gate g, struct bound *out);

#endif
