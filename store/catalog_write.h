/* Catalog, the writing side: for the fold alone (store/fold.h, store/needs.h, store/drop.h). */
#ifndef STORE_CATALOG_WRITE_H
#define STORE_CATALOG_WRITE_H

#include "store/catalog.h"

/* A record as the write sees it; zeroes when there is none. */
enum status catalog_record_get(struct index_write *w, enum pack_kind kind, const struct digest *d,
                               bool *found, struct catalog_record *out, struct err *e) MUST_CHECK;
enum status catalog_record_put(struct index_write *w, const struct digest *d,
                               const struct catalog_record *r, struct err *e) MUST_CHECK;
enum status catalog_record_delete(struct index_write *w, enum pack_kind kind,
                                  const struct digest *d, struct err *e) MUST_CHECK;

struct catalog_content {
    struct digest root; /* zero: lost */
    uint64_t bytes;
    uint32_t refs; /* installed artifacts, a file of theirs each */
};
enum status catalog_content_get(struct index_write *w, const struct digest *content, bool *found,
                                struct catalog_content *out, struct err *e) MUST_CHECK;
/* Without root and refs the content is forgotten. */
enum status catalog_content_put(struct index_write *w, const struct digest *content,
                                const struct catalog_content *c, struct err *e) MUST_CHECK;

enum status catalog_pack_get(struct index_write *w, uint64_t id, bool *found,
                             struct catalog_pack *out, struct err *e) MUST_CHECK;
enum status catalog_pack_put(struct index_write *w, const struct catalog_pack *p,
                             struct err *e) MUST_CHECK;
enum status catalog_pack_delete(struct index_write *w, uint64_t id, struct err *e) MUST_CHECK;

/* Adds to what a name has installed. */
enum status catalog_name_add(struct index_write *w, const char *name, int64_t count, int64_t bytes,
                             struct err *e) MUST_CHECK;
/* The value of a state key as the write sees it. */
enum status catalog_state_now(struct index_write *w, const char *key, struct buf *out, bool *found,
                              struct err *e) MUST_CHECK;

/* "drop" records in the meta table. */
#define CATALOG_DROP 12 /* bytes of their key */
void catalog_drop_key(uint64_t pack, uint8_t key[CATALOG_DROP]);
void catalog_id_key(uint64_t id, uint8_t key[8]);
uint64_t catalog_id(const uint8_t key[8]);

#endif
