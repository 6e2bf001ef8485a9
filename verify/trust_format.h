/* The trust document's codec (its grammar: verify/trust.h), strict: every rule that a document can
 * break by itself is checked here, so that a struct trust is always a valid one. */
#ifndef VERIFY_TRUST_FORMAT_H
#define VERIFY_TRUST_FORMAT_H

#include "verify/trust.h"

#define TRUST_KEYS_MAX    64
#define TRUST_REVOKED_MAX 64
#define TRUST_OWNER_MAX   128
#define TRUST_VERSION_MAX \
    (UINT64_C(1) << 32)   /* nobody issues more; stops a jump to the end of numbers */
#define TRUST_KEY "trust" /* the state key */

struct trust_key {
    struct public_key public; /* bytes differ from every other key's */
    char owner[TRUST_OWNER_MAX];
};

struct trust_role {
    unsigned keys[TRUST_KEYS_MAX]; /* [count] indices into trust.keys, each once */
    size_t count;
    size_t threshold; /* 1 … count; 0: nobody holds the role */
};

/* Remembered for ever: no later version drops it or gives the key a role again. */
struct trust_revoked {
    struct public_key public;
    int64_t since; /* lost from then on, as far as anybody knows */
};

struct trust {
    uint64_t version;
    int64_t expires;
    bool self_signed;
    struct digest digest; /* of the envelope */
    struct trust_key keys[TRUST_KEYS_MAX];
    size_t key_count;
    struct trust_role roles[ROLE_COUNT];
    struct trust_revoked revoked[TRUST_REVOKED_MAX];
    size_t revoked_count;
};

/* out must be zeroed. ST_FORMAT, ST_UNTRUSTED for thresholds and keys that break the rules. */
enum status trust_decode(struct span payload, struct trust *out, struct err *e) MUST_CHECK;
/* The canonical payload of any trust, appended. It may break the rules: decode tells. */
enum status trust_encode(const struct trust *t, struct buf *out, struct err *e) MUST_CHECK;
/* The id as minisign prints it. */
bool trust_id_parse(const char *text, uint8_t id[8]);
const struct trust_revoked *trust_revoked_find(const struct trust *t, const struct public_key *k);
void trust_show(const struct trust *t, int64_t now, struct buf *out);

/* The state's value: which document is in force. */
struct trust_pointer {
    uint64_t version;
    struct digest digest;
};
enum status trust_pointer_parse(struct span value, struct trust_pointer *out,
                                struct err *e) MUST_CHECK;
void trust_pointer_write(const struct trust *t, struct buf *out);
/* once/trust/VERSION/, below which a document of that version is recorded by its digest. */
void trust_once_prefix(uint64_t version, char out[STORE_KEY_MAX]);
/* The ledger entry that puts t in force: body and set. */
void trust_entry_write(const struct trust *t, struct span pointer, struct buf *body,
                       struct buf *set);

#endif
