/* Writing a pack, once.
 *
 *     pack_writer_open (a pending file in STORE/staging) → append … → seal: trailer, sync →
 * publish: rename to packs/ID.pack, sync the folder
 *
 * Closed unpublished, the file is removed. The first failed write or sync poisons the writer: every
 * later call fails with the same status, nothing is retried. For one thread at a time. */
#ifndef STORE_PACK_WRITER_H
#define STORE_PACK_WRITER_H

#include "store/pack.h"

#define PACK_AIM         (48u << 20) /* bytes at which a pack is full */
#define PACK_RECORDS_MAX 65536u      /* and records: bounds what a writer keeps in memory */

struct pack_writer;
/* `staging` is borrowed and must outlive the writer. */
enum status pack_writer_open(int staging, struct pack_writer **out, struct err *e) MUST_CHECK;
void pack_writer_close(struct pack_writer *w);
SCOPE_OF(pack_writer, struct pack_writer, pack_writer_close)

/* Appends whole records, header and stored bytes each, as pack_record_encode made them. */
enum status pack_append(struct pack_writer *w, struct span records, struct err *e) MUST_CHECK;
bool pack_writer_full(const struct pack_writer *w);
uint64_t pack_writer_bytes(const struct pack_writer *w); /* the file so far, trailer not counted */

/* The records so far, in order; at.pack is 0 until the pack is published. Borrowed until the next
 * append. */
const struct pack_entry *pack_writer_entries(const struct pack_writer *w, size_t *count);
/* The newest record of that digest and kind; NULL when there is none. */
const struct pack_entry *pack_writer_find(const struct pack_writer *w, const struct digest *d,
                                          enum pack_kind kind);
/* Reads one of its records back, checked like pack_read. Appends to out. */
enum status pack_writer_read(struct pack_writer *w, const struct pack_entry *entry, struct buf *out,
                             struct err *e) MUST_CHECK;

enum status pack_seal(struct pack_writer *w, struct err *e) MUST_CHECK;
/* After the seal. ST_EXISTS when that id is taken (try the next one). Durable on ST_OK. */
enum status pack_publish(struct pack_writer *w, int packs, uint64_t id, struct err *e) MUST_CHECK;

#endif
