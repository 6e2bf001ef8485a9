/* Exceptions of the law, as signed ledger records that end by themselves.
 *
 * A waiver lets one check of one gate pass for one artifact. It is signed by the role policy, after
 * the approvals that the policy asks for:
 *
 *     {"approvals":[HEX…],"artifact":HEX,"check":…,"gate":…,"policy":HEX,"reason":…,
 *      "schema":"assay.waiver/1","store":HEX32,"time":"…Z","until":"…Z"}     waiver/ARTIFACT/SEQ
 *
 * A freeze keeps everything out of what it names: "tiny" (a name), "tiny@stable" (one channel of
 * it), "@stable" (that channel of every name). Anybody with the role release or policy may stop;
 * only the role policy lets go on. Going back (rollback, demote, retire) is always free.
 *
 *     {"before":HEX,"number":N,"reason":…,"schema":"assay.freeze/1" or "assay.thaw/1",
 *      "store":HEX32,"target":…,"time":"…Z","until":"…Z"}           freeze/TARGET/N → envelope
 *
 * A target's records are numbered from 1, set once, and each is signed for its place behind the one
 * before it; the newest says whether the target is frozen. One that cannot be proven freezes. */
#ifndef PROMOTE_EXCEPTION_H
#define PROMOTE_EXCEPTION_H

#include "promote/basis.h"
#include "promote/decision.h"
#include "promote/statement.h"

#define WAIVER_TYPE   "application/vnd.assay.waiver+json"
#define WAIVER_SHELF  "waiver"
#define FREEZE_TYPE   "application/vnd.assay.freeze+json"
#define FREEZE_TARGET (MANIFEST_NAME_MAX + 24)

struct waiver {
    struct digest artifact, policy;
    struct digest approvals[BASIS_APPROVALS];
    size_t approval_count;
    enum gate gate;
    char check[64], reason[REASON_MAX];
    char store[33];
    char time[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
    struct digest digest; /* of the envelope */
};
/* Decides whether what `ask` names (gate, check, until, reason) may be waived for the artifact, by
 * the policy in force and the approvals in the store; if so, signs it with the role policy and
 * commits it. ST_OK with out->allowed false, and nothing recorded, when not. */
struct ask;
enum status waive(const struct promoter *by, const struct signer *policy_key,
                  const struct artifact *a, const struct ask *ask, struct decision *out,
                  struct err *e) MUST_CHECK;
/* From the store, its signature checked with the role policy. */
enum status waiver_open(struct store *s, const struct trust *t, const struct digest *envelope,
                        int64_t now, struct waiver *out, struct err *e) MUST_CHECK;
/* May it last so long, and be of that gate, by this law? Whatever the one said under which it was
 * made. */
bool waiver_lawful(const struct waiver *w, const struct policy_waivers *law);
/* Does it hold for this artifact at that time? */
bool waiver_holds(const struct waiver *w, const char *store, const struct digest *artifact,
                  int64_t now);

struct freeze {
    char target[FREEZE_TARGET];
    char reason[REASON_MAX];
    char time[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
    bool thaw;            /* it lets go what the record before holds */
    uint64_t number;      /* its place among the target's records, set by freeze_commit */
    struct digest before; /* SHA-256 of the value of the record before; zero for the first */
};
/* "tiny", "tiny@stable", "@stable". ST_USAGE. */
enum status freeze_target_check(const char *target, struct err *e) MUST_CHECK;
/* ST_EXISTS when one on that target lasts longer. `key`: of the role release or policy. */
enum status freeze_commit(const struct promoter *by, const struct signer *key,
                          const struct freeze *f, uint64_t *seq, struct err *e) MUST_CHECK;
/* ST_NOT_FOUND: it is not frozen. `key`: of the role policy. */
enum status thaw_commit(const struct promoter *by, const struct signer *key, const char *target,
                        const char *reason, uint64_t *seq, struct err *e) MUST_CHECK;
/* Is NAME@CHANNEL frozen at that time, by a record that stands since before entry `before`
 * (UINT64_MAX: any)? `why` says by what, "" when not. A freeze that cannot be proven keeps: losing
 * a signature must not open anything. */
enum status freeze_find(struct store *s, const struct trust *t, const char *name,
                        const char *channel, int64_t now, uint64_t before, char why[FROZEN_MAX],
                        struct err *e) MUST_CHECK;
/* Every target's freeze, ended ones included; none that was thawed. */
enum status freeze_each(struct store *s, const struct trust *t,
                        enum status (*each)(void *ctx, const struct freeze *f, struct err *e),
                        void *ctx, struct err *e) MUST_CHECK;

#endif
