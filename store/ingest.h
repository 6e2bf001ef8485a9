/* From a stream to records: cut, hash, look up, encode, write.
 *
 *     caller's thread   second thread      third                       fourth     fifth (sealer.h)
 *     read → cut    →   SHA-256        →   encode, read back hits  →   append →   seal → sealed
 *                         │ find, chunk                                  │ reserve
 *
 * Slabs of a fixed number go round in a ring, so memory does not grow with the content; a stream
 * that fits one slab needs no threads. Threads live only inside ingest_content. Each callback runs
 * on the thread under which it stands: never twice at a time, but beside the others.
 *
 * A chunk that the store has already is read back and compared with the bytes in hand; if the
 * stored copy is damaged or gone, a fresh record is written and counted as healed. Chunks of packs
 * that are not yet handed over are known and not written twice.
 *
 * The first error poisons the ingest: every later call fails with the same status. */
#ifndef STORE_INGEST_H
#define STORE_INGEST_H

#include "base/progress.h"
#include "base/stream.h"
#include "store/pack_writer.h"

struct ingest_calls {
    /* Is a record of that kind and digest in a published pack? */
    enum status (*find)(void *ctx, enum pack_kind kind, const struct digest *d, bool *found,
                        struct pack_location *at, struct err *e);
    /* A full, sealed pack, in the order they were filled: publish it and index its entries before
     * returning, so that find sees them. The ingest closes the writer afterwards (which removes it
     * if it was not published). */
    enum status (*sealed)(void *ctx, struct pack_writer *pack, struct err *e);
    /* The next chunk of the stream, in order: for the recipe. May be called before the chunk is
     * written. Must not call the ingest. */
    enum status (*chunk)(void *ctx, const struct digest *d, uint32_t length, struct err *e);
    /* `bytes` are about to be written to staging: is there room? */
    enum status (*reserve)(void *ctx, uint64_t bytes, struct err *e);
    void *ctx;
};

struct ingest_result {
    struct digest sha256; /* of the whole stream */
    uint64_t bytes, chunks;
    uint64_t new_bytes,
        stored_bytes; /* of it not in the store before; what those take, headers included */
    uint64_t healed;  /* chunks whose stored copy was damaged */
};

struct ingest;
/* The folders are borrowed and must outlive the ingest; *calls is copied. */
enum status ingest_open(int staging, int packs, const struct ingest_calls *calls,
                        struct ingest **out, struct err *e) MUST_CHECK;
/* Drops what was not handed over. */
void ingest_close(struct ingest *g);
SCOPE_OF(ingest, struct ingest, ingest_close)

/* Advice for the next content: offsets in it, ascending, at which it is cut as well. Bad advice
 * costs space, nothing else. Borrowed until that content is in. */
void ingest_cuts(struct ingest *g, const uint64_t *offsets, size_t count);
/* Reads `from` to its end. On ST_OK full packs were handed over, and at most one not full pack is
 * open. from.read is called on the caller's thread. */
enum status ingest_content(struct ingest *g, struct source from, struct progress *progress,
                           struct ingest_result *out, struct err *e) MUST_CHECK;
/* One record of another kind (or a chunk given whole), at most CODEC_LENGTH_MAX bytes. */
enum status ingest_record(struct ingest *g, enum pack_kind kind, struct span bytes,
                          struct digest *out, struct err *e) MUST_CHECK;
/* Appends a record's bytes to out, from the open pack or a published one; checked like pack_read.
 */
enum status ingest_read(struct ingest *g, enum pack_kind kind, const struct digest *d,
                        struct buf *out, struct err *e) MUST_CHECK;
/* Seals the open pack, if it has records, and hands it over: all that went in is then in sealed
 * hands. */
enum status ingest_flush(struct ingest *g, struct err *e) MUST_CHECK;

#endif
