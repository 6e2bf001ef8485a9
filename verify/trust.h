/* Trust: which keys may speak for which role, under which thresholds, until when.
 *
 * The trust document is canonical JSON in a DSSE envelope signed by the role root:
 *
 *     {"expires":"…Z","keys":{KEYID:{"owner":…,"public":HEX64}},
 *      "roles":{"gate":{"keys":[KEYID…],"threshold":1},…},
 *      "schema":"assay.trust/1","self_signed":true,"version":1}
 *
 * and, once a key was revoked, "revoked":{KEYID:{"public":HEX64,"since":"…Z"}}, which only grows: a
 * revoked key signs nothing any more, whenever it did, and never comes back. Version n+1 is signed
 * by the thresholds of n and of n+1.
 *
 * The store's charter names version 1 by digest, so the chain from it to the newest is proven each
 * time trust is loaded (verify/trust_chain.c): no entry of the ledger, whoever signed it, puts
 * another document into force or an older one back.
 *
 * Keys are counted by their bytes, never by their ids; threshold 0 or above the keys is refused. */
#ifndef VERIFY_TRUST_H
#define VERIFY_TRUST_H

#include "store/change.h"
#include "store/envelope.h"

enum role {
    ROLE_NONE,
    ROLE_ROOT,
    ROLE_PUBLISHER,
    ROLE_GATE,
    ROLE_RELEASE,
    ROLE_POLICY,
    ROLE_COUNT
};
#define TRUST_TYPE "application/vnd.assay.trust+json"

const char *role_name(enum role r); /* "root" … */
enum role role_parse(const char *name);

struct trust;

/* "Whenever": for reading, where an expired trust still says who signed what. */
#define TRUST_ANY_TIME INT64_MIN
/* Versions a store's trust may go through. */
#define TRUST_CHAIN_MAX 1024u

/* The trust in force in a store: the end of the chain that begins with the charter's. ST_UNTRUSTED
 * (codes "no-trust", "trust-anchor", "trust-fork"), ST_SET_BACK ("trust-set-back"), ST_CORRUPT
 * ("trust-unreadable": a version was recorded whose document is lost). */
enum status trust_load(struct store *s, struct trust **out, struct err *e) MUST_CHECK;
/* The one that was in force when entry `seq` was written: from behind entry *from until entry
 * *until recorded the next; the same errors. */
enum status trust_at(struct store *s, uint64_t seq, struct trust **out, uint64_t *from,
                     uint64_t *until, struct err *e) MUST_CHECK;
/* The entry that recorded a trust of this store's chain. */
enum status trust_since(struct store *s, const struct trust *t, uint64_t *seq,
                        struct err *e) MUST_CHECK;
void trust_free(struct trust *t);
SCOPE_OF(trust, struct trust, trust_free)

/* ST_EXPIRED once its time is over. */
enum status trust_alive(const struct trust *t, int64_t now, struct err *e) MUST_CHECK;
/* Is the envelope signed by the threshold of a role, now? ST_SIGNATURE, ST_UNTRUSTED, ST_EXPIRED.
 */
enum status trust_check(const struct trust *t, enum role r, const struct envelope *v, int64_t now,
                        struct err *e) MUST_CHECK;
/* One person's trust: each role held by one key. The envelope goes to out. */
enum status trust_single(const struct public_key keys[ROLE_COUNT], const char *owner,
                         int64_t expires, const struct signer *root, struct buf *out,
                         struct err *e) MUST_CHECK;
/* Commits it as the store's trust: the charter's own as version 1, then always the next. */
enum status trust_install(struct store *s, struct span envelope, struct clock clock,
                          const struct signer *log, struct err *e) MUST_CHECK;
/* A document as it was handed over, which may lack signatures: only its rules are checked. `v` is
 * to be released either way. */
enum status trust_open(struct span bytes, struct envelope *v, struct trust **out,
                       struct err *e) MUST_CHECK;
/* Has the key that role? trust_want says no with ST_UNTRUSTED, before anything is signed in vain.
 */
bool trust_has(const struct trust *t, enum role r, const struct public_key *k);
enum status trust_want(const struct trust *t, enum role r, const struct public_key *k,
                       struct err *e) MUST_CHECK;
/* How many keys of a role signed, and how many it asks for. */
unsigned trust_signers(const struct trust *t, enum role r, const struct envelope *v,
                       unsigned *threshold);
/* Whose signatures verify: the next from *i on, which begins at 0; false: no more. owner is NULL
 * for a key that is revoked. */
struct trust_signer {
    char id[KEY_ID_TEXT];
    const char *owner; /* the trust's */
    bool revoked;
};
bool trust_signer_at(const struct trust *t, const struct envelope *v, size_t *i,
                     struct trust_signer *out);
struct trust_facts {
    uint64_t version;
    struct digest digest;
    int64_t expires;
    bool self_signed;
};
struct trust_facts trust_facts(const struct trust *t);
/* The whole document as JSON, days left included. */
enum status trust_json(const struct trust *t, int64_t now, struct buf *out,
                       struct err *e) MUST_CHECK;

#endif
