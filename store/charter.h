/* Charter: the file `format` in a store, canonical JSON that says what the store is.
 *
 *     {"created":"…Z","lab":false,"log_key":HEX64,"log_key_id":HEX16,"schema":"assay.store/1","store_id":HEX32}
 *
 * It never changes. Ledger entry 1 (type "init") has the same object as its body, signed, and the
 * index remembers its digest, so that a changed bit is found when the store is opened. */
#ifndef STORE_CHARTER_H
#define STORE_CHARTER_H

#include "base/clock.h"
#include "store/digest.h"
#include "store/key.h"

#define CHARTER_FILE   "format"
#define CHARTER_SCHEMA "assay.store/1"
#define CHARTER_MAX    4096u

struct charter {
    char id[33]; /* 32 hex digits */
    char created[TIME_TEXT_MAX];
    bool lab;
    struct public_key log_key;
    struct digest digest; /* of the canonical bytes */
};

/* Fills digest and appends the canonical bytes. */
enum status charter_encode(struct charter *c, struct buf *out, struct err *e) MUST_CHECK;
/* ST_CORRUPT (code "store-format"); ST_UNSUPPORTED for another schema. */
enum status charter_decode(struct span in, struct charter *out, struct err *e) MUST_CHECK;

#endif
