/* Charter: the file `format` in a store, canonical JSON that says what the store is.
 *
 *     {"created":"…Z","lab":false,"log_key":HEX64,"log_key_id":HEX16,"nonce":HEX32,
 *      "schema":"assay.store/2","store_id":HEX32,"trust":HEX64|null}
 *
 * trust is the digest of the first trust document, on which every later one rests (verify/trust.h);
 * null: a store without one. store_id is the beginning of the SHA-256 of the same object without
 * it: whoever knows a store's id knows its log key and its first trust, and nobody can put others
 * under that id, whatever else of the store he may write.
 *
 * It never changes. Ledger entry 1 (type "init") has the same object as its body, signed, and the
 * index remembers its digest, so that a changed bit is found when the store is opened. */
#ifndef STORE_CHARTER_H
#define STORE_CHARTER_H

#include "base/clock.h"
#include "store/digest.h"
#include "store/key.h"

#define CHARTER_FILE   "format"
#define CHARTER_SCHEMA "assay.store/2"
#define CHARTER_MAX    4096u

struct charter {
    char id[33]; /* 32 hex digits */
    char created[TIME_TEXT_MAX];
    bool lab;
    struct public_key log_key;
    uint8_t nonce[16];
    struct digest trust;  /* of the first trust document; all zero: none */
    struct digest digest; /* of the canonical bytes */
};

/* Fills id and digest and appends the canonical bytes. */
enum status charter_encode(struct charter *c, struct buf *out, struct err *e) MUST_CHECK;
/* ST_CORRUPT (code "store-format"); ST_UNSUPPORTED for another schema. */
enum status charter_decode(struct span in, struct charter *out, struct err *e) MUST_CHECK;

#endif
