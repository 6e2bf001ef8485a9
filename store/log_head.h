/* A head kept elsewhere: one entry of one store's ledger, named by its hash.
 *
 *     "head": {"hash": HEX64, "seq": N, "store": HEX32}
 *
 * Whatever leaves a store (a request, an approval, a bundle, a publication) carries the head of the
 * moment. A ledger that does not hold that entry later is not the ledger that had it: it was cut,
 * set back whole from an older copy, or forked. The hash chain makes one entry stand for all before
 * it; no signature of its own is needed, since whoever compares kept the file himself.
 *
 * Not to be mixed up with store/head.h, the copy of the newest line beside the ledger, which is set
 * back together with it. */
#ifndef STORE_LOG_HEAD_H
#define STORE_LOG_HEAD_H

#include "base/json.h"
#include "base/json_write.h"
#include "store/store.h"

struct log_head {
    char store[33]; /* its id, 32 hex digits; "" when the file does not say (a ledger line) */
    uint64_t seq;   /* from 1 on */
    struct digest hash;
};

/* The newest entry. */
struct log_head log_head_of(const struct store_facts *facts);
enum status log_head_now(struct store *s, struct log_head *out, struct err *e) MUST_CHECK;

/* The object above, without its key; the writer stands where a value may. Members in canonical
 * order. */
void log_head_write(struct json_out *j, const struct log_head *h);
/* Exactly that object. ST_FORMAT, code "head-format". */
enum status log_head_parse(const struct json *v, struct log_head *out, struct err *e) MUST_CHECK;

/* The head that a file of any kind carries: a JSON object with the member "head", a DSSE envelope
 * around one (also around an in-toto statement whose predicate, or a member of it, holds one), or a
 * copy of ledger.head.
 * Nothing but the head is judged, no signature. ST_FORMAT, code "no-head". */
enum status log_head_find(struct span file, struct log_head *out, struct err *e) MUST_CHECK;

/* Does the ledger hold that entry? Reads it up to there; chain and numbers are checked on the way,
 * signatures are not. ST_SET_BACK: "head-beyond" (the ledger ends before it), "head-forked"
 * (another entry stands there); ST_UNPROVEN, "head-store" (of another store). */
enum status log_head_check(struct store *s, const struct log_head *h, struct err *e) MUST_CHECK;

/* The same verdicts for whoever walks the ledger himself: at entry h->seq, and at the end. */
enum status log_head_compare(const struct log_head *h, const struct digest *hash,
                             struct err *e) MUST_CHECK;
enum status log_head_beyond(const struct log_head *h, uint64_t newest, struct err *e) MUST_CHECK;
enum status log_head_same_store(const struct log_head *h, const char *store,
                                struct err *e) MUST_CHECK;

#endif
