/* Quarantine: rejected bytes, kept apart, never repaired, with what is known about them.
 *
 * The bytes lie in quarantine/ID (ID: the ledger sequence number and the first 12 hex digits of
 * their SHA-256); the facts are in the ledger. */
#ifndef STORE_QUARANTINE_H
#define STORE_QUARANTINE_H

#include "store/change.h"

struct quarantine_facts {
    char id[64];
    struct digest sha256;
    uint64_t bytes;
    char name[256];  /* what it was called on the way in; foreign text */
    char stage[32];  /* where it failed: size, digest, signature, parse … */
    char code[64];   /* the exact defect */
    char status[32]; /* slug of the status */
    uint64_t offset; /* ERR_NO_OFFSET: none */
    char message[ERR_DETAIL_MAX];
    char time[TIME_TEXT_MAX];
    struct buf parsed;  /* JSON: what was parsed until then; may be empty */
    struct buf claimed; /* JSON: what it was said to be: name, source, digests; may be empty */
};
void quarantine_facts_release(struct quarantine_facts *f);

/* What is rejected, and why. The spans are JSON objects, or empty. */
struct quarantine_reject {
    const char *name;
    const struct err *why;
    struct span parsed, claimed;
};

/* Moves staged content of the change into quarantine, and commits that (the change is used up). On
 * ST_OK out is filled. */
enum status quarantine_put(struct change *c, const struct digest *content,
                           const struct quarantine_reject *what, const struct change_entry *how,
                           struct quarantine_facts *out, struct err *e) MUST_CHECK;
/* The same for bytes that were never staged: `from` is read to its end, and has at most `bytes`
 * (ST_CONFLICT). */
enum status quarantine_take(struct change *c, struct source from, uint64_t bytes,
                            const struct quarantine_reject *what, const struct change_entry *how,
                            struct quarantine_facts *out, struct err *e) MUST_CHECK;
/* Forgets an entry and removes its bytes, which is committed as `how` (its set is made here; an
 * empty body says what went). */
enum status quarantine_drop(struct change *c, const struct quarantine_facts *f,
                            const struct change_entry *how, struct err *e) MUST_CHECK;
/* By id or an unambiguous beginning of the id or of the SHA-256 (at least eight digits). */
enum status quarantine_get(struct store *s, const char *id, struct quarantine_facts *out,
                           struct err *e) MUST_CHECK;
enum status quarantine_each(struct store *s,
                            enum status (*each)(void *ctx, const struct quarantine_facts *f,
                                                struct err *e),
                            void *ctx, struct err *e) MUST_CHECK;
/* A descriptor of the bytes after they were hashed and found equal, for reading; the caller's. */
enum status quarantine_open(struct store *s, const struct quarantine_facts *f, int *fd,
                            struct err *e) MUST_CHECK;
/* Up to n bytes at offset, after the whole file was hashed and found equal; *got may be less. */
enum status quarantine_bytes(struct store *s, const struct quarantine_facts *f, uint64_t offset,
                             uint8_t *p, size_t n, size_t *got, struct err *e) MUST_CHECK;

#endif
