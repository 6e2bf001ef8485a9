/* What the rooms of one open store share: store, birth, recover, content, change, check,
 * quarantine. Not for the floors above. */
#ifndef STORE_STORE_INSIDE_H
#define STORE_STORE_INSIDE_H

#include "base/files.h"
#include "store/catalog.h"
#include "store/charter.h"
#include "store/recipe.h"
#include "store/store.h"

#define STORE_LOCK_WAIT  30000u /* milliseconds a writer waits for another */

#define STORE_LEDGER     "ledger"
#define STORE_HEAD       "ledger.head"
#define STORE_LOCK       "lock"
#define STORE_PACKS      "packs"
#define STORE_STAGING    "staging"
#define STORE_QUARANTINE "quarantine"
#define STORE_LEASES     "leases"
#define STORE_RESERVE    "reserve"
#define STORE_INDEX      "index"

struct store {
    int dir, packs, staging, quarantine, leases; /* folder descriptors, −1 none */
    struct index *index;
    struct pack_set *set; /* for single records; opened when first needed */
    struct charter charter;
    char path[4096];
    _Atomic bool poisoned; /* a sync or a publish failed, on whatever thread: nothing is
                            * acknowledged any more */
    struct err unfolded;   /* why the newest part is not in the index: the disk is full. What is
                            * there can be read, nothing is written. ST_OK: all of it is */
    /* Only until store_publish: */
    int parent;      /* the folder it will stand in */
    char aside[256]; /* its name there for now, "" for a store in its place */
    char name[256];  /* its name there later */
};

#define STORE_NONE   \
    ((struct store){ \
        .dir = -1, .packs = -1, .staging = -1, .quarantine = -1, .leases = -1, .parent = -1})

/* The writers' lock, until *fd is closed. ST_BUSY names the lock. */
enum status store_lock(struct store *s, unsigned wait_ms, int *fd, struct err *e) MUST_CHECK;
/* Poisoned, read-only, or not wholly folded? */
enum status store_usable(const struct store *s, struct err *e) MUST_CHECK;
/* Refuses what store_usable refuses, and a store that has moved. */
enum status store_writable(struct store *s, struct err *e) MUST_CHECK;
/* Remembers that a step failed after which the disk's content is not known; returns st. */
enum status store_poison(struct store *s, enum status st);
/* Opens the folders below s->dir. */
enum status store_open_folders(struct store *s, struct err *e) MUST_CHECK;
/* Path of the index folder. */
void store_index_path(const struct store *s, const char *name, char out[4096 + 64]);

/* Opens folders and index as they are, folding and mending nothing; index NULL: unusable. */
enum status store_open_bare(const char *path, struct store **out, struct err *e) MUST_CHECK;
enum status store_mark(struct store *s, struct catalog_mark *out, struct err *e) MUST_CHECK;
/* Appends a record of a recipe or a document by its digest, verified. ST_NOT_FOUND, code
 * "no-record": the index has none. */
enum status store_record(struct store *s, enum pack_kind kind, const struct digest *d,
                         struct buf *out, struct err *e) MUST_CHECK;

#endif
