/* The ledger: an append-only file of typed, signed, hash-chained entries. With the packs it is the
 * truth; the index is its fold.
 *
 * One line an entry, `\n` at its end:
 *
 *     {"entry":{"body":{…},"prev":HEX,"seq":N,"set":{…},"time":"…Z","type":"…"},"sig":"BASE64"}
 *              └────────────────── canonical JSON, hashed and signed ─────────┘
 *
 * hash(entry) = SHA-256 of the canonical bytes of the entry object; prev is the hash of the one
 * before (64 zeros for seq 1); sig is the log key's over
 * PAE("application/vnd.assay.ledger-entry+json", entry). `set` is what the entry changes in the
 * store's state: key → string, or null to forget the key. The meaning of type, body and keys
 * belongs to the floors above.
 *
 * Beside it lies `ledger.head`, a copy of the newest line, published after each append: a ledger
 * that is shorter than its head was cut. A torn tail (no final newline) that the head does not know
 * was never acknowledged; the next writer cuts it off. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/clock.h"
#include "base/json.h"
#include "store/digest.h"
#include "store/key.h"

#define LEDGER_TYPE     "application/vnd.assay.ledger-entry+json"
#define LEDGER_LINE_MAX (256u << 10)

struct ledger_entry {
    uint64_t seq;
    struct digest hash; /* of this entry */
    struct digest prev;
    const char *type; /* borrowed from root */
    const char *time;
    const struct json *body; /* an object */
    const struct json *set;  /* an object, keys in canonical order */
    struct json *root;       /* owns it all */
    uint8_t sig[KEY_SIGNATURE_BYTES];
    struct buf canonical; /* the bytes that were signed */
    uint64_t end;         /* from ledger_read: where its line ends in the file */
    bool verified;        /* from ledger_read with a key: the signature is that key's */
};

enum status ledger_parse(struct span line, struct ledger_entry *out, struct err *e) MUST_CHECK;
void ledger_entry_release(struct ledger_entry *entry);
bool ledger_signed_by(const struct ledger_entry *entry, const struct public_key *log_key);

/* One line for an entry. body and set are JSON object texts in any member order. */
enum status ledger_encode(uint64_t seq, const struct digest *prev, const char *type,
                          const char *time, struct span body, struct span set,
                          const struct signer *log, struct buf *line, struct digest *hash,
                          struct err *e) MUST_CHECK;

/* How far a reader has come: begins as zero, or where an earlier read ended. */
struct ledger_place {
    uint64_t offset; /* of the next line */
    uint64_t seq;    /* of the entry before it */
    struct digest hash;
    char time[TIME_TEXT_MAX]; /* its; "": not known, and the next may have any */
    bool torn;                /* the read ended at a torn tail */
};
typedef enum status (*ledger_each)(void *ctx, const struct ledger_entry *entry, struct err *e);

/* Reads the ledger from `at` on, one call an entry and in order, checking seq, prev and that time
 * does not go back, and advances `at`. With a log key (NULL: none) each signature is looked at too;
 * a long ledger is parsed and verified by several threads, the calls come from this one. A torn
 * tail ends it quietly. ST_CORRUPT names seq and byte offset. */
enum status ledger_read(int dir, const struct public_key *log_key, struct ledger_place *at,
                        ledger_each each, void *ctx, struct err *e) MUST_CHECK;

/* One entry by its number, found by halving the file: a few lines are read, however long it is.
 * Only its own signature is looked at (`verified`), not the chain to it. ST_NOT_FOUND, code
 * "no-entry"; ST_CORRUPT when a line on the way is none. */
enum status ledger_find(int dir, const struct public_key *log_key, uint64_t seq,
                        struct ledger_entry *out, struct err *e) MUST_CHECK;
/* The entry whose line begins at `offset`. ST_CORRUPT. */
enum status ledger_line_at(int dir, uint64_t offset, struct ledger_entry *out,
                           struct err *e) MUST_CHECK;

#endif
