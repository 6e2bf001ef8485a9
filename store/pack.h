/* Reading packs: one record by its place, or every record of a pack.
 *
 * Nothing is handed out that was not checked: header, place, stored bytes (hash64), decoding,
 * length and at last the SHA-256. Errors name pack and offset. Packs never change once published,
 * so readers take no lock; a pack removed meanwhile is ST_NOT_FOUND, code "pack-gone". */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include "base/files.h"
#include "store/pack_format.h"

/* Where a record lies and what its header says; what the index keeps. */
struct pack_location {
    uint64_t pack, offset;   /* of the record's header in the pack */
    uint32_t stored, length; /* bytes stored, bytes decoded */
    uint8_t kind, encoding;  /* enum pack_kind, enum encoding */
};

struct pack_entry {
    struct digest digest;
    struct pack_location at;
};

/* Open packs of one folder, the few used last. For one thread at a time. */
struct pack_set;
/* `packs` is borrowed and must outlive the set. */
enum status pack_set_open(int packs, struct pack_set **out, struct err *e) MUST_CHECK;
void pack_set_close(struct pack_set *s);
SCOPE_OF(pack_set, struct pack_set, pack_set_close)
/* A descriptor of the pack, the set's; good until the next call on the set. */
enum status pack_set_get(struct pack_set *s, uint64_t pack, int *fd, struct err *e) MUST_CHECK;

/* The decoded, re-hashed bytes of a record to out[at->length]. ST_CORRUPT ("pack-record-check",
 * "pack-place", "pack-stored-check", "encoding-…", "chunk-hash"), ST_NOT_FOUND ("pack-gone"). */
enum status pack_read(struct pack_set *s, const struct pack_location *at,
                      const struct digest *expect, uint8_t *out, struct err *e) MUST_CHECK;
/* The same, appended to a buf. */
enum status pack_read_buf(struct pack_set *s, const struct pack_location *at,
                          const struct digest *expect, struct buf *out, struct err *e) MUST_CHECK;
/* Does the stored record hold these bytes, whose SHA-256 is stored->digest? ST_OK, or as pack_read.
 * Saves the second hash; scratch has room for bytes.n. */
enum status pack_compare(struct pack_set *s, const struct pack_entry *stored, struct span bytes,
                         uint8_t *scratch, struct err *e) MUST_CHECK;
/* The same as pack_read from bytes already read: `record` is header and stored bytes, exactly. */
enum status pack_unpack(struct codec *c, struct span record, const struct pack_location *at,
                        const struct digest *expect, uint8_t *out, struct err *e) MUST_CHECK;

/* In two steps, for whoever hashes several at a time. First everything but the SHA-256: *bytes lies
 * in `record` (raw) or in scratch[at->length], and is not to be believed yet. */
enum status pack_decode(struct codec *c, struct span record, const struct pack_location *at,
                        const struct digest *expect, uint8_t *scratch, struct span *bytes,
                        struct err *e) MUST_CHECK;
/* Then the verdict: is the digest found the one expected? */
enum status pack_judge(const struct pack_location *at, const struct digest *expect,
                       const struct digest *found, struct err *e) MUST_CHECK;

/* Walks a pack from record to record, reading headers only (fetch_check reads the rest). Damage
 * does not end the walk: it is a step of its own, and the walk goes on at the next sound header. */
struct pack_walk;
enum pack_step { PACK_STEP_END, PACK_STEP_RECORD, PACK_STEP_DAMAGE };
enum status pack_walk_open(int packs, uint64_t pack, struct pack_walk **out,
                           struct err *e) MUST_CHECK;
void pack_walk_close(struct pack_walk *w);
SCOPE_OF(pack_walk, struct pack_walk, pack_walk_close)
/* PACK_STEP_RECORD fills *entry, PACK_STEP_DAMAGE fills *damage (status, code, offset, subject
 * "pack …", detail). Fails only when reading itself fails. */
enum status pack_walk_next(struct pack_walk *w, enum pack_step *step, struct pack_entry *entry,
                           struct err *damage, struct err *e) MUST_CHECK;
uint64_t pack_walk_size(const struct pack_walk *w); /* bytes of the file */

#endif
